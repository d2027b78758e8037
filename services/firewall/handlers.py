"""Admitted in; Screened out, or a refusal to the edge. A preview of firewall rules is answered here."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from libs.bus import metrics
from libs.bus.refusal import refuse
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.decisions import Screening
from libs.contracts.deltas import Previewed
from libs.contracts.errors import ErrorInfo, FirewallBlocked, InvalidRequest, Unavailable, ValidationFailed
from libs.contracts.message import Hop
from libs.contracts.requests import Admitted, Screened, advance
from libs.firewall.findings import shortened
from libs.firewall.policies import Policies, Policy
from libs.firewall.request import SECONDS, Caller, Verdict, screen
from libs.firewall.ruleset import ScanTimeout
from services.firewall.preview import previewed

log = logging.getLogger("tokenrouter.firewall")
Json = dict[str, Any]

THREAD_ABOVE = 4 * 1024
"""Bytes from which a scan may take over a millisecond; RE2 lets go of the GIL, so a thread keeps the loop free."""
THREADS = 4
RULES_PATIENCE = 1.0
"""Seconds that a workspace's first rule set is waited for."""
_passed = metrics.STAGE_MESSAGES.labels("firewall", "passed")
_refused = metrics.STAGE_MESSAGES.labels("firewall", "refused")
_decode = msgspec.json.Decoder(dict).decode
_encode = msgspec.json.Encoder().encode


class NotScreened(Exception):
    """The request was not judged, so it does not pass. `error`: what the client hears."""

    def __init__(self, error: ErrorInfo) -> None:
        super().__init__(error.message)
        self.error = error


class Firewall:
    """Holds each workspace's compiled rules and screens what is admitted."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.policies = Policies("prompt", "metadata")
        self._threads, self._free = ThreadPoolExecutor(THREADS, "scan"), asyncio.Semaphore(THREADS)

    def takes_long(self, message: Admitted) -> bool:
        """Whether others should not have to wait for this one."""
        return len(message.body.inline) > THREAD_ABOVE or message.trial is not None or self.policies.of(message.workspace) is None

    async def handle(self, message: Admitted, reply: str, taken_at: float) -> None:
        try:
            policy = await self._policy(message)
            if message.trial is not None and message.trial.stage == "firewall":
                await self._bus.publish(reply, await self._on_thread(_previewed, await self._bus.claims.fetch(message.body), message, policy))
            elif len(policy):
                await self._judge(message, policy, reply, taken_at)
            else:
                await self._pass(message, Verdict(screening=Screening(revision=policy.revision)), reply, taken_at)
        except NotScreened as stopped:
            await refuse(self._bus, message, "firewall", reply, stopped.error, taken_at)
            _refused.inc()

    async def _policy(self, message: Admitted) -> Policy:
        """The rules in force, or a preview's drafts. Raises NotScreened when there never were any."""
        patience = time.monotonic() + RULES_PATIENCE
        while (policy := self.policies.of(message.workspace)) is None:
            if time.monotonic() > patience:
                log.error("no firewall rules for a workspace: nothing passes", extra={"workspace": message.workspace})
                what = "the firewall has no rule set for this workspace, and nothing passes unscreened; try again"
                raise NotScreened(Unavailable(what, code="firewall_unavailable", retry_after=2).info)
            await asyncio.sleep(0.05)
        trial = message.trial
        if trial is None or trial.firewall is None:
            return policy
        try:
            return policy.drafted(trial.firewall, on_top=trial.on_top, scopes=("prompt", "metadata", "response"))
        except Exception as error:
            raise NotScreened(ValidationFailed(f"the draft rules do not compile together: {error}", param="rules").info) from error

    async def _judge(self, message: Admitted, policy: Policy, reply: str, taken_at: float) -> None:
        body = await self._bus.claims.fetch(message.body)
        if len(body) > THREAD_ABOVE:
            verdict, masked = await self._on_thread(_judged, body, message, policy)
        else:
            verdict, masked = _guarded(_judged, body, message, policy)
        if verdict.blocked_by is not None:
            await self._block(message, verdict, reply, taken_at)
        else:
            await self._pass(message, verdict, reply, taken_at, masked)

    async def _on_thread(self, work: Any, *given: Any) -> Any:
        """Scan beside the event loop, and no longer than allowed: a single search over megabytes does not look at the clock."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        scan = self._threads.submit(_guarded, work, *given)
        # A scan that was given up has its thread until it ends by itself.
        scan.add_done_callback(lambda _: loop.call_soon_threadsafe(self._free.release))
        judged = asyncio.wrap_future(scan)
        done, _ = await asyncio.wait({judged}, timeout=SECONDS)
        if not done:
            judged.cancel()
            raise NotScreened(_TOO_LONG)
        return judged.result()

    async def _pass(self, message: Admitted, verdict: Verdict, reply: str, taken_at: float, masked: bytes = b"") -> None:
        body, facts = message.body, message.facts
        if verdict.metadata is not None:
            facts = msgspec.structs.replace(facts, metadata=verdict.metadata)
        if masked:
            body = await self._bus.claims.stow(masked)
        hop = Hop("firewall", self._bus.instance, taken_at, (time.time() - taken_at) * 1000)
        screened = advance(message, Screened, screening=verdict.screening, body=body, facts=facts, hops=[*message.hops, hop])
        await self._bus.publish(subjects.screened(message.workspace), screened, reply)
        _passed.inc()

    async def _block(self, message: Admitted, verdict: Verdict, reply: str, taken_at: float) -> None:
        rule = verdict.blocked_by
        assert rule is not None
        error = FirewallBlocked(f"firewall rule '{rule.name}' blocks this request")
        error.because(rule_trace=shortened(verdict.screening.trace))
        # The rule may have hit a secret in the metadata, so none of it goes into the ledger.
        facts = msgspec.structs.replace(message.facts, metadata={}) if rule.scope == "metadata" else message.facts
        screened = advance(message, Screened, screening=verdict.screening, facts=facts)
        await refuse(self._bus, screened, "firewall", reply, error.info, taken_at)
        _refused.inc()


_TOO_LONG = FirewallBlocked(
    f"the firewall could not judge this request within {SECONDS:g} seconds, so it does not pass; send less text", code="firewall_timeout"
).info


def _guarded(work: Any, *given: Any) -> Any:
    try:
        return work(*given)
    except ScanTimeout:
        raise NotScreened(_TOO_LONG) from None


def _judged(body: bytes, message: Admitted, policy: Policy) -> tuple[Verdict, bytes]:
    """The verdict, and the masked request's JSON where something was masked. Raises NotScreened and ScanTimeout."""
    verdict = screen(_request(body), message.facts.metadata, policy, _caller(message))
    return verdict, b"" if verdict.request is None else _encode(verdict.request)


def _previewed(body: bytes, message: Admitted, policy: Policy) -> Previewed:
    return previewed(_request(body), message, policy, _caller(message))


def _request(body: bytes) -> Json:
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotScreened(InvalidRequest("the body is not valid JSON").info) from None


def _caller(message: Admitted) -> Caller:
    return Caller(key_id=message.key_id, key_name=message.key_name, project=message.project)
