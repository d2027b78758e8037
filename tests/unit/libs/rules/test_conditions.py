"""What each condition looks at, and what its trace shows."""

from typing import Any

import pytest

from libs.contracts.decisions import Screening, Target
from libs.contracts.message import Match, RuleTrace
from libs.contracts.policies import RoutingRules
from libs.routing.estimate import DEFAULT_OUTPUT_TOKENS
from libs.rules.conditions import CONDITIONS
from libs.rules.facts import Facts
from libs.rules.groups import GROUPS
from libs.rules.policy import Policy, apply
from services.edge import routing_conditions
from tests.unit.libs.rules.world import facts, holds, looked, rule


def test_the_edge_checks_every_condition_there_is() -> None:
    assert routing_conditions._CHECKS.keys() == CONDITIONS.keys()


@pytest.mark.parametrize(
    ("match", "known", "held", "seen"),
    [
        ({"min_input_tokens": 501}, {"input_chars": 2000}, True, 501), ({"min_input_tokens": 502}, {"input_chars": 2000}, False, 501),
        ({"max_input_tokens": 501}, {"input_chars": 2000}, True, 501), ({"max_input_tokens": 500}, {"input_chars": 2000}, False, 501),
        ({"min_output_tokens": 1000}, {"max_output_tokens": 1000}, True, 1000),
        ({"max_output_tokens": 999}, {"max_output_tokens": 1000}, False, 1000),
        ({"min_output_tokens": DEFAULT_OUTPUT_TOKENS}, {}, True, DEFAULT_OUTPUT_TOKENS),
        ({"max_output_tokens": 0}, {"embeddings": True}, True, 0),
        ({"stream": True}, {"stream": True}, True, True), ({"stream": False}, {"stream": True}, False, True),
        ({"stream": False}, {}, True, False),
        ({"has_tools": True}, {"tools": 2}, True, True), ({"has_tools": True}, {}, False, False),
        ({"has_images": True}, {"images": 1}, True, True),
        ({"has_files": False}, {"files": 1}, False, True), ({"has_audio": True}, {"audio": 1}, True, True),
        ({"endpoint": "messages"}, {"endpoint": "messages"}, True, "messages"),
        ({"endpoint": ["responses"]}, {"endpoint": "preview"}, True, "responses"),
        ({"project": ["red", "blue"]}, {"project": "blue"}, True, "blue"), ({"project": "red"}, {}, False, ""),
        ({"user": "u1"}, {"user": "u1"}, True, "u1"), ({"user": ["u2"]}, {"user": "u1"}, False, "u1"),
        ({"api_key": "key_1"}, {"key_id": "key_1", "key_name": "ci"}, True, "ci"),
        ({"api_key": ["ci"]}, {"key_id": "key_1", "key_name": "ci"}, True, "ci"),
        ({"api_key": "other"}, {"key_id": "key_1"}, False, "key_1"),
        ({"mode": ["fast", "cost"]}, {"model": "auto:latency"}, True, "latency"),
        ({"task": ["a", "b"]}, {"metadata": {"task": "b"}}, True, "b"),
        ({"metadata_exists": ["a", "b"]}, {"metadata": {"a": ""}}, False, ["a"]),
        ({"metadata_exists": "a"}, {"metadata": {"a": ""}}, True, ["a"]),
        ({"metadata_regex": {"team": "^bl"}}, {"metadata": {"team": "Blue"}}, True, {"team": "Blue"}),
        ({"metadata_regex": {"team": "/^bl/"}}, {"metadata": {"team": "Blue"}}, False, {"team": "Blue"}),
        ({"metadata_regex": {"team": "x"}}, {}, False, {"team": None}),
    ],
    ids=str,
)
def test_facts(match: dict[str, Any], known: dict[str, Any], held: bool, seen: Any) -> None:
    condition = looked(match, **known)
    assert (condition.matched, condition.seen) == (held, seen)
    assert condition.expected == next(iter(match.values()))


@pytest.mark.parametrize(
    ("asked", "globs", "held"),
    [
        ("gpt-4o", "gpt-*", True), ("GPT-4o", "gpt-4O", True), ("openai/gpt-4o", "gpt-*", True), ("openai/gpt-4o", "openai/*", True),
        ("gpt-4o", "openai/*", False), ("gpt-4o:quality", "gpt-4o", True), ("gpt-4o:quality", "gpt-4o:quality", True),
        ("auto:cost", "auto:*", True), ("auto", "auto:balance", True), ("auto", "auto", True), ("auto:cost", "gpt-*", False),
        ("google/auto", "gemini/*", True), ("gemini/gemini-2.5-pro", "google/gemini-*", True), ("groq/llama-3.3", "groq/*", True),
        ("claude-haiku-4-5", ["gpt-*", "claude-*"], True), ("gpt-5", "gpt-[45]", True), ("gpt-45", "gpt-?", False),
    ],
)
def test_models(asked: str, globs: Any, held: bool) -> None:
    assert holds({"model": globs}, model=asked) is held


