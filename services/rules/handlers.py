"""Screened in, Ruled out."""

import time

import msgspec

from libs.bus import metrics
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.message import Hop
from libs.contracts.policies import RoutingRules
from libs.contracts.requests import Ruled, Screened, advance
from libs.responses.text import user_text
from services.rules.match import EMPTY, Facts, Policy, apply

_passed = metrics.STAGE_MESSAGES.labels("rules", "passed")
_decode_rules = msgspec.json.Decoder(RoutingRules).decode
_decode = msgspec.json.Decoder(dict).decode


class Rules:
    """Holds each workspace's rules and applies them."""

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

    async def handle(self, message: Screened, reply: str, taken_at: float) -> None:
        policy = self._policies.get(message.workspace, EMPTY)
        body = await self._bus.claims.fetch(message.body) if policy.needs_text else b"{}"
        asked = message.facts
        mode = asked.override.mode or asked.target.mode or "balance"
        facts = Facts(user_text=_Folded(body), metadata=asked.metadata, mode=mode)
        ruling = apply(policy, facts)
        hop = Hop("rules", self._bus.instance, taken_at, (time.time() - taken_at) * 1000)
        ruled = advance(message, Ruled, ruling=ruling, hops=[*message.hops, hop])
        await self._bus.publish(subjects.ruled(message.workspace), ruled, reply)
        _passed.inc()


class _Folded:
    """The user's text in folded case, decoded at the first look and kept for the next."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._text: str | None = None

    def __call__(self) -> str:
        if self._text is None:
            self._text = user_text(_decode(self._body)).casefold()
        return self._text
