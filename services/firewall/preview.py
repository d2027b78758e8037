"""What the firewall would do with a request, and with an answer, told in full to whoever tries it out. Pure."""

import time
from typing import Any

import msgspec

from libs.contracts.deltas import Previewed
from libs.contracts.policies import FirewallRule
from libs.contracts.requests import Admitted
from libs.firewall.answer import screen_output
from libs.firewall.findings import Findings
from libs.firewall.policies import Policy
from libs.firewall.request import SECONDS, Caller, Verdict, screen

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


def previewed(request: Json, message: Admitted, policy: Policy, caller: Caller) -> Previewed:
    """The answer to the edge. Raises ScanTimeout."""
    began = time.perf_counter()
    verdict = screen(request, message.facts.metadata, policy, caller)
    told: Json = {
        "object": "firewall.preview",
        "request_id": message.request_id,
        **_judged(verdict),
        "request": (verdict.request or request) | ({"metadata": verdict.metadata} if verdict.metadata is not None else {}),
    }
    if message.trial is not None and message.trial.output is not None:
        told["response"] = _answer(message.trial.output, policy, caller)
    told["took_ms"] = round((time.perf_counter() - began) * 1000, 3)
    return Previewed(request_id=message.request_id, dispatch=message.dispatch, preview=_encode(told))


def _judged(verdict: Verdict) -> Json:
    screening = verdict.screening
    return {
        "action": _action(verdict.blocked_by, screening.masked, bool(screening.warnings)),
        "blocked_by": _named(verdict.blocked_by),
        "checked": screening.checked,
        "masked": screening.masked,
        "rule_trace": screening.trace,
        "warnings": screening.warnings,
    }


def _answer(output: list[Json], policy: Policy, caller: Caller) -> Json:
    active = policy.of("response").active(caller.key_id, caller.key_name, caller.project)
    screened = screen_output(output, active, deadline=time.monotonic() + SECONDS)
    findings = Findings(policy.salt)
    for found in screened.found:
        findings.add(found.item, found.hits, found.text)
    warnings = findings.warnings()
    return {
        "action": _action(screened.blocked_by, findings.masked, bool(warnings)),
        "blocked_by": _named(screened.blocked_by),
        "checked": len(active),
        "masked": findings.masked,
        "rule_trace": findings.trace(),
        "warnings": warnings,
        "hold_back": active.hold,
        "output": None if screened.blocked_by is not None else screened.output,
    }


def _action(blocked_by: FirewallRule | None, masked: int, warns: bool) -> str:
    if blocked_by is not None:
        return "block"
    return "mask" if masked else "warn" if warns else "pass"


def _named(rule: FirewallRule | None) -> Json | None:
    return None if rule is None else {"rule_id": rule.id, "name": rule.name}
