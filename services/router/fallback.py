"""After a failed attempt: which candidate is next, how long it gets, or what the client is told. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct

from libs.contracts.decisions import AttemptOutcome, Candidate
from libs.contracts.telemetry import Rest

KEY_CODES = frozenset({"provider_key_invalid", "insufficient_quota"})
"""The account is of no use, whatever the model."""
UNWELL_CODES = frozenset({"upstream_unavailable", "upstream_timeout", "upstream_error"})
"""The provider has trouble, so its other models are tried last."""
NOT_ACCEPTED_STATUSES = (None, 429, 503, 529)
"""With `upstream_unavailable` or `rate_limit_exceeded`: the provider surely has not begun to work. None: it was never reached."""
BACKOFF = 0.3
"""Seconds before the first repetition of a call; doubled before each further one."""
AFTERWARDS = 1.0
"""Seconds that must be left for the answer after a wait."""

RestOf = Callable[[Candidate], Rest | None]


class Repeat(Struct, frozen=True):
    """The same candidate again, after a wait."""

    index: int
    wait: float
    """Seconds."""


def following(
    candidates: Sequence[Candidate], attempts: Sequence[AttemptOutcome], is_served: Callable[[str], bool], rest_of: RestOf, *, in_order: bool = False
) -> int | None:
    """The best candidate that was not tried, whose account was not turned down and which is not resting; one at a provider
    without trouble goes first, unless a rule has said the order (`in_order`). None when there is none.

    A provider that has failed twice, for whatever reason, has trouble: several models of one provider often lead the ranking,
    and the last attempt is not to go to the third of them. A model that one account of a provider lacks, the others lack too.
    """
    tried = {(attempt.provider, attempt.account, attempt.model) for attempt in attempts}
    barred = {(attempt.provider, attempt.account) for attempt in attempts if attempt.code in KEY_CODES}
    failures = Counter(attempt.provider for attempt in attempts)
    unwell = {attempt.provider for attempt in attempts if attempt.code in UNWELL_CODES or failures[attempt.provider] > 1}
    missing = {(attempt.provider, attempt.model) for attempt in attempts if attempt.code == "model_not_found"}
    limited = {(attempt.provider, attempt.account) for attempt in attempts if attempt.code == "rate_limit_exceeded"}
    left: list[tuple[bool, bool, int]] = []
    for index, one in enumerate(candidates):
        rest = rest_of(one)
        if (one.provider, one.account, one.model) in tried or (one.provider, one.account) in barred or not is_served(one.provider):
            continue
        if rest is None or rest.advice:
            troubled = one.provider in unwell or (one.provider, one.account) in limited or (one.provider, one.model) in missing
            left.append((rest is not None, troubled and not in_order, index))
    return min(left)[2] if left else None


def repeat(
    candidates: Sequence[Candidate], attempts: Sequence[AttemptOutcome], rest_of: RestOf, *, now: float, deadline: float,
    patience: float, uniform: Callable[[float, float], float],
) -> Repeat | None:
    """A candidate that surely did not accept the call, to be tried again after a jittered wait of at most `patience` seconds;
    the one with the shortest wait. None when none may be."""
    last = {(attempt.provider, attempt.account, attempt.model): attempt for attempt in attempts}
    found: list[Repeat] = []
    for index, one in enumerate(candidates):
        attempt = last.get((one.provider, one.account, one.model))
        if attempt is None or not surely_not_accepted(attempt):
            continue
        wait = BACKOFF * 2 ** (len(attempts) - 1) * uniform(0.5, 1.5)
        rest = rest_of(one)
        asked = max(attempt.retry_after or 0.0, rest.until - now if rest is not None and not rest.failures and not rest.advice else 0.0)
        # Everybody was told the same moment; a little later each at his own.
        wait = max(wait, asked * uniform(1.0, 1.1) if asked else 0.0)
        if wait <= patience and now + wait + AFTERWARDS < deadline:
            found.append(Repeat(index, wait))
    return min(found, key=lambda one: one.wait, default=None)


def surely_not_accepted(attempt: AttemptOutcome) -> bool:
    """Whether a repetition cannot lead to a second answer, or a second bill."""
    return attempt.code in ("rate_limit_exceeded", "upstream_unavailable") and attempt.http_status in NOT_ACCEPTED_STATUSES


def soonest(candidates: Sequence[Candidate], attempts: Sequence[AttemptOutcome], rest_of: RestOf, now: float) -> float | None:
    """Seconds until some candidate may be called again, as far as anyone said; None when nobody did."""
    waits = [attempt.retry_after for attempt in attempts if attempt.retry_after is not None and attempt.code not in KEY_CODES]
    waits += [rest.until - now for one in candidates if (rest := rest_of(one)) is not None and not rest.advice]
    return max(0.0, min(waits)) if waits else None
