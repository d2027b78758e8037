"""Wires the router."""

from libs.bus.health import Registry
from libs.bus.service import Bus
from libs.bus.stage import Stage
from libs.contracts import subjects
from libs.contracts.requests import AttemptFailed, Ruled
from services.router.handlers import Router


def build(bus: Bus) -> None:
    registry = Registry()
    registry.listen(bus.broker)
    router = Router(bus, registry)
    bus.stages.append(Stage("router", subjects.RULED, "router", Ruled, router.handle))
    bus.stages.append(Stage("router", subjects.FAILED, "router", AttemptFailed, router.handle_failed))
    bus.asks_health = True
