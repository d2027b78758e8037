"""All requests in flight at this edge: incoming deltas find theirs, and a sweep four times a second looks after the silent.

Every wait of the pipeline is watched here: a dispatch that no stage answers for is published anew after its expiry, when no
stage can act on the old copy any more; a started attempt whose worker died, or does not know it any more, ends in an error.
"""

import asyncio
import logging
import time

import msgspec
from msgspec import structs
from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.bus import metrics
from libs.bus.codec import decoder
from libs.bus.health import Registry
from libs.bus.pace import Pace
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.deltas import Completed, DeltaMessage, Deltas, Released, Started
from libs.contracts.errors import ProviderError, ProviderTimeout, Unavailable
from libs.contracts.requests import Admitted, Cancelled
from services.edge.flight import Flight, Signal
from services.edge.settings import EdgeSettings

log = logging.getLogger("tokenrouter.flights")

SWEEP = 0.25
# Between a dispatch's expiry and its repetition: a worker that started in time must have been heard by then.
GRACE = 0.5
NO_RESPONDERS_PAUSE = 0.25
HEARTBEAT_FIRST = 1.0
HEARTBEAT_NEXT = 5.0
MAX_WAITING_ITEMS = 4096
RETRY_AFTER = 2
STAGES = ("firewall", "rules", "router", "provider-worker")
_decode = decoder(DeltaMessage).decode


