"""Stores a batch of ledger messages: ClickHouse first, the dead-letter stream for what it refuses, then the acknowledgement."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from nats.aio.msg import Msg
from nats.js import JetStreamContext

from libs.bus import metrics
from libs.contracts import subjects
from services.recorder.batch import Refusal, Row, unpack
from services.recorder.sift import sift
from services.recorder.store import TABLES, RowsRefused, Store

log = logging.getLogger("tokenrouter.recorder")

LONGEST_PAUSE = 5.0
# The bus takes 1 MiB; the headers of a dead letter need some of it.
MOST_DEAD_BYTES = (1 << 20) - 4096


class Stopping(Exception):
    """The process is to end while ClickHouse is away; the messages stay in JetStream."""


class Recorder:
    """Nothing is acknowledged before it is stored; what is stored twice counts once, because the tables fold by key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "insert")
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish what can be finished, wait for nothing."""
        self._stopping.set()

    async def record(self, js: JetStreamContext, messages: Sequence[Msg]) -> None:
        """Store and acknowledge. Raises Stopping when told to stop while ClickHouse does not answer."""
        batch = unpack([message.data for message in messages], TABLES)
        refused = batch.refused
        for table, rows in batch.tables.items():
            found = await sift(table, rows, self._inserting(table, messages))
            metrics.RECORDED_ROWS.labels(table).inc(len(rows) - len(found))
            refused += found
        for refusal in refused:
            await self._bury(js, messages, refusal)
        unreadable = {refusal.row.message for refusal in refused if not refusal.table}
        for number, message in enumerate(messages):
            await (message.term() if number in unreadable else message.ack())
        metrics.RECORDER_LAG.set(messages[-1].metadata.num_pending)

    def _inserting(self, table: str, messages: Sequence[Msg]) -> Callable[[Sequence[Row]], Awaitable[None]]:
        loop = asyncio.get_running_loop()

        async def once(rows: Sequence[Row]) -> None:
            await loop.run_in_executor(self._thread, self._store.insert, table, [row.json for row in rows])

        async def insert(rows: Sequence[Row]) -> None:
            await self._until_done(lambda: once(rows), messages, "insert")

        return insert

    async def _bury(self, js: JetStreamContext, messages: Sequence[Msg], refusal: Refusal) -> None:
        """Move what cannot be stored to the dead-letter stream, with the reason in its headers."""
        source = messages[refusal.row.message]
        headers = {
            "Nats-Msg-Id": f"{source.metadata.sequence.stream}.{refusal.row.position}",
            "Tokenrouter-Table": refusal.table,
            "Tokenrouter-Reason": " ".join(refusal.reason.split())[:500],
            "Tokenrouter-Sequence": str(source.metadata.sequence.stream),
        }
        subject = subjects.ledger_dead(source.subject.rpartition(".")[2])
        body = refusal.row.json[:MOST_DEAD_BYTES]

        async def publish() -> None:
            await js.publish(subject, body, headers=headers)

        await self._until_done(publish, messages, "dead letter")
        metrics.DEAD_ROWS.inc()
        log.error("a ledger row was refused", extra={"table": refusal.table, "sequence": headers["Tokenrouter-Sequence"]})

    async def _until_done(self, action: Callable[[], Awaitable[None]], messages: Sequence[Msg], what: str) -> None:
        """Repeat `action` until it succeeds, and keep the messages ours meanwhile. RowsRefused is not repeated."""
        pause = 0.2
        while True:
            try:
                return await action()
            except RowsRefused:
                raise
            except Exception as error:
                if self._stopping.is_set():
                    raise Stopping from error
                metrics.RECORDER_RETRIES.inc()
                log.error("cannot store, trying again", extra={"what": what, "error": str(error) or type(error).__name__})
            await self._hold(messages, pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _hold(self, messages: Sequence[Msg], pause: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), pause)
        except TimeoutError:
            for message in messages:
                await message.in_progress()
