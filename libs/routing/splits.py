"""Weighted splits that are exact over time: the n-th request's way follows from n alone. Pure."""

import math
from collections.abc import Sequence

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, fill the unit interval more evenly than any random sequence: after n requests each way is off by the
order of log(n) requests, where chance would leave the square root of n."""


def way(weights: Sequence[float], turn: int) -> int:
    """Index of the way that request number `turn` takes. Weights need not add up to 1; one that is zero is never taken."""
    return way_at(weights, (turn * GOLDEN) % 1.0)


def way_at(weights: Sequence[float], place: float) -> int:
    """Index of the way at a place of the unit interval, on which the ways lie side by side."""
    left = place * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0 < weight:
            return index
    return max(range(len(weights)), key=lambda index: weights[index])