class Flights:
    """The registry of flights."""

    def __init__(self, bus: Bus, settings: EdgeSettings, registry: Registry) -> None:
        self._bus, self._settings, self._registry = bus, settings, registry
        self._flights: dict[str, Flight] = {}
        self._pace = Pace()
        self._reconnected_at = 0.0
        self._was_connected = True
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._flights)

    async def listen(self, connection: Client) -> None:
        """One wildcard subscription for everything that comes back to this edge."""
        await connection.subscribe(subjects.delta(self._bus.instance, "*"), cb=self.receive)
        self._later(self._sweep_forever())

    async def launch(self, message: Admitted, *, streaming: bool, reply: str = "") -> Flight:
        """Put an admitted request on the bus and follow it. `reply`: where everything is to come back, if not to this edge's own
        subject; the caller hands to `receive` what comes there, and has time until the request's deadline."""
        flight = self.follow(message, streaming=streaming, reply=reply)
        try:
            await self._dispatch(flight)
        except BaseException:
            self.land(flight)
            raise
        return flight

    def follow(self, message: Admitted, *, streaming: bool, reply: str = "") -> Flight:
        """Look after a request that is on its way already."""
        own = subjects.delta(self._bus.instance, message.request_id)
        flight = Flight(message, reply or own, streaming=streaming, patient=bool(reply))
        self._flights[message.request_id] = flight
        metrics.IN_FLIGHT.inc()
        return flight

    def has(self, request_id: str) -> bool:
        """Whether a request is in flight at this edge."""
        return request_id in self._flights

    def hears(self) -> bool:
        """Whether the bus carries messages: connected, and our own heartbeat comes back."""
        return self._bus.connected and self._registry.echoes(self._bus.instance)

    def land(self, flight: Flight) -> None:
        """Forget a flight. One that is not over yet is cancelled all the way to the provider."""
        if self._flights.pop(flight.message.request_id, None) is not None:
            metrics.IN_FLIGHT.dec()
        if flight.message.body.claim:
            self._later(self._bus.claims.discard(flight.message.body))

    def cancel(self, flight: Flight, reason: str) -> None:
        """Tell whoever works on it that nobody waits any more."""
        message = flight.message
        cancelled = Cancelled(request_id=message.request_id, dispatch=message.dispatch, reason=reason)
        self._later(self._bus.publish(subjects.cancelled(message.request_id), cancelled))

    async def _dispatch(self, flight: Flight) -> None:
        message = flight.message
        await self._bus.publish(subjects.admitted(message.workspace), message, flight.reply)

    async def receive(self, raw: Msg) -> None:
        """Take what came back for some flight."""
        if not raw.data:
            self._nobody_there(raw.subject)
            return
        try:
            item = _decode(raw.data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.error("undecodable delta", extra={"subject": raw.subject})
            return
        flight = self._flights.get(item.request_id)
        if flight is None or flight.over:
            return
        if item.dispatch != flight.message.dispatch:
            # A dispatch that was given up: whatever it started must not go on beside the new one.
            if isinstance(item, Started):
                cancelled = Cancelled(request_id=item.request_id, dispatch=item.dispatch, reason="superseded")
                await self._bus.publish(subjects.cancelled(item.request_id), cancelled)
            return
        self._take(flight, item)

    def _take(self, flight: Flight, item: DeltaMessage) -> None:
        if isinstance(item, Started):
            flight.started, flight.started_at = item, time.monotonic()
            flight.missed_beats = flight.next_seq = 0
            return
        if isinstance(item, Released):
            flight.started = None
            flight.begun = item.begun
            flight.message = structs.replace(flight.message, expires_at=item.expires_at)
            return
        if isinstance(item, Deltas | Completed):
            if item.seq != flight.next_seq:
                self._lose(flight, "a part of the answer was lost on the way")
                return
            flight.next_seq += 1
        flight.last_item_at = time.monotonic()
        flight.next_heartbeat = flight.last_item_at + HEARTBEAT_FIRST
        if isinstance(item, Deltas):
            self._pace.tick()
        flight.put(item)
        if flight.waiting > MAX_WAITING_ITEMS:
            self._lose(flight, "the client reads too slowly")

    def _nobody_there(self, subject: str) -> None:
        """NATS says that no firewall is subscribed: try again soon rather than after the whole window."""
        flight = self._flights.get(subject.rpartition(".")[2])
        if flight is not None and flight.started is None:
            soon = time.time() - GRACE + NO_RESPONDERS_PAUSE
            flight.message = structs.replace(flight.message, expires_at=min(flight.message.expires_at, soon))

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            try:
                await self._sweep()
            except Exception:
                log.exception("sweep failed")

    async def _sweep(self) -> None:
        connected = self.hears()
        if connected and not self._was_connected:
            self._reconnected_at = time.monotonic()
        self._was_connected = connected
        now, wall = time.monotonic(), time.time()
        for flight in list(self._flights.values()):
            if flight.over:
                continue
            if flight.lingers is not None:
                flight.lingers()
                flight.lingers = None
            if wall > flight.message.deadline:
                self._expire(flight)
            elif flight.started is None:
                await self._look_after_dispatch(flight, connected, wall)
            elif connected and now - self._reconnected_at > 5.0:
                self._look_after_worker(flight, flight.started)
            if flight.streaming and not flight.over and now >= flight.next_heartbeat:
                flight.next_heartbeat = now + HEARTBEAT_NEXT
                flight.put(Signal.HEARTBEAT)

    async def _look_after_dispatch(self, flight: Flight, connected: bool, wall: float) -> None:
        message = flight.message
        if not connected:
            if time.monotonic() - flight.created > 1.0 and not flight.patient:
                flight.put(unavailable("the message bus is not reachable").info)
            return
        if wall < message.expires_at + GRACE:
            return
        if flight.begun:
            self._lose(flight, "nobody went on with the answer")
            return
        if wall - message.created_at > self._settings.dispatch_patience and not flight.patient:
            flight.put(self.missing_stage().info)
            return
        expires_at = min(wall + self._settings.dispatch_window, message.deadline)
        flight.message = structs.replace(message, dispatch=message.dispatch + 1, expires_at=expires_at)
        metrics.REDISPATCHES.inc()
        log.warning("dispatched anew", extra={"request_id": message.request_id, "dispatch": flight.message.dispatch})
        await self._dispatch(flight)

    def _look_after_worker(self, flight: Flight, started: Started) -> None:
        if time.monotonic() - flight.started_at < 2.0:
            return
        if self._registry.alive(started.worker):
            if self._registry.runs(started.worker, flight.message.request_id, since=flight.started_at):
                flight.missed_beats = 0
                return
            flight.missed_beats += 1
            if flight.missed_beats * SWEEP < 3.0:
                return
            self._lose(flight, "the answer was lost on the way")
        else:
            self._lose(flight, "the provider-worker died")

    def _lose(self, flight: Flight, why: str) -> None:
        started = flight.started
        error = ProviderError(f"{why}; the provider may have been billed", code="worker_lost", provider=started.provider if started else None)
        self.cancel(flight, why)
        flight.put(error.info)
        log.error("flight lost", extra={"request_id": flight.message.request_id, "why": why})

    def _expire(self, flight: Flight) -> None:
        self.cancel(flight, "deadline")
        allowed = flight.message.deadline - flight.message.created_at
        flight.put(ProviderTimeout(f"no answer within {allowed:g} seconds").info)

    def missing_stage(self) -> Unavailable:
        """Which part of the pipeline is not there, as an error."""
        if not self._registry.ready("firewall"):
            return unavailable("the firewall is not running, and nothing passes unscreened", code="firewall_unavailable")
        missing = [stage for stage in STAGES if not self._registry.ready(stage)]
        return unavailable(f"{' and '.join(missing) or 'a stage'} did not answer")

    def _later(self, coroutine: object) -> None:
        """Run something beside the current task, which may be about to be cancelled."""
        task = asyncio.ensure_future(coroutine)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def unavailable(message: str, code: str = "service_unavailable") -> Unavailable:
    """503 with Retry-After."""
    return Unavailable(f"{message}; try again", code=code, retry_after=RETRY_AFTER)
