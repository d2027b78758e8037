"""/v1/logs over HTTP, asked of a real recorder on a real nats-server."""

import asyncio
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from nats.aio.client import Client

from libs.contracts.errors import Unavailable
from libs.contracts.policies import ApiKey
from services.edge.errors import EXCEPTION_HANDLERS
from services.edge.keys import Keys
from services.edge.logs import known, routes
from tests.nats_server import NatsServer
from tests.recorder_process import CREATED, attempt, eventually, publish, request

HOSTILE = ["' OR 1=1 --", "\\", "{workspace:String}", "a\tb\nc", "\x00", "\u2028😀", "%s"]


class Reader:
    """A client of an edge, with the key of one workspace."""

    def __init__(self, connection: Client, workspace: str) -> None:
        keys, secret = Keys(), f"tr_fake_{workspace}"
        keyed = ApiKey(id="key_1", workspace=workspace, name="test", created_at=CREATED)
        keys.apply(sha256(secret.encode()).hexdigest(), msgspec.json.encode(keyed), 1)
        edge: Any = SimpleNamespace(keys=keys, bus=SimpleNamespace(connection=connection))
        app = Litestar(routes(edge, ["/v1/logs"]), exception_handlers=EXCEPTION_HANDLERS, openapi_config=None, logging_config=None)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://edge/v1", headers={"authorization": f"Bearer {secret}"}
        )

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self._client.get(path, params=params)

    async def ids(self, **params: Any) -> list[str]:
        answer = await self.get("/logs", **params)
        assert answer.status_code == 200, answer.text
        return [one["request_id"] for one in answer.json()["data"]]


def numbered(number: int) -> str:
    return f"req_00000000-0000-4000-8000-{number:012}"


async def recorded(bus: Client, workspace: str, *rows: Any) -> Reader:
    """The rows, readable in the ledger."""
    await publish(bus, *rows)
    for table in {row.table for row in rows}:
        count = len([row for row in rows if row.table == table])
        await eventually(bus, f"SELECT count() FROM {table} WHERE workspace = '{workspace}'", f"{count}\n".__eq__)
    return Reader(bus, workspace)


