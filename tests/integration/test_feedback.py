"""Feedback over HTTP: by a real edge's routes, over a real nats-server, into a real recorder's ledger."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from litestar import Litestar
from nats.aio.client import Client

from libs.bus import ledger
from libs.bus.ledger import LedgerWriter
from libs.contracts import subjects
from libs.contracts.policies import ApiKey
from libs.contracts.state import StoredResponse
from libs.state.conversations import Conversations
from libs.state.responses import Responses
from libs.state.store import Store
from services.edge import feedback, logs, stored
from services.edge.app import paths
from services.edge.errors import EXCEPTION_HANDLERS
from services.edge.history import History
from services.edge.keys import Keys
from tests.integration.conftest import _declare
from tests.nats_server import NatsServer
from tests.recorder_process import CREATED, RecorderProcess, eventually, publish, query, request
from tests.recorder_process import feedback as opinion


def numbered(number: int) -> str:
    return f"req_00000000-0000-4000-8000-{number:012}"


def response_id(number: int) -> str:
    return "resp_" + numbered(number)[4:].replace("-", "")


class Bus(SimpleNamespace):
    """What the routes use of a service's bus, on a real connection."""

    def __init__(self, connection: Client) -> None:
        js = connection.jetstream()
        store = Store(connection, js, subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET)

        async def send(payload: bytes, message_id: str) -> None:
            await js.publish(subjects.ledger("edge"), payload, timeout=1.0, headers={"Nats-Msg-Id": message_id})

        self.writer = LedgerWriter(send, "edge-1")
        self.writer.start()
        super().__init__(connection=connection, responses=Responses(store), conversations=Conversations(store), commit=self.writer.commit)


class Caller:
    """A client of an edge, with the key of one workspace."""

    def __init__(self, bus: Bus, workspace: str, key_id: str = "key_1") -> None:
        keys, secret = Keys(), f"tr_fake_{workspace}_{key_id}"
        keyed = ApiKey(id=key_id, workspace=workspace, name="test", created_at=CREATED)
        keys.apply(sha256(secret.encode()).hexdigest(), msgspec.json.encode(keyed), 1)
        edge: Any = SimpleNamespace(
            bus=bus, history=History(bus.responses, bus.conversations), caller=lambda request: keys.caller(request.headers),
            settings=SimpleNamespace(stream_format="openai"),
        )
        routes = [*feedback.routes(edge, paths("/responses")), *stored.routes(edge, paths("/responses"))]
        app = Litestar(routes, exception_handlers=EXCEPTION_HANDLERS, openapi_config=None, logging_config=None)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://edge", headers={"authorization": f"Bearer {secret}"}
        )

    async def rate(self, some_id: str, prefix: str = "/v1", **body: Any) -> httpx.Response:
        return await self.http.post(f"{prefix}/responses/{some_id}/feedback", json=body)


@pytest.fixture(scope="module")
def recorder(server: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderProcess]:
    """One that inserts at once: here an insert is waited for again and again."""
    process = RecorderProcess(server.url, tmp_path_factory.mktemp("home"), TOKENROUTER_RECORD_INTERVAL="0.02")
    process.start()
    yield process
    process.stop()


@pytest_asyncio.fixture
async def edge_bus(bus: Client) -> AsyncIterator[Bus]:
    made = Bus(bus)
    yield made
    await made.writer.drain()


async def rows(bus: Client, workspace: str) -> list[dict[str, Any]]:
    text = await query(bus, f"SELECT * FROM feedback WHERE workspace = '{workspace}' ORDER BY request_id, api_key_id", format="JSONEachRow")
    return [msgspec.json.decode(line) for line in text.splitlines()]


async def landed(bus: Client, workspace: str, feedback_id: str) -> None:
    await eventually(bus, f"SELECT feedback_id FROM feedback WHERE workspace = '{workspace}'", lambda found: feedback_id in found.splitlines())


async def test_an_opinion_on_a_stored_response_is_on_record_once(bus: Client, edge_bus: Bus) -> None:
    await edge_bus.responses.put("stored", StoredResponse(request_id=numbered(1), created_at=CREATED + 0.1234567, status="completed", response=b"{}"))
    await publish(bus, request(numbered(1), "stored", created_at=CREATED + 0.1234567, candidate="openai/gpt-5-mini", task_family="code"))
    answer = await Caller(edge_bus, "stored").rate(response_id(1), score=0.25, label="wrong", comment="The sum is 5.\nNot 6.")
    told = answer.json()
    assert (answer.status_code, told["object"]) == (200, "feedback")
    assert (told["response_id"], told["request_id"], told["score"], told["label"]) == (response_id(1), numbered(1), 0.25, "wrong")
    await landed(bus, "stored", told["id"])
    (row,) = await rows(bus, "stored")
    assert (row["score"], row["label"], row["comment"], row["api_key_id"]) == (0.25, "wrong", "The sum is 5.\nNot 6.", "key_1")
    joined = (
        "SELECT r.candidate, r.task_family, f.score FROM feedback AS f INNER JOIN requests AS r USING (workspace, created_at, request_id) "
        "WHERE workspace = 'stored'"
    )
    await eventually(bus, joined, "openai/gpt-5-mini\tcode\t0.25\n".__eq__)


