"""What a worker keeps of an answer, on a real nats-server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from msgspec import structs
from nats.js.errors import NoStreamResponseError

from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.deltas import Event
from libs.contracts.requests import Routed
from libs.contracts.state import Keeping, StoredResponse
from libs.state.conversations import Conversations
from libs.state.responses import Responses, ended, unpacked
from libs.state.store import Store
from services.provider_worker import keep
from services.provider_worker.keep import NotKept
from tests.contracts.samples import ROUTED
from tests.nats_server import nats_server

RESPONSE = msgspec.json.encode({"output": [{"type": "message", "id": "msg_said", "role": "assistant", "content": []}]})
REQUEST: dict[str, Any] = {"input": [{"type": "message", "role": "user", "content": text} for text in ("earlier", "now")]}
EVENTS = [Event("response.created", b'{"type":"response.created"}')]
STORED = StoredResponse(request_id=ROUTED.request_id, created_at=5.0, status="queued", background=True, response=b"{}")


class State(msgspec.Struct):
    """What `keep` uses of the bus."""

    responses: Responses
    conversations: Conversations


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    async with nats_server(tmp_path / "nats") as server:
        connection = await server.connect()
        store = Store(connection, connection.jetstream(), subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET)
        yield State(Responses(store), Conversations(store))
        await connection.close()


async def kept(state: State, keeping: Keeping | None, status: str = "completed") -> StoredResponse | None:
    """The record after a worker has kept an answer."""
    message: Routed = structs.replace(ROUTED, keeping=keeping)
    await keep.keep(cast(Bus, state), message, REQUEST, status, RESPONSE, EVENTS)
    return await state.responses.get(ROUTED.workspace, ROUTED.response_id)


async def test_the_record_holds_the_answer_and_this_turns_input(state: State) -> None:
    found = await kept(state, Keeping(store=True, history=1, ancestors=["resp_1"], fingerprint="f"))
    assert found is not None
    assert (found.status, found.stream, found.endpoint, found.store) == ("completed", True, "responses", True)
    assert (found.response, found.ancestors, found.fingerprint, found.created_at) == (RESPONSE, ["resp_1"], "f", ROUTED.created_at)
    assert msgspec.json.decode(found.input) == REQUEST["input"][1:]
    assert unpacked(found.events) == EVENTS


async def test_nothing_is_kept_that_nobody_asked_for(state: State) -> None:
    assert await kept(state, None) is None


async def test_the_turn_comes_into_its_conversation_once(state: State) -> None:
    made = await state.conversations.create(ROUTED.workspace, {}, [])
    await kept(state, Keeping(store=True, history=1, conversation=made.id))
    head = await state.conversations.get(ROUTED.workspace, made.id)
    assert head is not None
    asked, said = await state.conversations.items(ROUTED.workspace, head)
    assert (asked["content"], said["id"]) == ("now", "msg_said")
    assert asked["id"].startswith("msg_tr" + ROUTED.response_id.removeprefix("resp_"))


async def test_a_conversation_that_was_deleted_meanwhile_stays_deleted(state: State) -> None:
    made = await state.conversations.create(ROUTED.workspace, {}, [])
    await state.conversations.delete(ROUTED.workspace, made.id)
    assert await kept(state, Keeping(store=True, conversation=made.id)) is not None
    assert await state.conversations.get(ROUTED.workspace, made.id) is None


async def test_a_background_record_is_changed_where_it_is(state: State) -> None:
    await state.responses.put(ROUTED.workspace, STORED)
    found = await kept(state, Keeping(store=True, background=True))
    assert found is not None
    assert (found.status, found.response, found.created_at) == ("completed", RESPONSE, STORED.created_at)


async def test_a_cancelled_or_deleted_background_response_stays_so(state: State) -> None:
    cancelled = ended(STORED, "cancelled", {})
    await state.responses.put(ROUTED.workspace, cancelled)
    assert await kept(state, Keeping(store=True, background=True)) == cancelled
    await state.responses.delete(ROUTED.workspace, STORED.response_id)
    assert await kept(state, Keeping(store=True, background=True)) is None


async def test_a_stream_that_takes_nothing_is_told_after_some_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "PAUSES", (0.0, 0.0))
    async with nats_server(tmp_path / "other") as server:
        connection = await server.connect()
        js = connection.jetstream()
        await js.delete_stream(subjects.STATE_STREAM)
        store = Store(connection, js, subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET)
        with pytest.raises(NotKept) as raised:
            await kept(State(Responses(store), Conversations(store)), Keeping(store=True))
        assert isinstance(raised.value.__cause__, NoStreamResponseError)
        await connection.close()
