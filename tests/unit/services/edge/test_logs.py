"""What /v1/logs makes of its parameters and of the ledger's rows. tests/integration/test_logs_query.py asks a real ledger."""

import re
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, get_type_hints

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from nats.aio.client import Client

from libs.contracts.errors import InvalidRequest
from libs.contracts.ledger import AttemptRow, RequestRow
from libs.contracts.policies import ApiKey
from services.edge.errors import EXCEPTION_HANDLERS
from services.edge.keys import Keys
from services.edge.logs import routes
from services.edge.logs_query import (
    LIMIT,
    MOST,
    Logged,
    LoggedAttempt,
    LoggedHop,
    LoggedWhole,
    attempts_query,
    began_query,
    cursor,
    entry,
    list_query,
    page,
    whole_entry,
    whole_query,
)

REQUEST = "req_00000000-0000-4000-8000-000000000001"
RESPONSE = "resp_00000000000040008000000000000001"
PARAMETER = re.compile(r"\{(\w+):[^}]*\}")


def row(kind: type[Logged] = Logged, **columns: Any) -> Any:
    known: dict[str, Any] = {
        "request_id": REQUEST, "created_at": "2026-09-25 18:12:04.123456", "endpoint": "responses", "model_requested": "auto",
        "model": "gpt-4o", "provider": "openai", "mode": "cost", "confidence": 0.83, "status": "completed", "http_status": 200,
        "error_code": "", "input_tokens": 100, "output_tokens": 50, "cached_tokens": 10, "cache_write_tokens": 3, "reasoning_tokens": 5,
        "cost_usd": 0.000125, "latency_ms": 812.25, "ttft_ms": 200.5, "stream": True, "background": False, "sandbox": False,
        "metadata": {"tenant": "acme"}, "warnings": "[]", "rule_trace": '[{"rule_id":1}]', "firewall_trace": "", "attempts": 1,
        "idempotency_key": "once", "reason": "best score", "task_family": "math", "chosen_for": "score",
    }
    return kind(**(known | columns))


def attempt(**columns: Any) -> LoggedAttempt:
    known: dict[str, Any] = {
        "dispatch": 1, "attempt": 2, "started_at": "2026-09-25 18:12:05.000000", "provider": "openai", "account": "own", "model": "gpt-4o",
        "status": "failed", "http_status": 503, "error_code": "upstream_unavailable", "billing": "none", "input_tokens": 0, "output_tokens": 0,
        "cached_tokens": 0, "cache_write_tokens": 0, "reasoning_tokens": 0, "cost_usd": None, "latency_ms": 3.5, "ttft_ms": None,
        "provider_request_id": "", "provider_response_id": "", "worker": "w-1", "own_key": True, "sandbox": False, "adapted": ["dropped seed"],
    }
    return LoggedAttempt(**(known | columns))


def test_without_parameters_it_is_the_first_page_of_everything() -> None:
    for given_ in ({}, dict.fromkeys(("limit", "after", "request_id", "model", "provider", "status", "from", "to"), "")):
        wanted = page(given_)
        assert (wanted.limit, wanted.conditions, wanted.params) == (LIMIT, [], {})


@pytest.mark.parametrize("given_id", [REQUEST, RESPONSE])
def test_a_response_id_names_its_request(given_id: str) -> None:
    assert page({"request_id": given_id}).params == {"request_id": REQUEST}


@pytest.mark.parametrize(("given_time", "meant"), [
    ("2026-01-31T08:00:00Z", "2026-01-31 08:00:00.000000"), ("2026-01-31T08:00:00.5+02:00", "2026-01-31 06:00:00.500000"),
    ("2026-01-31", "2026-01-31 00:00:00.000000"), ("20260131", "2026-01-31 00:00:00.000000"), ("2026-01-31 08:00", "2026-01-31 08:00:00.000000"),
    ("1790000000", "2026-09-21 14:13:20.000000"), ("1790000000.25", "2026-09-21 14:13:20.250000"),
])
def test_times(given_time: str, meant: str) -> None:
    assert page({"from": given_time, "to": given_time}).params == {"since": meant, "until": meant}


