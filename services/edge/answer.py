"""Answers as ASGI applications: one JSON body, or a server-sent event stream."""

import asyncio
import logging
import time
from typing import Any, Protocol

import msgspec
from litestar.types import Receive, Scope, Send

from libs.bus.claims import Claims
from libs.contracts.deltas import Completed, Deltas, Event, Failed, Previewed, Refused
from libs.contracts.errors import ErrorInfo
from libs.contracts.message import Body as Carried
from libs.contracts.state import issued_key
from libs.responses.frame import Frame
from services.edge.flight import Flight, Signal
from services.edge.formats.format import Format, Plain

log = logging.getLogger("tokenrouter.answer")

_encode = msgspec.json.Encoder().encode
JSON = (b"content-type", b"application/json")
SSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
PLAIN = Plain()


class Delivery(msgspec.Struct):
    """How the answer reached the client."""

    http_status: int = 0
    outcome: str = "delivered"
    """delivered, disconnected or failed."""
    bytes_sent: int = 0
    first_byte_at: float | None = None
    """Unix seconds."""


class Body:
    """A whole body with its status and headers."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self._body = body
        self._headers = [JSON, *((name.encode(), value.encode()) for name, value in (headers or {}).items())]
        self._headers.append((b"content-length", str(len(body)).encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self._headers})
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


def error_body(error: ErrorInfo, request_id: str, form: Format = PLAIN) -> Body:
    """An error as the client's API has it."""
    return Body(error.status, form.error(error, request_id), {**form.headers(request_id), **error.headers(request_id)})


class Landing(Protocol):
    """What happens when an answer is over, however it ended."""

    def __call__(self, flight: Flight, delivery: Delivery, error: ErrorInfo | None) -> None: ...