async def test_pages_go_from_the_newest_to_the_oldest_and_show_each_once(bus: Client) -> None:
    # Three requests share each moment, so that the time alone does not tell where a page ends.
    reader = await recorded(bus, "pages", *(request(numbered(n), "pages", created_at=CREATED + n // 3 + 0.123456) for n in range(10)))
    seen: list[str] = []
    after = ""
    for size in (4, 4, 2):
        page = (await reader.get("/logs", limit=4, after=after)).json()
        assert page["object"] == "list"
        assert len(page["data"]) == size
        seen += [one["request_id"] for one in page["data"]]
        after = page["next_cursor"]
        assert page["has_more"] is (after is not None)
    assert after is None
    assert seen == [numbered(n) for n in reversed(range(10))]


async def test_a_page_that_is_just_full_is_the_last(bus: Client) -> None:
    reader = await recorded(bus, "full", request(numbered(1), "full"), request(numbered(2), "full"))
    page = (await reader.get("/logs", limit=2)).json()
    assert (len(page["data"]), page["has_more"], page["next_cursor"]) == (2, False, None)


async def test_what_is_new_does_not_shift_the_pages_behind_it(bus: Client) -> None:
    reader = await recorded(bus, "shift", *(request(numbered(n), "shift", created_at=CREATED + n) for n in range(3)))
    first = (await reader.get("/logs", limit=2)).json()
    newer = [request(numbered(n), "shift", created_at=CREATED + n) for n in range(3, 6)]
    await publish(bus, *newer)
    await eventually(bus, "SELECT count() FROM requests WHERE workspace = 'shift'", lambda result: result == "6\n")
    assert await reader.ids(limit=2, after=first["next_cursor"]) == [numbered(0)]


async def test_filters(bus: Client) -> None:
    reader = await recorded(
        bus, "filters",
        request(numbered(1), "filters", created_at=CREATED, model="gpt-5-mini-2025-08-07", model_requested="gpt-5-mini"),
        request(numbered(2), "filters", created_at=CREATED + 60, model="claude-haiku-4-5", provider="anthropic"),
        request(numbered(3), "filters", created_at=CREATED + 120, model="", provider="", status="refused", http_status=422),
    )
    one, two, three = numbered(1), numbered(2), numbered(3)
    assert await reader.ids() == [three, two, one]
    assert await reader.ids(model="gpt-5-mini") == await reader.ids(model="gpt-5-mini-2025-08-07") == [one]
    assert await reader.ids(model="auto:cost") == [three, two]
    assert await reader.ids(provider="anthropic") == [two]
    assert await reader.ids(status="completed", provider="openai") == [one]
    assert await reader.ids(request_id=two) == await reader.ids(request_id="resp_" + two[4:].replace("-", "")) == [two]
    assert await reader.ids(**{"from": int(CREATED) + 60}) == [three, two]
    assert await reader.ids(to="2025-11-15T09:47:40Z") == [one]
    assert await reader.ids(**{"from": "2025-11-15T09:46:40Z", "to": "2025-11-15T09:46:40.000001Z"}) == [one]
    assert await reader.ids(**{"from": "1970-01-02", "to": "2199-12-31T23:59:59Z"}) == [three, two, one]
    assert await reader.ids(status="failed") == []


@pytest.mark.parametrize("value", HOSTILE)
async def test_any_value_is_a_value(bus: Client, value: str) -> None:
    workspace = f"hostile{HOSTILE.index(value)}"
    reader = await recorded(bus, workspace, request(numbered(1), workspace, model=value), request(numbered(2), workspace, provider=value))
    assert await reader.ids(model=value) == [numbered(1)]
    assert await reader.ids(provider=value) == [numbered(2)]


async def test_a_request_and_its_attempts(bus: Client) -> None:
    request_id = numbered(7)
    reader = await recorded(
        bus, "whole", request(request_id, "whole", created_at=CREATED + 0.123456, idempotency_key="once", background=True, attempts=2),
        attempt(request_id, 2, "whole", created_at=CREATED + 0.123456),
        attempt(request_id, 1, "whole", created_at=CREATED + 0.123456, status="failed", cost_usd=None, http_status=500, error_code="upstream_error"),
    )
    response_id = "resp_" + request_id[4:].replace("-", "")
    answer = await reader.get(f"/logs/{request_id}")
    whole = answer.json()
    assert answer.status_code == 200
    assert (await reader.get(f"/logs/{response_id}")).json() == whole
    assert (whole["request_id"], whole["response_id"], whole["created_at"]) == (request_id, response_id, "2025-11-15T09:46:40.123456Z")
    assert whole["cost_usd"] == pytest.approx(0.0001250001, abs=1e-12)
    assert (whole["latency_ms"], whole["ttft_ms"], whole["stream"], whole["background"]) == (812.25, 200.5, True, True)
    assert whole["tokens"] == {"input": 100, "output": 50, "cached": 10, "cache_write": 3, "reasoning": 5}
    assert (whole["metadata"], whole["idempotency_key"], whole["attempts"]) == ({"tenant": "acme"}, "once", 2)
    assert whole["rule_trace"] == [{"kind": "routing", "name": "long\nprompts"}]
    assert whole["candidates"] == [{"provider": "openai", "model": "gpt-5-mini"}]
    assert [(hop["stage"], hop["at"]) for hop in whole["hops"]] == [
        ("edge", "2025-11-15T09:46:40.000000Z"), ("router", "2025-11-15T09:46:40.500000Z"),
    ]
    assert [(one["attempt"], one["status"], one["cost_usd"] is None) for one in whole["attempt_rows"]] == [
        (1, "failed", True), (2, "completed", False),
    ]
    assert whole["attempt_rows"][1]["adapted"] == ["dropped top_p"]
    (listed,) = (await reader.get("/logs")).json()["data"]
    assert listed == {name: value for name, value in whole.items() if name in listed}


async def test_the_row_that_counts_is_shown_once(bus: Client) -> None:
    reader = await recorded(bus, "ranks", request(numbered(1), "ranks", rank=1, status="failed"))
    await publish(bus, request(numbered(1), "ranks", rank=2, status="completed"))
    await eventually(bus, "SELECT status FROM requests WHERE workspace = 'ranks'", lambda result: result == "completed\n")
    assert await reader.ids() == await reader.ids(status="completed") == [numbered(1)]
    assert await reader.ids(status="failed") == []


async def test_another_workspace_is_as_if_it_were_not_there(bus: Client) -> None:
    await recorded(bus, "theirs", request(numbered(1), "theirs"), attempt(numbered(1), 1, "theirs"))
    ours = await recorded(bus, "ours", request(numbered(2), "ours"))
    assert await ours.ids() == [numbered(2)]
    assert await ours.ids(request_id=numbered(1)) == []
    foreign, unknown = await ours.get(f"/logs/{numbered(1)}"), await ours.get(f"/logs/{numbered(3)}")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["error"]["code"] == "not_found"
    assert foreign.json()["detail"].replace(numbered(1), numbered(3)) == unknown.json()["detail"]


async def test_the_same_id_in_two_workspaces_is_two_requests(bus: Client) -> None:
    left = await recorded(bus, "left", request(numbered(1), "left", provider="openai"), attempt(numbered(1), 1, "left"))
    right = await recorded(bus, "right", request(numbered(1), "right", provider="mistral"))
    assert (await left.get(f"/logs/{numbered(1)}")).json()["provider"] == "openai"
    assert (await right.get(f"/logs/{numbered(1)}")).json()["provider"] == "mistral"
    assert (await right.get(f"/logs/{numbered(1)}")).json()["attempt_rows"] == []


async def test_whether_a_request_is_known(bus: Client) -> None:
    await recorded(bus, "known", request(numbered(1), "known"))
    assert await known(bus, "known", numbered(1))
    assert await known(bus, "known", "resp_" + numbered(1)[4:].replace("-", ""))
    assert not await known(bus, "known", "nonsense")
    assert not await known(bus, "unknown", numbered(1))


async def test_a_row_that_is_on_its_way_is_waited_for(bus: Client) -> None:
    asked = asyncio.create_task(known(bus, "later", numbered(1)))
    await publish(bus, request(numbered(1), "later"))
    assert await asked


async def test_without_a_recorder_it_is_503(tmp_path_factory: pytest.TempPathFactory) -> None:
    alone = NatsServer(tmp_path_factory.mktemp("alone"))
    await asyncio.to_thread(alone.start)
    connection = await alone.connect()
    try:
        answer = await Reader(connection, "main").get("/logs")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "service_unavailable")
        assert answer.headers["retry-after"]
        assert "recorder" in answer.json()["error"]["message"]
        with pytest.raises(Unavailable):
            await known(connection, "main", numbered(1))
    finally:
        await connection.close()
        await asyncio.to_thread(alone.stop)
