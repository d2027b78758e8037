"""The routes on stored responses and conversations, as the official SDK uses and validates them, over a real nats-server."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import msgspec
import openai
import pytest
from litestar import Litestar

from libs.contracts import subjects
from libs.contracts.policies import ApiKey
from libs.contracts.state import StoredResponse
from libs.responses.frame import Frame
from libs.state.conversations import Conversations
from libs.state.responses import Responses
from libs.state.store import Store
from services.edge import conversations, stored
from services.edge.errors import EXCEPTION_HANDLERS
from services.edge.history import History
from tests.nats_server import nats_server

MINE, OTHERS = "fake-workspace", "fake-other"
INPUT = [
    {"type": "message", "role": "user", "content": "hi"},
    {"type": "message", "role": "assistant", "content": "earlier words"},
    {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "https://example.test/a.png"}]},
    {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "call_1", "output": "seen"},
    {"type": "reasoning", "summary": []},
]


class Background:
    """Stands for the part that carries out background responses, which has tests of its own."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []
        self.forgotten: list[str] = []

    async def cancel(self, workspace: str, one: StoredResponse) -> StoredResponse:
        self.cancelled.append(one.request_id)
        return msgspec.structs.replace(one, status="cancelled", response=response(one.request_id, "cancelled"))

    async def forget(self, workspace: str, request_id: str) -> None:
        self.forgotten.append(request_id)


def request_id(number: int) -> str:
    return f"req_00000000-0000-4000-8000-{number:012x}"


def response(of: str, status: str = "completed") -> bytes:
    frame = Frame({}, response_id=kept_id(of), request_id=of, created_at=1, model="fake-model", metadata={})
    text = {"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}
    output = [{"id": f"msg_{of[-4:]}", "type": "message", "role": "assistant", "status": "completed", "content": [text]}]
    rendered: dict[str, Any] = frame.render({}, status="in_progress")
    return msgspec.json.encode(rendered | {"status": status, "output": output if status == "completed" else []})


def kept_id(of: str) -> str:
    return "resp_" + of.removeprefix("req_").replace("-", "")


def one(number: int, status: str = "completed", **fields: Any) -> StoredResponse:
    own = request_id(number)
    known: dict[str, Any] = {"input": msgspec.json.encode(INPUT), "response": response(own, status)} | fields
    return StoredResponse(request_id=own, created_at=1.0, status=status, **known)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Any]:
    async with nats_server(tmp_path / "nats") as server:
        connection = await server.connect()
        store = Store(connection, connection.jetstream(), subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET)
        responses, talks = Responses(store), Conversations(store)
        yield SimpleNamespace(
            bus=SimpleNamespace(responses=responses, conversations=talks, connection=connection),
            history=History(responses, talks), background=Background(),
            caller=lambda request: ApiKey(id="key_fake", name="fake", created_at=1.0, workspace=request.headers["x-fake-workspace"]),
            settings=SimpleNamespace(max_body_bytes=1 << 20, stream_format="openai"),
        )
        await connection.close()


def application(edge: Any) -> Litestar:
    return Litestar(
        [*stored.routes(edge, ["/v1/responses"]), *conversations.routes(edge, ["/v1/conversations"])],
        exception_handlers=EXCEPTION_HANDLERS, openapi_config=None,
    )


def client(edge: Any, workspace: str = MINE) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key="tr_fake", base_url="http://edge.test/v1", max_retries=0, default_headers={"x-fake-workspace": workspace},
        http_client=httpx2.AsyncClient(transport=httpx2.ASGITransport(application(edge))), _strict_response_validation=True,
    )


async def test_a_response_is_read_streamed_resumed_and_replayed(edge: Any) -> None:
    kept = one(1)
    await edge.bus.responses.put(MINE, kept)
    sdk = client(edge)
    read = await sdk.responses.retrieve(kept.response_id)
    assert (read.id, read.status, read.output_text) == (kept.response_id, "completed", "hello")
    whole = [event async for event in await sdk.responses.retrieve(kept.response_id, stream=True)]
    assert [event.sequence_number for event in whole] == list(range(len(whole)))
    rest = [event async for event in await sdk.responses.retrieve(kept.response_id, stream=True, starting_after=3)]
    assert rest == whole[4:]
    for some_id in (kept.response_id, kept.request_id):
        again = await sdk.post(f"/responses/{some_id}", cast_to=httpx2.Response, body={})
        assert again.json() == msgspec.json.decode(kept.response)
        streamed = await sdk.post(f"/responses/{some_id}", cast_to=httpx2.Response, body={"stream": True})
        assert streamed.headers["content-type"].startswith("text/event-stream")
        named = {"X-TokenRouter-Stream-Format": "tokenrouter"}
        other = await sdk.post(f"/responses/{some_id}", cast_to=httpx2.Response, body={"stream": True}, options={"headers": named})
        assert other.text.endswith("event: done\ndata: null\n\n")


async def test_what_is_not_mine_or_not_stored_is_the_same_404(edge: Any) -> None:
    await edge.bus.responses.put(MINE, one(1))
    await edge.bus.responses.put(OTHERS, one(2, store=False))
    told = []
    for wanted in (one(1), one(2), one(3)):
        with pytest.raises(openai.NotFoundError) as caught:
            await client(edge, OTHERS).responses.retrieve(wanted.response_id)
        told.append(str(caught.value.body["message"]).replace(wanted.response_id, "ID"))  # type: ignore[index]
        assert caught.value.code == "response_not_found"
        with pytest.raises(openai.NotFoundError):
            await client(edge, OTHERS).responses.delete(wanted.response_id)
        with pytest.raises(openai.NotFoundError):
            await client(edge, OTHERS).responses.input_items.list(wanted.response_id)
    assert told == ["Response with id 'ID' not found."] * 3


