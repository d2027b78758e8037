"""Several answers to one request (`n` in chat completions): each is a request of its own, sent to the client as one."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from litestar.types import Receive, Scope, Send

from libs.bus.claims import Claims
from libs.contracts.deltas import Completed, Deltas, Event, Failed, Refused
from libs.contracts.errors import ErrorInfo, InvalidRequest
from libs.contracts.state import StoredResponse, issued_key
from services.edge.answer import SSE_HEADERS, Body, Delivery, Landing, error_body, failed_events, response_event, whole_events
from services.edge.flight import Flight, Signal
from services.edge.formats.chat_choices import ChatChoices
from services.edge.formats.format import Format
from services.edge.idempotency import repeated_headers
from services.edge.recorded import recorded_events

HEARTBEAT = b": heartbeat\n\n"


class Choices:
    """Sends what comes back for several flights as the choices of one completion."""

    def __init__(self, flights: list[Flight], body: dict[str, Any], claims: Claims, land: Landing) -> None:
        self._flights, self._choices, self._claims, self._land = flights, ChatChoices(body), claims, land
        self._deliveries = [Delivery() for _ in flights]
        self._errors: list[ErrorInfo | None] = [None] * len(flights)
        self._opened = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = asyncio.ensure_future(self._watch(receive))
        try:
            if self._flights[0].streaming:
                await self._stream(send)
            else:
                await self._whole(send)
        finally:
            watcher.cancel()
            for flight, delivery, error in zip(self._flights, self._deliveries, self._errors, strict=True):
                self._land(flight, delivery, error)

    async def _watch(self, receive: Receive) -> None:
        while True:
            message: Any = await receive()
            if message["type"] == "http.disconnect":
                for flight in self._flights:
                    flight.put(Signal.DISCONNECTED)
                return

    async def _whole(self, send: Send) -> None:
        ends = [await self._end(index) for index in range(len(self._flights))]
        failed = next((end for end in ends if isinstance(end, ErrorInfo)), None)
        form, request_id = self._choices.formats[0], self._flights[0].message.request_id
        if failed is not None:
            body = error_body(failed, request_id, form)
        else:
            status, merged = self._choices.merged([end for end in ends if isinstance(end, bytes)])
            body = Body(status, merged, self._headers())
        for delivery in self._deliveries:
            delivery.http_status, delivery.first_byte_at = body.status, time.time()
        await body({}, None, send)  # type: ignore[arg-type]

    async def _end(self, index: int) -> bytes | ErrorInfo:
        """How one of them ended."""
        while True:
            match await self._flights[index].next():
                case Completed(response=response):
                    whole = await self._claims.fetch(response)
                    await self._claims.discard(response)
                    return whole
                case Failed(error=error) | Refused(error=error) | (ErrorInfo() as error):
                    self._errors[index] = error
                    self._deliveries[index].outcome = "failed"
                    return error
                case Signal.DISCONNECTED:
                    self._deliveries[index].outcome = "disconnected"
                    return InvalidRequest("the client left", status=499, code="client_closed").info

    async def _stream(self, send: Send) -> None:
        async with asyncio.TaskGroup() as relays:
            for index, form in enumerate(self._choices.formats):
                relays.create_task(self._relay(index, form, send))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _relay(self, index: int, form: Format, send: Send) -> None:
        flight, created = self._flights[index], b""
        while True:
            events: list[Event] = []
            over = True
            match await flight.next():
                case Deltas(events=told):
                    events, over = await whole_events(self._claims, told), False
                    created = next((event.data for event in events[:2] if event.type == "response.created"), created)
                case Signal.HEARTBEAT:
                    over = False
                    if index == 0:
                        await self._put(send, HEARTBEAT)
                case Completed(status=status, response=response):
                    events = [Event(f"response.{status}", response_event(status, await self._claims.fetch(response)))]
                    await self._claims.discard(response)
                case Failed(error=error) | Refused(error=error) | (ErrorInfo() as error):
                    self._errors[index] = error
                    self._deliveries[index].outcome = "failed"
                    events = failed_events(flight, error, created)
                case Signal.DISCONNECTED:
                    self._deliveries[index].outcome = "disconnected"
            # What a format writes goes out in the order in which it was written: nothing is awaited in between.
            await self._put(send, form.write(events) if events else b"")
            if over:
                return

    async def _put(self, send: Send, data: bytes) -> None:
        if not data:
            return
        if not self._opened:
            self._opened = True
            for delivery in self._deliveries:
                delivery.http_status, delivery.first_byte_at = 200, time.time()
            await _open(send, self._headers())
        self._deliveries[0].bytes_sent += len(data)
        await send({"type": "http.response.body", "body": data, "more_body": True})

    def _headers(self) -> dict[str, str]:
        message = self._flights[0].message
        key = message.idempotency_key or issued_key(message.request_id)
        return {**self._choices.formats[0].headers(message.request_id), "idempotency-key": key}


class RecordedChoices:
    """Answers with the stored answers to an earlier request, the first choice first."""

    def __init__(self, answers: Sequence[StoredResponse], body: dict[str, Any], *, stream: bool, idempotency_key: str) -> None:
        self._answers, self._choices, self._stream = answers, ChatChoices(body), stream
        self._headers = {**self._choices.formats[0].headers(answers[0].request_id), **repeated_headers(idempotency_key)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._stream:
            status, merged = self._choices.merged([stored.response for stored in self._answers])
            await Body(status, merged, self._headers)(scope, receive, send)
            return
        await _open(send, self._headers)
        for stored, form in zip(self._answers, self._choices.formats, strict=True):
            await send({"type": "http.response.body", "body": form.write(recorded_events(stored)), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _open(send: Send, told: Mapping[str, str]) -> None:
    headers = [*SSE_HEADERS, *((name.encode(), value.encode()) for name, value in told.items())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