def test_overrides_are_what_is_asked_for() -> None:
    override = Target(provider="anthropic", model="claude-haiku-4-5")
    assert holds({"model": "anthropic/claude-*"}, model="gpt-4o", override=override)
    assert not holds({"model": "gpt-4o"}, model="gpt-4o", override=override)
    assert holds({"model": "auto:cost"}, model="auto:quality", override=Target(mode="cost"))
    assert looked({"model": "x"}, model="gpt-4o", override=override).seen == "anthropic/claude-haiku-4-5"


def test_patterns_are_found_and_the_trace_says_where_but_not_what() -> None:
    condition = looked({"regex": ["order [0-9]+", "/ORDER/", "ß+"]}, text="Grüße, wo ist Order 4711?")
    assert condition.matched
    assert condition.seen == [{"pattern": "order [0-9]+", "start": 14, "end": 24}, {"pattern": "ß+", "start": 3, "end": 4}]
    assert not holds({"regex": "/ORDER/"}, text="order")


def test_patterns_take_linear_time() -> None:
    assert not holds({"regex": "(a+)+$"}, text="a" * 100_000 + "!")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bitte fasse diesen Vertrag in drei Punkten zusammen.", "de"), ("Résume ce contrat en trois points, s'il te plaît.", "fr"),
        ("Summarize this contract in three bullet points please.", "en"), ("¿Cuál es la capital de Francia?", "es"), ("法国的首都是哪里", "zh"),
        ("フランスの首都はどこですか", "ja"), ("ok", "unknown"), ("12345 67890", "unknown"), ("", "unknown"),
        ("Erkläre mir bitte, was dieser Code macht:\n```python\nfor the in of: print('this is plain English text')\n```", "de"),
    ],
)
def test_languages(text: str, language: str) -> None:
    condition = looked({"language": language}, text=text)
    assert (condition.matched, condition.seen) == (True, language)


def test_norwegian_has_three_codes() -> None:
    assert holds({"language": ["nb"]}, text="Kan du hjelpe meg med å skrive et brev til kommunen om byggesaken?")


def found(*traces: RuleTrace) -> Screening:
    return Screening(revision=1, trace=list(traces))


MASKED = RuleTrace(
    kind="firewall", rule_id=2, name="pii", priority=0, matched=True, action="mask", scope="prompt", hits=3,
    matches=[Match(item="input", start=0, end=4, detector="email"), Match(item="input", start=9, end=12, detector="phone")],
)
OBSERVED = RuleTrace(kind="firewall", rule_id=3, name="quiet", priority=0, matched=True, action="warn", scope="metadata", hits=1, observed=True)


@pytest.mark.parametrize(
    ("expected", "screening", "held"),
    [
        (True, found(MASKED), True), (True, found(), False), (False, found(), True), (False, found(MASKED), False),
        (True, found(OBSERVED), False),
        ({"rule": 2}, found(MASKED), True), ({"rule": "pii"}, found(MASKED), True), ({"rule": 3}, found(MASKED), False),
        ({"rule": "quiet"}, found(OBSERVED), True), ({"action": "mask"}, found(MASKED), True), ({"action": "warn"}, found(MASKED), False),
        ({"scope": "prompt"}, found(MASKED), True), ({"scope": "metadata"}, found(MASKED), False),
        ({"min_hits": 3}, found(MASKED), True), ({"min_hits": 4}, found(MASKED), False), ({"detector": "email"}, found(MASKED), True),
        ({"detector": "iban"}, found(MASKED), False), ({"detector": "pii", "min_hits": 2}, found(MASKED), True),
        ({"detector": "pii", "min_hits": 3}, found(MASKED), False), ({"detector": "secrets"}, found(MASKED), False),
    ],
    ids=str,
)
def test_findings(expected: Any, screening: Screening, held: bool) -> None:
    assert holds({"firewall": expected}, screening=screening) is held


def test_findings_in_the_trace() -> None:
    assert looked({"firewall": True}, screening=found(MASKED)).seen == [{"rule_id": 2, "action": "mask", "hits": 3}]


def test_the_body_is_only_decoded_when_a_condition_looks_at_it_and_then_once() -> None:
    fetched: list[int] = []

    def body() -> bytes:
        fetched.append(1)
        return b'{"input":"hello there"}'

    without = Policy(RoutingRules(rules=[rule(1, {"stream": True, "not": {"model": "x"}})]), 1)
    assert not without.needs_text
    apply(without, Facts(facts().asked, body))
    assert fetched == []
    several = Policy(RoutingRules(rules=[rule(1, {"contains": "x"}), rule(2, {"not": {"any": [{"regex": "x"}, {"language": "de"}]}})]), 1)
    assert several.needs_text
    apply(several, Facts(facts().asked, body))
    assert fetched == [1]


def test_groups_are_no_conditions_of_their_own() -> None:
    assert not GROUPS & CONDITIONS.keys()
