"""What the worker's calls say of the providers' health, told to every router: failures at once, the rest four times a second."""

import asyncio
import time

from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.decisions import Candidate
from libs.contracts.telemetry import Observed, Tally
from services.provider_worker.accounts import OWN
from services.provider_worker.dialect import ProviderFailure

INTERVAL = 0.25
UNWELL = frozenset({"upstream_unavailable", "upstream_timeout", "upstream_error"})
KEY_REST = {"provider_key_invalid": 30.0, "insufficient_quota": 60.0}
"""Seconds for which an account is left alone that turned its key down or has no money, where it names no time itself. Short enough
that a key set right is soon in use, long enough that a dead one costs next to nothing."""
LONGEST_REST = 3600.0


class Telemetry:
    """Adds up and publishes. A key that came with a request says nothing about anybody else's account."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._ok: dict[tuple[str, str, str], int] = {}

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
            observed = Observed(worker=self._bus.instance, tallies=tallies)
            await self._bus.publish(subjects.telemetry(self._bus.instance), observed)

    def start(self) -> None:
        """Publish what adds up, for the life of the process."""
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            await self._publish(self._taken())
