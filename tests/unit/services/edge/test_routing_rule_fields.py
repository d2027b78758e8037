"""What routing rules may say, and which field is named where they say it wrong."""

from typing import Any

import pytest

from libs.contracts.errors import ValidationFailed
from services.edge.routing_actions import check_action
from services.edge.routing_conditions import DEEPEST, MOST_CONDITIONS, check_match
from services.edge.routing_rule_fields import draft, routing_fields

RULE: dict[str, Any] = {"name": "a rule", "is_enabled": True, "priority": 1, "match_json": {}, "action_json": {}}


def nested(depth: int) -> dict[str, Any]:
    match: dict[str, Any] = {"stream": True}
    for _ in range(depth):
        match = {"not": match}
    return match


@pytest.mark.parametrize(
    "match",
    [
        {}, {"contains": "x" * 5000}, {"contains": ["a", "b"]}, {"metadata_equals": {}}, {"metadata_equals": {"a": ""}},
        {"mode": "balanced"},
        {"mode": ["fast", "cost"]}, {"task": "x"}, {"regex": "a+"}, {"regex": ["/A+/", "b"]}, {"metadata_regex": {"team": "^b"}},
        {"metadata_exists": "a"}, {"language": "DE"}, {"language": ["nb", "unknown"]}, {"min_input_tokens": 0, "max_input_tokens": 0},
        {"min_output_tokens": 5, "max_output_tokens": 10}, {"model": ["gpt-*", "google/*", "gpt-[45]"]}, {"endpoint": "chat.completions"},
        {"stream": False, "has_tools": True, "has_images": True, "has_files": True, "has_audio": True}, {"api_key": "key_1"},
        {"project": ["a"]},
        {"user": "u"}, {"time": {"timezone": "Europe/Berlin", "days": ["mon", "sun"], "from": "22:00", "to": "06:00"}},
        {"time": {"to": "24:00", "from": "23:00"}},
        {"time": {"after": "2026-12-01", "before": "2026-12-01T12:00:00+09:00", "timezone": "America/New_York"} | {"before": "2027-01-01"}},
        {"firewall": True}, {"firewall": False}, {"firewall": {"rule": 1}},
        {"firewall": {"rule": "x", "action": "mask", "scope": "prompt", "min_hits": 2}},
        {"firewall": {"detector": "email"}}, {"firewall": {"detector": "secrets"}}, nested(DEEPEST),
        {"any": [{"contains": "a"}, {"all": [{"stream": True}], "not": {"user": "u"}}]},
    ],
    ids=lambda match: str(match)[:60],
)
def test_conditions_that_are_taken_as_they_are(match: dict[str, Any]) -> None:
    assert routing_fields(RULE | {"match_json": match}, partial=False)["match_json"] == match