@pytest.mark.parametrize("prefix", ["/v1", "/v1/v1", "/api/v1", "/api", ""])
async def test_every_prefix_and_every_id_leads_there(bus: Client, edge_bus: Bus, prefix: str) -> None:
    await publish(bus, request(numbered(1), "ids"))
    caller, digits = Caller(edge_bus, "ids"), response_id(1).removeprefix("resp_")
    for some_id in (numbered(1), response_id(1), f"chatcmpl-{digits}", f"msg_{digits}"):
        answer = await caller.rate(some_id, prefix, score=1)
        assert (answer.status_code, answer.json()["request_id"]) == (200, numbered(1))


async def test_what_was_never_stored_is_known_from_the_ledger_even_when_its_row_is_on_its_way(bus: Client, edge_bus: Bus) -> None:
    rating = asyncio.create_task(Caller(edge_bus, "unstored").rate(numbered(1), score=0))
    await publish(bus, request(numbered(1), "unstored", created_at=CREATED + 0.1234567))
    answer = await rating
    assert answer.status_code == 200, answer.text
    await landed(bus, "unstored", answer.json()["id"])
    # The key is the request's, to the microsecond.
    both = "SELECT count() FROM feedback INNER JOIN requests USING (workspace, created_at, request_id) WHERE workspace = 'unstored'"
    await eventually(bus, both, "1\n".__eq__)


async def test_the_newest_of_a_key_takes_the_place_of_the_others(bus: Client, edge_bus: Bus) -> None:
    await publish(bus, request(numbered(1), "again"))
    mine, other = Caller(edge_bus, "again"), Caller(edge_bus, "again", "key_2")
    await other.rate(numbered(1), score=0.5)
    for score in (0, 0.2, 1):
        last = (await mine.rate(response_id(1), score=score)).json()
        await landed(bus, "again", last["id"])
    assert [(row["api_key_id"], row["score"]) for row in await rows(bus, "again")] == [("key_1", 1), ("key_2", 0.5)]


async def test_an_older_row_that_comes_late_does_not_win(bus: Client) -> None:
    await publish(bus, opinion(numbered(1), 1.0, "late", feedback_id="fb_new", at=CREATED + 40 * 86_400))
    await landed(bus, "late", "fb_new")
    await publish(bus, opinion(numbered(1), 0.0, "late", feedback_id="fb_old", at=CREATED + 1), opinion(numbered(2), 0.5, "late", feedback_id="fb_2"))
    await landed(bus, "late", "fb_2")
    assert [one["feedback_id"] for one in await rows(bus, "late")] == ["fb_new", "fb_2"]


async def test_others_and_nobodys_responses_are_not_found_as_when_read(bus: Client, edge_bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LAG", 0.2)
    await edge_bus.responses.put("theirs", StoredResponse(request_id=numbered(1), created_at=CREATED, status="completed", response=b"{}"))
    await publish(bus, request(numbered(1), "theirs"))
    caller = Caller(edge_bus, "not-theirs")
    for some_id in (response_id(1), response_id(2), "resp_nonsense"):
        rated, read = await asyncio.gather(caller.rate(some_id, score=1), caller.http.get(f"/v1/responses/{some_id}"))
        assert rated.status_code == read.status_code == 404
        told, expected = rated.json()["error"], read.json()["error"]
        assert {**told, "request_id": ""} == {**expected, "request_id": ""}
    assert await rows(bus, "not-theirs") == []


@pytest.mark.parametrize(("body", "field"), [
    ({}, "score"), ({"score": True}, "score"), ({"score": 2}, "score"), ({"score": 1, "label": "x" * 65}, "label"),
    ({"score": 1, "comment": {}}, "comment"),
])
async def test_a_bad_field_is_named(bus: Client, edge_bus: Bus, body: dict[str, Any], field: str) -> None:
    answer = await Caller(edge_bus, "fields").rate(response_id(1), **body)
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["param"]) == (422, "validation_failed", field)


async def test_without_a_key_nobody_rates(bus: Client, edge_bus: Bus) -> None:
    answer = await Caller(edge_bus, "keys").http.post(f"/v1/responses/{response_id(1)}/feedback", json={"score": 1}, headers={"authorization": "x"})
    assert answer.status_code == 401


@pytest_asyncio.fixture
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[NatsServer, Client]]:
    """A bus on which no recorder listens."""
    server = NatsServer(tmp_path_factory.mktemp("alone"))
    await asyncio.to_thread(server.start)
    await _declare(server)
    connection = await server.connect()
    yield server, connection
    await connection.close()
    await asyncio.to_thread(server.stop)


async def test_while_the_recorder_is_away_what_is_stored_can_be_rated_and_the_rest_later(alone: tuple[NatsServer, Client]) -> None:
    _, connection = alone
    bus = Bus(connection)
    await bus.responses.put("away", StoredResponse(request_id=numbered(1), created_at=CREATED, status="completed", response=b"{}"))
    caller = Caller(bus, "away")
    kept = await caller.rate(response_id(1), score=1)
    unknown = await caller.rate(response_id(2), score=1)
    assert kept.status_code == 200
    assert (await connection.jetstream().stream_info(subjects.LEDGER_STREAM)).state.messages == 1
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (503, "service_unavailable")
    assert unknown.headers["retry-after"]
    await bus.writer.drain()


async def test_what_cannot_be_made_durable_is_not_said_to_be(alone: tuple[NatsServer, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    _, connection = alone
    monkeypatch.setattr(ledger, "PATIENCE", 0.05)
    bus = Bus(connection)
    await bus.responses.put("away", StoredResponse(request_id=numbered(1), created_at=CREATED, status="completed", response=b"{}"))
    await connection.jetstream().delete_stream(subjects.LEDGER_STREAM)
    answer = await Caller(bus, "away").rate(response_id(1), score=1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
    await bus.writer.drain(timeout=0.1)
