"""Turns of a WebSocket connection, each carried out like a streamed request."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from nats.errors import Error as NatsError

from libs.contracts.deltas import Completed, Deltas, Event, Failed, Refused
from libs.contracts.errors import ErrorInfo, RouterError
from libs.contracts.policies import ApiKey
from libs.contracts.state import response_id_of
from libs.responses.canonical import canonical
from libs.responses.frame import Frame
from libs.responses.input_items import as_items
from libs.responses.replay import events_of
from libs.responses.usage import usage_object
from services.edge.answer import Delivery, failed_events, response_event, whole_events
from services.edge.apis import RESPONSES
from services.edge.arrival import Arrival
from services.edge.flight import Flight, Signal
from services.edge.handlers import Edge
from services.edge.history import Resolved, Turn
from services.edge.socket_turns import Running, TurnError

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class EdgeTurns:
    """Turns of one caller."""

    def __init__(self, edge: Edge, headers: Mapping[str, str], key: ApiKey) -> None:
        self._edge, self._headers, self._key = edge, headers, key

    async def begin(self, request: Json, cached: Turn | None) -> Running:
        """Carry a turn out. Raises TurnError."""
        arrival = Arrival(self._headers)
        try:
            # A key may have been revoked since the connection was made.
            key = self._edge.keys.caller(self._headers)
            if cached is not None and not await self._still_there(key, request, cached):
                cached = None
            if request.pop("generate", None) is False:
                return await self._prepared(arrival, request, key, cached)
            flight, resolved = await self._edge.begin_turn(RESPONSES, arrival, request, key, cached)
        except (RouterError, NatsError, TimeoutError) as error:
            info = self._edge.told(error, arrival)
            arrival.key = self._key
            self._edge.note_rejected("responses", arrival, info)
            raise TurnError(info, arrival.request_id) from None
        return RunningTurn(self._edge, flight, resolved)

    async def _still_there(self, key: ApiKey, request: Json, cached: Turn) -> bool:
        """A stored turn that was deleted may not be continued from memory."""
        return not cached.stored or await self._edge.history.stored(key.workspace, cached.response_id) is not None

    async def _prepared(self, arrival: Arrival, request: Json, key: ApiKey, cached: Turn | None) -> Running:
        """A warm-up: nothing is generated, but the turn can be continued."""
        checked = canonical({"input": [], **request})
        resolved = await self._edge.history.resolved(key.workspace, checked, cached)
        return Prepared(arrival, resolved)


class RunningTurn:
    """A turn in flight."""

    def __init__(self, edge: Edge, flight: Flight, resolved: Resolved) -> None:
        self._edge, self._flight, self._resolved = edge, flight, resolved
        self.response_id = flight.message.response_id
        self._delivery = Delivery(http_status=200)
        self._error: ErrorInfo | None = None
        self._output: list[Json] | None = None
        self._landed = False

    async def events(self) -> AsyncIterator[list[Event]]:
        """All events, the terminal one last. Raises TurnError when no answer has begun."""
        claims, created = self._edge.bus.claims, b""
        try:
            while True:
                match await self._flight.next():
                    case Deltas(events=told):
                        events = await whole_events(claims, told)
                        created = next((event.data for event in events[:2] if event.type == "response.created"), created)
                        yield events
                    case Completed(status=status, response=body):
                        response = await claims.fetch(body)
                        await claims.discard(body)
                        if status != "failed":
                            self._output = _decode(response).get("output") or []
                        yield [Event(f"response.{status}", response_event(status, response))]
                        return
                    case Failed(error=error, output=output):
                        yield self._failed(error, created, b"" if output is None else await claims.fetch(output))
                        return
                    case Refused(error=error) | (ErrorInfo() as error):
                        yield self._failed(error, created, b"")
                        return
                    case Signal.DISCONNECTED:
                        return
        finally:
            self._land()

    def leave(self) -> None:
        """Nobody waits for the rest."""
        self._delivery.outcome = "disconnected"
        self._flight.put(Signal.DISCONNECTED)
        self._land()

    def turn(self) -> Turn | None:
        """What the next turn needs."""
        if self._output is None:
            return None
        keeping = self._flight.message.keeping
        items = [*as_items(self._resolved.request.get("input")), *self._output]
        stored = keeping is not None and keeping.store
        ancestors = [*self._resolved.ancestors, self.response_id] if stored else []
        return Turn(response_id=self.response_id, items=items, stored=stored, ancestors=ancestors)

    def _failed(self, error: ErrorInfo, created: bytes, output: bytes) -> list[Event]:
        self._delivery.outcome, self._error = "failed", error
        if not created:
            self._delivery.http_status = error.status
            raise TurnError(error, self._flight.message.request_id)
        return failed_events(self._flight, error, created, output)

    def _land(self) -> None:
        if not self._landed:
            self._landed = True
            self._edge.land(self._flight, self._delivery, self._error)


class Prepared:
    """A warm-up, which is over as soon as it begins."""

    def __init__(self, arrival: Arrival, resolved: Resolved) -> None:
        request_id = arrival.request_id
        self.response_id = response_id_of(request_id)
        self._resolved = resolved
        frame = Frame(
            resolved.request, response_id=self.response_id, request_id=request_id, created_at=int(arrival.received_at),
            model=resolved.request.get("model") or "auto:balance", metadata=resolved.request.get("metadata") or {},
        )
        usage = usage_object(input_tokens=0, output_tokens=0, cached_tokens=0, cache_write_tokens=0, reasoning_tokens=0)
        self._response = frame.render({"usage": usage, "store": False}, status="completed", completed_at=int(arrival.received_at))

    async def events(self) -> AsyncIterator[list[Event]]:
        yield [*events_of(self._response), Event("response.completed", response_event("completed", _encode(self._response)))]

    def leave(self) -> None:
        """Nothing runs."""

    def turn(self) -> Turn | None:
        return Turn(response_id=self.response_id, items=as_items(self._resolved.request.get("input")))
