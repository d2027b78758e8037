"""Ruled in, Routed out to the best candidate's provider; AttemptFailed in, Routed to the next best or the end."""

import time

from msgspec import structs

from libs.bus import metrics
from libs.bus.health import Registry
from libs.bus.refusal import refuse
from libs.bus.rows import encode_row, refused_row
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.deltas import Failed
from libs.contracts.errors import RouterError
from libs.contracts.failure import error_of
from libs.contracts.message import Hop
from libs.contracts.requests import AttemptFailed, Routed, Ruled, advance
from services.router.decide import MAX_ATTEMPTS, Available, decide, shortlisted

_passed = metrics.STAGE_MESSAGES.labels("router", "passed")
_refused = metrics.STAGE_MESSAGES.labels("router", "refused")


class Router:
    """Knows which providers live workers can call, and chooses."""

    def __init__(self, bus: Bus, registry: Registry) -> None:
        self._bus = bus
        self._registry = registry

    async def handle(self, message: Ruled, reply: str, taken_at: float) -> None:
        accounts = self._registry.accounts()
        if not accounts:
            # No worker is alive. Saying nothing has the edge dispatch anew, which a restart in the meantime answers.
            return
        available = Available(accounts=accounts, own_keys=frozenset(message.provider_keys))
        try:
            decision = shortlisted(decide(message.request_id, message.facts, message.ruling.target, available))
        except RouterError as error:
            await refuse(self._bus, message, "router", reply, error.because(rule_trace=message.ruling.matched).info, taken_at)
            _refused.inc()
            return
        hop = Hop("router", self._bus.instance, taken_at, (time.time() - taken_at) * 1000)
        routed = advance(message, Routed, decision=decision, hops=[*message.hops, hop])
        await self._bus.publish(subjects.routed(decision.candidates[0].provider, message.workspace), routed, reply)
        _passed.inc()

    async def handle_failed(self, message: AttemptFailed, reply: str, taken_at: float) -> None:
        chosen = self._next(message)
        hop = Hop("router", self._bus.instance, taken_at, (time.time() - taken_at) * 1000)
        if chosen is None:
            await self._give_up(advance(message, AttemptFailed, hops=[*message.hops, hop]), reply)
            return
        decision = structs.replace(message.decision, chosen=chosen)
        routed = advance(message, Routed, decision=decision, hops=[*message.hops, hop])
        await self._bus.publish(subjects.routed(decision.candidates[chosen].provider, message.workspace), routed, reply)

    def _next(self, message: AttemptFailed) -> int | None:
        """The best candidate that has not been tried and whose provider did not just turn its key down."""
        if len(message.attempts) >= MAX_ATTEMPTS:
            return None
        accounts = self._registry.accounts()
        tried = {(attempt.provider, attempt.model) for attempt in message.attempts}
        keyless = {attempt.provider for attempt in message.attempts if attempt.code in ("provider_key_invalid", "insufficient_quota")}
        for index, candidate in enumerate(message.decision.candidates):
            if (candidate.provider, candidate.model) in tried or candidate.provider in keyless:
                continue
            if candidate.provider in accounts:
                return index
        return None

    async def _give_up(self, message: AttemptFailed, reply: str) -> None:
        last = message.attempts[-1]
        error = error_of(message.attempts)
        row = refused_row(
            message, error, ended_by=f"router/{self._bus.instance}", status="failed", now=time.time(),
            provider=last.provider, model=last.model, attempts=len(message.attempts),
        )
        self._bus.commit([encode_row("requests", row)])
        failed = Failed(request_id=message.request_id, dispatch=message.dispatch, attempt=last.attempt, error=error)
        await self._bus.publish(reply, failed)
