"""Background responses: begun here, seen to by whichever edge is alive, read on any.

A response's record is in STATE from the start, what comes back for it in the stream BACKGROUND, and as long as it is not over, a job
in KV names the edge that sees to it. When that edge dies, another takes the job, reads the log and goes on from there.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import structs
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from libs.bus.codec import decoder
from libs.bus.codec import encode as encode_message
from libs.bus.health import Registry
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.deltas import Event
from libs.contracts.requests import Admitted
from libs.contracts.state import Job, Keeping, StoredResponse
from services.edge.background_fold import END
from services.edge.background_jobs import Run, Tools, changed
from services.edge.background_log import Log
from services.edge.background_view import events_of
from services.edge.flights import GRACE, Flights
from services.edge.settings import EdgeSettings

log = logging.getLogger("tokenrouter.background")
SWEEP = 1.0
HEARING = 5.0
"""Seconds for which this edge must have heard the bus before it takes another for dead."""
_encode_job = msgspec.msgpack.Encoder().encode
_decode_job = msgspec.msgpack.Decoder(Job).decode
_decode_admitted = decoder(Admitted).decode


class Background:
    """The background responses that this edge sees to, and the jobs of all edges."""

    def __init__(self, bus: Bus, settings: EdgeSettings, registry: Registry, flights: Flights) -> None:
        self._bus, self._registry, self._flights = bus, registry, flights
        self._tools = Tools(bus, settings, registry, flights)
        self._jobs: dict[str, tuple[Job, int]] = {}
        self._runs: dict[str, tuple[Run, asyncio.Task[None]]] = {}
        self._begins: set[str] = set()
        """Jobs that are being written or taken over at this moment."""
        self._sweeping: asyncio.Task[None] | None = None
        self._hears_since: float | None = None
        # Of a job that a former process of this name left, a dispatch may still be on its way.
        self._patience = settings.dispatch_window + GRACE

    def apply(self, key: str, value: bytes | None, revision: int) -> None:
        """Take a job from KV."""
        if value is None:
            self._jobs.pop(key, None)
            return
        job = _decode_job(value)
        self._jobs[key] = job, revision
        if job.owner != self._bus.instance and key in self._runs:
            # This edge was taken for dead; the other one goes on.
            self._runs[key][1].cancel()

    async def listen(self, connection: Client) -> None:
        """Hear of cancellations, and look after the jobs that nobody sees to."""
        await connection.subscribe(subjects.STOPPED, cb=self._stopped)
        self._sweeping = asyncio.create_task(self._sweep_forever())

    def stop(self) -> None:
        """See to nothing any more; others take over, or this edge when it is back."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for _, task in list(self._runs.values()):
            task.cancel()

    async def start(self, message: Admitted, response: dict[str, Any]) -> StoredResponse:
        """Begin a response; it goes on whatever happens to this edge. `response`: as the client is to see it.

        Raises NatsError, TimeoutError and Conflict, and then nothing has begun.
        """
        keeping = message.keeping or Keeping(store=True, background=True)
        stored = StoredResponse(
            request_id=message.request_id, endpoint=message.endpoint, created_at=message.created_at, status="queued",
            store=keeping.store, stream=message.stream, background=True, ancestors=keeping.ancestors,
            conversation=keeping.conversation, fingerprint=keeping.fingerprint,
            response=msgspec.json.encode(response | {"status": "queued", "background": True}),
        )
        await self._bus.responses.put(message.workspace, stored, expect=0)
        self._begins.add(message.request_id)
        try:
            job = Job(owner=self._bus.instance, admitted=encode_message(message))
            await (await self._bucket()).create(message.request_id, _encode_job(job))
            self._begin(message, taken=1, fresh=True)
        except BaseException:
            await self._bus.responses.delete(message.workspace, stored.response_id)
            raise
        finally:
            self._begins.discard(message.request_id)
        return stored

    async def cancel(self, workspace: str, stored: StoredResponse) -> StoredResponse:
        """End a response that is not over; one that is, or is gone, stays as it is."""
        request_id = stored.request_id
        found = await changed(self._bus.responses, workspace, request_id, "cancelled")
        if found is None or found.status != "cancelled":
            return found or stored
        await Log(self._bus, workspace, request_id).close(END)
        await self._bus.connection.publish(subjects.stopped(request_id), b"")
        return found

    async def forget(self, workspace: str, request_id: str) -> None:
        """End a response that is not over, and remove its log and its job; its record is the caller's to delete."""
        found = await changed(self._bus.responses, workspace, request_id, "cancelled")
        if found is None or found.status == "cancelled":
            await self._bus.connection.publish(subjects.stopped(request_id), b"")
        await Log(self._bus, workspace, request_id).purge()
        await (await self._bucket()).delete(request_id)

    def events(self, workspace: str, stored: StoredResponse) -> AsyncIterator[list[Event]]:
        """All events of a response in batches, waiting for those to come; the terminal one is the last."""
        return events_of(self._bus, workspace, stored)

    async def _stopped(self, raw: Msg) -> None:
        running = self._runs.get(raw.subject.rpartition(".")[2])
        if running is None:
            return
        run, task = running
        try:
            await run.stop()
        except (NatsError, TimeoutError):
            # The job stays; the sweep finds its record over.
            log.warning("a cancelled job could not be removed yet")
        task.cancel()

    def _begin(self, message: Admitted, *, taken: int, fresh: bool) -> None:
        run = Run(self._tools, message, taken)
        task = asyncio.create_task(run.go(fresh=fresh))
        self._runs[message.request_id] = run, task
        task.add_done_callback(lambda done: self._over(message.request_id, done))

    def _over(self, request_id: str, task: asyncio.Task[None]) -> None:
        self._runs.pop(request_id, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("a job broke; it is taken up again", exc_info=task.exception(), extra={"request_id": request_id})

    async def _sweep_forever(self) -> None:
        while not self._bus.draining:
            await asyncio.sleep(SWEEP)
            try:
                await self._sweep()
            except (NatsError, TimeoutError) as error:
                log.warning("jobs could not be looked after", extra={"error": type(error).__name__})
            except Exception:
                log.exception("sweep failed")
        self.stop()

    async def _sweep(self) -> None:
        now = time.monotonic()
        if not self._flights.hears():
            self._hears_since = None
            return
        if self._hears_since is None:
            self._hears_since = now
        heard = now - self._hears_since
        for request_id, (job, revision) in list(self._jobs.items()):
            if request_id not in self._runs and request_id not in self._begins and self._free(job, heard):
                await self._take_over(request_id, job, revision)

    def _free(self, job: Job, heard: float) -> bool:
        if job.owner == self._bus.instance:
            return heard > self._patience
        return heard > HEARING and not self._registry.alive(job.owner)

    async def _take_over(self, request_id: str, job: Job, revision: int) -> None:
        taken = structs.replace(job, owner=self._bus.instance, taken=job.taken + 1)
        self._begins.add(request_id)
        try:
            revision = await (await self._bucket()).update(request_id, _encode_job(taken), last=revision)
        except KeyWrongLastSequenceError:
            # Another edge was quicker, or it is over; the watch tells in a moment.
            return
        finally:
            self._begins.discard(request_id)
        self._jobs[request_id] = taken, revision
        log.warning("background response taken over", extra={"request_id": request_id, "from": job.owner, "taken": taken.taken})
        self._begin(_decode_admitted(job.admitted), taken=taken.taken, fresh=False)

    async def _bucket(self) -> KeyValue:
        return await self._bus.js.key_value(subjects.JOBS_BUCKET)


