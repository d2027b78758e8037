"""Runs the router service."""

from libs.bus.process import run
from libs.bus.settings import load
from services.router.app import builder
from services.router.settings import RouterSettings

if __name__ == "__main__":
    settings = load(RouterSettings)
    run("router", settings, builder(settings))
