"""A workspace's routing rules, ready to be asked: every enabled rule is evaluated, highest priority first; actions merge key by key."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from libs.contracts.decisions import Ruling, Share
from libs.contracts.message import RuleTrace
from libs.contracts.policies import RoutingRule, RoutingRules
from libs.rules.actions import Denial, Merged, shares, told
from libs.rules.conditions import Seen
from libs.rules.facts import Facts
from libs.rules.groups import Conditions, needs_text
from libs.rules.sticky import place_of, value_of

MAX_TRACES = 256
"""Traces kept for each rule."""
_encode = msgspec.json.Encoder().encode


class Said(Struct, frozen=True):
    """What the rules say of a request."""

    ruling: Ruling
    metadata: dict[str, str]
    """To be put over the client's."""
    denied: Denial | None


class Policy:
    """The enabled rules in evaluation order. Raises ValueError, KeyError or re2.error where one cannot be used."""

    def __init__(self, rules: RoutingRules, revision: int) -> None:
        self.given, self.revision = rules, revision
        enabled = [rule for rule in rules.rules if rule.is_enabled]
        self.rules = [Rule(rule) for rule in sorted(enabled, key=lambda rule: (-rule.priority, rule.id))]
        self.needs_text = any(rule.needs_text for rule in self.rules)

    def drafted(self, drafts: Iterable[RoutingRule], *, on_top: bool) -> "Policy":
        """The policy with draft rules in place of its own, or on top of them: then a draft takes the place of the rule with its id."""
        drafts = list(drafts)
        known = {draft.id for draft in drafts}
        kept = [rule for rule in self.given.rules if rule.id not in known] if on_top else []
        return Policy(RoutingRules(rules=[*kept, *drafts]), 0)


class Rule:
    """A rule ready to be evaluated. Its trace depends only on what its conditions saw, and most requests look alike, so a trace once written
    is kept."""

    def __init__(self, rule: RoutingRule) -> None:
        self.rule = rule
        self.shares: list[Share] = shares(rule.action_json)
        self.sticky: str = rule.action_json.get("sticky", "")
        self.needs_text = needs_text(rule.match_json) or self.sticky == "conversation"
        self._conditions = Conditions(rule.match_json)
        self._written: dict[Seen, tuple[RuleTrace, bytes]] = {}

    def evaluate(self, facts: Facts) -> tuple[RuleTrace, bytes]:
        """The trace, and its JSON."""
        looked = self._conditions(facts)
        written = self._written.get(looked)
        if written is None:
            if len(self._written) >= MAX_TRACES:
                self._written.clear()
            trace = self._trace(looked)
            written = self._written[looked] = trace, _encode(trace)
        return written

    def split_at(self, facts: Facts) -> float | None:
        """Where the request falls in the split; None where it is not sticky, or the request lacks what it goes by."""
        value = value_of(facts, self.sticky) if self.sticky else ""
        return place_of(self.rule.id, value) if value else None

    def _trace(self, looked: Seen) -> RuleTrace:
        matched, seen = looked
        rule = self.rule
        return RuleTrace(
            kind="routing", rule_id=rule.id, name=rule.name, priority=rule.priority, matched=matched,
            conditions=self._conditions.trace(seen), action=told(rule.action_json) if matched else None,
        )


EMPTY = Policy(RoutingRules(), 0)


def apply(policy: Policy, facts: Facts) -> Said:
    """What the rules say of a request, with every condition that was looked at."""
    matched: list[RuleTrace] = []
    written: list[bytes] = []
    merged = Merged()
    splitting: Rule | None = None
    for rule in policy.rules:
        trace, json = rule.evaluate(facts)
        written.append(json)
        if trace.matched:
            matched.append(trace)
            merged.take(rule.rule)
            if merged.split is rule.rule:
                splitting = rule
    ruling = Ruling(
        revision=policy.revision,
        matched=matched,
        trace=b"[" + b",".join(written) + b"]",
        target=merged.target,
        split=splitting.shares if splitting else [],
        split_by=splitting.rule.id if splitting else 0,
        split_at=splitting.split_at(facts) if splitting else None,
        fallbacks=merged.fallbacks,
        pinned=merged.pinned,
        exclude=merged.exclude,
        headers=merged.headers,
        limits=merged.limits,
        warnings=merged.warnings,
    )
    return Said(ruling, merged.metadata, merged.denied)
