"""Time windows: `{"timezone": "Europe/Berlin", "days": ["mon", "fri"], "from": "22:00", "to": "06:00"}`.

What counts is when the request came, so the same request is judged the same way again.
"""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from libs.rules.facts import Facts

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES = 24 * 60


def minute_of(written: str) -> int:
    """`09:30` as minutes of the day; `24:00` is its end. Raises ValueError."""
    hours, colon, minutes = written.partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and (hours + minutes).isascii() and (hours + minutes).isdigit()):
        raise ValueError(written)
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > MINUTES:
        raise ValueError(written)
    return minute


def moment_of(written: str, zone: ZoneInfo) -> datetime:
    """A date (its first moment in the zone) or a date with a time, ISO 8601. Raises ValueError."""
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def times(expected: dict[str, Any]) -> Callable[[Facts], tuple[bool, Hashable]]:
    """Holds within the window. Raises ValueError where it is none; ZoneInfoNotFoundError is a KeyError."""
    name = expected.get("timezone", "UTC")
    zone = ZoneInfo(name)
    days = frozenset(DAYS.index(day) for day in expected.get("days", DAYS))
    begin, end = minute_of(expected.get("from", "00:00")), minute_of(expected.get("to", "24:00"))
    after = moment_of(expected["after"], zone) if "after" in expected else None
    before = moment_of(expected["before"], zone) if "before" in expected else None

    def look(facts: Facts) -> tuple[bool, Hashable]:
        now = facts.local_time(name, zone)
        held = (after is None or now >= after) and (before is None or now < before) and _within(now, days, begin, end)
        return held, f"{DAYS[now.weekday()]} {now.isoformat(timespec='minutes')}"

    return look


def _within(now: datetime, days: frozenset[int], begin: int, end: int) -> bool:
    """A window over midnight belongs to the day on which it begins."""
    minute = now.hour * 60 + now.minute
    if begin < end:
        return begin <= minute < end and now.weekday() in days
    if minute >= begin:
        return now.weekday() in days
    return minute < end and (now - timedelta(days=1)).weekday() in days
