"""Scores, pure: each term runs from 0 to 1, higher is better; the mode's weights add them up."""

import heapq
from collections.abc import Sequence
from typing import TypeVar

from libs.catalog.models import Model
from libs.contracts.decisions import Mode

WEIGHTS: dict[Mode, tuple[float, float, float]] = {
    "balance": (0.4, 0.4, 0.2),
    "cost": (0.8, 0.1, 0.1),
    "quality": (0.1, 0.8, 0.1),
    "latency": (0.1, 0.1, 0.8),
}
"""Mode → weights of cost, quality, latency (the product's documented figures)."""

Ranked = TypeVar("Ranked")


def expected_usd(model: Model, input_tokens: int, output_tokens: int) -> float | None:
    """Expected dollars at list price, for ranking only; the ledger's cost is exact. None when the price is not known."""
    rate_in, rate_out = model.usd_per_input_token, model.usd_per_output_token if output_tokens else 0.0
    if rate_in is None or rate_out is None or model.price is None:
        return None
    for tier in model.price.input_tiers:
        rate_in = float(tier.usd_per_mtok) / 1e6 if input_tokens > tier.above else rate_in
    for tier in model.price.output_tiers:
        rate_out = float(tier.usd_per_mtok) / 1e6 if input_tokens > tier.above else rate_out
    return input_tokens * rate_in + output_tokens * rate_out


def goodness(values: Sequence[float | None]) -> list[float]:
    """Lower is better, scaled so that the least gets 1 and the greatest 0; an unknown value counts as the greatest."""
    known = [value for value in values if value is not None]
    if not known:
        return [0.0] * len(values)
    low, high = min(known), max(known)
    if high <= low:
        return [0.0 if value is None else 1.0 for value in values]
    return [0.0 if value is None else (high - value) / (high - low) for value in values]


def confidence(scores: Sequence[float]) -> float:
    """How clear the choice is, 0.5 (a tie) to 1.0 (nothing else came near, or nothing else was there)."""
    if len(scores) < 2:
        return 1.0
    first, second = heapq.nlargest(2, scores)
    return round(min(1.0, 0.5 + 2.0 * (first - second)), 2)
