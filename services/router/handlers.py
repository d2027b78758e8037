"""Ruled in, Routed out to the best candidate's provider; AttemptFailed in, Routed to the next best or the end."""

import random
import time

from msgspec import structs
from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.bus import metrics
from libs.bus.codec import decoder
from libs.bus.health import Registry
from libs.bus.refusal import refuse
from libs.bus.rows import encode_row, refused_row
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.decisions import Candidate, Decision
from libs.contracts.deltas import Failed, Released
from libs.contracts.errors import RouterError
from libs.contracts.failure import error_of
from libs.contracts.health import Health, ProviderAccount
from libs.contracts.message import Hop
from libs.contracts.requests import AttemptFailed, Routed, Ruled, advance
from libs.contracts.telemetry import Observed, Rest
from libs.routing.decide import decide, shortlisted, split_name
from libs.routing.snapshot import OWN, Snapshot
from services.router.breakers import Breakers
from services.router.fallback import following, repeat, soonest
from services.router.patience import patience
from services.router.policies import Policies
from services.router.preview import previewed
from services.router.reader import Reader
from services.router.settings import RouterSettings
from services.router.signals import Signals
from services.router.turns import Turns

_passed = metrics.STAGE_MESSAGES.labels("router", "passed")
_refused = metrics.STAGE_MESSAGES.labels("router", "refused")
_decode_observed = decoder(Observed).decode
RELEASE_WINDOW = 2.0
"""Seconds that a worker has to take over a request that is tried again, before the edge takes it for lost."""


