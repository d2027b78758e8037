"""Wires the router."""

import time
from collections.abc import Callable

from libs.bus.health import Registry
from libs.bus.service import Bus
from libs.bus.stage import Stage
from libs.bus.watch import Watch
from libs.catalog import prices
from libs.contracts import subjects
from libs.contracts.requests import AttemptFailed, Ruled
from services.router.handlers import Router
from services.router.settings import RouterSettings
from services.router.warm import Warming


def builder(settings: RouterSettings) -> Callable[[Bus], None]:
    """The function that registers the router's parts on a bus."""

    def build(bus: Bus) -> None:
        registry = Registry()
        registry.listen(bus.broker)
        router = Router(bus, registry, settings)
        bus.stages.append(Stage("router", subjects.RULED, "router", Ruled, router.handle))
        bus.stages.append(Stage("router", subjects.FAILED, "router", AttemptFailed, router.handle_failed))
        bus.listeners.append(router.listen)
        bus.listeners.append(Warming(router.signals, time.time()).listen)
        for kind in ("policy", "learned"):
            bus.watches.append(Watch(subjects.POLICIES_BUCKET, f"{kind}.*", router.policies.workspaces.apply))
        bus.watches.append(Watch(subjects.PRICES_BUCKET, "list", prices.apply))
        bus.asks_health = True

    return build
