"""Rules as tests write them."""

from typing import Any

from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.ruleset import Active, RuleSet


def rule(number: int, pattern: str, action: Any = "mask", **fields: Any) -> FirewallRule:
    """A substring rule for prompts, unless `fields` say otherwise."""
    given: dict[str, Any] = {"type": "substring", "scope": "prompt", "priority": 0, "is_enabled": True, "replacement": None} | fields
    return FirewallRule(id=number, user_id=1, name=f"rule {number}", pattern=pattern, action=action, created_at="", updated_at="", **given)


def regex(number: int, pattern: str, action: Any = "mask", **fields: Any) -> FirewallRule:
    return rule(number, pattern, action, type="regex", **fields)


def detecting(number: int, names: str, action: Any = "mask", **fields: Any) -> FirewallRule:
    return rule(number, names, action, type="detector", **fields)


def ruleset(*rules: FirewallRule, **options: Any) -> RuleSet:
    return RuleSet(FirewallRules(rules=list(rules)), "prompt", **options)


def active(*rules: FirewallRule, **options: Any) -> Active:
    return ruleset(*rules, **options).active("key_1", "ci", "")
