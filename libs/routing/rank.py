"""The candidates in order, with everything that put them there. Pure."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from msgspec import Struct

from libs.catalog.models import Model
from libs.contracts.decisions import Candidate
from libs.contracts.telemetry import CachedPrefix, Signal
from libs.routing.awake import Awake
from libs.routing.preferences import place
from libs.routing.score import blended, expected_usd, goodness
from libs.routing.snapshot import Snapshot
from libs.routing.weights import Weights

OWN_KEY_BONUS = 1e-6
"""Enough to decide between equals, and no more."""


class Need(Struct, frozen=True, kw_only=True):
    """What the request is expected to use, and what counts."""

    input_tokens: int
    output_tokens: int
    weights: Weights
    sort: str = ""
    order: Sequence[str] = ()


class Quality(Struct, frozen=True, gc=False):
    """Expected quality of one model for one prompt, 0 to 1."""

    value: float
    without_learning: float | None = None
    """None when feedback has taught nothing."""


class Estimate(Struct, frozen=True, gc=False):
    """What one model is expected to take, at one account."""

    usd: float | None
    ttft_s: float
    tokens_per_s: float
    seconds: float
    cached_tokens: int


def estimate(model: Model, account: str, signal: Signal, need: Need, cached: Sequence[CachedPrefix]) -> Estimate:
    """Expected cost, with what the provider has cached of the conversation, and expected time."""
    tokens = _cached(model, account, need, cached) if cached else 0
    ttft, speed = model.ttft_s, model.tokens_per_s
    if signal.observed:
        # The score is made of what the ledger shows, so that it can be made again.
        ttft = round(blended(ttft, signal.ttft_s, signal.observed), 3)
        speed = round(blended(speed, signal.tokens_per_s, signal.observed), 1)
    return Estimate(expected_usd(model, need.input_tokens, need.output_tokens, tokens), ttft, speed, ttft + need.output_tokens / speed, tokens)


def _cached(model: Model, account: str, need: Need, cached: Sequence[CachedPrefix]) -> int:
    for mark in cached:
        if (mark.provider, mark.account, mark.model) == (model.provider, account, model.id):
            return min(mark.tokens, need.input_tokens)
    return 0


def ranked(request_id: str, found: list[Awake], qualities: Sequence[Quality], need: Need, snapshot: Snapshot) -> list[Candidate]:
    """Best first; all accounts of a model before the next model. `request_id` spreads what is equal."""
    cached = snapshot.cached
    estimates = [estimate(one.model, one.accounts[0], one.signals[0], need, cached) for one in found]
    cheap = goodness([one.usd for one in estimates])
    fast = goodness([one.seconds for one in estimates] if not need.sort else [_slowness(one, need.sort) for one in estimates])
    by_cost, by_quality, by_latency = need.weights
    # A call that fails is worth nothing.
    scores = [
        (by_cost * cost + by_quality * quality.value + by_latency * latency) * (1.0 - one.signals[0].failing)
        for one, cost, quality, latency in zip(found, cheap, qualities, fast, strict=True)
    ]
    terms = _rounded(4, scores, cheap, [quality.value for quality in qualities], fast)
    seconds = np.round([one.seconds for one in estimates], 3).tolist()
    dollars = np.round([one.usd or 0.0 for one in estimates], 9).tolist()
    sandboxes = {provider: snapshot.sandbox(provider) for provider in {one.model.provider for one in found}}
    candidates: list[Candidate] = []
    for index in _order(request_id, found, scores, need.order, snapshot.own_keys):
        one = found[index]
        model, quality, price = one.model, qualities[index], one.model.price
        score, cost, value, latency = terms[index]
        for number, account in enumerate(one.accounts):
            signal = one.signals[number]
            known, usd, took = estimates[index], dollars[index], seconds[index]
            if number:
                known = estimate(model, account, signal, need, cached)
                usd, took = round(known.usd or 0.0, 9), round(known.seconds, 3)
            candidates.append(
                Candidate(
                    provider=model.provider,
                    account=account,
                    model=model.id,
                    price=price,
                    score=score,
                    cost=cost,
                    quality=value,
                    latency=latency,
                    expected_usd=None if known.usd is None else usd,
                    expected_s=took,
                    ttft_s=known.ttft_s,
                    tokens_per_s=known.tokens_per_s,
                    observed=signal.observed or _NOTHING,
                    failing=signal.failing or _NOTHING,
                    catalog_quality=quality.without_learning,
                    cached_tokens=known.cached_tokens,
                    price_version=price.version if price else "",
                    max_output_tokens=model.max_output,
                    reasoning=model.reasoning,
                    sandbox=sandboxes[model.provider],
                )
            )
    return candidates


# What omit_defaults knows by identity: 24 candidates travel with every request.
_NOTHING: float = Candidate(provider="", model="").failing


def _rounded(digits: int, *terms: Sequence[float]) -> list[list[float]]:
    """The terms of each model as people and the ledger see them: seventeen digits of each would be a quarter of what travels. All at once: a
    call of round() for each would be a fifth of the decision."""
    shown: list[list[float]] = np.round(np.array(terms).T, digits).tolist()
    return shown


def _slowness(one: Estimate, sort: str) -> float:
    """What counts as latency where the request says so: OpenRouter's `latency` is the time to the first token, its `throughput` tokens
    per second."""
    if sort == "latency":
        return one.ttft_s
    return 1.0 / one.tokens_per_s if sort == "throughput" else one.seconds


def _order(
    request_id: str, found: list[Awake], scores: list[float], order: Sequence[str], own_keys: frozenset[str]
) -> list[int]:
    """Indices, best first. A key from the client decides between equals; what is still equal is spread over requests."""
    spread = crc32(request_id.encode())
    keys: list[tuple[int, float, int]] = []
    for index, one in enumerate(found):
        provider = one.model.provider
        bonus = OWN_KEY_BONUS if own_keys and provider in own_keys else 0.0
        named = place(provider, one.model.id, order) if order else 0
        keys.append((named, -scores[index] - bonus, spread * (2 * index + 1) & 0xFFFFFFFF))
    return sorted(range(len(found)), key=keys.__getitem__)
