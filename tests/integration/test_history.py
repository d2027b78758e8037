"""What a request builds on, looked up on a real nats-server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.contracts import subjects
from libs.contracts.errors import InvalidRequest, NotFound
from libs.contracts.state import StoredResponse, response_id_of
from libs.responses.item_ids import item_id
from libs.state.conversations import Conversations
from libs.state.responses import Responses, input_items
from libs.state.store import Store
from services.edge.history import History, Resolved, Turn
from tests.nats_server import nats_server

Json = dict[str, Any]
OURS, OTHERS = "fake-workspace", "another-workspace"


class State:
    """The stored state, and a history on it."""

    def __init__(self, store: Store) -> None:
        self.responses, self.conversations = Responses(store), Conversations(store)
        self.history = History(self.responses, self.conversations)

    async def answered(self, number: int, given: list[Json], said: list[Json], **fields: Any) -> StoredResponse:
        known: Json = {"created_at": 1.0, "status": "completed", "response": msgspec.json.encode({"output": said})}
        stored = StoredResponse(request_id=request_id(number), input=msgspec.json.encode(given), **(known | fields))
        await self.responses.put(OURS, stored)
        return stored

    async def resolved(self, workspace: str = OURS, **request: Any) -> Resolved:
        return await self.history.resolved(workspace, request)


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    async with nats_server(tmp_path / "nats") as server:
        connection = await server.connect()
        yield State(Store(connection, connection.jetstream(), subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET))
        await connection.close()


def request_id(number: int) -> str:
    return f"req_00000000-0000-4000-8000-{number:012x}"


def response_id(number: int) -> str:
    return response_id_of(request_id(number))


def asked(text: str, **fields: Any) -> Json:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}


def said(text: str, number: int) -> Json:
    content = [{"type": "output_text", "text": text}]
    return {"type": "message", "role": "assistant", "id": item_id("msg", response_id(number), 0), "content": content}


def texts(resolved: Resolved) -> list[str]:
    return [item["content"][0]["text"] for item in resolved.request["input"]]


async def three_turns(state: State) -> None:
    for number in (1, 2, 3):
        ancestors = [response_id(earlier) for earlier in range(1, number)]
        await state.answered(number, [asked(f"question {number}")], [said(f"answer {number}", number)], ancestors=ancestors)


async def test_a_request_that_builds_on_nothing_is_left_alone(state: State) -> None:
    request: Json = {"input": "hi"}
    assert (await state.history.resolved(OURS, request)).request is request


async def test_a_chain_stands_before_the_input(state: State) -> None:
    await three_turns(state)
    resolved = await state.resolved(previous_response_id=response_id(3), input="question 4")
    assert texts(resolved) == ["question 1", "answer 1", "question 2", "answer 2", "question 3", "answer 3", "question 4"]
    assert resolved.history == 6
    assert resolved.ancestors == [response_id(1), response_id(2), response_id(3)]


async def test_an_earlier_turn_can_be_continued_anew_by_its_request_id(state: State) -> None:
    await three_turns(state)
    resolved = await state.resolved(previous_response_id=request_id(1), input="another 2")
    assert texts(resolved) == ["question 1", "answer 1", "another 2"]
    assert resolved.ancestors == [response_id(1)]


async def test_a_deleted_ancestor_ends_the_chain(state: State) -> None:
    await three_turns(state)
    await state.responses.delete(OURS, response_id(2))
    with pytest.raises(InvalidRequest) as raised:
        await state.resolved(previous_response_id=response_id(3), input="hi")
    assert (raised.value.info.code, raised.value.info.param) == ("previous_response_not_found", "previous_response_id")
    assert texts(await state.resolved(previous_response_id=response_id(1), input="hi")) == ["question 1", "answer 1", "hi"]


@pytest.mark.parametrize("some_id", [response_id(9), "resp_1", "resp_*", "", response_id(4)])
async def test_what_is_unknown_or_was_not_to_be_stored_cannot_be_continued(state: State, some_id: str) -> None:
    await state.answered(4, [asked("question")], [said("answer", 4)], store=False)
    with pytest.raises(InvalidRequest) as raised:
        await state.resolved(previous_response_id=some_id, input="hi")
    assert (raised.value.info.status, raised.value.info.code) == (400, "previous_response_not_found")
    assert f"'{some_id}'" in raised.value.info.message


async def test_another_workspaces_response_is_like_an_unknown_one(state: State) -> None:
    await three_turns(state)
    errors = []
    for some_id in (response_id(1), response_id(9)):
        with pytest.raises(InvalidRequest) as raised:
            await state.resolved(OTHERS, previous_response_id=some_id, input="hi")
        errors.append(msgspec.structs.replace(raised.value.info, message=raised.value.info.message.replace(some_id, "…")))
    assert errors[0] == errors[1]


async def test_a_response_that_is_not_over_is_waited_for_by_the_client(state: State) -> None:
    await state.answered(1, [asked("question")], [], status="in_progress", background=True)
    with pytest.raises(InvalidRequest, match="in progress") as raised:
        await state.resolved(previous_response_id=response_id(1), input="hi")
    assert raised.value.info.code == "previous_response_not_completed"


async def test_a_conversation_stands_before_the_input(state: State) -> None:
    made = await state.conversations.create(OURS, {}, [asked("first")])
    await state.conversations.append(OURS, made.id, [asked("second")])
    for conversation in (made.id, {"id": made.id}):
        resolved = await state.resolved(conversation=conversation, input="third")
        assert texts(resolved) == ["first", "second", "third"]
        assert (resolved.history, resolved.conversation, resolved.ancestors) == (2, made.id, [])


async def test_a_conversation_that_is_not_there_is_a_404(state: State) -> None:
    made = await state.conversations.create(OURS, {}, [])
    for workspace, conversation in ((OTHERS, made.id), (OURS, "conv_0"), (OURS, "conv_*"), (OURS, "nonsense")):
        with pytest.raises(NotFound) as raised:
            await state.resolved(workspace, conversation=conversation, input="hi")
        assert (raised.value.info.code, raised.value.info.param) == ("conversation_not_found", "conversation")


async def test_a_turn_of_a_conversation_is_continued_with_all_before_it(state: State) -> None:
    made = await state.conversations.create(OURS, {}, [asked("first")])
    answer = said("answer", 1)
    stored = await state.answered(1, [asked("second")], [answer], conversation=made.id)
    await state.conversations.append(OURS, made.id, [*input_items(stored), answer])
    await state.conversations.append(OURS, made.id, [asked("later")])
    resolved = await state.resolved(previous_response_id=response_id(1), input="third")
    assert texts(resolved) == ["first", "second", "answer", "third"]


@pytest.mark.parametrize(
    "request_", [{"previous_response_id": "resp_1", "conversation": "conv_1"}, {"conversation": {"id": 5}}, {"conversation": {}}], ids=str,
)
async def test_what_contradicts_itself_is_a_400(state: State, request_: Json) -> None:
    with pytest.raises(InvalidRequest):
        await state.resolved(**request_, input="hi")


async def test_an_item_is_found_by_its_id_alone(state: State) -> None:
    await three_turns(state)
    stored = await state.responses.get(OURS, response_id(2))
    assert stored is not None
    question = input_items(stored)[0]
    references = [{"type": "item_reference", "id": some_id} for some_id in (question["id"], said("", 2)["id"])]
    resolved = await state.resolved(input=[*references, asked("and now?")])
    assert texts(resolved) == ["question 2", "answer 2", "and now?"]
    assert (resolved.history, resolved.ancestors) == (0, [])


async def test_an_item_that_the_history_holds_is_not_repeated(state: State) -> None:
    await three_turns(state)
    reference = {"type": "item_reference", "id": said("", 1)["id"]}
    resolved = await state.resolved(previous_response_id=response_id(2), input=[reference, asked("more")])
    assert texts(resolved) == ["question 1", "answer 1", "question 2", "answer 2", "more"]


@pytest.mark.parametrize("some_id", [item_id("msg", response_id(1), 7), item_id("msg", response_id(9), 0), "msg_theirs", None, 5])
async def test_an_unknown_item_is_named(state: State, some_id: Any) -> None:
    await three_turns(state)
    with pytest.raises(NotFound) as raised:
        await state.resolved(input=[asked("hi"), {"type": "item_reference", "id": some_id}])
    assert (raised.value.info.code, raised.value.info.param) == ("item_not_found", "input[1].id")


async def test_another_workspaces_item_is_not_found(state: State) -> None:
    await three_turns(state)
    with pytest.raises(NotFound):
        await state.resolved(OTHERS, input=[{"type": "item_reference", "id": said("", 1)["id"]}])


async def test_a_result_needs_its_call(state: State) -> None:
    call = {"type": "function_call", "id": item_id("fc", response_id(1), 0), "call_id": "call_1", "name": "f", "arguments": "{}"}
    await state.answered(1, [asked("question")], [call])
    result = {"type": "function_call_output", "call_id": "call_1", "output": "42"}
    assert (await state.resolved(previous_response_id=response_id(1), input=[result])).request["input"][-2:] == [call, result]
    with pytest.raises(InvalidRequest, match="call_2") as raised:
        await state.resolved(previous_response_id=response_id(1), input=[result, result | {"call_id": "call_2"}])
    assert raised.value.info.status == 400


async def test_the_last_turn_need_not_be_looked_up(state: State) -> None:
    cached = Turn(response_id=response_id(1), items=[asked("question"), said("answer", 1)], ancestors=[response_id(1)])
    request: Json = {"previous_response_id": response_id(1), "input": "more"}
    resolved = await state.history.resolved(OURS, request, cached)
    assert texts(resolved) == ["question", "answer", "more"]
    assert (resolved.history, resolved.ancestors) == (2, [response_id(1)])
    with pytest.raises(InvalidRequest):
        await state.history.resolved(OURS, request | {"previous_response_id": response_id(2)}, cached)
