"""WebSocket mode: lanes, what a connection remembers, how it ends."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses.response_steer_failed_event import ResponseSteerFailedEvent
from openai.types.responses.responses_server_event import ResponseWsError

from libs.contracts.deltas import Event
from libs.contracts.errors import InvalidRequest, RateLimited, RoutingError, Unauthorized
from services.edge import socket as subject
from services.edge.history import Turn, previous_not_found
from services.edge.socket import Socket
from services.edge.socket_turns import Kept, TurnError
from services.edge.sockets import Sockets, refuse

Json = dict[str, Any]
PATIENCE = 5.0


def event(kind: str, **payload: Any) -> Event:
    return Event(kind, json.dumps({"type": kind, **payload}).encode())


class Answer:
    """A turn that says its input, unless the input says otherwise."""

    def __init__(self, turns: "Script", request: Json, history: list[Json]) -> None:
        turns.count += 1
        self.response_id = f"resp_{turns.count}"
        self._turns, self._text = turns, str(request.get("input"))
        self._items = [*history, {"role": "user", "content": self._text}, {"role": "assistant", "content": self._text.upper()}]
        self._failed = self._text == "fails"

    async def events(self) -> AsyncIterator[list[Event]]:
        opened = {"id": self.response_id, "status": "in_progress"}
        yield [event("response.created", response=opened), event("response.in_progress", response=opened)]
        if self._text == "is refused":
            raise RoutingError("no provider can serve this")
        if self._text == "breaks":
            raise ZeroDivisionError("secret")
        if self._text in self._turns.gates:
            await self._turns.gates[self._text].wait()
        yield [event("response.output_text.delta", delta=self._text)]
        if self._text != "has no end":
            status = "failed" if self._failed else "completed"
            yield [event(f"response.{status}", response={"id": self.response_id, "status": status})]
        self._turns.landed.append(self.response_id)

    def leave(self) -> None:
        self._turns.left.append(self.response_id)

    def turn(self) -> Turn | None:
        return None if self._failed else Turn(response_id=self.response_id, items=self._items)


class Script:
    """Begins turns; remembers no turn itself, as for store: false."""

    def __init__(self, *held: str) -> None:
        self.count = 0
        self.requests: list[Json] = []
        self.cached: list[Turn | None] = []
        self.left: list[str] = []
        self.landed: list[str] = []
        self.gates = {name: asyncio.Event() for name in held}

    async def begin(self, request: Json, cached: Turn | None) -> Answer:
        self.requests.append(request)
        self.cached.append(cached)
        previous = request.get("previous_response_id")
        if previous is not None and cached is None:
            raise previous_not_found(previous)
        if request.get("input") == "is bad":
            raise InvalidRequest("input is bad", param="input")
        if request.get("input") == "is too much":
            raise TurnError(RateLimited("slower", retry_after=7).info, "req_1")
        return Answer(self, request, cached.items if cached else [])


class Client:
    """The other side of an ASGI websocket."""

    def __init__(self) -> None:
        self._to_server: asyncio.Queue[Json] = asyncio.Queue()
        self._from_server: asyncio.Queue[Json] = asyncio.Queue()
        self._to_server.put_nowait({"type": "websocket.connect"})
        self.gone = False

    async def receive(self) -> Any:
        return await self._to_server.get()

    async def send(self, message: Any) -> None:
        if self.gone:
            raise OSError
        self._from_server.put_nowait(message)

    def say(self, *frames: str | bytes | Json) -> None:
        for frame in frames:
            if isinstance(frame, bytes):
                self._to_server.put_nowait({"type": "websocket.receive", "bytes": frame})
            else:
                text = frame if isinstance(frame, str) else json.dumps(frame)
                self._to_server.put_nowait({"type": "websocket.receive", "text": text})

    def create(self, text: str, **more: Any) -> None:
        self.say({"type": "response.create", "input": text, **more})

    def leave(self) -> None:
        self.gone = True
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1005})

    async def message(self) -> Json:
        return await asyncio.wait_for(self._from_server.get(), PATIENCE)

    async def hear(self) -> Json:
        message = await self.message()
        assert message["type"] == "websocket.send", message
        frame: Json = json.loads(message["text"])
        return frame

    async def until(self, kind: str) -> list[Json]:
        """Frames up to the first of a type."""
        heard = [await self.hear()]
        while heard[-1]["type"] != kind:
            heard.append(await self.hear())
        return heard

    async def answer(self, text: str, **more: Any) -> Json:
        """The last frame of one turn."""
        self.create(text, **more)
        while (frame := await self.hear())["type"] not in (*subject.TERMINAL, "error"):
            pass
        return frame

    @property
    def unheard(self) -> int:
        return self._from_server.qsize()


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


class Connected:
    """A client on an accepted connection."""

    def __init__(
        self, turns: Script | None = None, client: Client | None = None, *, max_bytes: int = 1 << 20, lifetime: float = 3600.0
    ) -> None:
        self.client, self.turns = client or Client(), turns or Script()
        self._socket = Socket(self.turns, self.client.receive, self.client.send, max_bytes=max_bytes, lifetime=lifetime)

    async def __aenter__(self) -> tuple[Client, Script]:
        self.serving = asyncio.ensure_future(self._socket.run())
        assert (await self.client.message())["type"] == "websocket.accept"
        return self.client, self.turns

    async def __aexit__(self, *_: object) -> None:
        self.client.leave()
        await asyncio.wait_for(self.serving, PATIENCE)


async def test_each_response_is_numbered_from_zero() -> None:
    async with Connected() as (client, turns):
        for text in ("first", "second"):
            client.create(text, stream=False, stream_id=None)
            heard = await client.until("response.completed")
            assert [frame["sequence_number"] for frame in heard] == [0, 1, 2, 3]
            assert heard[0]["type"] == "response.created"
            assert heard[2]["delta"] == text
            assert not any("stream_id" in frame for frame in heard)
        assert turns.requests == [{"input": "first", "stream": True}, {"input": "second", "stream": True}]
        assert turns.landed == ["resp_1", "resp_2"]
    assert turns.left == []


async def test_binary_frames_are_read_too() -> None:
    async with Connected() as (client, _):
        client.say(b'{"type":"response.create","input":"\xc3\xa9"}')
        assert (await client.until("response.completed"))[2]["delta"] == "é"


@pytest.mark.parametrize(
    ("frame", "code", "param"),
    [
        ("{", "invalid_request", None),
        (b"\xff", "invalid_request", None),
        ("[]", "invalid_request", None),
        ("", "invalid_request", "type"),
        ({"type": "response.cancel"}, "invalid_request", "type"),
        ({"type": "response.create", "background": True}, "invalid_request", "background"),
        ({"type": "response.create", "stream_id": ""}, "invalid_stream_id", "stream_id"),
        ({"type": "response.create", "stream_id": "a b"}, "invalid_stream_id", "stream_id"),
        ({"type": "response.create", "stream_id": "a" * 257}, "invalid_stream_id", "stream_id"),
        ({"type": "response.create", "stream_id": 1}, "invalid_stream_id", "stream_id"),
    ],
)
async def test_a_frame_that_cannot_be_read_is_answered_and_the_connection_stays(frame: Any, code: str, param: str | None) -> None:
    async with Connected() as (client, turns):
        client.say(frame)
        told = await client.hear()
        assert (told["type"], told["status"], told["error"]["code"], told["error"]["param"]) == ("error", 400, code, param)
        assert ResponseWsError.model_validate(told).error.message
        assert turns.requests == []
        assert (await client.answer("still there"))["type"] == "response.completed"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text() | st.binary() | st.dictionaries(st.text(), st.integers()).map(json.dumps), max_size=8))
def test_whatever_is_sent_there_is_one_error_for_each_frame(frames: list[str | bytes]) -> None:
    async def run() -> None:
        async with Connected() as (client, _):
            client.say(*frames)
            for _ in frames:
                assert (await client.hear())["error"]["type"] == "invalid_request_error"
            assert (await client.answer("fine"))["sequence_number"] == 3

    asyncio.run(run())


async def test_a_frame_may_not_be_larger_than_a_body() -> None:
    async with Connected(max_bytes=100) as (client, _):
        client.create("x" * 100)
        told = await client.hear()
        assert (told["status"], told["error"]["code"]) == (413, "request_too_large")


async def test_steering_is_refused_in_the_protocols_own_words() -> None:
    async with Connected() as (client, _):
        client.say({"type": "response.steer", "previous_response_id": "resp_9", "input": "faster"})
        told = ResponseSteerFailedEvent.model_validate(await client.hear())
        assert told.error.code == "steering_not_supported"
        assert (told.steer.previous_response_id, told.steer.input) == ("resp_9", "faster")


async def test_turns_of_a_lane_follow_one_another() -> None:
    turns = Script("first")
    async with Connected(turns) as (client, _):
        client.create("first")
        client.create("second")
        await client.until("response.in_progress")
        client.say("{")
        assert (await client.hear())["type"] == "error"
        assert [request["input"] for request in turns.requests] == ["first"]
        turns.gates["first"].set()
        assert (await client.until("response.completed"))[-1]["response"]["id"] == "resp_1"
        assert (await client.until("response.completed"))[-1]["response"]["id"] == "resp_2"


async def test_lanes_run_at_the_same_time_and_are_named_in_each_frame() -> None:
    turns = Script("slow")
    async with Connected(turns) as (client, _):
        client.create("slow", stream_id="a.1")
        client.create("quick", stream_id="b-2")
        client.create("is bad", stream_id="c_3")
        heard = [await client.hear() for _ in range(7)]
        assert Counter(frame["stream_id"] for frame in heard) == {"a.1": 2, "b-2": 4, "c_3": 1}
        assert [frame["sequence_number"] for frame in heard if frame["stream_id"] == "b-2"] == [0, 1, 2, 3]
        assert all("stream_id" not in request for request in turns.requests)
        turns.gates["slow"].set()
        assert {frame["stream_id"] for frame in await client.until("response.completed")} == {"a.1"}


async def test_at_most_sixteen_responses_run_at_once() -> None:
    turns = Script("slow")
    async with Connected(turns) as (client, _):
        for number in range(subject.MAX_RUNNING + 2):
            client.create("slow", stream_id=f"lane{number}")
        await eventually(lambda: client.unheard == 2 * subject.MAX_RUNNING)
        assert len(turns.requests) == subject.MAX_RUNNING
        turns.gates["slow"].set()
        await eventually(lambda: len(turns.landed) == subject.MAX_RUNNING + 2)


async def test_a_connection_has_at_most_32_named_lanes() -> None:
    async with Connected() as (client, _):
        for number in range(subject.MAX_LANES):
            assert (await client.answer("x", stream_id=str(number)))["type"] == "response.completed"
        told = await client.answer("x", stream_id="one more")
        assert told["error"]["code"] == "invalid_stream_id"
        told = await client.answer("x", stream_id="one.more")
        assert (told["error"]["code"], told["stream_id"]) == ("websocket_stream_limit_reached", "one.more")
        assert (await client.answer("x"))["type"] == "response.completed"
        assert (await client.answer("x", stream_id="0"))["type"] == "response.completed"


async def test_only_so_many_turns_wait() -> None:
    turns = Script("slow")
    async with Connected(turns) as (client, _):
        client.create("slow")
        await client.until("response.in_progress")
        for _ in range(subject.MAX_QUEUED + 1):
            client.create("x")
        told = await client.hear()
        assert (told["status"], told["error"]["code"]) == (429, "websocket_queue_full")
        turns.gates["slow"].set()
        await eventually(lambda: len(turns.landed) == subject.MAX_QUEUED + 1)


async def test_a_turn_is_continued_from_memory() -> None:
    async with Connected() as (client, turns):
        first = await client.answer("one")
        await client.answer("two", previous_response_id=first["response"]["id"])
        cached = turns.cached[1]
        assert cached is not None
        assert cached.items == [{"role": "user", "content": "one"}, {"role": "assistant", "content": "ONE"}]
        assert (await client.answer("three", previous_response_id="resp_1"))["error"]["code"] == "previous_response_not_found"


async def test_another_connection_does_not_know_it() -> None:
    turns = Script()
    async with Connected(turns) as (client, _):
        await client.answer("one")
    async with Connected(turns) as (client, _):
        told = await client.answer("two", previous_response_id="resp_1")
        assert (told["status"], told["error"]["code"], told["error"]["param"]) == (
            400, "previous_response_not_found", "previous_response_id",
        )
        assert (await client.answer("anew"))["type"] == "response.completed"


@pytest.mark.parametrize("text", ["is bad", "is refused", "fails", "breaks", "has no end", "is too much"])
async def test_a_continuation_that_fails_forgets_what_it_continued(text: str) -> None:
    async with Connected() as (client, _):
        await client.answer("one")
        assert (await client.answer(text, previous_response_id="resp_1"))["type"] in ("error", "response.failed")
        assert (await client.answer("again", previous_response_id="resp_1"))["error"]["code"] == "previous_response_not_found"


async def test_a_fork_that_fails_leaves_its_parent() -> None:
    async with Connected() as (client, _):
        await client.answer("one", stream_id="main")
        assert (await client.answer("is bad", stream_id="fork", previous_response_id="resp_1"))["type"] == "error"
        assert (await client.answer("two", stream_id="fork", previous_response_id="resp_1"))["type"] == "response.completed"
        assert (await client.answer("three", stream_id="main", previous_response_id="resp_1"))["type"] == "response.completed"


async def test_a_turn_without_a_previous_one_that_fails_forgets_nothing() -> None:
    async with Connected() as (client, _):
        await client.answer("one")
        await client.answer("is bad")
        assert (await client.answer("two", previous_response_id="resp_1"))["type"] == "response.completed"


async def test_a_turn_can_be_continued_as_soon_as_its_end_is_there() -> None:
    class Eager(Client):
        async def send(self, message: Any) -> None:
            await super().send(message)
            if '"type": "response.completed"' in message.get("text", "") and "forked" not in message["text"]:
                self.create("forked", stream_id="forked", previous_response_id=json.loads(message["text"])["response"]["id"])
                for _ in range(20):
                    await asyncio.sleep(0)

    async with Connected(client=Eager()) as (client, _):
        client.create("one", stream_id="main")
        await client.until("response.completed")
        assert (await client.until("response.completed"))[-1]["stream_id"] == "forked"


async def test_when_the_client_leaves_what_runs_is_stopped_and_what_waits_never_begins() -> None:
    turns = Script("slow")
    async with Connected(turns) as (client, _):
        client.create("slow", stream_id="a")
        client.create("slow", stream_id="b")
        client.create("next", stream_id="a")
        for _ in range(4):
            await client.hear()
    assert sorted(turns.left) == ["resp_1", "resp_2"]
    assert turns.count == 2
    assert turns.landed == []


async def test_a_defect_is_an_error_without_its_text() -> None:
    async with Connected() as (client, turns):
        told = await client.answer("breaks")
        assert (told["status"], told["error"]["type"], told["error"]["code"]) == (500, "server_error", "internal_error")
        assert "secret" not in json.dumps(told)
        assert turns.left == ["resp_1"]
        assert (await client.answer("fine"))["type"] == "response.completed"


async def test_an_error_carries_request_id_and_headers() -> None:
    async with Connected() as (client, _):
        told = await client.answer("is too much")
        assert (told["status"], told["request_id"], told["error"]["request_id"]) == (429, "req_1", "req_1")
        headers = ResponseWsError.model_validate(told).error.headers
        assert headers is not None
        assert headers["retry-after"] == "7"


async def test_an_idle_connection_is_told_that_its_time_is_over() -> None:
    connected = Connected(lifetime=0.01)
    async with connected as (client, _):
        told = await client.hear()
        assert (told["status"], told["error"]["code"]) == (400, "websocket_connection_limit_reached")
        closed = await client.message()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1001)
        await asyncio.wait_for(connected.serving, PATIENCE)


async def test_what_runs_at_the_end_of_its_time_is_finished() -> None:
    turns = Script("slow")
    async with Connected(turns, lifetime=0.05) as (client, _):
        client.create("slow", stream_id="a")
        client.create("queued", stream_id="a")
        await client.until("response.in_progress")
        queued = await client.hear()
        assert (queued["error"]["code"], queued["stream_id"]) == ("websocket_connection_limit_reached", "a")
        assert (await client.answer("late"))["error"]["code"] == "websocket_connection_limit_reached"
        turns.gates["slow"].set()
        assert (await client.until("response.completed"))[-1]["response"]["id"] == "resp_1"
        assert (await client.hear())["error"]["code"] == "websocket_connection_limit_reached"
        assert (await client.message())["type"] == "websocket.close"
    assert turns.left == []


async def test_draining_lets_turns_finish_and_sends_clients_elsewhere() -> None:
    turns, sockets = Script("slow"), Sockets(max_bytes=1000)
    busy, idle, late = Client(), Client(), Client()
    serving = [asyncio.ensure_future(sockets.serve(turns, client.receive, client.send)) for client in (busy, idle)]
    for client in (busy, idle):
        assert (await client.message())["type"] == "websocket.accept"
    busy.create("slow")
    await busy.until("response.in_progress")
    draining = asyncio.ensure_future(sockets.drain(PATIENCE))
    assert (await idle.message())["code"] == 1012
    told = await busy.answer("more")
    assert (told["status"], told["error"]["headers"]["retry-after"]) == (503, "1")
    assert not draining.done()
    turns.gates["slow"].set()
    await busy.until("response.completed")
    assert (await busy.message())["code"] == 1012
    await asyncio.wait_for(asyncio.gather(draining, *serving), PATIENCE)
    await asyncio.wait_for(sockets.serve(turns, late.receive, late.send), PATIENCE)
    assert [(await late.message())["type"] for _ in range(2)] == ["websocket.accept", "websocket.close"]


async def test_draining_waits_only_so_long() -> None:
    turns, sockets, client = Script("slow"), Sockets(max_bytes=1000), Client()
    serving = asyncio.ensure_future(sockets.serve(turns, client.receive, client.send))
    await client.message()
    client.create("slow")
    await client.until("response.in_progress")
    await asyncio.wait_for(sockets.drain(0.01), PATIENCE)
    client.leave()
    await asyncio.wait_for(serving, PATIENCE)
    assert turns.left == ["resp_1"]


@pytest.mark.parametrize("extensions", [{"websocket.http.response": {}}, {}, None])
async def test_a_handshake_is_refused_as_over_http_where_the_server_can(extensions: Json | None) -> None:
    client, error = Client(), Unauthorized("unknown key").info
    await refuse({"type": "websocket", "extensions": extensions}, client.receive, client.send, error, "req_1")  # type: ignore[arg-type]
    first = await client.message()
    if not extensions:
        assert first["type"] == "websocket.close"
        return
    assert (first["type"], first["status"]) == ("websocket.http.response.start", 401)
    assert (b"x-request-id", b"req_1") in first["headers"]
    assert json.loads((await client.message())["body"])["error"]["code"] == "invalid_api_key"


@given(st.lists(st.tuples(st.sampled_from([None, "a", "b", "c", "d"]), st.integers(0, 40)), max_size=30), st.integers(0, 100))
def test_what_a_connection_remembers_is_bounded(puts: list[tuple[str | None, int]], limit: int) -> None:
    kept = Kept(limit)
    latest: dict[str | None, Turn] = {}
    for number, (lane, size) in enumerate(puts):
        latest[lane] = Turn(response_id=f"resp_{number}", items=[{"t": "x" * size}])
        kept.keep(lane, latest[lane])
        found = [turn for turn in latest.values() if kept.find(turn.response_id) is turn]
        assert latest[lane] in found
        assert len(found) == 1 or sum(len(json.dumps(turn.items, separators=(",", ":"))) for turn in found) <= limit
        if number and puts[number - 1][0] == lane:
            assert kept.find(f"resp_{number - 1}") is None
