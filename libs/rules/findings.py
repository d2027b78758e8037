"""What the firewall found, as a condition: `true`, `false`, or `{"rule": "secrets", "action": "mask", "detector": "email", "min_hits": 2}`."""

from collections.abc import Callable, Hashable
from typing import Any

from libs.contracts.message import RuleTrace
from libs.firewall.detectors import detectors
from libs.rules.facts import Facts


def findings(expected: bool | dict[str, Any]) -> Callable[[Facts], tuple[bool, Hashable]]:
    """Holds where rules of the firewall have hit as expected. What a rule only observes counts only where the rule is named."""
    if isinstance(expected, bool):
        wanted, wished = {}, expected
    else:
        wanted, wished = expected, True
    least = wanted.get("min_hits", 1)
    names = _detectors(wanted["detector"]) if "detector" in wanted else None

    def look(facts: Facts) -> tuple[bool, Hashable]:
        found = tuple([
            (trace.rule_id, trace.action, hits) for trace in facts.screening.trace
            if _meant(trace, wanted) and (hits := _hits(trace, names))
        ])
        return (sum(hits for _, _, hits in found) >= least) is wished, found

    return look


def _meant(trace: RuleTrace, wanted: dict[str, Any]) -> bool:
    rule = wanted.get("rule")
    if trace.kind != "firewall" or not trace.matched or (trace.observed and rule is None):
        return False
    return (
        (rule is None or rule in (trace.rule_id, trace.name))
        and wanted.get("action") in (None, trace.action)
        and wanted.get("scope") in (None, trace.scope)
    )


def _hits(trace: RuleTrace, names: frozenset[str] | None) -> int:
    """All of a rule's hits, or those of some detectors as far as the trace tells them apart."""
    if names is None:
        return trace.hits or 1
    return sum(match.detector in names for match in trace.matches)


def _detectors(name: str) -> frozenset[str]:
    """One detector, or those of a pack. One that this version does not have is never found."""
    try:
        return frozenset(detector.name for detector in detectors(name))
    except ValueError:
        return frozenset()
