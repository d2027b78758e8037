"""Scores, pure: each term runs from 0 to 1, higher is better; the mode's weights add them up."""

import heapq
from collections.abc import Sequence

from libs.catalog.models import Model
from libs.contracts.decisions import Mode

WEIGHTS: dict[Mode, tuple[float, float, float]] = {
    "balance": (0.4, 0.4, 0.2),
    "cost": (0.8, 0.1, 0.1),
    "quality": (0.1, 0.8, 0.1),
    "latency": (0.1, 0.1, 0.8),
}
"""Mode → weights of cost, quality, latency (the product's documented figures)."""
PRIOR_ANSWERS = 2.0
"""The catalog's estimate of a model's speed counts as much as this many answers that were seen."""


def expected_usd(model: Model, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float | None:
    """Expected dollars at list price, for ranking only; the ledger's cost is exact. None when the price is not known."""
    rate_in, rate_out = model.usd_per_input_token, model.usd_per_output_token if output_tokens else 0.0
    if rate_in is None or rate_out is None or model.price is None:
        return None
    for tier in model.price.input_tiers:
        rate_in = float(tier.usd_per_mtok) / 1e6 if input_tokens > tier.above else rate_in
    for tier in model.price.output_tiers:
        rate_out = float(tier.usd_per_mtok) / 1e6 if input_tokens > tier.above else rate_out
    if not cached_tokens:
        return input_tokens * rate_in + output_tokens * rate_out
    saved = cached_tokens * (rate_in - _cached_rate(model, rate_in))
    return input_tokens * rate_in + output_tokens * rate_out - saved


def _cached_rate(model: Model, rate_in: float) -> float:
    cached = model.price.cached_input if model.price else None
    return rate_in if cached is None else min(rate_in, float(cached) / 1e6)


def blended(prior: float, seen: float | None, observed: float) -> float:
    """An estimate that moves from the catalog's to what was seen, as more is seen."""
    if seen is None or observed <= 0:
        return prior
    return (prior * PRIOR_ANSWERS + seen * observed) / (PRIOR_ANSWERS + observed)


def goodness(values: Sequence[float | None]) -> list[float]:
    """Lower is better, scaled so that the least gets 1 and the greatest 0; an unknown value counts as the greatest."""
    known = [value for value in values if value is not None]
    if not known:
        return [0.0] * len(values)
    low, high = min(known), max(known)
    if high <= low:
        return [0.0 if value is None else 1.0 for value in values]
    span = high - low
    return [0.0 if value is None else (high - value) / span for value in values]


def confidence(scores: Sequence[float]) -> float:
    """How clear the choice is, 0.5 (a tie) to 1.0 (nothing else came near, or nothing else was there)."""
    if len(scores) < 2:
        return 1.0
    first, second = heapq.nlargest(2, scores)
    return round(min(1.0, 0.5 + 2.0 * (first - second)), 2)
