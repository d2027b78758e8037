"""Routing rules, pure: every enabled rule is evaluated, highest priority first; actions merge key by key, earlier rule wins."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from libs.contracts.decisions import Mode, Ruling, Target
from libs.contracts.message import Condition, RuleTrace, Warning
from libs.contracts.models import mode_of, provider_of
from libs.contracts.policies import RoutingRule, RoutingRules

_encode = msgspec.json.Encoder().encode


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
        self.rules = sorted(enabled, key=lambda rule: (-rule.priority, rule.id))


EMPTY = Policy(RoutingRules(), 0)


def apply(policy: Policy, facts: Facts) -> Ruling:
    """What the rules say of a request, with every condition that was looked at."""
    trace: list[RuleTrace] = []
    actions: dict[str, Any] = {}
    warnings: list[Warning] = []
    for rule in policy.rules:
        conditions = [_CONDITIONS[field](expected, facts) for field, expected in rule.match_json.items()]
        matched = all(condition.matched for condition in conditions)
        trace.append(
            RuleTrace(
                kind="routing", rule_id=rule.id, name=rule.name, priority=rule.priority, matched=matched,
                conditions=conditions, action=rule.action_json if matched else None,
            )
        )
        if matched:
            warnings += _warning(rule)
            actions = rule.action_json | actions
    return Ruling(
        revision=policy.revision,
        matched=[one for one in trace if one.matched],
        trace=_encode(trace),
        target=_target(actions),
        warnings=warnings,
    )


def _contains(expected: Any, facts: Facts) -> Condition:
    words = [expected] if isinstance(expected, str) else expected
    text = facts.user_text()
    found = [word for word in words if word.casefold() in text]
    # The text itself is not kept: a trace is read by more people than a prompt.
    return Condition(field="contains", expected=expected, matched=bool(found), seen=found)


def _metadata_equals(expected: dict[str, str], facts: Facts) -> Condition:
    seen = {name: facts.metadata.get(name) for name in expected}
    return Condition(field="metadata_equals", expected=expected, matched=seen == expected, seen=seen)


def _mode(expected: str, facts: Facts) -> Condition:
    return Condition(field="mode", expected=expected, matched=mode_of(expected) == facts.mode, seen=facts.mode)


def _task(expected: str, facts: Facts) -> Condition:
    seen = facts.metadata.get("task")
    return Condition(field="task", expected=expected, matched=seen == expected, seen=seen)


_CONDITIONS: dict[str, Callable[[Any, Facts], Condition]] = {
    "contains": _contains,
    "metadata_equals": _metadata_equals,
    "mode": _mode,
    "task": _task,
}


def _target(actions: dict[str, Any]) -> Target:
    mode = actions.get("set_mode")
    return Target(provider=provider_of(actions.get("set_provider", "")), model=actions.get("set_model"), mode=mode_of(mode) if mode else None)


def _warning(rule: RoutingRule) -> list[Warning]:
    warning = rule.action_json.get("add_warning")
    return [Warning(source="routing", rule_id=rule.id, message=warning["message"])] if warning else []
