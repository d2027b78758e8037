"""Wires the rules service."""

from libs.bus.service import Bus
from libs.bus.stage import Stage
from libs.bus.watch import Watch
from libs.contracts import subjects
from libs.contracts.requests import Screened
from services.rules.handlers import Rules


def build(bus: Bus) -> None:
    rules = Rules(bus)
    bus.watches.append(Watch(subjects.POLICIES_BUCKET, "routing.*", rules.apply))
    bus.stages.append(Stage("rules", subjects.SCREENED, "rules", Screened, rules.handle))
