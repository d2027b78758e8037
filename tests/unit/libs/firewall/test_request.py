"""Screening of requests."""

from typing import Any

import msgspec
import pytest

from libs.contracts.policies import FirewallRule, FirewallRules
from libs.firewall.policies import Policies, Policy
from libs.firewall.request import Caller, Verdict, screen


def rule(number: int, pattern: str, action: Any = "mask", **fields: Any) -> FirewallRule:
    given: dict[str, Any] = {"type": "substring", "scope": "prompt", "priority": 0, "is_enabled": True, "replacement": None} | fields
    return FirewallRule(id=number, user_id=1, name=f"rule {number}", pattern=pattern, action=action, created_at="", updated_at="", **given)


def screened(request: dict[str, Any], *rules: FirewallRule, **metadata: str) -> Verdict:
    return screen(request, metadata, Policy(FirewallRules(rules=list(rules), salt="fake salt"), 3, ("prompt", "metadata")), Caller())


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


def test_a_trace_has_places_and_hashes_and_never_the_text() -> None:
    request = {"instructions": "x secret", "input": [{"role": "user", "content": [{"type": "input_text", "text": "secret, Secret"}]}]}
    [trace] = screened(request, rule(1, "secret")).screening.trace
    assert [(match.item, match.start, match.end) for match in trace.matches] == [
        ("instructions", 2, 8), ("input[0].content[0].text", 0, 6), ("input[0].content[0].text", 8, 14),
    ]
    first, second, other = (match.hash for match in trace.matches)
    assert first == second
    assert len(first) == 16
    assert other != first
    assert "ecret" not in str(trace.matches)


def test_rules_that_observe_change_nothing_and_stand_in_the_trace() -> None:
    verdict = screened({"input": "secret"}, rule(1, "secret", "block", observe=True), rule(2, "secret", observe=True))
    assert (verdict.blocked_by, verdict.request, verdict.screening.warnings) == (None, None, [])
    assert [trace.observed for trace in verdict.screening.trace] == [True, True]


@pytest.mark.parametrize("arguments", ['{"a":"my secret","n":1}', '{"a":"my \\u0073ecret","n":1}'])
def test_arguments_stay_json(arguments: str) -> None:
    verdict = screened({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}]}, rule(1, "secret"))
    assert verdict.request is not None
    assert msgspec.json.decode(verdict.request["input"][0]["arguments"]) == {"a": "my [redacted]", "n": 1}


def test_a_tools_output_stays_json_where_it_is_json() -> None:
    outputs = ['{"found":4111111111111111}', "it is 4111111111111111."]
    request = {"input": [{"type": "function_call_output", "call_id": "c", "output": output} for output in outputs]}
    verdict = screened(request, rule(1, "[0-9]{16}", type="regex"))
    assert verdict.request is not None
    assert [item["output"] for item in verdict.request["input"]] == ['{"found":"[redacted]"}', "it is [redacted]."]


@pytest.mark.parametrize("text", ["se\u200bcret", "".join(chr(ord(letter) + 0xFEE0) for letter in "secret"), "se\u00adcr\u2060et"])
def test_disguises_are_seen_through(text: str) -> None:
    assert screened({"input": f"my {text}!"}, rule(1, "secret")).request == {"input": "my [redacted]!"}


def test_masked_metadata_is_masked_in_the_body_too() -> None:
    request = {"input": "x", "metadata": {"team": "secret", "other": "fine"}}
    verdict = screened(request, rule(1, "secret", scope="metadata"), team="secret", other="fine")
    assert verdict.metadata == {"team": "[redacted]", "other": "fine"}
    assert verdict.request is not None
    assert verdict.request["metadata"] == verdict.metadata


def test_the_last_good_rules_stay_in_force() -> None:
    policies = Policies("prompt")
    assert policies.of("default") is None
    policies.apply("firewall.default", msgspec.json.encode(FirewallRules(rules=[rule(1, "x")])), 4)
    for broken in (None, b"nonsense", msgspec.json.encode(FirewallRules(rules=[rule(1, "(", type="regex")]))):
        with pytest.raises(Exception):  # noqa: B017
            policies.apply("firewall.default", broken, 5)
        policy = policies.of("default")
        assert policy is not None
        assert (policy.revision, len(policy)) == (4, 1)
