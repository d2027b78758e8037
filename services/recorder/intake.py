"""The pull loop: takes ledger messages from the durable consumer in batches and has them recorded."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from nats.aio.msg import Msg
from nats.js import JetStreamContext, api

from libs.bus import metrics
from libs.contracts import subjects
from services.recorder.record import Recorder, Stopping

log = logging.getLogger("tokenrouter.recorder")

DURABLE = "recorder"
CONSUMER = api.ConsumerConfig(
    durable_name=DURABLE,
    ack_policy=api.AckPolicy.EXPLICIT,
    deliver_policy=api.DeliverPolicy.ALL,
    filter_subject=subjects.LEDGER,
    # A batch takes well under a second, and what a killed recorder held comes again after this.
    ack_wait=10.0,
    max_deliver=-1,
    max_ack_pending=8192,
)

# A message holds up to 512 KiB, so a fetch stays under 64 MiB whatever comes.
FETCH = 128
MOST_MESSAGES = 2048
MOST_BYTES = 8 << 20
IDLE_WAIT = 1.0
GRAB_WAIT = 0.02
LONGEST_PAUSE = 2.0


class Intake:
    """Several recorders may share the consumer."""

    def __init__(self, recorder: Recorder, interval: float, js: Callable[[], JetStreamContext]) -> None:
        """`interval`: least seconds between two batches, so that they are large under load. `js` is asked after connecting."""
        self._recorder = recorder
        self._interval = interval
        self._js = js
        self._subscription: JetStreamContext.PullSubscription | None = None
        self._stopping = False
        self._last = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def drain(self, timeout: float = 20.0) -> None:
        """Record what has been fetched, then stop. What is not stored in time stays in JetStream."""
        self._stopping = True
        self._recorder.stop()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        # A status message that no fetch has read would keep the connection from draining for 30 s.
        await self._forget_subscription()

    async def _run(self) -> None:
        pause = 0.1
        while not self._stopping:
            try:
                messages = await self._take()
                if messages:
                    await self._recorder.record(self._js(), messages)
                pause = 0.1
            except Stopping:
                log.warning("stopped while ClickHouse was away; the rows stay in JetStream")
            except Exception as error:
                # The server restarts, or the stream is not declared yet.
                log.warning("cannot take ledger messages, trying again", extra={"error": type(error).__name__})
                await self._forget_subscription()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _take(self) -> list[Msg]:
        """What is due: at once when little comes, else all that came within the interval."""
        messages = await self._fetch(IDLE_WAIT)
        if not messages:
            return []
        wait = self._last + self._interval - time.monotonic()
        if wait > 0 and not self._stopping:
            await asyncio.sleep(wait)
        full = wait > 0 or len(messages) == FETCH
        while full and len(messages) < MOST_MESSAGES and sum(len(message.data) for message in messages) < MOST_BYTES:
            more = await self._fetch(GRAB_WAIT)
            messages += more
            full = len(more) == FETCH
        self._last = time.monotonic()
        return messages

    async def _fetch(self, timeout: float) -> list[Msg]:
        if self._subscription is None:
            self._subscription = await self._subscribe()
        try:
            return await self._subscription.fetch(FETCH, timeout)
        except TimeoutError:
            return []

    async def _subscribe(self) -> JetStreamContext.PullSubscription:
        js = self._js()
        info = await js.add_consumer(subjects.LEDGER_STREAM, CONSUMER)
        metrics.RECORDER_LAG.set((info.num_pending or 0) + (info.num_ack_pending or 0))
        return await js.pull_subscribe_bind(DURABLE, subjects.LEDGER_STREAM)

    async def _forget_subscription(self) -> None:
        stale, self._subscription = self._subscription, None
        if stale is not None:
            with contextlib.suppress(Exception):
                await stale.unsubscribe()
