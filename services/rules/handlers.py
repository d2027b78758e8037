"""Screened in; Ruled out, or a refusal to the edge."""

import asyncio
import time

import msgspec

from libs.bus import metrics
from libs.bus.refusal import refuse
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.errors import ProviderTimeout, RouterError, RoutingError, Unavailable
from libs.contracts.message import Hop
from libs.contracts.policies import RoutingRules
from libs.contracts.requests import Ruled, Screened, advance
from libs.rules.facts import facts_of
from libs.rules.policy import EMPTY, Policy, Said, apply
from services.rules.carry_out import changes

THREAD_ABOVE = 64 * 1024
"""Bytes of a body whose text is looked at beside the loop: folding it and matching patterns takes milliseconds for each megabyte."""
UNUSABLE = Unavailable("the workspace's routing rules cannot be used; see the log of the rules service", retry_after=5).info
_passed = metrics.STAGE_MESSAGES.labels("rules", "passed")
_refused = metrics.STAGE_MESSAGES.labels("rules", "refused")
_decode_rules = msgspec.json.Decoder(RoutingRules).decode


class Rules:
    """Holds each workspace's rules and applies them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._policies: dict[str, Policy | None] = {}
        """None: there are rules, and this version can use none of them."""

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Take a workspace's rules from KV. Raising leaves the last good ones in force."""
        workspace = key.partition(".")[2]
        if value is None:
            self._policies.pop(workspace, None)
            return
        self._policies.setdefault(workspace, None)
        self._policies[workspace] = Policy(_decode_rules(value), revision)

    async def handle(self, message: Screened, reply: str, taken_at: float) -> None:
        policy = self._policy(message)
        if policy is None:
            # They may pin or deny: to go on without them could send the request where it must not go.
            await refuse(self._bus, message, "rules", reply, UNUSABLE, taken_at)
            _refused.inc()
            return
        said = await self._said(message, policy)
        changed = changes(message, said)
        error = _refusal(said, changed.get("deadline", message.deadline), taken_at)
        if error is not None:
            refused = advance(message, Ruled, ruling=said.ruling, **changed)
            await refuse(self._bus, refused, "rules", reply, error.because(rule_trace=said.ruling.matched).info, taken_at)
            _refused.inc()
            return
        hop = Hop("rules", self._bus.instance, taken_at, (time.time() - taken_at) * 1000)
        ruled = advance(message, Ruled, ruling=said.ruling, hops=[*message.hops, hop], **changed)
        await self._bus.publish(subjects.ruled(message.workspace), ruled, reply)
        _passed.inc()

    async def _said(self, message: Screened, policy: Policy) -> Said:
        body = await self._bus.claims.fetch(message.body) if policy.needs_text else b""
        facts = facts_of(message, lambda: body)
        if len(body) > THREAD_ABOVE:
            return await asyncio.to_thread(apply, policy, facts)
        return apply(policy, facts)

    def _policy(self, message: Screened) -> Policy | None:
        live = self._policies.get(message.workspace, EMPTY)
        trial = message.trial
        if not message.preview or trial is None or trial.routing is None:
            return live
        return (live or EMPTY).drafted(trial.routing, on_top=trial.on_top)


def _refusal(said: Said, deadline: float, now: float) -> RouterError | None:
    """Why the rules end the request; None when it goes on."""
    if said.denied is not None:
        return RoutingError(said.denied.message, code="denied_by_rule")
    limit = said.ruling.limits.timeout
    if limit is not None and now > deadline:
        return ProviderTimeout(f"the request was not answered within the {limit:g} seconds that a routing rule allows")
    return None
