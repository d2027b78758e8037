"""Screening."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.errors import ValidationFailed
from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.pattern import check
from libs.firewall.ruleset import RuleSet, masked
from services.firewall.screen import Policy, Verdict, screen


def rule(number: int, pattern: str, action: Any = "mask", **fields: Any) -> FirewallRule:
    given: dict[str, Any] = {"type": "substring", "scope": "prompt", "priority": 0, "is_enabled": True, "replacement": None} | fields
    return FirewallRule(id=number, user_id=1, name=f"rule {number}", pattern=pattern, action=action, created_at="", updated_at="", **given)


def screened(request: dict[str, Any], *rules: FirewallRule, **metadata: str) -> Verdict:
    return screen(request, metadata, Policy(FirewallRules(rules=list(rules)), 3))


def test_substrings_ignore_case_and_mask_with_the_default() -> None:
    verdict = screened({"input": "My SECRET and my secret"}, rule(1, "secret"))
    assert verdict.request == {"input": "My [redacted] and my [redacted]"}
    assert verdict.screening.masked == 2
    assert verdict.screening.trace[0].hits == 2


def test_the_texts_that_embeddings_are_wanted_of_are_screened_one_by_one() -> None:
    request = {"model": "text-embedding-3-small", "input": ["My SECRET", "nothing", "secret"]}
    verdict = screened(request, rule(1, "secret"))
    assert verdict.request == request | {"input": ["My [redacted]", "nothing", "[redacted]"]}
    assert verdict.screening.masked == 2
    assert screened(request, rule(1, "secret", "block")).blocked_by is not None
    assert screened(request | {"input": [[101, 102]]}, rule(1, "1")).screening.trace == []


def test_nothing_found_leaves_the_request_alone() -> None:
    verdict = screened({"input": "hello"}, rule(1, "secret"))
    assert verdict.request is None
    assert verdict.screening.trace == []
    assert verdict.screening.checked == 1


def test_regex_case_follows_the_delimiters() -> None:
    assert screened({"input": "ABC"}, rule(1, "abc", type="regex")).screening.trace
    assert screened({"input": "ABC"}, rule(1, "/abc/i", type="regex")).screening.trace
    assert not screened({"input": "ABC"}, rule(1, "/abc/", type="regex")).screening.trace


def test_anchored_patterns_match_within_their_own_text() -> None:
    request = {"instructions": "something", "input": "secret"}
    assert screened(request, rule(1, "^secret$", type="regex")).request == {"instructions": "something", "input": "[redacted]"}


def test_the_block_with_the_highest_priority_is_named() -> None:
    verdict = screened({"input": "a b"}, rule(1, "a", "block"), rule(2, "b", "block", priority=9))
    assert verdict.blocked_by is not None
    assert verdict.blocked_by.id == 2


def test_warn_changes_nothing() -> None:
    verdict = screened({"input": "secret"}, rule(1, "secret", "warn"))
    assert verdict.request is None
    assert verdict.screening.warnings[0].rule_id == 1


def test_disabled_rules_do_not_act() -> None:
    assert not screened({"input": "secret"}, rule(1, "secret", is_enabled=False)).screening.trace


EVERYWHERE: list[dict[str, Any]] = [
    {"input": "secret"},
    {"input": "x", "instructions": "secret"},
    {"input": [{"role": "user", "content": "secret"}]},
    {"input": [{"role": "user", "content": [{"type": "input_text", "text": "secret"}]}]},
    {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":"secret"}'}]},
    {"input": [{"type": "function_call_output", "call_id": "c", "output": "secret"}]},
    {"input": [{"role": "user", "content": [{"type": "input_file", "filename": "secret.txt", "file_id": "f"}]}]},
    {"input": "x", "tools": [{"type": "function", "name": "f", "description": "secret", "parameters": {"properties": {"a": {"description": "y"}}}}]},
    {"input": "x", "tools": [{"type": "function", "name": "f", "parameters": {"properties": {"a": {"description": "secret"}}}}]},
]


@pytest.mark.parametrize("request_", EVERYWHERE, ids=range(len(EVERYWHERE)))
def test_every_place_is_inspected_and_masked(request_: dict[str, Any]) -> None:
    verdict = screened(request_, rule(1, "secret"))
    assert verdict.request is not None
    assert "secret" not in str(verdict.request)


def test_image_bytes_are_not_text() -> None:
    content = [{"type": "input_image", "image_url": "data:image/png;base64,secretsecret"}]
    assert not screened({"input": [{"role": "user", "content": content}]}, rule(1, "secret")).screening.trace


def test_metadata_rules_look_at_metadata_only() -> None:
    only = rule(1, "secret", scope="metadata")
    verdict = screened({"input": "secret"}, only, team="the secret team")
    assert verdict.request is None
    assert verdict.metadata == {"team": "the [redacted] team"}


def test_overlapping_masks_merge_under_the_stronger_rule() -> None:
    verdict = screened(
        {"input": "abcdef"}, rule(1, "abcd", replacement="<low>"), rule(2, "cdef", replacement="<high>", priority=5)
    )
    assert verdict.request == {"input": "<high>"}


@given(st.text(), st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=4))
def test_no_masked_text_is_left(text: str, words: list[str]) -> None:
    rules = RuleSet(FirewallRules(rules=[rule(n, word, replacement="") for n, word in enumerate(words)]), "prompt")
    data = text.encode()
    hits = rules.hits(data, rules.suspects(data))
    kept = masked(data, hits)
    spans = sorted((hit.start, hit.end) for hit in hits)
    covered = set().union(*(range(start, end) for start, end in spans)) if spans else set()
    assert kept == bytes(byte for at, byte in enumerate(data) if at not in covered)
    for word in words:
        if word in text:
            assert hits


@pytest.mark.parametrize("pattern", ["(?=x)y", "(?!x)y", r"(a)\1", "a{2000}", "(", "a*", "", "x" * 1001])
def test_patterns_that_cannot_be_rules_are_refused(pattern: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        check("regex", pattern)
    assert raised.value.info.param == "pattern"
    assert raised.value.info.status == 422


def test_evil_patterns_are_linear() -> None:
    evil = RuleSet(FirewallRules(rules=[rule(1, "(a+)+$", type="regex")]), "prompt")
    data = b"a" * 5000 + b"!"
    assert evil.hits(data, evil.suspects(data)) == []
