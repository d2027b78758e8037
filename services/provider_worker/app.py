"""Wires the provider-worker."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from libs.bus.health import Registry
from libs.bus.service import Bus
from libs.bus.stage import Stage
from libs.bus.watch import Watch
from libs.catalog.providers import BadProviders, load
from libs.contracts import subjects
from libs.contracts.requests import Routed
from services.provider_worker.accounts import Accounts, configured
from services.provider_worker.attempt import Tools
from services.provider_worker.connections import transport
from services.provider_worker.egress import Guard
from services.provider_worker.fetch import Fetcher
from services.provider_worker.handlers import Worker
from services.provider_worker.providers import Providers
from services.provider_worker.screening import Screens
from services.provider_worker.settings import WorkerSettings
from services.provider_worker.telemetry import Telemetry


def builder(settings: WorkerSettings, environ: Mapping[str, str]) -> Callable[[Bus], None]:
    """The function that registers the worker's parts on a bus. Raises SystemExit for settings that cannot be used."""
    try:
        profiles, guard = load(settings.providers_file), Guard.of(settings.egress_allow)
        providers = Providers(profiles)
        known = configured(environ, profiles.values(), sandbox=settings.sandbox)
    except (BadProviders, ValueError) as error:
        raise SystemExit(f"bad setting: {error}") from None

    def build(bus: Bus) -> None:
        accounts = Accounts(known, providers, _vault_key(settings))
        registry = Registry()
        registry.listen(bus.broker)
        telemetry = Telemetry(bus)
        calls = transport(guard.naming([account.base_url for account in known]))
        screens = Screens(settings.firewall_hold_back)
        bus.watches.append(Watch(subjects.POLICIES_BUCKET, "firewall.*", screens.policies.apply, threaded=True))
        worker = Worker(Tools(bus, settings, accounts, calls, Fetcher(guard), telemetry, screens), registry)
        bus.providers = accounts.announced()
        bus.running = worker.running
        bus.listeners.append(worker.listen)
        for provider in dict.fromkeys(account.provider for account in known):
            subject = subjects.routed(provider, "*")
            bus.stages.append(Stage("provider-worker", subject, f"worker-{provider}", Routed, worker.handle, concurrent=True))

    return build


def _vault_key(settings: WorkerSettings) -> str:
    path = Path(settings.home) / "vault" / "worker.key"
    if settings.vault_key or not os.path.exists(path):
        return settings.vault_key
    return path.read_text().strip()
