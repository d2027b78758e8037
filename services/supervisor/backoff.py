"""How long to wait before a service that died is started again."""

FIRST = 0.25
LONGEST = 10.0
HEALTHY = 30.0
"""Seconds of health after which an old crash is forgotten."""


class Backoff:
    """Doubles from a quarter of a second to ten seconds while a service keeps dying."""

    def __init__(self) -> None:
        self._next = FIRST

    def after(self, healthy_for: float) -> float:
        """Seconds to wait, given how long the service was ready before it died."""
        if healthy_for >= HEALTHY:
            self._next = FIRST
        delay = self._next
        self._next = min(delay * 2, LONGEST)
        return delay
