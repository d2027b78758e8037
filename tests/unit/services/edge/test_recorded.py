"""Answers from a stored response, and a background response that is followed."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.errors import ConnectionClosedError

from libs.contracts.deltas import Event
from libs.contracts.errors import Unavailable
from libs.contracts.state import StoredResponse
from libs.state.responses import packed
from services.edge.formats.openai import ResponsesFormat
from services.edge.formats.tokenrouter import TokenRouterFormat
from services.edge.recorded import WRITE_BYTES, Followed, Recorded

REQUEST = "req_00000000-0000-4000-8000-000000000001"
RESPONSE = {
    "id": "resp_fake", "object": "response", "status": "completed", "model": "fake-model", "metadata": {}, "usage": None,
    "output": [{
        "id": "msg_fake", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}],
    }],
}
EVENTS = [
    Event("response.created", b'{"type":"response.created","response":{}}'),
    *(Event("response.output_text.delta", b'{"type":"response.output_text.delta","delta":"%d"}' % number) for number in range(20)),
]


class Client:
    """The other end of an ASGI answer; leaves once `leave` is set."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.leave = asyncio.Event()
        self.heard = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.heard.set()

    async def take(self, answer: Any) -> None:
        await answer({}, self.receive, self.send)

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent[1:]).decode()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line[6:]) for line in self.text.split("\n") if line.startswith("data: ")]


def stored(events: list[Event] = EVENTS, status: str = "completed") -> StoredResponse:
    response = msgspec.json.encode(RESPONSE | {"status": status})
    return StoredResponse(request_id=REQUEST, created_at=1.0, status=status, response=response, events=packed(events) if events else b"")


def recorded(one: StoredResponse, after: int = -1, **options: Any) -> Recorded:
    return Recorded(one, ResponsesFormat(first=after + 1), stream=True, after=after, request_id=REQUEST, **options)


def followed(batches: AsyncIterator[list[Event]], after: int = -1) -> Followed:
    return Followed(stored([], "in_progress"), ResponsesFormat(first=after + 1), batches, after=after, request_id=REQUEST)


async def given_batches(*batches: list[Event]) -> AsyncIterator[list[Event]]:
    for batch in batches:
        yield batch


async def test_a_body_is_the_response_as_it_was() -> None:
    client = Client()
    await client.take(Recorded(stored(), ResponsesFormat(), stream=False, request_id=REQUEST, headers={"idempotency-key": "fake"}))
    assert client.sent[0]["status"] == 200
    assert json.loads(client.text) == RESPONSE
    assert client.headers["content-type"] == "application/json"
    assert (client.headers["x-request-id"], client.headers["x-tokenrouter-request-id"]) == (REQUEST, REQUEST)
    assert client.headers["idempotency-key"] == "fake"


async def test_a_stream_is_the_kept_events_and_the_end() -> None:
    client = Client()
    await client.take(recorded(stored()))
    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [event["type"] for event in client.events] == [*(event.type for event in EVENTS), "response.completed"]
    assert [event["sequence_number"] for event in client.events] == list(range(len(EVENTS) + 1))
    assert client.events[-1]["response"] == RESPONSE
    assert [message["more_body"] for message in client.sent[1:]][-1] is False


async def test_without_kept_events_the_response_is_told_anew() -> None:
    client = Client()
    await client.take(recorded(stored([])))
    assert client.events[0]["type"] == "response.created"
    assert "".join(event["delta"] for event in client.events if event["type"] == "response.output_text.delta") == "hello"
    assert client.events[-1]["response"] == RESPONSE


@pytest.mark.parametrize(
    ("status", "kind"),
    [("completed", "completed"), ("incomplete", "incomplete"), ("failed", "failed"), ("cancelled", "incomplete")],
)
async def test_every_status_has_an_end(status: str, kind: str) -> None:
    client = Client()
    await client.take(recorded(stored(status=status)))
    assert client.events[-1]["type"] == f"response.{kind}"
    assert client.events[-1]["response"]["status"] == status


async def test_an_end_that_was_kept_is_not_told_twice() -> None:
    client = Client()
    end = Event("response.completed", b'{"type":"response.completed","response":{}}')
    await client.take(recorded(stored([*EVENTS, end])))
    assert [event["type"] for event in client.events].count("response.completed") == 1


@given(st.integers(min_value=-1, max_value=40))
def test_a_stream_goes_on_after_any_event(after: int) -> None:
    whole, rest = Client(), Client()
    asyncio.run(whole.take(recorded(stored())))
    asyncio.run(rest.take(recorded(stored(), after)))
    assert rest.events == whole.events[after + 1 :]


async def test_large_events_are_written_in_pieces_and_never_torn() -> None:
    client = Client()
    data = json.dumps({"type": "response.output_text.delta", "delta": "x" * (WRITE_BYTES // 3)}).encode()
    await client.take(recorded(stored([Event("response.output_text.delta", data)] * 9)))
    bodies = [message["body"] for message in client.sent[1:-1]]
    assert len(bodies) > 3
    assert all(body.startswith(b"event: ") and body.endswith(b"\n\n") for body in bodies)


async def test_another_format_tells_its_own_events() -> None:
    client = Client()
    await client.take(Recorded(stored([]), TokenRouterFormat(), stream=True, request_id=REQUEST))
    assert client.text.endswith("event: done\ndata: null\n\n")


@given(st.integers(min_value=-1, max_value=30), st.lists(st.integers(min_value=0, max_value=21), max_size=5))
def test_following_goes_on_after_any_event_however_they_are_grouped(after: int, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(EVENTS)]
    batches = [EVENTS[start:end] for start, end in pairwise(edges)]
    client = Client()
    asyncio.run(client.take(followed(given_batches(*batches), after)))
    assert [event["sequence_number"] for event in client.events] == list(range(after + 1, len(EVENTS)))
    assert client.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert client.sent[-1]["more_body"] is False


async def test_silence_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.edge.recorded.FIRST_SILENCE", 0.01)
    client, go = Client(), asyncio.Event()

    async def slow() -> AsyncIterator[list[Event]]:
        await go.wait()
        yield EVENTS

    taking = asyncio.create_task(client.take(followed(slow())))
    await client.heard.wait()
    go.set()
    await taking
    assert client.text.startswith(": heartbeat\n\n")
    assert len(client.events) == len(EVENTS)


async def test_a_client_that_leaves_ends_the_following_only() -> None:
    client, closed = Client(), asyncio.Event()

    async def endless() -> AsyncIterator[list[Event]]:
        try:
            yield EVENTS
            await asyncio.Event().wait()
        finally:
            closed.set()

    taking = asyncio.create_task(client.take(followed(endless())))
    await client.heard.wait()
    client.leave.set()
    await asyncio.wait_for(taking, 5)
    assert closed.is_set()
    assert len(client.events) == len(EVENTS)


async def broken(*batches: list[Event]) -> AsyncIterator[list[Event]]:
    for batch in batches:
        yield batch
    raise ConnectionClosedError


async def test_events_that_cannot_be_read_are_a_503() -> None:
    client = Client()
    with pytest.raises(Unavailable):
        await client.take(followed(broken()))
    assert client.sent == []


async def test_events_that_break_off_end_with_an_error_and_not_with_a_failed_response() -> None:
    client = Client()
    await client.take(followed(broken(EVENTS)))
    assert client.events[-1]["type"] == "error"
    assert client.events[-1]["code"] == "service_unavailable"
