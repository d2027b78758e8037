"""What the worker's calls say of the providers, told to every router: failures at once, the rest four times a second."""

import asyncio
import time
from collections.abc import Mapping
from functools import cache

from msgspec import Struct

from libs.bus import metrics
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.decisions import Candidate
from libs.contracts.telemetry import CachedPrefix, Observed, Remaining, Tally, Timing
from services.provider_worker.accounts import OWN
from services.provider_worker.dialect import ProviderFailure, Usage
from services.provider_worker.dialects import limits

INTERVAL = 0.25
UNWELL = frozenset({"upstream_unavailable", "upstream_timeout", "upstream_error"})
KEY_REST = {"provider_key_invalid": 30.0, "insufficient_quota": 60.0}
"""Seconds for which an account is left alone that turned its key down or has no money, where it names no time itself. Short enough
that a key set right is soon in use, long enough that a dead one costs next to nothing."""
LONGEST_REST = 3600.0
LEAST_TOKENS = 16
"""An answer that is shorter often comes in one read, which says nothing of how fast it was written."""
CACHES_BY_ITSELF = frozenset({"openai", "deepseek", "gemini"})
"""Providers that keep the beginnings of prompts without being asked, and say so only when one is read.
https://platform.openai.com/docs/guides/prompt-caching https://api-docs.deepseek.com/guides/kv_cache
https://ai.google.dev/gemini-api/docs/caching"""
LEAST_CACHED = 1024
"""Tokens of a prompt below which OpenAI and Gemini keep nothing; DeepSeek keeps less, where there is less to win."""
MOST_PREFIXES = 500
"""Told at once; of more the oldest are left out. A message of them has 100 KB."""

# Looking a labelled metric up costs as much as observing it.
_ttft = cache(metrics.TTFT_SECONDS.labels)
_Target = tuple[str, str, str]


class _Sums(Struct):
    """The fields of a Timing, while they add up."""

    begun: int = 0
    ttft_s: float = 0.0
    ended: int = 0
    output_tokens: int = 0
    writing_s: float = 0.0
    whole: int = 0
    whole_tokens: int = 0
    whole_s: float = 0.0