class Router:
    """Knows which providers live workers can call and which are to be left alone, and chooses."""

    def __init__(self, bus: Bus, registry: Registry, settings: RouterSettings) -> None:
        self._bus, self._registry, self._settings = bus, registry, settings
        self._breakers = Breakers(settings, time.time())
        self.signals = Signals(settings.signals_half_life)
        self.policies = Policies()
        self._reader = Reader(bus)
        self._turns = Turns()
        registry.on_health.append(self._adopt)
        bus.resting = lambda: self._breakers.resting(time.time())

    async def listen(self, connection: Client) -> None:
        """Hear what the workers learn of the providers."""
        await connection.subscribe(subjects.TELEMETRY, cb=self._observe)

    async def _observe(self, raw: Msg) -> None:
        now = time.time()
        observed = _decode_observed(raw.data)
        for tally in observed.tallies:
            self._breakers.note(tally, now)
        self.signals.note(observed, now)

    def _adopt(self, health: Health) -> None:
        if health.resting and health.instance != self._bus.instance:
            self._breakers.adopt(health.resting, time.time())

    async def handle(self, message: Ruled, reply: str, taken_at: float) -> None:
        accounts = self._registry.accounts()
        if not accounts:
            # No worker is alive. Saying nothing has the edge dispatch anew, which a restart in the meantime answers.
            return
        policy = self.policies.of(message.workspace)
        facts = await self._reader.read(message, policy)
        message = structs.replace(message, facts=facts)
        try:
            decided = decide(
                message.request_id, facts, message.ruling, self._snapshot(message, accounts, taken_at), policy, taken_at
            )
        except RouterError as error:
            await refuse(self._bus, message, "router", reply, error.because(rule_trace=message.ruling.matched).info, taken_at)
            _refused.inc()
            return
        if message.preview:
            await self._bus.publish(reply, previewed(message, decided))
            return
        self._take_turns(message, decided)
        most = self._attempts_allowed(message)
        decision = shortlisted(decided, most)
        hop = Hop("router", self._bus.instance, taken_at, (time.time() - taken_at) * 1000)
        others = len(decision.candidates) > 1 and most > 1
        seconds = patience(self._settings, decision, message, attempts=0, most=most, now=taken_at) if others else None
        await self._send(advance(message, Routed, decision=decision, patience=seconds, hops=[*message.hops, hop]), reply)
        _passed.inc()

    def _snapshot(self, message: Ruled, accounts: dict[str, list[ProviderAccount]], now: float) -> Snapshot:
        signals, prefix, workspace = self.signals, message.facts.prefix, message.workspace
        return Snapshot(
            accounts=accounts,
            own_keys=frozenset(message.provider_keys),
            rest_of=lambda provider, account, model: self._breakers.rest(provider, account, model, now),
            signal_of=lambda provider, account, model: signals.of(provider, account, model, now),
            cached=signals.cached(prefix, now) if prefix else (),
            turn_of=lambda split: self._turns.of(workspace, split),
            exploration=self._settings.exploration,
        )

    def _take_turns(self, message: Ruled, decided: Decision) -> None:
        if message.ruling.split and message.ruling.split_at is None:
            self._turns.advance(message.workspace, split_name(message.ruling.split_by))
        self._turns.advance(message.workspace, decided.candidates[0].provider)

    async def handle_failed(self, message: AttemptFailed, reply: str, taken_at: float) -> None:
        hop = Hop("router", self._bus.instance, taken_at, (time.time() - taken_at) * 1000)
        message = advance(message, AttemptFailed, hops=[*message.hops, hop])
        made, most = len(message.attempts), self._attempts_allowed(message)
        if made >= most:
            await self._give_up(message, reply)
            return
        decision, accounts = message.decision, self._registry.accounts()
        in_order = bool(message.ruling.fallbacks)
        index = following(decision.candidates, message.attempts, accounts.__contains__, self._rest_of, in_order=in_order)
        if index is None:
            await self._repeat_or_give_up(message, reply)
            return
        chosen = structs.replace(decision, chosen=index)
        slow = structs.replace(message.attempts[-1], code="upstream_timeout", **_named(decision.candidates[index]))
        tried = [*message.attempts, slow]
        more = made + 1 < most and following(
            decision.candidates, tried, accounts.__contains__, self._rest_of, in_order=in_order
        ) is not None
        seconds = patience(self._settings, chosen, message, attempts=made, most=most, now=taken_at) if more else None
        await self._send(advance(message, Routed, decision=chosen, patience=seconds, not_before=0.0, probe=False), reply)

    async def _repeat_or_give_up(self, message: AttemptFailed, reply: str) -> None:
        """No other candidate is left: the one that surely did not accept the call may be asked once more."""
        decision, now = message.decision, time.time()
        again = repeat(
            decision.candidates, message.attempts, self._rest_of, now=now, deadline=message.deadline,
            patience=self._settings.retry_wait, uniform=random.uniform,
        )
        if again is None:
            await self._give_up(message, reply)
            return
        not_before = now + again.wait
        expires_at = min(not_before + RELEASE_WINDOW, message.deadline)
        released = Released(
            request_id=message.request_id, dispatch=message.dispatch, attempt=len(message.attempts), expires_at=expires_at,
            begun=message.delivered is not None,
        )
        await self._bus.publish(reply, released)
        chosen = structs.replace(decision, chosen=again.index)
        await self._send(
            advance(message, Routed, decision=chosen, patience=None, not_before=not_before, probe=False, expires_at=expires_at), reply
        )

    async def _send(self, routed: Routed, reply: str) -> None:
        candidate = routed.decision.candidates[routed.decision.chosen]
        if self._breakers.chosen(candidate.provider, candidate.account, candidate.model, time.time()):
            routed = structs.replace(routed, probe=True)
        self.signals.note_sent(candidate, routed.decision.input_tokens, time.time())
        await self._bus.publish(subjects.routed(candidate.provider, routed.workspace), routed, reply)

    async def _give_up(self, message: AttemptFailed, reply: str) -> None:
        last, now = message.attempts[-1], time.time()
        told = error_of(message.attempts, soonest=self._soonest(message.decision, message, now))
        error = structs.replace(told, rule_trace=message.ruling.matched)
        spent = _spent(message)
        row = refused_row(
            message, error, ended_by=f"router/{self._bus.instance}", status="failed", now=now,
            provider=last.provider, model=last.model, attempts=len(message.attempts), **spent,
        )
        self._bus.commit([encode_row("requests", row)])
        failed = Failed(
            request_id=message.request_id, dispatch=message.dispatch, attempt=last.attempt, error=error,
            output=message.delivered.items if message.delivered else None,
        )
        await self._bus.publish(reply, failed)

    def _attempts_allowed(self, message: Ruled) -> int:
        """Calls that may be made for a request: all of a rule's chain may be tried, and a rule may allow fewer."""
        limit = message.ruling.limits.max_attempts
        most = max(self._settings.max_attempts, 1 + len(message.ruling.fallbacks))
        return most if limit is None else min(limit, most)

    def _soonest(self, decision: Decision, message: AttemptFailed, now: float) -> float | None:
        """Seconds until some candidate may be called again, those included that were left alone from the start."""
        waits = [one.until - now for one in decision.excluded if one.until > now]
        known = soonest(decision.candidates, message.attempts, self._rest_of, now)
        return min([*waits, *([known] if known is not None else [])], default=None)

    def _rest_of(self, candidate: Candidate) -> Rest | None:
        if candidate.account == OWN:
            return None
        return self._breakers.rest(candidate.provider, candidate.account, candidate.model, time.time())


def _named(candidate: Candidate) -> dict[str, str]:
    return {"provider": candidate.provider, "account": candidate.account, "model": candidate.model}


def _spent(message: AttemptFailed) -> dict[str, object]:
    """The ledger columns of what earlier attempts delivered before they broke off."""
    done = message.delivered
    if done is None:
        return {}
    return {
        "input_tokens": done.input_tokens, "output_tokens": done.output_tokens, "cached_tokens": done.cached_tokens,
        "cache_write_tokens": done.cache_write_tokens, "reasoning_tokens": done.reasoning_tokens, "usage_source": "estimated",
        "cost_usd": done.cost_usd, "ttft_ms": round((done.first_at - message.created_at) * 1000, 3) if done.first_at else None,
    }
