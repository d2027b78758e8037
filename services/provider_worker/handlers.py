"""Routed in, the provider's answer out to the edge; Cancelled in, the call dropped."""

import asyncio
import time
from collections import OrderedDict

from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.bus.codec import decoder
from libs.bus.health import Registry
from libs.contracts import subjects
from libs.contracts.requests import Cancelled, Routed
from services.provider_worker.attempt import Attempt, Tools

_decode_cancelled = decoder(Cancelled).decode
# Cancellations that may overtake their request; more than a worker could be sent in the seconds a dispatch lives.
REMEMBERED = 10_000


class Worker:
    """Runs attempts, and drops those that nobody waits for any more."""

    def __init__(self, tools: Tools, registry: Registry) -> None:
        self._tools, self._bus, self._registry = tools, tools.bus, registry
        self._running: dict[tuple[str, int], tuple[Attempt, asyncio.Task[None]]] = {}
        self._cancelled: OrderedDict[tuple[str, int], None] = OrderedDict()

    async def handle(self, message: Routed, reply: str, taken_at: float) -> None:
        key = (message.request_id, message.dispatch)
        if key in self._cancelled:
            return
        attempt = Attempt(self._tools, message, reply)
        task = asyncio.current_task()
        assert task is not None
        self._running[key] = mine = (attempt, task)
        try:
            await attempt.run()
        finally:
            # The next attempt may have come back here already.
            if self._running.get(key) is mine:
                del self._running[key]

    def running(self) -> list[str]:
        """The requests in hand."""
        return [request_id for request_id, _ in self._running]

    async def listen(self, connection: Client) -> None:
        """Hear of requests that nobody waits for."""
        await connection.subscribe(subjects.CANCELLED, cb=self._cancel)
        self._tools.telemetry.start()
        self._watchdog = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """A look over all attempts four times a second costs less than a timer for each."""
        deaf_until = 0.0
        while True:
            await asyncio.sleep(0.25)
            now = time.time()
            if not self._bus.connected or not self._registry.echoes(self._bus.instance):
                # While NATS is away, and until everybody had time to say that he lives, silence says nothing.
                deaf_until = now + 5.0
            for attempt, task in list(self._running.values()):
                if attempt.ends:
                    continue
                attempt.told = attempt.overdue(now)
                if attempt.told is not None:
                    task.cancel()
                elif now > deaf_until and not attempt.background and self._registry.lost(attempt.edge):
                    # Its clients went with it; nobody is left to read what the provider would go on to bill. Background responses
                    # outlive their edge: another one adopts them.
                    attempt.cancelled = True
                    task.cancel()

    async def _cancel(self, raw: Msg) -> None:
        cancelled = _decode_cancelled(raw.data)
        key = (cancelled.request_id, cancelled.dispatch)
        self._cancelled[key] = None
        if len(self._cancelled) > REMEMBERED:
            self._cancelled.popitem(last=False)
        running = self._running.get(key)
        if running is not None and not running[0].ends:
            attempt, task = running
            now = time.time()
            # At the deadline the edge may be quicker than the watchdog; on record it is a timeout all the same.
            attempt.told = attempt.overdue(now) if now > attempt.deadline else None
            attempt.cancelled = attempt.told is None
            task.cancel()