class Telemetry:
    """Adds up and publishes. A key that came with a request says nothing about anybody else's account, but the model's speed is the
    same for all."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._ok: dict[_Target, int] = {}
        self._timings: dict[_Target, _Sums] = {}
        self._remaining: dict[_Target, Remaining] = {}
        self._scarce: set[_Target] = set()
        """Where routers were told that little is left."""
        self._cached: dict[tuple[str, _Target], CachedPrefix] = {}

    async def answered(self, candidate: Candidate, *, probe: bool) -> None:
        """The provider began to answer. The success of a probe is told at once: routers wait to hear of it."""
        if candidate.account == OWN:
            return
        target = (candidate.provider, candidate.account, candidate.model)
        if probe:
            provider, account, model = target
            await self._publish([*self._taken(), Tally(provider=provider, account=account, model=model, ok=1, probed=True)])
        else:
            self._ok[target] = self._ok.get(target, 0) + 1

    def began(self, candidate: Candidate, seconds: float) -> None:
        """A streamed answer began so long after the call."""
        sums, seconds = self._sums(candidate), max(0.0, seconds)
        sums.begun += 1
        sums.ttft_s += seconds
        _ttft(candidate.provider).observe(seconds)

    def wrote(self, candidate: Candidate, tokens: int, seconds: float) -> None:
        """A streamed answer ended well, so long after its first sign."""
        if tokens < LEAST_TOKENS:
            return
        sums = self._sums(candidate)
        sums.ended += 1
        sums.output_tokens += tokens
        sums.writing_s += max(0.0, seconds)

    def whole(self, candidate: Candidate, tokens: int, seconds: float) -> None:
        """An answer came in one piece, so long after the call."""
        sums = self._sums(candidate)
        sums.whole += 1
        sums.whole_tokens += tokens
        sums.whole_s += max(0.0, seconds)

    def _sums(self, candidate: Candidate) -> _Sums:
        target = (candidate.provider, candidate.account, candidate.model)
        sums = self._timings.get(target)
        if sums is None:
            sums = self._timings[target] = _Sums()
        return sums

    def limited(self, candidate: Candidate, headers: Mapping[str, str]) -> None:
        """What a good answer's headers say is left: only where it is little, and once more when it is not any longer."""
        if candidate.account == OWN:
            return
        left = limits.left(headers)
        target = (candidate.provider, candidate.account, candidate.model)
        if left is None:
            if self._scarce and target in self._scarce:
                self._scarce.discard(target)
                self._remaining[target] = Remaining(provider=target[0], account=target[1], model=target[2])
            return
        now = time.time()
        self._scarce.add(target)
        self._remaining[target] = Remaining(
            provider=target[0], account=target[1], model=target[2], requests=left.requests, tokens=left.tokens,
            requests_reset=now + left.requests_in if left.requests_in else 0.0,
            tokens_reset=now + left.tokens_in if left.tokens_in else 0.0,
        )

    def cached(self, candidate: Candidate, prefix: str, usage: Usage, now: float) -> None:
        """An answer ended well: its prompt is in the provider's cache, where the provider has one."""
        told = usage.cached_tokens > 0 or usage.cache_write_tokens > 0
        if not told and (candidate.provider not in CACHES_BY_ITSELF or usage.input_tokens < LEAST_CACHED):
            return
        provider, account, model = target = (candidate.provider, candidate.account, candidate.model)
        # The newest stands last, so that the oldest are the first to go.
        self._cached.pop((prefix, target), None)
        self._cached[prefix, target] = CachedPrefix(
            prefix=prefix, provider=provider, account=account, model=model, tokens=usage.input_tokens, at=now
        )
        if len(self._cached) > MOST_PREFIXES:
            del self._cached[next(iter(self._cached))]

    async def exhausted(self, candidate: Candidate, seconds: float) -> None:
        """The answer's headers say that nothing is left until then."""
        await self._tell(candidate, candidate.model, rest=seconds, code="rate_limit_exceeded", advice=True)

    async def failed(self, candidate: Candidate, failure: ProviderFailure) -> None:
        """The call failed, for a reason that may concern the next one too."""
        if failure.code in KEY_REST:
            await self._tell(candidate, "", rest=failure.retry_after or KEY_REST[failure.code], code=failure.code, advice=True)
        elif failure.code == "rate_limit_exceeded" and failure.retry_after is not None:
            await self._tell(candidate, candidate.model, rest=failure.retry_after, code=failure.code)
        elif failure.code in UNWELL and failure.fallback:
            await self._tell(candidate, candidate.model, failed=1, rest=failure.retry_after or 0.0, code=failure.code)

    async def _tell(self, candidate: Candidate, model: str, *, rest: float, code: str, failed: int = 0, advice: bool = False) -> None:
        if candidate.account == OWN:
            return
        until = time.time() + min(rest, LONGEST_REST) if rest > 0 else 0.0
        tally = Tally(
            provider=candidate.provider, account=candidate.account, model=model, failed=failed, rest_until=until, advice=advice,
            code=code,
        )
        await self._publish([*self._taken(), tally])

    def _taken(self) -> list[Tally]:
        ok, self._ok = self._ok, {}
        return [Tally(provider=provider, account=account, model=model, ok=count) for (provider, account, model), count in ok.items()]

    async def _publish(self, tallies: list[Tally]) -> None:
        if tallies and self._bus.connected:
            await self._send(Observed(worker=self._bus.instance, tallies=tallies))

    async def _send(self, observed: Observed) -> None:
        await self._bus.publish(subjects.telemetry(self._bus.instance), observed)

    async def flush(self) -> None:
        """Publish what has added up, in one message. What adds up while the bus is away is nobody's news any more."""
        tallies, timings, remaining, cached = self._taken(), self._timings, self._remaining, self._cached
        if not (tallies or timings or remaining or cached):
            return
        self._timings, self._remaining, self._cached = {}, {}, {}
        if self._bus.connected:
            await self._send(Observed(
                worker=self._bus.instance, tallies=tallies, timings=[_timing(target, sums) for target, sums in timings.items()],
                remaining=list(remaining.values()), cached=list(cached.values()),
            ))

    def start(self) -> None:
        """Publish what adds up, for the life of the process."""
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            await self.flush()


def _timing(target: _Target, sums: _Sums) -> Timing:
    provider, account, model = target
    return Timing(
        provider=provider, account=account, model=model, begun=sums.begun, ttft_s=round(sums.ttft_s, 4), ended=sums.ended,
        output_tokens=sums.output_tokens, writing_s=round(sums.writing_s, 4), whole=sums.whole, whole_tokens=sums.whole_tokens,
        whole_s=round(sums.whole_s, 4),
    )
