"""Wires the provider-worker."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from httpx_aiohttp import AiohttpTransport

from libs.bus.health import Registry
from libs.bus.service import Bus
from libs.bus.stage import Stage
from libs.contracts import subjects
from libs.contracts.requests import Routed
from services.provider_worker.accounts import Accounts
from services.provider_worker.connections import session
from services.provider_worker.dialects import DIALECTS
from services.provider_worker.handlers import Worker
from services.provider_worker.settings import WorkerSettings, accounts


def builder(settings: WorkerSettings, environ: Mapping[str, str]) -> Callable[[Bus], None]:
    """The function that registers the worker's parts on a bus."""

    def build(bus: Bus) -> None:
        known = Accounts(accounts(environ, list(DIALECTS), sandbox=settings.sandbox), _vault_key(settings))
        registry = Registry()
        registry.listen(bus.broker)
        worker = Worker(bus, settings, known, AiohttpTransport(client=session), registry)
        bus.providers = known.announced()
        bus.running = worker.running
        bus.listeners.append(worker.listen)
        for provider in DIALECTS:
            subject = subjects.routed(provider, "*")
            bus.stages.append(Stage("provider-worker", subject, f"worker-{provider}", Routed, worker.handle, concurrent=True))

    return build


def _vault_key(settings: WorkerSettings) -> str:
    path = Path(settings.home) / "vault" / "worker.key"
    if settings.vault_key or not os.path.exists(path):
        return settings.vault_key
    return path.read_text().strip()
