"""Runs the firewall service."""

from libs.bus.process import run
from libs.bus.settings import BusSettings, load
from services.firewall.app import build

if __name__ == "__main__":
    run("firewall", load(BusSettings), build)
