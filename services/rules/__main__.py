"""Runs the rules service."""

from libs.bus.process import run
from libs.bus.settings import BusSettings, load
from services.rules.app import build

if __name__ == "__main__":
    run("rules", load(BusSettings), build)
