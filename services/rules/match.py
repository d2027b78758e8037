"""Routing rules, pure: every enabled rule is evaluated, highest priority first; actions merge key by key, earlier rule wins."""

from collections.abc import Callable, Hashable
from typing import Any

import msgspec
from msgspec import Struct

from libs.contracts.decisions import Mode, Ruling, Share, Target
from libs.contracts.message import Condition, RuleTrace, Warning
from libs.contracts.models import mode_of, provider_of
from libs.contracts.policies import RoutingRule, RoutingRules

MAX_TRACES = 256
"""Traces kept for each rule."""
_encode = msgspec.json.Encoder().encode


Seen = tuple[bool, Hashable]
"""Whether a condition holds, and the value it saw."""


class Facts(Struct, frozen=True, kw_only=True):
    """What conditions can look at. `user_text` is a function because most rule sets never need the text."""

    user_text: Callable[[], str]
    metadata: dict[str, str]
    mode: Mode


class Policy:
    """A workspace's enabled rules in evaluation order."""

    def __init__(self, rules: RoutingRules, revision: int) -> None:
        self.revision = revision
        enabled = [rule for rule in rules.rules if rule.is_enabled]
        self.rules = [Rule(rule) for rule in sorted(enabled, key=lambda rule: (-rule.priority, rule.id))]
        self.needs_text = any("contains" in rule.match_json for rule in enabled)


class Rule:
    """A rule ready to be evaluated. Its trace depends only on what its conditions saw, and most requests look alike, so a
    trace once written is kept."""

    def __init__(self, rule: RoutingRule) -> None:
        self.rule = rule
        self._fields = list(rule.match_json.items())
        self._looks = [_CONDITIONS[field](expected) for field, expected in self._fields]
        self.shares = [_share(way) for way in rule.action_json.get("split", ())]
        self._written: dict[tuple[Seen, ...], bytes] = {}

    def evaluate(self, facts: Facts) -> tuple[RuleTrace | None, bytes]:
        """The trace if the rule matches, and its JSON in any case."""
        looked = tuple([look(facts) for look in self._looks])
        matched = True
        for held, _ in looked:
            matched = matched and held
        written = self._written.get(looked)
        if written is not None and not matched:
            return None, written
        trace = self._trace(looked, matched)
        if written is None:
            written = _encode(trace)
            if len(self._written) < MAX_TRACES:
                self._written[looked] = written
        return (trace if matched else None), written

    def _trace(self, looked: tuple[Seen, ...], matched: bool) -> RuleTrace:
        conditions = [
            Condition(field=field, expected=expected, matched=held, seen=_shown(expected, seen))
            for (field, expected), (held, seen) in zip(self._fields, looked, strict=True)
        ]
        rule = self.rule
        return RuleTrace(
            kind="routing", rule_id=rule.id, name=rule.name, priority=rule.priority, matched=matched, conditions=conditions,
            action=rule.action_json if matched else None,
        )


EMPTY = Policy(RoutingRules(), 0)


def apply(policy: Policy, facts: Facts) -> Ruling:
    """What the rules say of a request, with every condition that was looked at."""
    matched: list[RuleTrace] = []
    written: list[bytes] = []
    actions: dict[str, Any] = {}
    warnings: list[Warning] = []
    split: list[Share] = []
    split_by = 0
    for rule in policy.rules:
        trace, json = rule.evaluate(facts)
        written.append(json)
        if trace is not None:
            matched.append(trace)
            warnings += _warning(rule.rule)
            if rule.shares and not split and actions.keys().isdisjoint(_SPLITS_SET):
                split, split_by = rule.shares, rule.rule.id
            actions = rule.rule.action_json | actions
    return Ruling(
        revision=policy.revision,
        matched=matched,
        trace=b"[" + b",".join(written) + b"]",
        target=_target(actions),
        split=split,
        split_by=split_by,
        warnings=warnings,
    )


_SPLITS_SET = frozenset({"set_provider", "set_model", "set_mode"})
"""What the ways of a split set too. Where an earlier rule has spoken of it, a split comes too late."""


Look = Callable[[Facts], Seen]


def _contains(expected: str | list[str]) -> Look:
    words = [(word, word.casefold()) for word in ([expected] if isinstance(expected, str) else expected)]

    def look(facts: Facts) -> Seen:
        text = facts.user_text()
        # The text itself is not kept: a trace is read by more people than a prompt.
        found = tuple([word for word, folded in words if folded in text])
        return bool(found), found

    return look


def _metadata_equals(expected: dict[str, str]) -> Look:
    names, wanted = tuple(expected), tuple(expected.values())

    def look(facts: Facts) -> Seen:
        seen = tuple([facts.metadata.get(name) for name in names])
        return seen == wanted, seen

    return look


def _mode(expected: str) -> Look:
    wanted = mode_of(expected)
    return lambda facts: (facts.mode == wanted, facts.mode)


def _task(expected: str) -> Look:
    def look(facts: Facts) -> Seen:
        seen = facts.metadata.get("task")
        return seen == expected, seen

    return look


_CONDITIONS: dict[str, Callable[[Any], Look]] = {
    "contains": _contains,
    "metadata_equals": _metadata_equals,
    "mode": _mode,
    "task": _task,
}


def _shown(expected: Any, seen: Hashable) -> Any:
    """What a condition saw, in the form of what it expects."""
    return dict(zip(expected, seen, strict=True)) if isinstance(expected, dict) else seen  # type: ignore[call-overload]


def _target(actions: dict[str, Any]) -> Target:
    mode = actions.get("set_mode")
    provider = actions.get("set_provider")
    return Target(
        provider=(provider_of(provider) or provider) if provider else None, model=actions.get("set_model"),
        mode=mode_of(mode) if mode else None,
    )


def _share(way: dict[str, Any]) -> Share:
    target = _target({f"set_{name}": value for name, value in way.items()})
    return Share(weight=way["weight"], provider=target.provider, model=target.model, mode=target.mode)


def _warning(rule: RoutingRule) -> list[Warning]:
    warning = rule.action_json.get("add_warning")
    return [Warning(source="routing", rule_id=rule.id, message=warning["message"])] if warning else []
