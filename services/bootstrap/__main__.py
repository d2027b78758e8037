"""`python -m services.bootstrap`: run once before the services, and again at any time."""

import asyncio

from libs.bus import logs
from libs.bus.settings import load
from services.bootstrap.app import bootstrap
from services.bootstrap.settings import BootstrapSettings

settings = load(BootstrapSettings)
logs.configure("bootstrap", settings.instance, settings.log_level)
asyncio.run(bootstrap(settings))
