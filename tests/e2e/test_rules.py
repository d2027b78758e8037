"""Routing rules and firewall rules: kept over the API, in force at once, named in what they do."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack, until
from tests.upstream import Upstream

FIREWALL: dict[str, Any] = {
    "name": "secrets", "is_enabled": True, "priority": 5, "scope": "prompt", "type": "regex", "pattern": "sk-[a-z0-9]{10,}", "action": "block",
}
ROUTING: dict[str, Any] = {
    "name": "invoices", "is_enabled": True, "priority": 5, "match_json": {"contains": "invoice"},
    "action_json": {"set_provider": "anthropic", "add_warning": {"message": "to finance"}},
}


@pytest.fixture(autouse=True)
def no_rules(stack: Stack) -> Iterator[None]:
    yield
    for kind in ("routing-rules", "firewall-rules"):
        for rule in call(stack, "GET", kind).json()["data"]:
            call(stack, "DELETE", f"{kind}/{rule['id']}")


def call(stack: Stack, method: str, path: str, body: Any = None) -> httpx.Response:
    return httpx.request(method, f"{stack.url}/v1/{path}", json=body, headers=stack.auth, timeout=10)


@pytest.mark.parametrize(("kind", "rule"), [("routing-rules", ROUTING), ("firewall-rules", FIREWALL)])
def test_crud(stack: Stack, kind: str, rule: dict[str, Any]) -> None:
    created = call(stack, "POST", kind, rule)
    assert created.status_code == 201
    stored = created.json()["data"]
    assert {name: stored[name] for name in rule} == rule
    assert isinstance(stored["id"], int)
    second = call(stack, "POST", kind, rule | {"name": "higher", "priority": 9}).json()["data"]
    assert [one["name"] for one in call(stack, "GET", kind).json()["data"]] == ["higher", rule["name"]]
    assert call(stack, "GET", f"{kind}/{stored['id']}").json()["data"] == stored
    changed = call(stack, "PATCH", f"{kind}/{stored['id']}", {"name": "other", "is_enabled": False}).json()["data"]
    assert (changed["name"], changed["is_enabled"], changed["priority"]) == ("other", False, rule["priority"])
    assert changed["updated_at"] > stored["updated_at"]
    gone = call(stack, "DELETE", f"{kind}/{second['id']}")
    assert (gone.status_code, gone.json()) == (200, {"success": True})
    for missing in (second["id"], "999", "abc"):
        for method in ("GET", "DELETE", "PATCH"):
            assert call(stack, method, f"{kind}/{missing}", {} if method == "PATCH" else None).status_code == 404
    assert httpx.get(f"{stack.url}/v1/{kind}").status_code == 401


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("routing-rules", "name", "x" * 129), ("routing-rules", "priority", 1001), ("routing-rules", "is_enabled", "yes"),
        ("routing-rules", "match_json.nonsense", {"nonsense": 1}), ("routing-rules", "match_json.mode", {"mode": "x"}),
        ("routing-rules", "action_json.set_provider", {"set_provider": "x"}), ("routing-rules", "action_json.add_warning", {"add_warning": "x"}),
        ("routing-rules", "action_json.split", {"split": []}), ("routing-rules", "action_json.split[0].weight", {"split": [{"model": "x"}]}),
        ("routing-rules", "action_json.split[0]", {"split": [{"weight": 1}]}),
        ("routing-rules", "action_json.split[1].provider", {"split": [{"weight": 1, "mode": "cost"}, {"weight": 1, "provider": "x"}]}),
        ("routing-rules", "action_json.split", {"split": [{"weight": 0, "mode": "cost"}]}),
        ("routing-rules", "match_json", "not json"), ("routing-rules", "name", None),
        ("firewall-rules", "scope", "nonsense"), ("firewall-rules", "type", "glob"), ("firewall-rules", "action", "explode"),
        ("firewall-rules", "pattern", "(?=x)y"), ("firewall-rules", "pattern", ""), ("firewall-rules", "pattern", 5),
        ("firewall-rules", "replacement", 5),
    ],
)
def test_wrong_fields_are_422_and_named(stack: Stack, kind: str, field: str, value: Any) -> None:
    rule = (ROUTING if kind == "routing-rules" else FIREWALL) | {field.split(".")[0]: value}
    answer = call(stack, "POST", kind, rule)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["param"] == field
    assert answer.json()["error"]["type"] == "validation_error"


def test_json_text_is_taken_and_objects_are_returned(stack: Stack) -> None:
    stored = call(stack, "POST", "routing-rules", ROUTING | {"match_json": '{"mode":"balanced"}', "action_json": "{}"}).json()["data"]
    assert stored["match_json"] == {"mode": "balanced"}
    assert stored["action_json"] == {}


def test_patch_can_clear_the_replacement(stack: Stack) -> None:
    stored = call(stack, "POST", "firewall-rules", FIREWALL | {"action": "mask", "replacement": "***"}).json()["data"]
    assert call(stack, "PATCH", f"firewall-rules/{stored['id']}", {"replacement": None}).json()["data"]["replacement"] is None


def test_a_block_takes_effect_at_once_and_names_its_rule(stack: Stack, upstream: Upstream) -> None:
    prompt = {"model": "gpt-4o", "input": "my key is sk-abcdefghijklmn"}
    assert stack.post(prompt).status_code == 200
    rule = call(stack, "POST", "firewall-rules", FIREWALL).json()["data"]
    until(lambda: stack.post(prompt).status_code == 422, 10.0, "the block")
    upstream.reset()
    for stream in (False, True):
        answer = stack.post(prompt | {"stream": stream})
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert (error["type"], error["code"]) == ("firewall_error", "firewall_blocked")
        assert error["rule_trace"][0]["rule_id"] == rule["id"]
        assert error["metadata"]["rule_trace"] == error["rule_trace"]
        assert "sk-abc" not in answer.text
    assert upstream.calls == []
    row = stack.row(answer.json()["request_id"], "status, http_status, error_code, JSONExtractInt(firewall_trace, 1, 'rule_id')")
    assert row == ["refused", "422", "firewall_blocked", str(rule["id"])]
    call(stack, "PATCH", f"firewall-rules/{rule['id']}", {"is_enabled": False})
    until(lambda: stack.post(prompt).status_code == 200, 10.0, "the end of the block")


@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5"])
def test_a_mask_reaches_the_provider_and_a_warning_the_client(stack: Stack, upstream: Upstream, model: str) -> None:
    call(stack, "POST", "firewall-rules", FIREWALL | {"action": "mask"})
    call(stack, "POST", "firewall-rules", FIREWALL | {"name": "careful", "type": "substring", "pattern": "KEY", "action": "warn"})
    prompt = {"model": model, "input": [{"role": "user", "content": [{"type": "input_text", "text": "my key is sk-abcdefghijklmn"}]}]}
    until(lambda: stack.post(prompt).json()["tokenrouter"]["warnings"], 10.0, "the rules")
    upstream.reset()
    answer = stack.post(prompt).json()
    assert "sk-abc" not in str(upstream.calls[0].body)
    assert "my key is [redacted]" in str(upstream.calls[0].body)
    assert "careful" in answer["tokenrouter"]["warnings"][0]["message"]
    assert "careful" in answer["metadata"]["warnings"]
    assert {trace["action"] for trace in answer["tokenrouter"]["rule_trace"]} == {"mask", "warn"}


def test_metadata_scope(stack: Stack) -> None:
    call(stack, "POST", "firewall-rules", FIREWALL | {"scope": "metadata"})
    body = {"model": "gpt-4o", "input": "hi", "metadata": {"note": "sk-abcdefghijklmn"}}
    until(lambda: stack.post(body).status_code == 422, 10.0, "the block")


def test_a_routing_rule_redirects_and_warns(stack: Stack, upstream: Upstream) -> None:
    rule = call(stack, "POST", "routing-rules", ROUTING).json()["data"]
    body = {"model": "auto:cost", "input": "Please check this INVOICE"}
    until(lambda: stack.post(body).json()["tokenrouter"]["provider"] == "anthropic", 10.0, "the rule")
    answer = stack.post(body | {"stream": False}).json()
    assert answer["metadata"]["provider"] == "anthropic"
    assert answer["tokenrouter"]["warnings"][0] == {"source": "routing", "message": "to finance", "rule_id": rule["id"]}
    assert answer["tokenrouter"]["rule_trace"][0]["conditions"][0]["matched"] is True
    assert stack.post({"model": "auto:cost", "input": "hello"}).json()["tokenrouter"]["provider"] == "openai"
    conditions = stack.row(answer["request_id"], "JSONExtractBool(rule_trace, 1, 'conditions', 1, 'matched')")
    assert conditions == ["1"]


def test_a_rule_that_leaves_no_provider_is_named(stack: Stack) -> None:
    rule = call(stack, "POST", "routing-rules", ROUTING | {"action_json": {"set_provider": "gemini"}}).json()["data"]
    body = {"model": "gpt-4o", "input": "an invoice"}
    until(lambda: stack.post(body).status_code == 422, 10.0, "the rule")
    error = stack.post(body).json()["error"]
    assert error["code"] == "provider_key_missing"
    assert error["rule_trace"][0]["rule_id"] == rule["id"]


def test_rules_see_masked_text(stack: Stack) -> None:
    call(stack, "POST", "firewall-rules", FIREWALL | {"type": "substring", "pattern": "invoice", "action": "mask"})
    call(stack, "POST", "routing-rules", ROUTING)
    body = {"model": "auto:cost", "input": "an invoice"}
    until(lambda: stack.post(body).json()["tokenrouter"]["rule_trace"], 10.0, "the rules")
    assert stack.post(body).json()["tokenrouter"]["provider"] == "openai"


def test_metadata_and_mode_conditions(stack: Stack) -> None:
    match = {"metadata_equals": {"tier": "vip"}, "mode": "cost", "task": "summary"}
    call(stack, "POST", "routing-rules", ROUTING | {"match_json": match, "action_json": {"set_model": "claude-opus-4-6", "set_mode": "quality"}})
    body = {"model": "auto:cost", "input": "hi", "metadata": {"tier": "vip", "task": "summary"}}
    until(lambda: stack.post(body).json()["tokenrouter"]["model"] == "claude-opus-4-6", 10.0, "the rule")
    assert stack.post(body).json()["tokenrouter"]["mode"] == "quality"
    assert stack.post(body | {"model": "auto:balance"}).json()["tokenrouter"]["model"] != "claude-opus-4-6"
