"""The time that a scan may take."""

import time

SCAN_SECONDS = 0.25
"""A scan takes no longer."""


class ScanTimeout(Exception):
    """A scan used up its time: what it looked at must not pass."""


def check_time(deadline: float) -> None:
    """Raises ScanTimeout when it is past the deadline (time.monotonic())."""
    if time.monotonic() > deadline:
        raise ScanTimeout
