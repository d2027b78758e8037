"""Admitted in; Screened out, or a refusal to the edge."""

import asyncio
import logging
import time

import msgspec

from libs.bus import metrics
from libs.bus.refusal import refuse
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.errors import FirewallBlocked, InvalidRequest
from libs.contracts.message import Hop
from libs.contracts.policies import FirewallRules
from libs.contracts.requests import Admitted, Screened, advance
from services.firewall.screen import EMPTY, Policy, Verdict, screen

log = logging.getLogger("tokenrouter.firewall")

# Above this a scan may take over a millisecond; RE2 lets go of the GIL, so a thread keeps the loop free.
THREAD_ABOVE = 16 * 1024
_passed = metrics.STAGE_MESSAGES.labels("firewall", "passed")
_refused = metrics.STAGE_MESSAGES.labels("firewall", "refused")
_decode_rules = msgspec.json.Decoder(FirewallRules).decode
_decode = msgspec.json.Decoder(dict).decode
_encode = msgspec.json.Encoder().encode


class Firewall:
    """Holds each workspace's compiled rules and screens what is admitted."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._policies: dict[str, Policy] = {}

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Take a workspace's rules from KV. Raising leaves the last good ones in force."""
        workspace = key.partition(".")[2]
        if value is None:
            self._policies.pop(workspace, None)
        else:
            self._policies[workspace] = Policy(_decode_rules(value), revision)

    async def handle(self, message: Admitted, reply: str, taken_at: float) -> None:
        policy = self._policies.get(message.workspace, EMPTY)
        if not len(policy):
            await self._pass(message, Verdict(screening=screen({}, {}, policy).screening), reply, taken_at)
            return
        body = await self._bus.claims.fetch(message.body)
        try:
            request = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            await refuse(self._bus, message, "firewall", reply, InvalidRequest("the body is not valid JSON").info, taken_at)
            return
        metadata = message.facts.metadata
        if len(body) > THREAD_ABOVE:
            verdict = await asyncio.to_thread(screen, request, metadata, policy)
        else:
            verdict = screen(request, metadata, policy)
        if verdict.blocked_by is not None:
            await self._block(message, verdict, reply, taken_at)
        else:
            await self._pass(message, verdict, reply, taken_at)

    async def _pass(self, message: Admitted, verdict: Verdict, reply: str, taken_at: float) -> None:
        body, facts = message.body, message.facts
        if verdict.metadata is not None:
            facts = msgspec.structs.replace(facts, metadata=verdict.metadata)
        if verdict.request is not None:
            body = await self._bus.claims.stow(_encode(verdict.request))
        hop = Hop("firewall", self._bus.instance, taken_at, (time.time() - taken_at) * 1000)
        screened = advance(message, Screened, screening=verdict.screening, body=body, facts=facts, hops=[*message.hops, hop])
        await self._bus.publish(subjects.screened(message.workspace), screened, reply)
        _passed.inc()

    async def _block(self, message: Admitted, verdict: Verdict, reply: str, taken_at: float) -> None:
        rule = verdict.blocked_by
        assert rule is not None
        error = FirewallBlocked(f"firewall rule '{rule.name}' blocks this request").because(rule_trace=verdict.screening.trace)
        # The rule may have hit a secret in the metadata, so none of it goes into the ledger.
        facts = msgspec.structs.replace(message.facts, metadata={}) if rule.scope == "metadata" else message.facts
        screened = advance(message, Screened, screening=verdict.screening, facts=facts)
        await refuse(self._bus, screened, "firewall", reply, error.info, taken_at)
        _refused.inc()
