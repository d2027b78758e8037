"""A limit on the time that a piece of work may take."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooLong(Exception):
    """The work was not done in time."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises TooLong in the block when it has not ended after so many seconds, whatever it waits for. In the main thread only."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"not done after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
