"""The firewall's rules of scope `response`, between the provider and the bus: nothing of an answer is sent, kept, recorded or shown to
another candidate before they have seen it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import structs

from libs.contracts.decisions import Screening
from libs.contracts.deltas import Event
from libs.contracts.errors import ErrorInfo, FirewallBlocked, Unavailable
from libs.contracts.policies import FirewallRule
from libs.contracts.requests import Routed
from libs.firewall.answer import screen_output
from libs.firewall.events import EventScreen
from libs.firewall.findings import Findings, shortened
from libs.firewall.policies import Policies, Policy
from libs.firewall.ruleset import HOLD_BACK, Active, ScanTimeout
from services.provider_worker.dialect import Outcome

Json = dict[str, Any]
Result = TypeVar("Result")
RULES_PATIENCE = 1.0
"""Seconds for which this worker may be behind the firewall that let the request in."""
SECONDS = 0.25
"""A whole answer's scan takes no longer, nor the scan of what one read of a stream brought."""
THREAD_ABOVE = 4096
"""Characters from which a scan may take over a millisecond."""


class Stopped(Exception):
    """The answer must not go on. `error`: what the client hears; what went out before may stand."""

    def __init__(self, error: ErrorInfo) -> None:
        super().__init__(error.message)
        self.error = error


class Screens:
    """Every workspace's rules, in this worker's memory."""

    def __init__(self, hold_back: int = HOLD_BACK) -> None:
        self.policies = Policies("response", hold_back=hold_back)

    async def of(self, message: Routed) -> "Screen | None":
        """For one answer; None when no rule looks at it. Raises Stopped when the rules are older than those that let the request in."""
        policy = await self._policy(message)
        active = policy.of("response").active(message.key_id, message.key_name, message.project)
        return Screen(active, policy.salt, structured=message.facts.structured) if len(active) else None

    async def _policy(self, message: Routed) -> Policy:
        patience = time.monotonic() + RULES_PATIENCE
        while (policy := self.policies.of(message.workspace)) is None or policy.revision < message.screening.revision:
            if time.monotonic() > patience:
                what = "the rules for answers are not up to date, and nothing passes unscreened; try again"
                raise Stopped(Unavailable(what, code="firewall_unavailable", retry_after=2).info)
            await asyncio.sleep(0.02)
        return policy


class Screen:
    """For one attempt's answer, streamed or whole."""

    def __init__(self, active: Active, salt: str, *, structured: bool) -> None:
        """`structured`: the answer's text is JSON, and stays JSON."""
        self._active, self._salt, self._structured = active, salt, structured
        self._stream: EventScreen | None = None
        self._findings = Findings(salt)
        self._whole = False
        self.notes: list[str] = []

    async def events(self, events: list[Event]) -> list[Event]:
        """Of the events that one read brought, those that may go out now. Call `check` once they are out. Raises Stopped."""
        stream = self._streamed()
        return await self._scan(lambda: stream.feed(events), stream.weight(events))

    def check(self) -> None:
        """Raises Stopped when a rule blocks what came last."""
        if self._stream is not None and self._stream.blocked_by is not None:
            raise Stopped(self._blocked(self._stream.blocked_by))

    async def rest(self) -> list[Event]:
        """What is still held, when the stream is over. Raises Stopped."""
        stream = self._streamed()
        return await self._scan(stream.finish, stream.pending)

    async def outcome(self, outcome: Outcome) -> None:
        """Screen an answer that is whole, or as much as there is of it; of a streamed one, in agreement with what was streamed. Raises
        Stopped."""
        if self._whole:
            return
        output: list[Json] = outcome.response.get("output") or []
        if self._stream is not None:
            self.cut(outcome)
            self.check()
            return
        self._whole = True
        deadline = time.monotonic() + SECONDS
        screened = await self._scan(lambda: screen_output(output, self._active, structured=self._structured, deadline=deadline), THREAD_ABOVE)
        for found in screened.found:
            self._findings.add(found.item, found.hits, found.text)
        self.notes = screened.notes
        if screened.blocked_by is not None:
            outcome.response = outcome.response | {"output": []}
            raise Stopped(self._blocked(screened.blocked_by))
        outcome.response = outcome.response | {"output": screened.output}

    def cut(self, outcome: Outcome) -> None:
        """Leave of a streamed answer what was streamed."""
        stream = self._streamed()
        try:
            stream.finish()
            output = stream.output(outcome.response.get("output") or [])
        except ScanTimeout:
            # It could not be judged, so it is not shown.
            output = []
        outcome.response = outcome.response | {"output": output}
        self.notes = stream.notes

    def told(self, before: Screening) -> Screening:
        """What the firewall said of the prompt, with what it says of the answer."""
        found = self._found()
        return structs.replace(
            before, checked=before.checked + len(self._active), trace=[*before.trace, *found.trace()],
            warnings=[*before.warnings, *found.warnings()], masked=before.masked + found.masked,
        )

    def _streamed(self) -> EventScreen:
        if self._stream is None:
            self._stream = EventScreen(self._active, structured=self._structured)
        return self._stream

    def _found(self) -> Findings:
        if self._stream is None:
            return self._findings
        findings = Findings(self._salt)
        for found in self._stream.found:
            findings.add(found.item, found.hits, found.text)
        return findings

    async def _scan(self, work: Callable[[], Result], size: int) -> Result:
        """Raises Stopped when it takes too long."""
        try:
            return await asyncio.to_thread(work) if size >= THREAD_ABOVE else work()
        except ScanTimeout:
            what = f"the firewall could not judge this answer within {SECONDS:g} seconds, so it does not pass"
            raise Stopped(FirewallBlocked(what, code="firewall_timeout", rule_trace=shortened(self._found().trace())).info) from None

    def _blocked(self, rule: FirewallRule) -> ErrorInfo:
        trace = shortened(self._found().trace())
        return FirewallBlocked(f"firewall rule '{rule.name}' blocks this response", rule_trace=trace).info
