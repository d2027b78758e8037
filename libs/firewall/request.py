"""Screening, pure: a request and a rule set in, a verdict and perhaps a masked request out."""

from typing import Any

from msgspec import Struct

from libs.contracts.decisions import Screening
from libs.contracts.message import RuleTrace, Warning
from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.ruleset import Hit, RuleSet, masked
from libs.responses.text import rewrite, texts


class Policy:
    """A workspace's rules, compiled by scope."""

    def __init__(self, rules: FirewallRules, revision: int) -> None:
        self.revision = revision
        self.prompt = RuleSet(rules, "prompt")
        self.metadata = RuleSet(rules, "metadata")

    def __len__(self) -> int:
        return len(self.prompt) + len(self.metadata)


EMPTY = Policy(FirewallRules(), 0)


class Verdict(Struct, frozen=True, kw_only=True):
    """What screening found."""

    screening: Screening
    blocked_by: FirewallRule | None = None
    request: dict[str, Any] | None = None
    """The masked request, when something in it was masked."""
    metadata: dict[str, str] | None = None
    """The masked metadata, when something in it was masked."""


def screen(request: dict[str, Any], metadata: dict[str, str], policy: Policy) -> Verdict:
    """Judge a canonical request. Masks apply even when a rule only warns elsewhere; the first blocking rule names the block."""
    findings = _Findings()
    new_request = _screen_texts(request, policy.prompt, findings)
    new_metadata = _screen_metadata(metadata, policy.metadata, findings)
    screening = Screening(
        revision=policy.revision,
        checked=len(policy),
        trace=findings.trace(),
        warnings=findings.warnings(),
        masked=findings.masked,
    )
    return Verdict(screening=screening, blocked_by=findings.block(), request=new_request, metadata=new_metadata)


class _Findings:
    """Hits gathered over all texts of a request, by rule."""

    def __init__(self) -> None:
        self._by_rule: dict[int, tuple[FirewallRule, int]] = {}
        self.masked = 0

    def add(self, hits: list[Hit]) -> list[Hit]:
        """Note the hits; returns those that mask."""
        for hit in hits:
            _, count = self._by_rule.get(hit.rule.id, (hit.rule, 0))
            self._by_rule[hit.rule.id] = (hit.rule, count + 1)
        masking = [hit for hit in hits if hit.rule.action == "mask"]
        self.masked += len(masking)
        return masking

    def ordered(self) -> list[tuple[FirewallRule, int]]:
        return sorted(self._by_rule.values(), key=lambda found: (-found[0].priority, found[0].id))

    def block(self) -> FirewallRule | None:
        return next((rule for rule, _ in self.ordered() if rule.action == "block"), None)

    def trace(self) -> list[RuleTrace]:
        return [
            RuleTrace(
                kind="firewall", rule_id=rule.id, name=rule.name, priority=rule.priority,
                matched=True, action=rule.action, scope=rule.scope, hits=count,
            )
            for rule, count in self.ordered()
        ]

    def warnings(self) -> list[Warning]:
        return [
            Warning(source="firewall", rule_id=rule.id, message=f"firewall rule '{rule.name}' matched the {rule.scope}")
            for rule, _ in self.ordered()
            if rule.action == "warn"
        ]


def _screen_texts(request: dict[str, Any], rules: RuleSet, findings: _Findings) -> dict[str, Any] | None:
    if not len(rules):
        return None
    # One pass over everything finds the suspects; most prompts have none and are done here.
    suspects = rules.suspects("\n".join(text for _, text in texts(request)).encode("utf-8", "replace"))
    if not suspects:
        return None
    changed = False

    def replace(text: str) -> str:
        nonlocal changed
        data = text.encode("utf-8", "replace")
        masking = findings.add(rules.hits(data, suspects))
        if not masking:
            return text
        changed = True
        return masked(data, masking).decode("utf-8", "replace")

    rewritten = rewrite(request, replace)
    return rewritten if changed else None


def _screen_metadata(metadata: dict[str, str], rules: RuleSet, findings: _Findings) -> dict[str, str] | None:
    if not len(rules) or not metadata:
        return None
    cleaned: dict[str, str] = {}
    for name, value in metadata.items():
        data = value.encode("utf-8", "replace")
        masking = findings.add(rules.hits(data, rules.suspects(data)))
        cleaned[name] = masked(data, masking).decode("utf-8", "replace") if masking else value
    return cleaned if cleaned != metadata else None
