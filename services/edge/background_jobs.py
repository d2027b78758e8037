"""One background response, from its dispatch to its end: dispatched anew whenever a part of the pipeline died under it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import structs
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from libs.bus.codec import decoder
from libs.bus.health import Registry
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.deltas import Completed, DeltaMessage, Deltas, Failed, Refused, Started
from libs.contracts.errors import ErrorInfo, ProviderTimeout
from libs.contracts.message import Body
from libs.contracts.requests import Admitted, Cancelled, Delivered
from libs.contracts.state import StoredResponse, response_id_of
from libs.state.responses import Responses, ended
from libs.state.store import Conflict
from services.edge.background_fold import END, Fold
from services.edge.background_log import Log
from services.edge.flight import Flight
from services.edge.flights import Flights
from services.edge.landing import ended_here, left_row, lost_rows
from services.edge.settings import EdgeSettings

log = logging.getLogger("tokenrouter.background")
Json = dict[str, Any]
MOST_RELAUNCHES = 10
LONGEST_PAUSE = 5.0
"""Seconds between two dispatches."""
_RETRIABLE = frozenset({"worker_lost", "service_unavailable", "firewall_unavailable", "storage_unavailable"})
_decode = decoder(DeltaMessage).decode
_decode_response = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class Tools(msgspec.Struct, frozen=True):
    """What every job of an edge uses."""

    bus: Bus
    settings: EdgeSettings
    registry: Registry
    flights: Flights


class Over(Exception):
    """The record is gone or over, or the answer is whole: nothing is left to do but to forget the job."""


class Run:
    """A job that this edge sees to. `taken`: how often edges have taken it over, with the first."""

    def __init__(self, tools: Tools, message: Admitted, taken: int) -> None:
        self._tools, self._message, self._taken = tools, message, taken
        self._log = Log(tools.bus, message.workspace, message.request_id)
        self._flight: Flight | None = None
        self._early: list[Msg] | None = None
        """What came before the flight was there to take it."""
        self._marking: asyncio.Task[None] | None = None

    async def go(self, *, fresh: bool) -> None:
        """See to it until it is over; then nothing but its record and its log is left. `fresh`: nobody has dispatched it yet."""
        tools, adopt, relaunches = self._tools, not fresh, 0
        # A job that breaks whoever takes it is not taken up every second.
        pauses = max(0, self._taken - 3)
        await _pause(pauses)
        subscription = await tools.bus.connection.subscribe(self._log.subject, cb=self._receive)
        try:
            while True:
                try:
                    await (self._launch(self._message) if fresh else self._resume(adopt=adopt))
                    error = await self._outcome()
                    if relaunches >= MOST_RELAUNCHES or error.code not in _RETRIABLE:
                        await self._fail(error)
                        break
                    self._note_lost(error)
                    adopt = False
                    relaunches += 1
                except (NatsError, TimeoutError) as lost:
                    # The record and the log tell how far it came.
                    log.warning("bus lost", extra={"request_id": self._message.request_id, "error": type(lost).__name__})
                    adopt = True
                except Over:
                    break
                fresh = False
                self._leave()
                pauses += 1
                await _pause(pauses)
            await self._forget()
        finally:
            self._leave()
            await _unsubscribed(subscription)

    async def stop(self) -> None:
        """Somebody cancelled it. Its task is cancelled next."""
        message = self._message if self._flight is None else self._flight.message
        if self._flight is not None:
            self._tools.flights.cancel(self._flight, "cancelled")
        self._tools.bus.note([left_row(message, time.time(), self._tools.bus.instance)])
        await self._forget()

    async def _launch(self, message: Admitted) -> None:
        self._flight = await self._tools.flights.launch(message, streaming=False, reply=self._log.subject)

    async def _resume(self, *, adopt: bool) -> None:
        """Go on from what the record and the log tell. Raises Over."""
        self._early = []
        try:
            stored = await self._tools.bus.responses.get(self._message.workspace, response_id_of(self._message.request_id))
            await self._log.read()
            fold = self._log.fold
            if stored is None or stored.over or fold.ended:
                await self._cancel_last()
                raise Over
            if time.time() > self._message.deadline:
                await self._cancel_last()
                allowed = self._message.deadline - self._message.created_at
                await self._fail(ProviderTimeout(f"no answer within {allowed:g} seconds").info)
                raise Over
            if adopt and self._runs(fold):
                self._adopt(fold)
            else:
                await self._relaunch()
        finally:
            early, self._early = self._early or [], None
            for raw in early:
                await self._receive(raw)

    def _runs(self, fold: Fold) -> bool:
        """Whether the attempt that the log tells of is still at work."""
        started, registry = fold.started, self._tools.registry
        if started is None or fold.broken or not registry.alive(started.worker):
            return False
        return registry.runs(started.worker, started.request_id, since=_monotonic(fold.started_at))

    def _adopt(self, fold: Fold) -> None:
        message = structs.replace(self._message, dispatch=fold.dispatch, edge=self._tools.bus.instance)
        self._flight = flight = self._tools.flights.follow(message, streaming=False, reply=self._log.subject)
        flight.started, flight.started_at, flight.next_seq = fold.started, _monotonic(fold.started_at), fold.next_seq

    async def _relaunch(self) -> None:
        """Close what is half said, and have another attempt go on behind it."""
        await self._cancel_last()
        dispatch = max(self._message.dispatch, self._log.fold.dispatch, self._taken * 1000 if self._taken > 1 else 0) + 1
        await self._log.close(dispatch - 1)
        fold, now = self._log.fold, time.time()
        if fold.ended:
            raise Over
        expires_at = min(now + self._tools.settings.dispatch_window, self._message.deadline)
        self._message = structs.replace(
            self._message, dispatch=dispatch, expires_at=expires_at, edge=self._tools.bus.instance, delivered=await self._delivered(fold),
        )
        log.warning("background response dispatched anew", extra={"request_id": self._message.request_id, "dispatch": dispatch})
        await self._launch(self._message)

    async def _delivered(self, fold: Fold) -> Delivered | None:
        items = fold.items
        if not items:
            return None
        body = await self._tools.bus.claims.stow(_encode(items))
        return Delivered(items=body, count=len(items), by=list(fold.by), cost_usd=None, first_at=fold.first_at)

    async def _cancel_last(self) -> None:
        """Nobody goes on with what the log tells of, should it still be at work."""
        fold, request_id = self._log.fold, self._message.request_id
        if fold.latest and fold.completed is None:
            cancelled = Cancelled(request_id=request_id, dispatch=fold.latest, reason="superseded")
            await self._tools.bus.publish(subjects.cancelled(request_id), cancelled)

    async def _outcome(self) -> ErrorInfo:
        """Wait for the flight's end. Raises Over when it was a good one."""
        assert self._flight is not None
        while True:
            match await self._flight.next():
                case Completed():
                    raise Over
                case Failed(error=error) | Refused(error=error):
                    return error
                case ErrorInfo() as error:
                    return error

    async def _receive(self, raw: Msg) -> None:
        """Take what came back. What an adopted flight knows from the log comes here a second time."""
        if self._early is not None:
            self._early.append(raw)
            return
        flight = self._flight
        if flight is None:
            return
        if raw.data:
            try:
                item = _decode(raw.data)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return
            if isinstance(item, Started) and item.dispatch == flight.message.dispatch:
                if flight.started is not None and flight.started.attempt >= item.attempt:
                    return
                if self._marking is None:
                    self._marking = asyncio.create_task(self._mark())
            if isinstance(item, Deltas | Completed) and self._known(flight, item):
                return
        await self._tools.flights.receive(raw)

    def _known(self, flight: Flight, item: Deltas | Completed) -> bool:
        if item.dispatch != flight.message.dispatch or flight.started is None:
            return False
        current = flight.started.attempt
        return item.attempt < current or (item.attempt == current and item.seq < flight.next_seq)

    async def _mark(self) -> None:
        """Somebody is at work on it: so it says from now on."""
        with contextlib.suppress(NatsError, TimeoutError):
            await changed(self._tools.bus.responses, self._message.workspace, self._message.request_id, "in_progress")

    async def _fail(self, error: ErrorInfo) -> None:
        if self._flight is not None and ended_here(error):
            self._tools.bus.note(lost_rows(self._flight, error, time.time(), self._tools.bus.instance))
        await self._log.close(END)
        if self._log.fold.completed is not None:
            return
        items, request_id = self._log.fold.items, self._message.request_id
        workspace, responses = self._message.workspace, self._tools.bus.responses
        await changed(responses, workspace, request_id, "failed", lambda response: failed(response, error, request_id, items))

    def _note_lost(self, error: ErrorInfo) -> None:
        """The attempt that was lost goes on record, the request's story goes on."""
        if self._flight is not None and ended_here(error):
            rows = lost_rows(self._flight, error, time.time(), self._tools.bus.instance)[1:]
            if rows:
                self._tools.bus.note(rows)

    def _leave(self) -> None:
        """Look after the flight no more, without ending it. Landing would discard the body, which the next dispatch needs."""
        flight, self._flight = self._flight, None
        if flight is not None:
            self._message = structs.replace(self._message, dispatch=max(self._message.dispatch, flight.message.dispatch))
            flight.message = structs.replace(flight.message, body=Body())
            self._tools.flights.land(flight)

    async def _forget(self) -> None:
        bus, message = self._tools.bus, self._message
        if await bus.responses.get(message.workspace, response_id_of(message.request_id)) is None:
            await self._log.purge()
        await (await bus.js.key_value(subjects.JOBS_BUCKET)).delete(message.request_id)
        if message.body.claim:
            await bus.claims.discard(message.body)


