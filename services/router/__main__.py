"""Runs the router service."""

from libs.bus.process import run
from libs.bus.settings import BusSettings, load
from services.router.app import build

if __name__ == "__main__":
    run("router", load(BusSettings), build)
