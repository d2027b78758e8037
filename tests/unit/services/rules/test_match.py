"""Routing rules."""

from typing import Any

import msgspec

from libs.contracts.decisions import Ruling, Share
from libs.contracts.message import RuleTrace
from libs.contracts.policies import RoutingRule, RoutingRules
from services.rules.match import Facts, Policy, apply


def rule(number: int, match: dict[str, Any], action: dict[str, Any], priority: int = 0, enabled: bool = True) -> RoutingRule:
    return RoutingRule(
        id=number, user_id=1, name=f"rule {number}", is_enabled=enabled, priority=priority, match_json=match, action_json=action,
        created_at="", updated_at="",
    )


def ruling(*rules: RoutingRule, text: str = "", mode: Any = "balance", **metadata: str) -> Ruling:
    facts = Facts(user_text=lambda: text.casefold(), metadata=metadata, mode=mode)
    return apply(Policy(RoutingRules(rules=list(rules)), 7), facts)


def traced(said: Ruling) -> list[RuleTrace]:
    return msgspec.json.decode(said.trace, type=list[RuleTrace])


def test_conditions_are_anded_and_each_is_traced() -> None:
    both = rule(1, {"contains": "Invoice", "metadata_equals": {"team": "blue"}}, {"set_provider": "anthropic"})
    assert ruling(both, text="an INVOICE", team="blue").target.provider == "anthropic"
    missed = ruling(both, text="an invoice", team="red")
    assert missed.target.provider is None
    assert [(one.field, one.matched) for one in traced(missed)[0].conditions] == [("contains", True), ("metadata_equals", False)]
    assert traced(missed)[0].conditions[1].seen == {"team": "red"}
    assert missed.revision == 7


def test_contains_takes_any_of_several_words() -> None:
    any_of = rule(1, {"contains": ["bill", "invoice"]}, {"set_mode": "cost"})
    assert ruling(any_of, text="the bill").target.mode == "cost"
    assert ruling(any_of, text="hello").target.mode is None


def test_mode_and_its_synonyms() -> None:
    assert ruling(rule(1, {"mode": "balanced"}, {"set_mode": "fast"}), mode="balance").target.mode == "latency"
    assert ruling(rule(1, {"mode": "cost"}, {"set_mode": "quality"}), mode="balance").target.mode is None


def test_task_is_short_for_metadata() -> None:
    assert ruling(rule(1, {"task": "summary"}, {"set_model": "gpt-4o"}), task="summary").target.model == "gpt-4o"


def test_empty_match_matches_everything() -> None:
    assert ruling(rule(1, {}, {"set_model": "gpt-4o"})).target.model == "gpt-4o"


def test_actions_merge_key_by_key_with_the_higher_priority_winning() -> None:
    low = rule(1, {}, {"set_model": "low", "set_mode": "cost", "add_warning": {"message": "from low"}}, priority=-5)
    high = rule(2, {}, {"set_model": "high", "add_warning": {"message": "from high"}}, priority=5)
    merged = ruling(low, high)
    assert merged.target.model == "high"
    assert merged.target.mode == "cost"
    assert [warning.message for warning in merged.warnings] == ["from high", "from low"]


def test_ties_go_to_the_lower_id_and_disabled_rules_are_not_looked_at() -> None:
    merged = ruling(rule(2, {}, {"set_model": "second"}), rule(1, {}, {"set_model": "first"}), rule(0, {}, {"set_model": "off"}, enabled=False))
    assert merged.target.model == "first"
    assert [one.rule_id for one in traced(merged)] == [1, 2]


def test_the_prompt_is_not_in_the_trace() -> None:
    assert b"hunter2" not in ruling(rule(1, {"contains": "secret"}, {}), text="my secret is hunter2").trace


SPLIT = [{"weight": 70, "model": "gpt-5-mini"}, {"weight": 30, "provider": "google", "mode": "balanced"}]


def test_a_split_travels_with_its_rule() -> None:
    said = ruling(rule(4, {}, {"split": SPLIT}), rule(5, {}, {"split": [{"weight": 1, "model": "other"}]}, priority=-1))
    assert said.split == [Share(weight=70, model="gpt-5-mini"), Share(weight=30, provider="gemini", mode="balance")]
    assert said.split_by == 4


def test_a_split_comes_too_late_where_an_earlier_rule_has_spoken() -> None:
    split = rule(4, {}, {"split": SPLIT})
    assert ruling(rule(1, {}, {"set_model": "gpt-4o"}, priority=5), split).split == []
    assert ruling(rule(1, {}, {"add_warning": {"message": "x"}}, priority=5), split).split_by == 4
    later = ruling(split, rule(1, {}, {"set_model": "gpt-4o"}, priority=-5))
    assert (later.split_by, later.target.model) == (4, "gpt-4o")