async def changed(
    responses: Responses, workspace: str, request_id: str, status: str, change: Callable[[Json], Json] | None = None
) -> StoredResponse | None:
    """The record with another status, where it is not over yet; as it is, where it is. None when it is gone."""
    while True:
        found = await responses.get_with_revision(workspace, response_id_of(request_id))
        if found is None:
            return None
        stored, revision = found
        if stored.over or stored.status == status:
            return stored
        response = _decode_response(stored.response) | {"status": status}
        stored = ended(stored, status, change(response) if change is not None else response)
        try:
            await responses.put(workspace, stored, expect=revision)
        except Conflict:
            continue
        return stored


def failed(response: Json, error: ErrorInfo, request_id: str, items: list[Json]) -> Json:
    """A response that came to an end in an error, with what was said until then."""
    told = {**(response.get("tokenrouter") or {}), "request_id": request_id, "error": error.body(request_id)["error"]}
    code = "rate_limit_exceeded" if error.status == 429 else "server_error"
    output = items or response.get("output") or []
    return response | {
        "status": "failed", "output": output, "error": {"code": code, "message": error.message}, "completed_at": None, "tokenrouter": told,
    }


def _monotonic(at: float) -> float:
    """A time in Unix seconds on this process's monotonic clock."""
    return time.monotonic() - max(0.0, time.time() - at)


async def _pause(number: int) -> None:
    """Longer from time to time, none at first."""
    await asyncio.sleep(min(LONGEST_PAUSE, 0.1 * 2 ** min(number, 10)) if number else 0.0)


async def _unsubscribed(subscription: Subscription) -> None:
    with contextlib.suppress(NatsError):
        await subscription.unsubscribe()