class Answer:
    """Sends what comes back for a flight, and watches for the client leaving."""

    def __init__(self, flight: Flight, form: Format, claims: Claims, land: Landing) -> None:
        self._flight, self._form, self._claims, self._land = flight, form, claims, land
        self._delivery = Delivery()
        self._streaming = False
        self._last_created = b""
        """The `response.created` event that went out, to build a failure from."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error: ErrorInfo | None = None
        watchers: list[asyncio.Task[None]] = []
        # Most answers are there before the first sweep; only the others are worth a task that waits for the client to leave.
        self._flight.lingers = lambda: watchers.append(asyncio.ensure_future(self._watch(receive)))
        try:
            error = await self._send(send)
        finally:
            self._flight.lingers = None
            for watcher in watchers:
                watcher.cancel()
            self._land(self._flight, self._delivery, error)

    async def _watch(self, receive: Receive) -> None:
        while True:
            message: Any = await receive()
            if message["type"] == "http.disconnect":
                self._flight.put(Signal.DISCONNECTED)
                return

    async def _send(self, send: Send) -> ErrorInfo | None:
        while True:
            item = await self._flight.next()
            match item:
                case Deltas(events=events):
                    await self._write(send, await whole_events(self._claims, events))
                case Signal.HEARTBEAT:
                    await self._put(send, self._form.heartbeat)
                case Signal.DISCONNECTED:
                    self._delivery.outcome = "disconnected"
                    return None
                case Completed():
                    await self._complete(send, item)
                    return None
                case Failed(error=error, output=output):
                    await self._fail(send, error, b"" if output is None else await self._claims.fetch(output))
                    return error
                case Refused(error=error):
                    await self._fail(send, error)
                    return error
                case Previewed(preview=preview):
                    await self._whole_body(send, Body(200, preview, self._headers()))
                    return None
                case ErrorInfo():
                    await self._fail(send, item)
                    return item

    async def _complete(self, send: Send, item: Completed) -> None:
        response = await self._claims.fetch(item.response)
        if item.response.claim:
            await self._claims.discard(item.response)
        if self._flight.streaming:
            await self._end_stream(send, Event(f"response.{item.status}", response_event(item.status, response)))
            return
        status, body = self._form.body(response)
        routed = {"x-tokenrouter-provider": item.provider, "x-tokenrouter-model": item.model}
        await self._whole_body(send, Body(status, body, self._headers() | routed))

    async def _fail(self, send: Send, error: ErrorInfo, output: bytes = b"") -> None:
        self._delivery.outcome = "failed"
        request_id = self._flight.message.request_id
        if not self._streaming:
            body = error_body(error, request_id, self._form)
            await self._whole_body(send, body)
            return
        events = failed_events(self._flight, error, self._last_created, output)
        await self._write(send, events[:-1])
        await self._end_stream(send, events[-1])

    async def _whole_body(self, send: Send, body: Body) -> None:
        self._delivery.http_status = body.status
        self._delivery.first_byte_at = time.time()
        self._delivery.bytes_sent = len(body._body)
        await body({}, None, send)  # type: ignore[arg-type]

    async def _write(self, send: Send, events: list[Event]) -> None:
        for event in events[:2]:
            if event.type == "response.created":
                self._last_created = event.data
        data = self._form.write(events)
        if data:
            await self._put(send, data)

    async def _end_stream(self, send: Send, event: Event) -> None:
        data = self._form.write([event])
        await self._open(send)
        self._delivery.bytes_sent += len(data)
        await send({"type": "http.response.body", "body": data, "more_body": False})

    async def _put(self, send: Send, data: bytes) -> None:
        await self._open(send)
        self._delivery.bytes_sent += len(data)
        await send({"type": "http.response.body", "body": data, "more_body": True})

    async def _open(self, send: Send) -> None:
        if self._streaming:
            return
        self._streaming = True
        self._delivery.http_status = 200
        self._delivery.first_byte_at = time.time()
        headers = [*SSE_HEADERS, *((name.encode(), value.encode()) for name, value in self._headers().items())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    def _headers(self) -> dict[str, str]:
        message = self._flight.message
        key = message.idempotency_key or issued_key(message.request_id)
        return {**self._form.headers(message.request_id), "idempotency-key": key}


async def whole_events(claims: Claims, events: list[Event]) -> list[Event]:
    """The events with their data, fetched where it travelled by claim check."""
    if not any(event.claim for event in events):
        return events
    whole = []
    for event in events:
        carried = Carried(inline=event.data, claim=event.claim)
        whole.append(Event(event.type, await claims.fetch(carried)))
        await claims.discard(carried)
    return whole


def response_event(status: str, response: bytes) -> bytes:
    """The terminal event around a response."""
    return b'{"type":"response.%b","response":%b}' % (status.encode(), response)


def failed_events(flight: Flight, error: ErrorInfo, created: bytes, output: bytes = b"") -> list[Event]:
    """What ends a stream that cannot go on: `response.failed`, after the opening events if they are not out yet. `output`: JSON
    array of the items that are with the client."""
    message = flight.message
    if created:
        response: dict[str, Any] = msgspec.json.decode(created)["response"]
        opening = []
    else:
        frame = Frame(
            {}, response_id=message.response_id, request_id=message.request_id, created_at=int(message.created_at),
            model=message.facts.model, metadata={**message.facts.metadata, "request_id": message.request_id},
        )
        response = frame.render({}, status="in_progress")
        opening = [
            Event(name, _encode({"type": name, "response": response})) for name in ("response.created", "response.in_progress")
        ]
    if output:
        response["output"] = msgspec.json.decode(output)
    code = "rate_limit_exceeded" if error.status == 429 else "server_error"
    told = {**(response.get("tokenrouter") or {}), "request_id": message.request_id, "error": error.body(message.request_id)["error"]}
    failed = response | {"status": "failed", "error": {"code": code, "message": error.message}, "tokenrouter": told}
    return [*opening, Event("response.failed", _encode({"type": "response.failed", "response": failed}))]
