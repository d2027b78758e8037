"""The SDK's types have what the router sends."""

from typing import Any, get_args

import msgspec
import pytest

from libs.contracts import decisions, message, policies
from services.edge import logs_query
from services.edge.admission import KEY_HEADERS
from services.edge.openapi_schemas import SCHEMAS
from tokenrouter_sdk import Mode, key_headers, types


def sent(struct: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (types.RoutingRule, policies.RoutingRule), (types.FirewallRule, policies.FirewallRule), (types.RuleTrace, message.RuleTrace),
        (types.Condition, message.Condition), (types.Notice, message.Warning), (types.Excluded, decisions.Excluded),
    ],
    ids=lambda kind: kind.__name__,
)
def test_fields(ours: Any, theirs: type[msgspec.Struct]) -> None:
    assert set(ours.model_fields) == sent(theirs)


def test_the_routing_of_an_answer() -> None:
    assert set(SCHEMAS["TokenRouter"]["properties"]) <= set(types.Routing.model_fields)


def test_feedback() -> None:
    assert {"object", *types.Feedback.model_fields} == set(SCHEMAS["Feedback"]["properties"])


def test_choices() -> None:
    assert set(get_args(Mode)) == set(get_args(decisions.Mode))
    assert set(get_args(types.FirewallScope)) == set(get_args(policies.Scope))
    assert set(get_args(types.FirewallType)) == set(get_args(policies.FirewallType))
    assert set(get_args(types.FirewallAction)) == set(get_args(policies.FirewallAction))


def test_provider_keys() -> None:
    headers = key_headers({provider: "sk-fake" for provider in KEY_HEADERS.values()})
    assert {name.lower() for name in headers} == set(KEY_HEADERS)


COUNTS: dict[str, Any] = {"input_tokens": 11, "output_tokens": 7, "cached_tokens": 3, "cache_write_tokens": 2, "reasoning_tokens": 1}
ROW = logs_query.LoggedWhole(
    request_id="req_00000000-0000-4000-8000-000000000001", created_at="2026-01-31 08:00:00.000000", endpoint="responses", model_requested="auto",
    model="gpt-4o", provider="openai", mode="cost", confidence=0.5, status="completed", http_status=200, error_code="", cost_usd=0.25, latency_ms=9.5,
    ttft_ms=None, stream=True, background=False, sandbox=False, metadata={"team": "blue"}, attempts=1, idempotency_key="",
    reason="the only candidate", task_family="math", chosen_for="score",
    expected_usd=0.001, expected_s=1.5, expected_quality=0.75, decision='{"weights":[0.4,0.4,0.2]}',
    reading='{"version":"1","families":{"math":0.9},"difficulty":0.5,"output_tokens":100,"demand":"ADg=","sure":0.9}',
    **COUNTS,
    warnings='[{"source":"routing","message":"careful"}]', rule_trace='[{"kind":"routing","rule_id":1,"name":"x","priority":0,"matched":false}]',
    firewall_trace="", candidates='[{"provider":"openai","model":"gpt-4o"}]', excluded='[{"provider":"x","model":"y","reason":"z"}]',
    hops=[logs_query.LoggedHop(stage="router", instance="r", at=1.5, took_ms=0.5)],
)
ATTEMPT = logs_query.LoggedAttempt(
    dispatch=1, attempt=1, started_at="2026-01-31 08:00:00.000000", provider="openai", account="default", model="gpt-4o", status="completed",
    http_status=200, error_code="", billing="billed", cost_usd=None, latency_ms=9.0, ttft_ms=1.0, provider_request_id="", provider_response_id="up",
    worker="w", own_key=False, sandbox=False, adapted=["temperature left out"], **COUNTS,
)


def test_a_log_record() -> None:
    told = msgspec.json.encode(logs_query.whole_entry(ROW, [ATTEMPT]))
    record = types.LogRecord.model_validate_json(told)
    assert set(types.LogRecord.model_fields) <= set(msgspec.json.decode(told))
    assert set(types.Attempt.model_fields) <= set(msgspec.json.decode(told)["attempt_rows"][0])
    assert record.tokens == types.Tokens(input=11, output=7, cached=3, cache_write=2, reasoning=1)
    assert (record.response_id, record.error_code, record.firewall_trace) == ("resp_00000000000040008000000000000001", None, [])
    assert record.attempt_rows[0].adapted == ["temperature left out"]
