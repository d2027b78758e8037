"""How long to wait before a service that died is started again."""

FIRST = 0.25
LONGEST = 10.0
HEALTHY = 30.0
"""Seconds of health after which an old crash is forgotten."""


class Backoff:
    """Doubles from a quarter of a second to `longest` seconds while a service keeps dying."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._next, self._longest = min(FIRST, longest), longest

    def after(self, healthy_for: float) -> float:
        """Seconds to wait, given how long the service was ready before it died."""
        if healthy_for >= HEALTHY:
            self._next = min(FIRST, self._longest)
        delay = self._next
        self._next = min(delay * 2, self._longest)
        return delay