@pytest.mark.parametrize(("param", "value"), [
    *(("limit", value) for value in ("0", "-1", str(MOST + 1), "ten", "1.5", "1_0", "٣", " 1", "9" * 5000)),
    *((param, value) for param in ("from", "to") for value in ("yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31", "123", "1e9")),
    *(("after", value) for value in ("x", "é", "====", REQUEST, "eyJhIjoxfQ", "MjAyNi05OS05OSAxODoxMjowNC4xMjM0NTYgcmVxXzE")),
    *(("request_id", value) for value in ("1", "req_", "chatcmpl-1", "' OR 1=1")),
    ("status", "done"), ("model", "m" * 513), ("provider", "p" * 513),
])
def test_a_parameter_that_is_wrong_is_named(param: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        page({param: value})
    assert (refused.value.info.status, refused.value.info.param) == (400, param)


HOSTILE = st.text(min_size=1, max_size=40) | st.sampled_from(["' OR 1=1 --", "{workspace:String}", "\\", "\x00"])
TAME = {
    "limit": "7", "after": cursor(row()), "request_id": RESPONSE, "model": "m", "provider": "p", "status": "failed", "from": "2026-01-31",
    "to": "1790000000",
}


@given(names=st.sets(st.sampled_from(sorted(TAME))), model=HOSTILE, provider=HOSTILE, workspace=HOSTILE)
def test_values_never_become_sql(names: set[str], model: str, provider: str, workspace: str) -> None:
    tame = {name: TAME[name] for name in names}
    query = list_query(workspace, page(tame | {name: value for name, value in (("model", model), ("provider", provider)) if name in names}))
    assert query.sql == list_query("main", page(tame)).sql
    assert set(PARAMETER.findall(query.sql)) == query.params.keys()
    assert query.params["workspace"] == workspace
    assert "model" not in names or query.params["model"] == model


@given(text=st.text(max_size=40))
def test_a_value_is_taken_or_refused_and_nothing_else(text: str) -> None:
    for name in TAME:
        with suppress(InvalidRequest):
            page({name: text})


@pytest.mark.parametrize("query", [
    list_query("main", page({"model": "gpt-4o", "status": "failed"})), whole_query("main", REQUEST), attempts_query("main", row()),
    began_query("main", REQUEST),
])
def test_every_question_is_about_one_workspace(query: Any) -> None:
    assert query.params["workspace"] == "main"
    assert "WHERE workspace = {workspace:String} AND " in query.sql or "WHERE workspace = {workspace:String} ORDER" in query.sql
    assert query.format == "JSONEachRow"


@given(at=st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2199, 1, 1)), name=st.from_regex(r"req_[!-~]{1,60}", fullmatch=True))
def test_a_cursor_leads_back_to_its_row(at: datetime, name: str) -> None:
    last = row(created_at=f"{at:%Y-%m-%d %H:%M:%S.%f}", request_id=name)
    made = cursor(last)
    assert re.fullmatch(r"[\w-]+", made)
    assert page({"after": made}).params == {"at": last.created_at, "last": name}


def test_a_page_asks_for_one_row_more() -> None:
    assert list_query("main", page({"limit": "7"})).params["rows"] == "8"


def test_an_entry() -> None:
    told = msgspec.json.decode(msgspec.json.encode(entry(row())))
    assert told == {
        "object": "log", "request_id": REQUEST, "response_id": RESPONSE, "created_at": "2026-09-25T18:12:04.123456Z", "endpoint": "responses",
        "model_requested": "auto", "model": "gpt-4o", "provider": "openai", "mode": "cost", "confidence": 0.83, "status": "completed",
        "http_status": 200, "error_code": None, "tokens": {"input": 100, "output": 50, "cached": 10, "cache_write": 3, "reasoning": 5},
        "cost_usd": 0.000125, "latency_ms": 812.25, "ttft_ms": 200.5, "stream": True, "background": False, "sandbox": False,
        "metadata": {"tenant": "acme"}, "warnings": [], "rule_trace": [{"rule_id": 1}], "firewall_trace": [], "attempts": 1,
        "idempotency_key": "once", "reason": "best score", "task_family": "math", "chosen_for": "score",
    }


