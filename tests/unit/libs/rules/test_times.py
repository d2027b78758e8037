"""Time windows."""

from datetime import datetime
from typing import Any

import pytest

from tests.unit.libs.rules.world import looked

NIGHT = {"timezone": "Europe/Berlin", "from": "22:00", "to": "06:00"}
WORK = {"timezone": "America/New_York", "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}


@pytest.mark.parametrize(
    ("window", "moment", "held"),
    [
        # 2026-11-23 is a Monday.
        (WORK, "2026-11-23T14:00:00+00:00", True), (WORK, "2026-11-23T13:59:59+00:00", False), (WORK, "2026-11-23T21:59:59+00:00", True),
        (WORK, "2026-11-23T22:00:00+00:00", False), (WORK, "2026-11-22T15:00:00+00:00", False), (WORK, "2026-07-20T13:00:00+00:00", True),
        (NIGHT, "2026-11-23T21:00:00+00:00", True), (NIGHT, "2026-11-24T04:59:00+00:00", True), (NIGHT, "2026-11-24T05:00:00+00:00", False),
        # Over midnight, Friday's window ends on Saturday, and Thursday's does not begin on Friday.
        (NIGHT | {"days": ["fri"]}, "2026-11-28T02:00:00+01:00", True), (NIGHT | {"days": ["fri"]}, "2026-11-27T02:00:00+01:00", False),
        (NIGHT | {"days": ["fri"]}, "2026-11-27T23:00:00+01:00", True),
        ({"days": ["mon"]}, "2026-11-23T00:00:00+00:00", True), ({"days": ["mon"]}, "2026-11-24T00:00:00+00:00", False),
        ({"from": "12:00"}, "2026-11-23T23:59:59+00:00", True), ({"to": "12:00"}, "2026-11-23T12:00:00+00:00", False),
        ({"after": "2026-12-01", "timezone": "Asia/Tokyo"}, "2026-11-30T15:00:00+00:00", True),
        ({"after": "2026-12-01", "timezone": "Asia/Tokyo"}, "2026-11-30T14:59:59+00:00", False),
        ({"before": "2026-12-01T12:00:00+02:00"}, "2026-12-01T09:59:59+00:00", True),
        ({"before": "2026-12-01T12:00:00Z"}, "2026-12-01T12:00:00+00:00", False),
        ({"after": "2026-01-01", "before": "2027-01-01", "days": ["tue"]}, "2026-11-24T08:00:00+00:00", True),
        # The hour that the clock goes through twice.
        ({"timezone": "Europe/Berlin", "from": "02:00", "to": "03:00"}, "2026-10-25T00:30:00+00:00", True),
        ({"timezone": "Europe/Berlin", "from": "02:00", "to": "03:00"}, "2026-10-25T01:30:00+00:00", True),
    ],
    ids=str,
)
def test_windows(window: dict[str, Any], moment: str, held: bool) -> None:
    assert looked({"time": window}, created_at=datetime.fromisoformat(moment).timestamp()).matched is held


def test_the_trace_has_the_local_time() -> None:
    condition = looked({"time": WORK}, created_at=datetime.fromisoformat("2026-11-23T14:05:30+00:00").timestamp())
    assert condition.seen == "mon 2026-11-23T09:05-05:00"
