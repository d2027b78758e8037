"""Routing rules."""

from typing import Any

import msgspec

from libs.contracts.decisions import Limits, Ruling, Share, Target
from libs.contracts.message import RuleTrace
from libs.contracts.policies import RoutingRule, RoutingRules
from libs.rules.policy import MAX_TRACES, Policy, apply
from tests.unit.libs.rules.world import facts, rule, said


def ruling(*rules: RoutingRule, text: str = "", mode: Any = "balance", **metadata: str) -> Ruling:
    return said(*rules, about=facts(text, model=f"auto:{mode}", metadata=metadata)).ruling


def traced(told: Ruling) -> list[RuleTrace]:
    return msgspec.json.decode(told.trace, type=list[RuleTrace])


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
    told = ruling(rule(4, {}, {"split": SPLIT}), rule(5, {}, {"split": [{"weight": 1, "model": "other"}]}, priority=-1))
    assert told.split == [Share(weight=70, model="gpt-5-mini"), Share(weight=30, provider="gemini", mode="balance")]
    assert told.split_by == 4


def test_a_split_comes_too_late_where_an_earlier_rule_has_spoken() -> None:
    split = rule(4, {}, {"split": SPLIT})
    assert ruling(rule(1, {}, {"set_model": "gpt-4o"}, priority=5), split).split == []
    assert ruling(rule(1, {}, {"add_warning": {"message": "x"}}, priority=5), split).split_by == 4
    later = ruling(split, rule(1, {}, {"set_model": "gpt-4o"}, priority=-5))
    assert (later.split_by, later.target.model) == (4, "gpt-4o")


def test_lists_add_up_and_maps_merge_entry_by_entry() -> None:
    high = rule(1, {}, {
        "exclude": ["openai/*"], "add_headers": {"X-Team": "a"}, "add_metadata": {"team": "a"}, "set_limits": {"max_attempts": 1},
    }, priority=5)
    low = rule(2, {}, {
        "exclude": ["mistral/*", "openai/*"], "add_headers": {"x-team": "b", "x-tier": "b"}, "add_metadata": {"team": "b", "tier": "b"},
        "set_limits": {"max_attempts": 3, "max_output_tokens": 100, "timeout_seconds": 2.5, "max_cost_usd": 0},
    })
    told = said(low, high)
    assert told.ruling.exclude == ["openai/*", "mistral/*"]
    assert told.ruling.headers == {"x-team": "a", "x-tier": "b"}
    assert told.metadata == {"team": "a", "tier": "b"}
    assert told.ruling.limits == Limits(max_attempts=1, max_output_tokens=100, timeout=2.5, max_usd=0)


def test_a_denial_counts_whatever_stronger_rules_say_and_the_strongest_names_it() -> None:
    told = said(
        rule(1, {}, {"pin": {"model": "gpt-4o"}}, priority=5), rule(2, {}, {"deny": {"message": "not here"}}),
        rule(3, {}, {"deny": True}, priority=-1),
    )
    assert told.denied is not None
    assert (told.denied.rule.id, told.denied.message) == (2, "not here")
    assert [trace.rule_id for trace in told.ruling.matched] == [1, 2, 3]
    unnamed = said(rule(3, {}, {"deny": True})).denied
    assert unnamed is not None
    assert unnamed.message == "routing rule 'rule 3' denies this request"
    assert said(rule(3, {"stream": True}, {"deny": True})).denied is None


def test_a_pin_is_the_whole_way() -> None:
    weaker = rule(2, {}, {"set_provider": "openai", "set_mode": "cost", "split": SPLIT, "fallbacks": [{"model": "gpt-5"}]})
    told = ruling(rule(1, {}, {"pin": {"provider": "google", "model": "gemini-2.5-pro"}}, priority=5), weaker)
    assert told.pinned
    assert told.target == Target(provider="gemini", model="gemini-2.5-pro", mode="cost")
    assert (told.split, told.fallbacks) == ([], [])


def test_a_pin_comes_too_late_where_a_stronger_rule_has_said_something_of_the_way() -> None:
    pin = rule(9, {}, {"pin": {"model": "gpt-4o"}}, priority=-5)
    for action in ({"set_provider": "openai"}, {"set_model": "gpt-5"}, {"split": SPLIT}, {"fallbacks": [{"model": "gpt-5"}]}):
        told = ruling(rule(1, {}, action), pin)
        assert not told.pinned
        assert told.target.model != "gpt-4o"
    assert ruling(rule(1, {}, {"set_mode": "cost"}), pin).pinned


def test_the_strongest_chain_counts_as_a_whole() -> None:
    told = ruling(
        rule(1, {}, {"fallbacks": [{"provider": "google"}, {"model": "gpt-5"}]}),
        rule(2, {}, {"fallbacks": [{"model": "x"}], "set_model": "gpt-4o"}),
    )
    assert told.fallbacks == [Target(provider="gemini"), Target(model="gpt-5")]
    assert told.target.model == "gpt-4o"


def test_headers_for_providers_are_not_shown_to_clients() -> None:
    told = ruling(rule(1, {}, {"add_headers": {"x-internal": "hunter2"}, "set_mode": "cost"}))
    assert told.headers == {"x-internal": "hunter2"}
    assert b"hunter2" not in told.trace
    assert told.matched[0].action == {"add_headers": {"x-internal": "[hidden]"}, "set_mode": "cost"}


def test_drafts_stand_alone_or_on_top_of_the_live_rules() -> None:
    live = Policy(RoutingRules(rules=[rule(1, {}, {"set_model": "one"}), rule(2, {}, {"set_mode": "cost"})]), 7)
    draft = rule(1, {}, {"set_model": "draft"})
    alone = apply(live.drafted([draft], on_top=False), facts()).ruling
    assert (alone.target, alone.revision) == (Target(model="draft"), 0)
    assert apply(live.drafted([draft], on_top=True), facts()).ruling.target == Target(model="draft", mode="cost")


def test_traces_are_the_same_however_often_and_in_whatever_order_they_are_asked_for() -> None:
    policy = Policy(RoutingRules(rules=[rule(1, {"min_input_tokens": 50}, {"set_mode": "cost"})]), 1)
    fresh = [apply(Policy(policy.given, 1), facts(input_chars=4 * size)).ruling for size in range(3)]
    for size in range(2 * MAX_TRACES):
        apply(policy, facts(input_chars=4 * size))
    assert [apply(policy, facts(input_chars=4 * size)).ruling for size in range(3)] == fresh
