from typing import Any

import pytest

from tests.unit.libs.sdk.router import Router, answer
from tokenrouter_sdk.types import FirewallRule, RoutingRule

TIMES = {"created_at": "2026-01-31T08:00:00.000000Z", "updated_at": "2026-01-31T08:00:00.000000Z"}
ROUTING: dict[str, Any] = {
    "id": 3, "user_id": 1, "name": "code", "is_enabled": True, "priority": 7, "match_json": {"contains": ["python"]},
    "action_json": {"set_mode": "quality"}, **TIMES,
}
FIREWALL: dict[str, Any] = {
    "id": 4, "user_id": 1, "name": "cards", "is_enabled": True, "priority": 0, "scope": "prompt", "type": "regex", "pattern": "[0-9]{16}",
    "action": "mask", "replacement": None, **TIMES,
}


def test_routing_rules() -> None:
    router = Router(
        answer({"data": ROUTING}, 201), answer({"data": [ROUTING, ROUTING | {"id": 5, "new_field": 1}]}), answer({"data": ROUTING}),
        answer({"data": ROUTING}), answer({"success": True}),
    )
    rules = router.client().routing_rules
    created = rules.create(name="code", match_json={"contains": ["python"]}, action_json={"set_mode": "quality"}, priority=7)
    assert router.asked() == ("POST", "/v1/routing-rules", {
        "name": "code", "match_json": {"contains": ["python"]}, "action_json": {"set_mode": "quality"}, "priority": 7, "is_enabled": True,
    })
    assert created == RoutingRule.model_validate(ROUTING)
    listed = rules.list()
    assert router.asked() == ("GET", "/v1/routing-rules", None)
    assert [rule.id for rule in listed] == [3, 5]
    assert all(type(rule) is RoutingRule for rule in listed)
    assert listed[1].model_extra == {"new_field": 1}
    assert rules.retrieve(3).match_json == {"contains": ["python"]}
    assert router.asked() == ("GET", "/v1/routing-rules/3", None)
    rules.update(3, is_enabled=False, priority=-1)
    assert router.asked() == ("PATCH", "/v1/routing-rules/3", {"is_enabled": False, "priority": -1})
    assert rules.delete(3).success is True
    assert router.asked()[:2] == ("DELETE", "/v1/routing-rules/3")


def test_firewall_rules() -> None:
    router = Router(answer({"data": FIREWALL}))
    rules = router.client().firewall_rules
    created = rules.create(name="cards", pattern="[0-9]{16}", action="mask", type="regex")
    assert router.asked() == ("POST", "/v1/firewall-rules", {
        "name": "cards", "pattern": "[0-9]{16}", "action": "mask", "scope": "prompt", "type": "regex", "priority": 0, "is_enabled": True,
    })
    assert created == FirewallRule.model_validate(FIREWALL)
    rules.update(4, replacement=None)
    assert router.asked() == ("PATCH", "/v1/firewall-rules/4", {"replacement": None})
    rules.update(4, replacement="[card]", pattern="x")
    assert router.asked()[2] == {"replacement": "[card]", "pattern": "x"}


@pytest.mark.parametrize("name", ["routing_rules", "firewall_rules"])
async def test_asynchronously(name: str) -> None:
    rule, path = (ROUTING, "/v1/routing-rules") if name == "routing_rules" else (FIREWALL, "/v1/firewall-rules")
    router = Router(
        answer({"data": rule}, 201), answer({"data": [rule]}), answer({"data": rule}), answer({"data": rule}), answer({"success": True})
    )
    rules: Any = getattr(router.async_client(), name)
    fields = {field: value for field, value in rule.items() if field not in ("id", "user_id", *TIMES)}
    created = await rules.create(**fields)
    assert router.asked() == ("POST", path, fields)
    assert await rules.list() == [created]
    assert await rules.retrieve(created.id) == created
    assert await rules.update(created.id, name="other") == created
    assert router.asked() == ("PATCH", f"{path}/{created.id}", {"name": "other"})
    assert (await rules.delete(created.id)).success is True
    assert [request.method for request in router.requests] == ["POST", "GET", "GET", "PATCH", "DELETE"]


TRACE = {"kind": "firewall", "rule_id": -1, "name": "draft -1", "priority": 0, "matched": True, "action": "mask", "scope": "prompt", "hits": 1}
TRIED: dict[str, Any] = {
    "object": "firewall.preview", "request_id": "req_1", "action": "mask", "blocked_by": None, "checked": 1, "masked": 1, "warnings": [],
    "rule_trace": [TRACE | {"matches": [{"item": "input", "start": 0, "end": 3, "hash": "0123456789abcdef"}]}], "request": {"input": "***"},
    "response": {"action": "block", "blocked_by": {"rule_id": 4, "name": "x"}, "checked": 1, "masked": 0, "rule_trace": [], "warnings": [],
                 "hold_back": 256, "output": None},
}


async def test_previews_of_drafts() -> None:
    router = Router(answer(TRIED), answer({"request_id": "req_2", "rule_trace": []}), answer(TRIED), answer({"request_id": "req_2"}))
    drafts = [{"scope": "prompt", "type": "substring", "pattern": "ada", "action": "mask"}]
    told = router.client().firewall_rules.preview(rules=drafts, request={"input": "ada"}, response="x")
    assert router.asked() == ("POST", "/v1/firewall/preview", {"rules": drafts, "request": {"input": "ada"}, "response": "x"})
    assert (told.action, told.rule_trace[0].matches[0].item, told.request) == ("mask", "input", {"input": "***"})
    assert told.response is not None
    assert (told.response.action, told.response.hold_back) == ("block", 256)
    assert router.client().routing_rules.preview(rules=[], input="hi").request_id == "req_2"
    assert router.asked() == ("POST", "/v1/routing-rules/preview", {"rules": [], "input": "hi"})
    assert (await router.async_client().firewall_rules.preview(input="ada")).action == "mask"
    assert (await router.async_client().routing_rules.preview(input="ada")).request_id == "req_2"
