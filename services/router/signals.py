"""What is known of each model at each account at the moment: how fast it answers, how often it fails, what is left of its limits, and
which conversations its prompt cache holds.

Every router hears the same telemetry and so knows the same. What was seen loses half its weight each half-life. Nothing here waits or
reads a clock.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from msgspec import Struct

from libs.catalog.models import offered
from libs.contracts.decisions import Candidate
from libs.contracts.health import OfferedModel
from libs.contracts.telemetry import UNKNOWN, CachedPrefix, Observed, Remaining, Signal, Tally, Timing
from services.router.prefixes import Prefixes

Target = tuple[str, str, str]
"""Provider, account, model."""
PriorOf = Callable[[str, str], tuple[float, float]]
"""Provider, model → seconds to the first sign and tokens a second, as the catalog has them."""

FRESH = 0.1
"""Seconds for which a Signal is given out again before it is worked out anew."""
FORGET_AFTER = 3600.0
MOST_TARGETS = 10_000
WINDOW = 60.0
"""Seconds for which what is left is believed, where the provider does not say when it is back: most limits are for a minute."""
FORGIVEN = 0.25
"""Of the half-life, after which a failure counts half: whoever is avoided has no chance to show that he is well again."""
MOST_CALLS = 10.0
"""Calls that count for how often it fails, at most: after an outage of thousands of requests it is well again as soon as after one of ten."""
MOST_ANSWERS = 8.0
"""Answers that count for its speed, at most: behind a model that turns slow stand thousands of quick ones, and its half-life is minutes. In
the simulation (8,000 requests, seeds 1 and 2) 8 has 3 to 10 % less regret than no limit, 16 and 4 a little more than 8."""
ASSUMED_OK = 2.0
"""Successes that everybody has to begin with, so that one failure is not taken for the rule, and old ones fade."""
LEAST = 0.05
"""Answers, below which nothing is known any more."""
SHARE, MOST_BORROWED = 0.25, 1.0
"""What answers of a provider's other accounts count for one that has none, and how much they count at most: it is the same model, but
maybe another region or tier."""
SLOWEST, FASTEST = 0.01, 10_000.0
"""Tokens a second. One that is faster was kept back and sent at once."""
MOST_RATIO = 20.0
_PRUNING = 60.0

_Key = TypeVar("_Key", bound=Hashable)


class Sums(Struct):
    """What was seen of one target, newest counting most."""

    at: float
    """Unix seconds that they are decayed to."""
    ok: float = 0.0
    failed: float = 0.0
    begun: float = 0.0
    ttft_s: float = 0.0
    ended: float = 0.0
    output_tokens: float = 0.0
    writing_s: float = 0.0
    whole: float = 0.0
    whole_tokens: float = 0.0
    whole_s: float = 0.0

    @property
    def answers(self) -> float:
        return self.begun + self.whole

    def decay(self, now: float, half_life: float) -> None:
        """To the weight that everything has now. A clock that goes back changes nothing."""
        if now <= self.at:
            return
        half_lives = (now - self.at) / half_life
        keeps = 0.5**half_lives * min(1.0, MOST_ANSWERS / max(MOST_ANSWERS, self.answers))
        forgives = 0.5 ** (half_lives / FORGIVEN) * min(1.0, MOST_CALLS / max(MOST_CALLS, self.ok + self.failed))
        self.at = now
        self.ok *= forgives
        self.failed *= forgives
        self.begun *= keeps
        self.ttft_s *= keeps
        self.ended *= keeps
        self.output_tokens *= keeps
        self.writing_s *= keeps
        self.whole *= keeps
        self.whole_tokens *= keeps
        self.whole_s *= keeps

    def count(self, tally: Tally) -> None:
        self.ok += tally.ok
        self.failed += tally.failed

    def time(self, timing: "Timing | Sums", keeps: float = 1.0) -> None:
        self.begun += timing.begun * keeps
        self.ttft_s += timing.ttft_s * keeps
        self.ended += timing.ended * keeps
        self.output_tokens += timing.output_tokens * keeps
        self.writing_s += timing.writing_s * keeps
        self.whole += timing.whole * keeps
        self.whole_tokens += timing.whole_tokens * keeps
        self.whole_s += timing.whole_s * keeps

    def speed(self, prior: tuple[float, float]) -> tuple[float | None, float | None]:
        """Seconds to the first sign, and tokens a second; None where nothing tells them. Whole answers tell only how long both took
        together, so they move both alike, by how much longer they took than what is known would have it."""
        ttft = self.ttft_s / self.begun if self.begun >= LEAST else None
        written = self.ended >= LEAST and self.output_tokens > 0
        speed = max(SLOWEST, self.output_tokens / max(self.writing_s, self.output_tokens / FASTEST)) if written else None
        if self.whole < LEAST:
            return ttft, speed
        known_ttft, known_speed = prior[0] if ttft is None else ttft, prior[1] if speed is None else speed
        expected = self.whole * known_ttft + self.whole_tokens / known_speed
        ratio = min(MOST_RATIO, max(1 / MOST_RATIO, self.whole_s / expected)) if expected > 0 else 1.0
        slower = (self.begun + self.whole * ratio) / (self.begun + self.whole)
        longer = (self.ended + self.whole * ratio) / (self.ended + self.whole)
        return known_ttft * slower, max(SLOWEST, known_speed / longer)


class _Known(Struct):
    """A target, or all accounts of a model at a provider together."""

    sums: Sums
    seen: float
    signal: Signal = UNKNOWN
    until: float = 0.0
    """Until then `signal` holds."""
    left: Remaining | None = None
    left_until: float = 0.0
    sent: int = 0
    """Requests since `left` was said, and their tokens."""
    sent_tokens: int = 0


class Signals:
    """Fed by telemetry, asked by the decision. Only its router's event loop touches it."""

    def __init__(self, half_life: float, prior_of: PriorOf | None = None) -> None:
        """`half_life`: seconds after which what was seen counts half."""
        self.half_life, self._prior_of = half_life, prior_of or _catalogs
        self._known: dict[Target, _Known] = {}
        self._models: dict[tuple[str, str], _Known] = {}
        self._prefixes = Prefixes()
        self._pruned = 0.0

    def note(self, observed: Observed, now: float) -> None:
        """Take in what a worker learned."""
        for tally in observed.tallies:
            if tally.model and (tally.ok or tally.failed):
                known = self._touched(tally.provider, tally.account, tally.model, now)
                known.sums.count(tally)
        for timing in observed.timings:
            known = self._touched(timing.provider, timing.account, timing.model, now)
            known.sums.time(timing)
            self._model(timing.provider, timing.model, now).sums.time(timing)
        for left in observed.remaining:
            self._note_left(left, now)
        for one in observed.cached:
            self._prefixes.note(one, now)
        if now - self._pruned > _PRUNING:
            self._prune(now)

    def adopt(self, provider: str, account: str, model: str, sums: Sums, now: float) -> None:
        """Add what was seen before this router listened."""
        keeps = 0.5 ** (max(0.0, now - sums.at) / self.half_life)
        known = self._touched(provider, account, model, now)
        known.sums.ok += sums.ok * keeps
        known.sums.failed += sums.failed * keeps
        known.sums.time(sums, keeps)
        self._model(provider, model, now).sums.time(sums, keeps)

    def note_sent(self, candidate: Candidate, input_tokens: int, now: float) -> None:
        """This router sends a request there: so much less is left, until the provider says itself what is."""
        known = self._known.get((candidate.provider, candidate.account, candidate.model))
        if known is not None and known.left is not None:
            known.sent += 1
            known.sent_tokens += input_tokens
            known.until = 0.0

    def of(self, provider: str, account: str, model: str, now: float) -> Signal:
        """What is known of a model at an account. Takes 0.3 µs, 5 once in a tenth of a second."""
        known = self._known.get((provider, account, model))
        if known is not None:
            return known.signal if now < known.until else self._renewed(known, provider, model, now)
        shared = self._models.get((provider, model))
        if shared is None:
            return UNKNOWN
        return shared.signal if now < shared.until else self._borrowed(shared, provider, model, now)

    def cached(self, prefix: str, now: float) -> Sequence[CachedPrefix]:
        """Where the beginning of a conversation is likely to be in a prompt cache still, latest first."""
        return self._prefixes.of(prefix, now)

    def _renewed(self, known: _Known, provider: str, model: str, now: float) -> Signal:
        sums = known.sums
        sums.decay(now, self.half_life)
        observed = sums.answers
        if observed >= LEAST:
            ttft, speed = sums.speed(self._prior_of(provider, model))
        else:
            shared = self._models.get((provider, model))
            speeds = self._borrowed(shared, provider, model, now) if shared is not None else UNKNOWN
            observed, ttft, speed = speeds.observed, speeds.ttft_s, speeds.tokens_per_s
        requests, tokens = _left(known, now)
        known.until = now + FRESH
        known.signal = Signal(
            observed=round(observed, 2), ttft_s=_rounded(ttft, 4), tokens_per_s=_rounded(speed, 2),
            failing=round(sums.failed / (sums.ok + sums.failed + ASSUMED_OK), 4), requests_left=requests, tokens_left=tokens,
        )
        return known.signal

    def _borrowed(self, shared: _Known, provider: str, model: str, now: float) -> Signal:
        """The speed of a model's other accounts, for one that nobody has called lately."""
        if now < shared.until:
            return shared.signal
        sums = shared.sums
        sums.decay(now, self.half_life)
        shared.until, shared.signal = now + FRESH, UNKNOWN
        if sums.answers >= LEAST:
            ttft, speed = sums.speed(self._prior_of(provider, model))
            observed = min(MOST_BORROWED, sums.answers * SHARE)
            shared.signal = Signal(observed=round(observed, 2), ttft_s=_rounded(ttft, 4), tokens_per_s=_rounded(speed, 2))
        return shared.signal

    def _touched(self, provider: str, account: str, model: str, now: float) -> _Known:
        target = (provider, account, model)
        known = self._known.get(target)
        if known is None:
            known = self._known[target] = _Known(sums=Sums(at=now), seen=now)
        return self._current(known, now)

    def _model(self, provider: str, model: str, now: float) -> _Known:
        known = self._models.get((provider, model))
        if known is None:
            known = self._models[provider, model] = _Known(sums=Sums(at=now), seen=now)
        return self._current(known, now)

    def _current(self, known: _Known, now: float) -> _Known:
        known.seen, known.until = max(known.seen, now), 0.0
        known.sums.decay(now, self.half_life)
        return known

    def _note_left(self, left: Remaining, now: float) -> None:
        nothing = left.requests is None and left.tokens is None
        if nothing and (left.provider, left.account, left.model) not in self._known:
            return
        known = self._touched(left.provider, left.account, left.model, now)
        known.left, known.left_until, known.sent, known.sent_tokens = None if nothing else left, now + WINDOW, 0, 0

    def _prune(self, now: float) -> None:
        """Forget what nobody has called for long, and which caches are cold."""
        self._pruned = now
        _forget(self._known, now)
        _forget(self._models, now)
        self._prefixes.prune(now)


def _forget(known: dict[_Key, _Known], now: float) -> None:
    kept = {key: one for key, one in known.items() if now - one.seen <= FORGET_AFTER}
    if len(kept) > MOST_TARGETS:
        kept = dict(sorted(kept.items(), key=lambda item: item[1].seen)[-MOST_TARGETS:])
    if len(kept) < len(known):
        known.clear()
        known.update(kept)


def _left(known: _Known, now: float) -> tuple[int | None, int | None]:
    """Requests and tokens that may still be used; None where it is not known, or the window is over."""
    left = known.left
    if left is None:
        return None, None
    requests, tokens = left.requests, left.tokens
    if requests is not None:
        requests = max(0, requests - known.sent) if now < (left.requests_reset or known.left_until) else None
    if tokens is not None:
        tokens = max(0, tokens - known.sent_tokens) if now < (left.tokens_reset or known.left_until) else None
    if requests is None and tokens is None:
        known.left = None
    return requests, tokens


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _catalogs(provider: str, model: str) -> tuple[float, float]:
    """The catalog's speed of a model, or of models that it does not know."""
    known = offered(provider, OfferedModel(id=model))
    return known.ttft_s, known.tokens_per_s
