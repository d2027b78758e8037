"""Interrupt coalescing for an event loop: under a stream of small events, turn seldom and handle many each time.

Most of what a delta costs is the wake-up of each process on its way (docs/performance.md: 353 µs a chunk without, 214 with a
rest of 6 ms). When more than `BUSY` turns a second would come, the loop rests for up to `REST` after one, so that all streams
of the process share the next.
"""

import asyncio
import time

BUSY = 300.0
"""Turns a second above which the loop rests; a few streams at reading speed stay below."""
REST = 0.008
"""Seconds at most that a delta waits for others."""
_WEIGHT = 0.05


class Pace:
    """One for each process; `tick` is called for every small event."""

    def __init__(self) -> None:
        self._scheduled = False
        self._last = 0.0
        self._gap = 1.0
        """Seconds between turns, averaged."""

    def tick(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        now = time.monotonic()
        gap = now - self._last
        self._gap += (min(gap, 1.0) - self._gap) * _WEIGHT
        if self._gap < 1.0 / BUSY and gap < REST:
            # Blocking is the point: nothing in this process is worth a wake-up of its own now.
            time.sleep(REST - gap)
        self._last = time.monotonic()