@pytest.mark.parametrize(
    ("match", "field"),
    [
        ({"nonsense": 1}, "nonsense"), ({"contains": []}, "contains"), ({"contains": ["a", ""]}, "contains"), ({"contains": 5}, "contains"),
        ({"regex": "(?=x)y"}, "regex"), ({"regex": ["ok", "("]}, "regex[1]"), ({"regex": ""}, "regex"), ({"regex": "a*"}, "regex"),
        ({"regex": ["x"] * 101}, "regex"), ({"metadata_regex": {"team": "(a"}}, "metadata_regex.team"),
        ({"metadata_regex": {}}, "metadata_regex"),
        ({"metadata_regex": {"team": 5}}, "metadata_regex"), ({"metadata_equals": {"a": 1}}, "metadata_equals"),
        ({"metadata_exists": []}, "metadata_exists"),
        ({"language": "german"}, "language"), ({"language": ["de", "xx"]}, "language[1]"), ({"mode": "slow"}, "mode"),
        ({"mode": ["cost", "x"]}, "mode[1]"),
        ({"min_input_tokens": -1}, "min_input_tokens"), ({"min_input_tokens": 1.5}, "min_input_tokens"),
        ({"max_output_tokens": True}, "max_output_tokens"),
        ({"min_input_tokens": 5, "max_input_tokens": 4}, "max_input_tokens"), ({"model": ""}, "model"),
        ({"model": ["a", "x["]}, "model[1]"),
        ({"endpoint": "completions"}, "endpoint"), ({"stream": "yes"}, "stream"), ({"has_tools": 1}, "has_tools"),
        ({"api_key": None}, "api_key"),
        ({"time": {}}, "time"), ({"time": {"timezone": "UTC"}}, "time"), ({"time": "09:00"}, "time"),
        ({"time": {"hours": "x"}}, "time.hours"),
        ({"time": {"timezone": "Mars/Olympus", "from": "09:00"}}, "time.timezone"),
        ({"time": {"timezone": "Europe", "from": "09:00"}}, "time.timezone"),
        ({"time": {"timezone": 5, "from": "09:00"}}, "time.timezone"), ({"time": {"timezone": "../etc", "from": "09:00"}}, "time.timezone"),
        ({"time": {"days": ["monday"]}}, "time.days[0]"), ({"time": {"days": []}}, "time.days"), ({"time": {"from": "9:00"}}, "time.from"),
        ({"time": {"from": "25:00"}}, "time.from"), ({"time": {"to": "09:60"}}, "time.to"), ({"time": {"to": 9}}, "time.to"),
        ({"time": {"from": "09:00", "to": "09:00"}}, "time.to"), ({"time": {"to": "00:00"}}, "time.to"),
        ({"time": {"after": "tomorrow"}}, "time.after"),
        ({"time": {"after": "2026-12-02", "before": "2026-12-01"}}, "time.before"), ({"time": {"before": 5}}, "time.before"),
        ({"firewall": "yes"}, "firewall"), ({"firewall": {}}, "firewall"), ({"firewall": {"x": 1}}, "firewall.x"),
        ({"firewall": {"rule": True}}, "firewall.rule"),
        ({"firewall": {"action": "block"}}, "firewall.action"), ({"firewall": {"action": "x"}}, "firewall.action"),
        ({"firewall": {"scope": "response"}}, "firewall.scope"),
        ({"firewall": {"min_hits": 0}}, "firewall.min_hits"), ({"firewall": {"detector": "emails"}}, "firewall.detector"),
        ({"any": []}, "any"), ({"any": {}}, "any"), ({"any": [{}]}, "any[0]"), ({"all": [{"stream": True}, 5]}, "all[1]"),
        ({"not": {}}, "not"), ({"not": []}, "not"),
        ({"any": [{"contains": "a"}, {"language": "xx"}]}, "any[1].language"), ({"not": {"all": [{"stream": 1}]}}, "not.all[0].stream"),
        ({"any": [{"regex": ["a", "b("]}]}, "any[0].regex[1]"), (nested(DEEPEST + 1), "not." * DEEPEST + "not"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_field_at_fault_is_named(match: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        routing_fields(RULE | {"match_json": match}, partial=False)
    assert raised.value.info.param == f"match_json.{field}"
    assert raised.value.info.message.startswith(f"match_json.{field}")
    assert raised.value.info.status == 422


def test_a_rule_has_room_for_so_many_conditions() -> None:
    check_match({"any": [{"stream": True}] * MOST_CONDITIONS})
    with pytest.raises(ValidationFailed) as raised:
        check_match({"any": [{"stream": True}] * (MOST_CONDITIONS + 1)})
    assert raised.value.info.param == "match_json"


def test_a_pattern_that_re2_does_not_know_is_explained() -> None:
    with pytest.raises(ValidationFailed, match="lookahead") as raised:
        check_match({"all": [{"regex": "(?=x)y"}]})
    assert raised.value.info.code == "invalid_rule_pattern"


SPLIT = [{"weight": 70, "model": "gpt-5-mini"}, {"weight": 30, "provider": "anthropic"}]


@pytest.mark.parametrize(
    "action",
    [
        {}, {"set_provider": "google", "set_model": "gemini-2.5-pro", "set_mode": "fast"}, {"split": SPLIT, "sticky": "user"},
        {"split": SPLIT, "sticky": "metadata.tenant"},
        {"fallbacks": [{"provider": "groq"}, {"model": "gpt-5"}, {"provider": "openai", "model": "x"}]},
        {"pin": {"model": "gpt-4o"}, "set_mode": "cost"}, {"pin": {"provider": "openai", "model": "gpt-4o"}},
        {"exclude": ["openai/*", "*"]},
        {"deny": True}, {"deny": {"message": "no"}}, {"add_headers": {"X-Team": "a b~", "x-trace-id": "1"}},
        {"add_metadata": {"team": "blue", "n": ""}},
        {"set_limits": {"max_output_tokens": 1, "timeout_seconds": 0.5, "max_attempts": 1, "max_cost_usd": 0}},
        {"add_warning": {"message": "careful"}},
    ],
    ids=lambda action: str(action)[:60],
)
def test_actions_that_are_taken_as_they_are(action: dict[str, Any]) -> None:
    assert routing_fields(RULE | {"action_json": action}, partial=False, providers=["groq"])["action_json"] == action


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ({"nonsense": 1}, "nonsense"), ({"set_provider": "groq"}, "set_provider"), ({"set_model": "auto"}, "set_model"),
        ({"set_mode": "slow"}, "set_mode"),
        ({"split": SPLIT, "sticky": "ip"}, "sticky"), ({"split": SPLIT, "sticky": "metadata."}, "sticky"), ({"sticky": "user"}, "sticky"),
        ({"fallbacks": []}, "fallbacks"), ({"fallbacks": [{}]}, "fallbacks[0]"),
        ({"fallbacks": [{"model": "x"}, {"mode": "cost"}]}, "fallbacks[1]"),
        ({"fallbacks": [{"provider": "x"}]}, "fallbacks[0].provider"), ({"fallbacks": [{"model": "x"}] * 9}, "fallbacks"),
        ({"fallbacks": ["gpt-5"]}, "fallbacks[0]"),
        ({"pin": {"provider": "openai"}}, "pin"), ({"pin": "gpt-4o"}, "pin"), ({"pin": {"model": ""}}, "pin.model"),
        ({"pin": {"model": "x", "weight": 1}}, "pin"),
        ({"pin": {"model": "x"}, "set_provider": "openai"}, "pin"), ({"pin": {"model": "x"}, "fallbacks": [{"model": "y"}]}, "pin"),
        ({"exclude": "openai/*"}, "exclude"), ({"exclude": ["openai"]}, "exclude[0]"), ({"exclude": ["a/*", "b/["]}, "exclude[1]"),
        ({"exclude": [5]}, "exclude[0]"),
        ({"deny": False}, "deny"), ({"deny": {}}, "deny"), ({"deny": {"message": ""}}, "deny.message"), ({"deny": "no"}, "deny"),
        ({"add_headers": {}}, "add_headers"), ({"add_headers": {"Authorization": "x"}}, "add_headers.Authorization"),
        ({"add_headers": {"X-Api-Key": "x"}}, "add_headers.X-Api-Key"),
        ({"add_headers": {"content-length": "1"}}, "add_headers.content-length"),
        ({"add_headers": {"Host": "x"}}, "add_headers.Host"), ({"add_headers": {"proxy-auth": "x"}}, "add_headers.proxy-auth"),
        ({"add_headers": {"x y": "1"}}, "add_headers.x y"), ({"add_headers": {"x-a": "1\r\nx-b: 2"}}, "add_headers.x-a"),
        ({"add_headers": {"x-a": "ü"}}, "add_headers.x-a"),
        ({"add_headers": {"x-a": " 1"}}, "add_headers.x-a"), ({"add_headers": {"x-a": 1}}, "add_headers.x-a"),
        ({"add_headers": {"x-a": "1", "X-A": "2"}}, "add_headers.X-A"),
        ({"add_metadata": {"warnings": "x"}}, "add_metadata.warnings"), ({"add_metadata": {"a": 1}}, "add_metadata.a"),
        ({"add_metadata": []}, "add_metadata"),
        ({"add_metadata": {"a": "x" * 513}}, "add_metadata.a"), ({"set_limits": {}}, "set_limits"),
        ({"set_limits": {"x": 1}}, "set_limits.x"),
        ({"set_limits": {"max_output_tokens": 0}}, "set_limits.max_output_tokens"),
        ({"set_limits": {"max_output_tokens": 1.5}}, "set_limits.max_output_tokens"),
        ({"set_limits": {"timeout_seconds": 0}}, "set_limits.timeout_seconds"),
        ({"set_limits": {"max_attempts": True}}, "set_limits.max_attempts"),
        ({"set_limits": {"max_cost_usd": -1}}, "set_limits.max_cost_usd"), ({"add_warning": "x"}, "add_warning"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_action_at_fault_is_named(action: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as raised:
        check_action(action, [])
    assert raised.value.info.param == f"action_json.{field}"


def test_drafts_need_no_name() -> None:
    rule = draft({"match_json": {}, "action_json": '{"set_mode": "cost"}'}, -1)
    assert (rule.id, rule.is_enabled, rule.priority, rule.action_json) == (-1, True, 0, {"set_mode": "cost"})
    assert rule.name
    with pytest.raises(ValidationFailed) as raised:
        draft({"match_json": {"stream": 1}, "action_json": {}}, 1)
    assert raised.value.info.param == "match_json.stream"
