"""Runs a provider-worker."""

import os

from libs.bus.process import run
from libs.bus.settings import load
from services.provider_worker.app import builder
from services.provider_worker.settings import WorkerSettings

if __name__ == "__main__":
    settings = load(WorkerSettings)
    run("provider-worker", settings, builder(settings, os.environ))
