from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx2

from tests.unit.libs.sdk.router import Router, answer


def entry(number: int, **more: Any) -> dict[str, Any]:
    return {
        "object": "log", "request_id": f"req_{number}", "response_id": f"resp_{number}", "created_at": "2026-01-31T08:00:00.000000Z",
        "endpoint": "responses", "model_requested": "auto", "model": "gpt-4o", "provider": "openai", "status": "completed", "http_status": 200,
        "error_code": None, "tokens": {"input": 11, "output": 7, "cached": 3, "cache_write": 0, "reasoning": 0}, "cost_usd": 0.25,
        "warnings": [{"source": "routing", "message": "careful", "rule_id": 1}], "metadata": {"team": "blue"}, "attempts": 1, **more,
    }


def page(*numbers: int, after: str | None = None) -> httpx2.Response:
    return answer({"object": "list", "data": [entry(number) for number in numbers], "has_more": after is not None, "next_cursor": after})


def test_a_page_and_those_after_it() -> None:
    router = Router(page(5, 4, after="c1"), page(3, 2, after="c2"), page(1))
    first = router.client().logs.list(limit=2, model="auto")
    assert [one.request_id for one in first.data] == ["req_5", "req_4"]
    assert (first.has_more, first.next) == (True, "c1")
    assert [one.request_id for one in first] == [f"req_{number}" for number in (5, 4, 3, 2, 1)]
    assert [request.url.query.decode() for request in router.requests] == [
        "model=auto&limit=2", "model=auto&limit=2&after=c1", "model=auto&limit=2&after=c2",
    ]


async def test_asynchronously_page_by_page_or_through_all() -> None:
    router = Router(page(3, 2, after="c1"), page(1))
    assert [one.request_id async for one in router.async_client().logs.list()] == ["req_3", "req_2", "req_1"]
    first = await Router(page(2, after="c1")).async_client().logs.list()
    assert [one.request_id for one in first.data] == ["req_2"]
    record = await Router(answer(entry(1))).async_client().logs.retrieve("req_1")
    assert record.status == "completed"


def test_filters() -> None:
    router = Router(page())
    east = datetime(2026, 1, 31, 10, tzinfo=timezone(timedelta(hours=2)))
    router.client().logs.list(request_id="req_1", provider="openai", status="failed", since=east, until="2026-02-01", after="c1")
    assert dict(router.requests[0].url.params) == {
        "request_id": "req_1", "provider": "openai", "status": "failed", "from": "2026-01-31T08:00:00+00:00", "to": "2026-02-01", "after": "c1",
    }
    local = datetime(2026, 1, 31, 10)
    router.client().logs.list(since=local)
    assert datetime.fromisoformat(router.requests[1].url.params["from"]) == local.astimezone(UTC)


def test_one_record() -> None:
    candidate = {"provider": "openai", "model": "gpt-4o", "score": 0.7, "later": True}
    told = entry(
        1, candidates=[candidate], excluded=[{"provider": "x", "model": "y", "reason": "no key"}],
        hops=[{"stage": "router", "instance": "r1", "at": "2026-01-31T08:00:00.000000Z", "took_ms": 0.5}],
        attempt_rows=[{"attempt": 1, "provider": "openai", "account": "default", "model": "gpt-4o", "status": "completed", "tokens": {"input": 11}}],
    )
    router = Router(answer(told))
    record = router.client().logs.retrieve("resp_1")
    assert router.asked()[1] == "/v1/logs/resp_1"
    assert (record.tokens.input, record.tokens.cached, record.cost_usd) == (11, 3, 0.25)
    assert record.warnings[0].message == "careful"
    assert record.candidates[0].score == 0.7
    assert record.candidates[0].model_extra == {"later": True}
    assert record.excluded[0].reason == "no key"
    assert record.hops[0].stage == "router"
    assert record.attempt_rows[0].tokens.input == 11


def test_an_id_is_one_segment_of_the_path() -> None:
    router = Router(answer(entry(1)))
    router.client().logs.retrieve("a/../b?c")
    assert router.asked()[1] == "/v1/logs/a%2F..%2Fb%3Fc"