def test_what_is_not_known_is_null() -> None:
    told = entry(row(model="", provider="", cost_usd=None, ttft_ms=None, idempotency_key="", error_code="no_eligible_provider"))
    assert [told[name] for name in ("model", "provider", "cost_usd", "ttft_ms", "idempotency_key")] == [None] * 5
    assert told["error_code"] == "no_eligible_provider"


def test_the_whole_entry_adds_what_is_too_long_for_a_list() -> None:
    hop = LoggedHop(stage="edge", instance="e-1", at=1_790_000_000.25, took_ms=1.5)
    whole = row(
        LoggedWhole, candidates='[{"model":"gpt-4o"}]', excluded="[]", hops=[hop], expected_usd=None, expected_s=1.5, expected_quality=0.75,
        reading="", decision='{"policy_revision":3}',
    )
    told = msgspec.json.decode(msgspec.json.encode(whole_entry(whole, [attempt()])))
    assert told["candidates"] == [{"model": "gpt-4o"}]
    assert told["excluded"] == []
    assert told["hops"] == [{"stage": "edge", "instance": "e-1", "at": "2026-09-21T14:13:20.250000Z", "took_ms": 1.5}]
    (one,) = told["attempt_rows"]
    assert (one["attempt"], one["started_at"], one["account"], one["error_code"]) == (2, "2026-09-25T18:12:05.000000Z", "own", "upstream_unavailable")
    assert one["tokens"] == {"input": 0, "output": 0, "cached": 0, "cache_write": 0, "reasoning": 0}
    assert one["provider_request_id"] is one["cost_usd"] is None
    assert (told["reading"], told["decision"]) == (None, {"policy_revision": 3})
    assert told.keys() - entry(row()).keys() == {
        "candidates", "excluded", "hops", "attempt_rows", "expected_usd", "expected_s", "expected_quality", "reading", "decision",
    }


@pytest.mark.parametrize(("read", "written"), [(LoggedWhole, RequestRow), (LoggedAttempt, AttemptRow)])
def test_the_columns_are_the_ledgers(read: type, written: type) -> None:
    assert get_type_hints(read).keys() <= get_type_hints(written).keys()


async def answered(path: str, key: str = "tr_fake_key_for_logs") -> httpx.Response:
    """By an edge whose bus is not connected."""
    keys = Keys()
    keyed = ApiKey(id="key_1", workspace="main", name="test", created_at=1.0)
    keys.apply(sha256(b"tr_fake_key_for_logs").hexdigest(), msgspec.json.encode(keyed), 1)
    edge: Any = SimpleNamespace(keys=keys, bus=SimpleNamespace(connection=Client()))
    app = Litestar(routes(edge, ["/v1/logs", "/logs"]), exception_handlers=EXCEPTION_HANDLERS, openapi_config=None, logging_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as client:
        return await client.get(path, headers={"authorization": f"Bearer {key}"})


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/v1/logs", 503, "service_unavailable"), ("/logs?limit=1", 503, "service_unavailable"), (f"/v1/logs/{RESPONSE}", 503, "service_unavailable"),
    ("/v1/logs?limit=0", 400, "invalid_request"), ("/v1/logs?from=%FF%00", 400, "invalid_request"), ("/v1/logs/none-such", 404, "not_found"),
    ("/v1/logs/a/b", 404, "not_found"),
])
async def test_what_is_answered_without_a_ledger(path: str, status: int, code: str) -> None:
    answer = await answered(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/logs?limit=0", f"/v1/logs/{REQUEST}"])
async def test_nobody_reads_without_a_key(path: str) -> None:
    assert (await answered(path, "tr_wrong")).status_code == 401
