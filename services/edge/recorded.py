"""Answers that are not made now: one that is kept, as a body or once more as a stream, and a background response while it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping

import msgspec
from litestar.types import Receive, Scope, Send
from nats.errors import Error as NatsError

from libs.contracts.deltas import Event
from libs.contracts.state import StoredResponse
from libs.responses.replay import events_of
from libs.state.responses import unpacked
from services.edge.answer import SSE_HEADERS, Body, response_event
from services.edge.flights import unavailable
from services.edge.formats.format import Format

log = logging.getLogger("tokenrouter.recorded")
FIRST_SILENCE, SILENCE = 1.0, 5.0
"""Seconds without an event before the first heartbeat, and between later ones."""
WRITE_BYTES = 64 * 1024
"""Events are written together up to this size; one event is never torn."""
_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Recorded:
    """Answers with a stored response. `after`: number of the last event that the client has, -1 for none."""

    def __init__(
        self, stored: StoredResponse, form: Format, *, stream: bool, request_id: str, after: int = -1, headers: Mapping[str, str] | None = None
    ) -> None:
        self._stored, self._form, self._stream, self._after = stored, form, stream, after
        self._headers = {**form.headers(request_id), **(headers or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._stream:
            status, body = self._form.body(self._stored.response)
            await Body(status, body, self._headers)(scope, receive, send)
            return
        await _open(send, self._headers)
        for batch in _batches(recorded_events(self._stored)[self._after + 1 :]):
            await send({"type": "http.response.body", "body": self._form.write(batch), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Followed:
    """Streams a background response from batches of its events, the first one included. The client may leave; the response goes on."""

    def __init__(
        self, stored: StoredResponse, form: Format, events: AsyncIterator[list[Event]], *, request_id: str, after: int = -1,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._stored, self._form, self._events, self._skip = stored, form, events, after + 1
        self._headers = {**form.headers(request_id), **(headers or {})}
        self._opened = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = asyncio.ensure_future(_client_left(receive))
        told = asyncio.ensure_future(self._tell(send))
        try:
            await asyncio.wait({left, told}, return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                told.result()
        finally:
            for task in (left, told):
                task.cancel()
            await asyncio.gather(left, told, return_exceptions=True)

    async def _tell(self, send: Send) -> None:
        """Raises Unavailable while nothing is out yet."""
        try:
            await self._send_all(send)
        except (NatsError, TimeoutError) as error:
            log.warning("a background response cannot be followed", extra={"request_id": self._stored.request_id, "error": repr(error)})
            lost = unavailable("the response's events cannot be read at the moment")
            if not self._opened:
                raise lost from error
            # The response itself goes on, so the stream must not say that it failed.
            told = {"type": "error", "code": lost.info.code, "message": lost.info.message, "param": None}
            await self._put(send, self._form.write([Event("error", _encode(told))]))
        await self._open_once(send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_all(self, send: Send) -> None:
        silence = FIRST_SILENCE
        upcoming = asyncio.ensure_future(self._next())
        try:
            while True:
                done, _ = await asyncio.wait({upcoming}, timeout=silence)
                if not done:
                    await self._put(send, self._form.heartbeat)
                    silence = SILENCE
                    continue
                batch = upcoming.result()
                if batch is None:
                    return
                upcoming = asyncio.ensure_future(self._next())
                silence = FIRST_SILENCE
                fresh = batch[self._skip :]
                self._skip = max(0, self._skip - len(batch))
                if fresh:
                    await self._put(send, self._form.write(fresh))
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)

    async def _next(self) -> list[Event] | None:
        return await anext(self._events, None)

    async def _put(self, send: Send, data: bytes) -> None:
        if data:
            await self._open_once(send)
            await send({"type": "http.response.body", "body": data, "more_body": True})

    async def _open_once(self, send: Send) -> None:
        if not self._opened:
            self._opened = True
            await _open(send, self._headers)


def recorded_events(stored: StoredResponse) -> list[Event]:
    """All events of a response that is over: those that were sent, or as many as it takes where they were not kept."""
    events = unpacked(stored.events) or events_of(_decode(stored.response))
    return events if events[-1].type in _TERMINAL else [*events, terminal_event(stored)]


def terminal_event(stored: StoredResponse) -> Event:
    """What ends the stream of a stored response. There is none of its own for a cancelled one."""
    status = stored.status if f"response.{stored.status}" in _TERMINAL else "incomplete"
    return Event(f"response.{status}", response_event(status, stored.response))


def _batches(events: list[Event]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    size = 0
    for event in events:
        if batch and size + len(event.data) > WRITE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event.data)
    if batch:
        yield batch


async def _open(send: Send, headers: Mapping[str, str]) -> None:
    raw = [*SSE_HEADERS, *((name.encode(), value.encode()) for name, value in headers.items())]
    await send({"type": "http.response.start", "status": 200, "headers": raw})


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
