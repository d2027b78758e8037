"""Wires the firewall."""

from libs.bus.service import Bus
from libs.bus.stage import Stage
from libs.bus.watch import Watch
from libs.contracts import subjects
from libs.contracts.requests import Admitted
from services.firewall.handlers import Firewall


def build(bus: Bus) -> None:
    firewall = Firewall(bus)
    bus.watches.append(Watch(subjects.POLICIES_BUCKET, "firewall.*", firewall.policies.apply, threaded=True))
    bus.stages.append(Stage("firewall", subjects.ADMITTED, "firewall", Admitted, firewall.handle, concurrent=firewall.takes_long))
