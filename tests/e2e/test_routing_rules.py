"""Routing rules through the whole stack: what conditions see of real requests, what actions do to them, and what is told of both."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack, until
from tests.upstream import Behaviour, Call, Upstream

RULE: dict[str, Any] = {"name": "a rule", "is_enabled": True, "priority": 5, "match_json": {}, "action_json": {}}
BROKEN = Behaviour(status=500, error={"error": {"message": "no"}})
CHAIN = [{"provider": "anthropic", "model": "claude-haiku-4-5"}, {"model": "gpt-4o-mini"}]


@pytest.fixture(autouse=True)
def no_rules(stack: Stack) -> Iterator[None]:
    yield
    for kind in ("routing-rules", "firewall-rules"):
        for one in call(stack, "GET", kind).json()["data"]:
            call(stack, "DELETE", f"{kind}/{one['id']}")


def call(stack: Stack, method: str, path: str, body: Any = None) -> httpx.Response:
    return httpx.request(method, f"{stack.url}/v1/{path}", json=body, headers=stack.auth, timeout=10)


def rule(stack: Stack, match: dict[str, Any], action: dict[str, Any], **fields: Any) -> int:
    """A rule that is in force."""
    made = call(stack, "POST", "routing-rules", RULE | {"match_json": match, "action_json": action} | fields)
    assert made.status_code == 201, made.text
    number: int = made.json()["data"]["id"]
    until(lambda: number in [trace["rule_id"] for trace in evaluated(stack)], 10.0, "the rule")
    return number


def evaluated(stack: Stack) -> list[dict[str, Any]]:
    """The traces of a request that every rule is evaluated for; a denied one is told as an error."""
    answer = call(stack, "POST", "routing/preview", {"model": "gpt-4o", "input": "hi"}).json()
    return answer.get("rule_trace") or answer["error"]["rule_trace"]  # type: ignore[no-any-return]


def explained(stack: Stack, body: dict[str, Any], path: str = "/v1/responses", **headers: str) -> dict[str, Any]:
    answer = stack.post(body, path, **{"X-TokenRouter-Explain": "true"}, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["tokenrouter"]  # type: ignore[no-any-return]


def test_every_condition_of_a_real_request_is_told_with_what_it_saw(stack: Stack) -> None:
    match = {
        "any": [{"language": "fr"}, {"contains": "vertrag", "language": "de"}], "not": {"has_images": True}, "model": ["gpt-4o*"],
        "min_input_tokens": 5, "max_output_tokens": 100, "stream": False, "endpoint": "responses", "user": "person-1",
        "metadata_exists": ["team"], "regex": "drei [A-Z]", "time": {"from": "00:00", "to": "24:00", "timezone": "Asia/Tokyo"},
        "firewall": False,
    }
    number = rule(stack, match, {"set_model": "gpt-4o-mini"})
    text = "Fasse diesen Vertrag bitte in drei Punkten zusammen."
    body = {
        "model": "gpt-4o", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}], "safety_identifier": "person-1",
        "metadata": {"team": "blue"}, "max_output_tokens": 100,
    }
    told = explained(stack, body)
    assert told["model"] == "gpt-4o-mini"
    trace = told["rule_trace"][0]
    assert (trace["rule_id"], trace["matched"]) == (number, True)
    seen = {one["field"]: one.get("seen") for one in trace["conditions"]}
    assert seen | {"time": "", "min_input_tokens": 0} == {
        "any": None, "not": None, "model": "gpt-4o", "min_input_tokens": 0, "max_output_tokens": 100, "stream": False,
        "endpoint": "responses",
        "user": "person-1", "metadata_exists": ["team"], "regex": [{"pattern": "drei [A-Z]", "start": 30, "end": 36}], "time": "",
        "firewall": [],
    }
    some = trace["conditions"][0]["conditions"]
    assert [(one["field"], one["matched"]) for one in some] == [("language", False), ("all", True)]
    assert [one["seen"] for one in some[1]["conditions"]] == [["vertrag"], "de"]
    assert "Punkten" not in str(trace)
    missed = explained(stack, body | {"stream": False, "max_output_tokens": 101})
    assert missed["model"] == "gpt-4o"
    assert missed["rule_trace"] == []
    assert [one["matched"] for one in missed["rules_evaluated"][0]["conditions"] if one["field"] == "max_output_tokens"] == [False]


def test_rules_may_go_by_what_the_firewall_found(stack: Stack) -> None:
    secret = "4111 1111 1111 1111"
    made = call(stack, "POST", "firewall-rules", {
        "name": "cards", "is_enabled": True, "priority": 0, "scope": "prompt", "type": "regex", "pattern": "4111[ 0-9]+1111",
        "action": "mask",
    }).json()["data"]
    rule(stack, {"firewall": {"rule": "cards", "action": "mask"}}, {"set_provider": "anthropic"})
    body = {"model": "auto:cost", "input": f"my card is {secret}, thank you"}
    until(lambda: stack.post(body).json()["tokenrouter"]["provider"] == "anthropic", 10.0, "the firewall's rule")
    told = explained(stack, body)
    routing = next(trace for trace in told["rule_trace"] if trace["kind"] == "routing")
    assert routing["conditions"][0]["seen"] == [{"rule_id": made["id"], "action": "mask", "hits": 1}]
    assert secret not in str(told)
    assert explained(stack, body | {"input": "no card here"})["provider"] == "openai"


@pytest.mark.parametrize("stream", [False, True])
def test_a_denied_request_is_refused_and_the_rule_named(stack: Stack, upstream: Upstream, stream: bool) -> None:
    number = rule(stack, {"model": "gpt-4*"}, {"deny": {"message": "use a smaller model"}})
    upstream.reset()
    answer = stack.post({"model": "gpt-4o", "input": "hi", "stream": stream})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["type"], error["code"], error["message"]) == ("routing_error", "denied_by_rule", "use a smaller model")
    assert [trace["rule_id"] for trace in error["rule_trace"]] == [number]
    assert error["metadata"]["rule_trace"] == error["rule_trace"]
    assert error["rule_trace"][0]["conditions"][0] == {"field": "model", "expected": "gpt-4*", "matched": True, "seen": "gpt-4o"}
    assert upstream.calls == []
    row = stack.row(answer.json()["request_id"], "status, http_status, error_code, JSONExtractInt(rule_trace, 1, 'rule_id')")
    assert row == ["refused", "422", "denied_by_rule", str(number)]
    assert stack.post({"model": "claude-haiku-4-5", "input": "hi"}).status_code == 200


def test_a_chain_is_tried_in_its_order(stack: Stack, upstream: Upstream) -> None:
    rule(stack, {}, {"set_model": "gpt-4o", "fallbacks": CHAIN})
    failing = {"gpt-4o", "claude-haiku-4-5"}

    def script(asked: Call) -> Behaviour:
        return BROKEN if asked.body["model"] in failing else Behaviour()

    upstream.script = script
    answer = stack.post({"model": "auto", "input": "hi"})
    assert answer.status_code == 200, answer.text
    assert [asked.body["model"] for asked in upstream.calls] == ["gpt-4o", "claude-haiku-4-5", "gpt-4o-mini"]
    assert answer.json()["tokenrouter"]["model"] == "gpt-4o-mini"
    failing.add("gpt-4o-mini")
    upstream.calls.clear()
    refused = stack.post({"model": "auto", "input": "hi"})
    assert refused.status_code == 503
    assert [asked.body["model"] for asked in upstream.calls] == ["gpt-4o", "claude-haiku-4-5", "gpt-4o-mini"]
    assert refused.json()["error"]["rule_trace"][0]["action"]["fallbacks"] == CHAIN


def test_a_pin_has_no_fallback(stack: Stack, upstream: Upstream) -> None:
    rule(stack, {}, {"pin": {"provider": "anthropic", "model": "claude-haiku-4-5"}})
    upstream.script = lambda asked: BROKEN
    assert stack.post({"model": "auto", "input": "hi"}).status_code == 503
    assert [asked.body["model"] for asked in upstream.calls] == ["claude-haiku-4-5"]
    upstream.reset()
    assert explained(stack, {"model": "openai/gpt-4o", "input": "hi"})["decision"]["chosen_for"] == "pin"


def test_what_rules_exclude_is_not_called(stack: Stack) -> None:
    number = rule(stack, {}, {"exclude": ["openai/*"]})
    told = explained(stack, {"model": "auto:cost", "input": "hi"})
    assert told["provider"] == "anthropic"
    assert f"excluded by routing rule {number} ('a rule')" in {one["reason"] for one in told["excluded"]}
    refused = stack.post({"model": "gpt-4o", "input": "hi"}).json()["error"]
    assert (refused["code"], refused["rule_trace"][0]["rule_id"]) == ("no_eligible_provider", number)


@pytest.mark.parametrize(("model", "field"), [("gpt-4o", "max_output_tokens"), ("claude-haiku-4-5", "max_tokens")])
def test_headers_metadata_and_limits_reach_the_provider_and_the_ledger(stack: Stack, upstream: Upstream, model: str, field: str) -> None:
    action = {
        "add_headers": {"X-Cost-Center": "42"}, "add_metadata": {"cost_center": "42", "team": "operator"},
        "set_limits": {"max_output_tokens": 64},
        "add_warning": {"message": "short answers only"},
    }
    rule(stack, {}, action)
    upstream.reset()
    answer = stack.post({"model": model, "input": "hi", "metadata": {"team": "client", "own": "1"}, "max_output_tokens": 1000}).json()
    assert upstream.calls[0].headers["x-cost-center"] == "42"
    assert upstream.calls[0].body[field] == 64
    assert {name: answer["metadata"][name] for name in ("team", "own", "cost_center")} == {"team": "operator", "own": "1", "cost_center": "42"}
    told = answer["tokenrouter"]
    assert any("max_output_tokens was set to 64 by a routing rule" in note for note in told["adapted"])
    assert told["warnings"][0]["message"] == "short answers only"
    assert told["rule_trace"][0]["action"]["add_headers"] == {"X-Cost-Center": "[hidden]"}
    assert stack.row(answer["request_id"], "metadata['team'], metadata['cost_center']") == ["operator", "42"]


def test_a_rule_may_allow_one_attempt_and_little_time(stack: Stack, upstream: Upstream) -> None:
    rule(stack, {"metadata_equals": {"kind": "once"}}, {"set_limits": {"max_attempts": 1}})
    number = rule(stack, {"metadata_equals": {"kind": "fast"}}, {"set_limits": {"timeout_seconds": 0.5}})
    upstream.script = lambda asked: BROKEN
    assert stack.post({"model": "auto", "input": "hi", "metadata": {"kind": "once"}}).status_code == 503
    assert len(upstream.calls) == 1
    assert stack.post({"model": "auto", "input": "hi"}).status_code == 503
    assert len(upstream.calls) > 2
    upstream.script = lambda asked: Behaviour(delay=30.0)
    answer = stack.post({"model": "gpt-4o", "input": "hi", "metadata": {"kind": "fast"}})
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "upstream_timeout"
    assert answer.json()["error"]["rule_trace"][0]["rule_id"] == number


def test_what_costs_more_than_a_rule_allows_is_left_out(stack: Stack) -> None:
    number = rule(stack, {}, {"set_limits": {"max_cost_usd": 0}})
    error = stack.post({"model": "gpt-4o", "input": "hi"}).json()["error"]
    assert error["code"] == "no_eligible_provider"
    assert "a routing rule allows $0 at most" in error["message"]
    assert error["rule_trace"][0]["rule_id"] == number


def test_a_sticky_split_keeps_a_user_where_he_is(stack: Stack) -> None:
    split = [{"weight": 50, "provider": "openai"}, {"weight": 50, "provider": "anthropic"}]
    rule(stack, {}, {"split": split, "sticky": "user"})

    def provider(user: str) -> str:
        return stack.post({"model": "auto:cost", "input": "hi", "user": user}).json()["tokenrouter"]["provider"]  # type: ignore[no-any-return]

    first = {user: provider(user) for user in (f"user-{number}" for number in range(12))}
    assert set(first.values()) == {"openai", "anthropic"}
    assert {user: provider(user) for user in first} == first


def test_drafts_are_tried_in_place_of_live_rules(stack: Stack) -> None:
    live = rule(stack, {}, {"set_model": "gpt-4o"})
    drafts = [{"match_json": {"contains": "invoice"}, "action_json": {"pin": {"model": "claude-haiku-4-5"}}}]
    asked = {"rules": drafts, "request": {"model": "auto", "input": "an invoice"}}
    tried = call(stack, "POST", "routing-rules/preview", asked).json()
    assert tried["route"]["model"] == "claude-haiku-4-5"
    assert [trace["rule_id"] for trace in tried["rule_trace"]] != [live]
    assert explained(stack, {"model": "auto", "input": "an invoice"})["model"] == "gpt-4o"
    wrong = call(stack, "POST", "routing-rules/preview", {"rules": [{"match_json": {"x": 1}, "action_json": {}}], "request": asked["request"]})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (422, "rules[0].match_json.x")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("match_json.any[1].language", {"any": [{"stream": True}, {"language": "xx"}]}), ("match_json.regex", {"regex": "(?=x)y"}),
        ("match_json.time.timezone", {"time": {"timezone": "Mars", "from": "09:00"}}),
        ("action_json.add_headers.Authorization", {"add_headers": {"Authorization": "x"}}),
        ("action_json.fallbacks[0].provider", {"fallbacks": [{"provider": "nobody"}]}),
    ],
)
def test_the_place_at_fault_is_named(stack: Stack, field: str, value: Any) -> None:
    answer = call(stack, "POST", "routing-rules", RULE | {field.partition(".")[0]: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["param"] == field
