"""The hot path's seam: a stage takes a message type from a subject, in a queue group, and hands it to a handler.

It consumes on the broker's own nats-py connection: a FastStream subscriber costs 70-400 µs of CPU a message, the bare
callback 12 (see docs/performance.md). The channel is documented through FastStream in `libs.bus.asyncapi`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from libs.bus import metrics
from libs.bus.codec import decoder
from libs.contracts.requests import Admitted

log = logging.getLogger("tokenrouter.stage")

Taken = TypeVar("Taken", bound=Admitted)
Handle = Callable[[Taken, str, float], Awaitable[None]]
"""Called with the message, the delta subject to answer on, and the Unix time at which it was taken."""


class Stage(Generic[Taken]):
    """One subscription of a service. Messages past their expiry are dropped here, before anyone acts on them."""

    def __init__(
        self, name: str, subject: str, queue: str, kind: type[Taken], handle: Handle[Taken], *,
        concurrent: Callable[[Taken], bool] | bool = False,
    ) -> None:
        """`concurrent` gives each message, or each for which it is true, a task of its own; otherwise they are handled in order, which
        is cheaper."""
        self.name, self.subject, self.queue, self.kind = name, subject, queue, kind
        self._handle = handle
        self._concurrent = concurrent
        self._decode = decoder(kind).decode
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: Subscription | None = None
        self._expired = metrics.STAGE_MESSAGES.labels(name, "expired")
        self._undecodable = metrics.STAGE_MESSAGES.labels(name, "undecodable")
        self._broken = metrics.STAGE_MESSAGES.labels(name, "failed")

    async def start(self, connection: Client) -> None:
        self._subscription = await connection.subscribe(self.subject, queue=self.queue, cb=self._receive)

    async def stop_taking(self) -> None:
        """Leave the queue group, after the messages that are already here."""
        if self._subscription is not None:
            await self._subscription.drain()
            self._subscription = None

    async def drain(self, timeout: float) -> None:
        """Stop taking and wait for what is in hand."""
        await self.stop_taking()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)

    async def _receive(self, raw: Msg) -> None:
        taken_at = time.time()
        try:
            message = self._decode(raw.data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._undecodable.inc()
            log.error("undecodable message", extra={"stage": self.name, "subject": raw.subject, "bytes": len(raw.data)})
            return
        if message.expires_at < taken_at:
            self._expired.inc()
            return
        apart = self._concurrent
        if message.body.claim or (apart(message) if callable(apart) else apart):
            task = asyncio.create_task(self._guard(message, raw.reply, taken_at))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            await self._guard(message, raw.reply, taken_at)

    async def _guard(self, message: Any, reply: str, taken_at: float) -> None:
        try:
            await self._handle(message, reply, taken_at)
        except Exception:
            # No answer: the edge dispatches the request anew, or gives up with 503 where it fails again.
            self._broken.inc()
            log.exception("stage failed", extra={"stage": self.name, "request_id": message.request_id})
