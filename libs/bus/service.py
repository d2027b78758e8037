"""A process on the bus: connects, watches policies, subscribes its stages, says that it lives, and drains on the way out."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

from faststream.nats import NatsBroker
from faststream.security import SASLPlaintext
from nats.aio.client import Client
from nats.js import JetStreamContext

from libs.bus import metrics
from libs.bus.claims import Claims
from libs.bus.codec import encode
from libs.bus.health import BEAT
from libs.bus.ledger import LedgerWriter
from libs.bus.settings import BusSettings
from libs.bus.stage import Stage
from libs.bus.watch import Watch
from libs.contracts import subjects
from libs.contracts.health import Health, ProviderAccount
from libs.contracts.ledger import LedgerRow
from libs.contracts.message import Message
from libs.contracts.telemetry import Rest
from libs.state.conversations import Conversations
from libs.state.responses import Responses
from libs.state.store import Store

log = logging.getLogger("tokenrouter")


class Bus:
    """What a service holds of the bus. Everything registered before `start` is live when it returns."""

    def __init__(self, service: str, settings: BusSettings) -> None:
        self.service = service
        self.instance = settings.instance
        self.stages: list[Stage[Any]] = []
        self.watches: list[Watch] = []
        self.listeners: list[Callable[[Client], Awaitable[None]]] = []
        """Subscribe what is neither a stage nor a watch."""
        self.providers: list[ProviderAccount] = []
        self.running: Callable[[], list[str]] = list
        """Request ids in hand, for the heartbeat."""
        self.resting: Callable[[], list[Rest]] = list
        """What is left alone for now, for a router's heartbeat."""
        self.asks_health = False
        """Whether the others should say at once that they live when this service starts or reconnects."""
        self.ready = False
        self.draining = False
        self.broker = NatsBroker(
            [url.strip() for url in settings.nats_url.split(",")],
            name=f"{service}/{settings.instance}",
            inbox_prefix=f"_INBOX_{service}",
            reconnect_time_wait=0.1,  # type: ignore[arg-type]  # nats-py takes fractions
            max_reconnect_attempts=-1,
            connect_timeout=2,
            reconnected_cb=self._reconnected,
            disconnected_cb=self._disconnected,
            apply_types=False,
            logger=None,
            graceful_timeout=10.0,
            security=SASLPlaintext(settings.nats_user, settings.nats_password) if settings.nats_user else None,
        )
        self._ledger = LedgerWriter(self._publish_ledger, settings.instance)
        self._started_under = os.getppid()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connected(self) -> bool:
        return self.ready and self.connection.is_connected

    @property
    def ledger_failing_for(self) -> float:
        """Seconds for which ledger rows could not be made durable."""
        since = self._ledger.failing_since
        return 0.0 if since is None else time.monotonic() - since

    async def connect(self) -> None:
        """Connect and prepare JetStream; the first thing to happen."""
        await self.broker.connect()
        self.connection: Client = self.broker.connection
        self.js: JetStreamContext = self.connection.jetstream(timeout=5.0)
        self.claims = Claims(self.js)
        self.state = Store(self.connection, self.js, subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET)
        self.responses, self.conversations = Responses(self.state), Conversations(self.state)
        metrics.BUS_CONNECTED.set(1)

    async def start(self) -> None:
        """Load the policies first, then take messages: no stage ever judges by an empty rule set it has not read."""
        for watch in self.watches:
            await watch.start(self.js)
        self._ledger.start()
        for stage in self.stages:
            await stage.start(self.connection)
        for listen in self.listeners:
            await listen(self.connection)
        await self.connection.subscribe(subjects.HEALTH_ASKED, cb=self._asked)
        if self.asks_health:
            await self.connection.publish(subjects.HEALTH_ASKED, b"")
        # nats-py sends the PING of a flush ahead of what is still in its buffer, so only a second one proves the first's.
        await self.connection.flush()
        await self.connection.flush()
        self.ready = True
        self._tasks = [asyncio.create_task(self._beat())]
        log.info("ready")

    async def drain(self, timeout: float = 60.0) -> None:
        """Stop taking, finish what is in hand, and make every ledger row durable."""
        self.draining = True
        if not self.ready:
            return
        await self._say()
        for stage in self.stages:
            await stage.drain(timeout)
        await self._ledger.drain()
        await self.connection.flush()
        for task in self._tasks:
            task.cancel()
        log.info("drained")

    async def publish(self, subject: str, message: Message, reply: str = "") -> None:
        await self.connection.publish(subject, encode(message), reply)

    def commit(self, rows: list[LedgerRow]) -> asyncio.Future[None]:
        """Queue ledger rows; the future is done when they are durable."""
        return self._ledger.commit(rows)

    def note(self, rows: list[LedgerRow]) -> None:
        """Queue ledger rows that nobody waits for."""
        self._ledger.note(rows)

    async def _publish_ledger(self, payload: bytes, message_id: str) -> None:
        await self.js.publish(
            subjects.ledger(self.service), payload, timeout=3.0, headers={"Nats-Msg-Id": message_id}
        )

    async def _say(self) -> None:
        await self.publish(
            subjects.health(self.service, self.instance),
            Health(
                service=self.service, instance=self.instance, at=time.time(),
                ready=self.ready, draining=self.draining, providers=self.providers, running=self.running(), resting=self.resting(),
            ),
        )

    async def _asked(self, _: object) -> None:
        await self._say()

    async def _beat(self) -> None:
        while True:
            if os.getppid() != self._started_under:
                # The supervisor is gone: drain as if it had told us to.
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if self.connection.is_connected:
                await self._say()
            await asyncio.sleep(BEAT)

    async def _disconnected(self) -> None:
        metrics.BUS_CONNECTED.set(0)
        log.warning("disconnected from NATS")

    async def _reconnected(self) -> None:
        metrics.BUS_CONNECTED.set(1)
        log.warning("connected to NATS again")
        for watch in self.watches:
            await watch.start(self.js)
        if self.asks_health:
            await self.connection.publish(subjects.HEALTH_ASKED, b"")
        await self._say()