async def test_deleting_removes_and_ends_a_response(edge: Any) -> None:
    done, running = one(1), one(2, "in_progress", background=True)
    sdk = client(edge)
    for kept in (done, running):
        await edge.bus.responses.put(MINE, kept)
        await sdk.responses.delete(kept.response_id)
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.retrieve(kept.response_id)
    assert edge.background.cancelled == edge.background.forgotten == [running.request_id]


async def test_only_what_runs_in_the_background_is_cancelled(edge: Any) -> None:
    plain, over, running = one(1), one(2, background=True), one(3, "in_progress", background=True)
    for kept in (plain, over, running):
        await edge.bus.responses.put(MINE, kept)
    sdk = client(edge)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        await sdk.responses.cancel(plain.response_id)
    assert (await sdk.responses.cancel(over.response_id)).status == "completed"
    assert (await sdk.responses.cancel(running.response_id)).status == "cancelled"
    assert edge.background.cancelled == [running.request_id]
    with pytest.raises(openai.ConflictError):
        await sdk.post(f"/responses/{running.response_id}", cast_to=httpx2.Response, body={})


async def test_input_items_hold_the_whole_chain_in_pages(edge: Any) -> None:
    first = one(1)
    second = one(2, ancestors=[first.response_id], input=msgspec.json.encode(INPUT[:1]))
    for kept in (first, second):
        await edge.bus.responses.put(MINE, kept)
    sdk = client(edge)
    listed = [item async for item in await sdk.responses.input_items.list(second.response_id, order="asc", limit=3)]
    assert [item.type for item in listed] == [*(item["type"] for item in INPUT), "message", "message"]
    assert [item.role for item in listed if item.type == "message"] == ["user", "assistant", "user", "assistant", "user"]
    back = [item async for item in await sdk.responses.input_items.list(second.response_id, limit=2)]
    assert back == listed[::-1]
    ids = [item.id for item in listed]
    assert len(set(ids)) == len(ids)
    assert ids == [item.id async for item in await sdk.responses.input_items.list(second.response_id, order="asc")]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=²", "order=up", "after=msg_none", "before=msg_none"])
async def test_a_bad_page_is_a_400(edge: Any, query: str) -> None:
    kept = one(1)
    await edge.bus.responses.put(MINE, kept)
    with pytest.raises(openai.BadRequestError):
        await client(edge).get(f"/responses/{kept.response_id}/input_items?{query}", cast_to=httpx2.Response)


async def test_a_conversation_lives(edge: Any) -> None:
    sdk = client(edge)
    made = await sdk.conversations.create(items=INPUT[:2], metadata={"topic": "fake"})  # type: ignore[arg-type]
    assert (made.object, made.metadata) == ("conversation", {"topic": "fake"})
    assert await sdk.conversations.retrieve(made.id) == made
    assert (await sdk.conversations.update(made.id, metadata={"topic": "other"})).metadata == {"topic": "other"}
    added = await sdk.conversations.items.create(made.id, items=INPUT[2:])  # type: ignore[arg-type]
    assert (added.first_id, added.last_id, added.has_more) == (added.data[0].id, added.data[-1].id, False)
    listed = [item async for item in await sdk.conversations.items.list(made.id, order="asc", limit=4)]
    assert [item.type for item in listed] == [item["type"] for item in INPUT]
    assert listed[2:] == added.data
    assert await sdk.conversations.items.retrieve(listed[0].id, conversation_id=made.id) == listed[0]
    assert (await sdk.conversations.items.delete(listed[0].id, conversation_id=made.id)).id == made.id
    with pytest.raises(openai.NotFoundError):
        await sdk.conversations.items.retrieve(listed[0].id, conversation_id=made.id)
    assert (await sdk.conversations.delete(made.id)).deleted
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.conversations.retrieve(made.id)
    assert caught.value.code == "conversation_not_found"


async def test_an_empty_conversation_has_an_empty_list(edge: Any) -> None:
    sdk = client(edge)
    made = await sdk.conversations.create()
    assert made.metadata == {}
    assert [item async for item in await sdk.conversations.items.list(made.id)] == []


async def test_a_conversation_of_others_is_not_found(edge: Any) -> None:
    made = await client(edge).conversations.create(items=[{"role": "user", "content": "hi"}])
    others = client(edge, OTHERS)
    for asked in (
        others.conversations.retrieve(made.id), others.conversations.update(made.id, metadata={}), others.conversations.delete(made.id),
        others.conversations.items.create(made.id, items=[{"role": "user", "content": "hi"}]),
    ):
        with pytest.raises(openai.NotFoundError):
            await asked


@pytest.mark.parametrize("body", [
    {"items": "text"}, {"items": [5]}, {"items": [{"role": "user", "content": "x"}] * 21}, {"items": [{"role": "nobody", "content": "x"}]},
    {"items": [{"type": ["x"]}]}, {"items": [{"type": "message", "role": [], "content": "x"}]}, {"metadata": 5}, {"metadata": {"a": 1}},
    {"items": [{"role": "user", "content": "x", "id": 5}]}, {"items": [{"type": "item_reference", "id": "msg_1"}]},
    {"items": [{"role": "user", "content": [{"type": "input_text"}]}]},
])
async def test_what_is_malformed_is_a_400(edge: Any, body: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError):
        await client(edge).post("/conversations", cast_to=httpx2.Response, body=body)


async def test_state_that_cannot_be_reached_is_a_503(edge: Any) -> None:
    await edge.bus.connection.close()
    with pytest.raises(openai.InternalServerError) as caught:
        await client(edge).responses.retrieve(one(1).response_id)
    assert caught.value.status_code == 503
