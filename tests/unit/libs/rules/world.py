"""Requests and rules to evaluate."""

from typing import Any

import msgspec

from libs.contracts.message import Condition, RuleTrace
from libs.contracts.models import parse_model
from libs.contracts.policies import RoutingRule, RoutingRules
from libs.contracts.requests import RequestFacts
from libs.rules.facts import Facts
from libs.rules.policy import Policy, Said, apply

KNOWN = frozenset(RequestFacts.__struct_fields__)


def rule(number: int, match: dict[str, Any], action: dict[str, Any] | None = None, priority: int = 0, enabled: bool = True) -> RoutingRule:
    return RoutingRule(
        id=number, user_id=1, name=f"rule {number}", is_enabled=enabled, priority=priority, match_json=match, action_json=action or {},
        created_at="", updated_at="",
    )


def facts(text: str = "", model: str = "auto", body: dict[str, Any] | None = None, **known: Any) -> Facts:
    asked = {name: known.pop(name) for name in list(known) if name in KNOWN}
    request = body or {"input": text}
    return Facts(RequestFacts(**{"model": model, "target": parse_model(model)} | asked), lambda: msgspec.json.encode(request), **known)


def said(*rules: RoutingRule, about: Facts | None = None) -> Said:
    return apply(Policy(RoutingRules(rules=list(rules)), 7), about or facts())


def traced(told: Said) -> list[RuleTrace]:
    return msgspec.json.decode(told.ruling.trace, type=list[RuleTrace])


def looked(match: dict[str, Any], text: str = "", **known: Any) -> Condition:
    """The first condition of a rule, as its trace has it."""
    return traced(said(rule(1, match), about=facts(text, **known)))[0].conditions[0]


def holds(match: dict[str, Any], text: str = "", **known: Any) -> bool:
    told = said(rule(1, match), about=facts(text, **known))
    assert traced(told)[0].matched is bool(told.ruling.matched)
    return bool(told.ruling.matched)
