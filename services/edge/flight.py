"""A request in flight: what came back for it, and what the edge must remember to save it when a service dies."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from libs.contracts.deltas import Completed, Deltas, Failed, Previewed, Refused, Started
from libs.contracts.errors import ErrorInfo
from libs.contracts.requests import Admitted


class Signal(Enum):
    """What the edge itself has to say to the request's handler."""

    HEARTBEAT = auto()
    DISCONNECTED = auto()


Item = Deltas | Completed | Failed | Refused | Previewed | ErrorInfo | Signal


class Flight:
    """One request between its admission and its last byte. Only its own edge's event loop touches it."""

    __slots__ = (
        "_items", "_waiter", "begun", "created", "last_item_at", "lingers", "message", "missed_beats", "next_heartbeat",
        "next_seq", "over", "patient", "reply", "started", "started_at", "streaming",
    )

    def __init__(self, message: Admitted, reply: str, *, streaming: bool, patient: bool = False) -> None:
        self.message = message
        self.reply = reply
        """The subject on which everything comes back."""
        self.patient = patient
        """Nobody waits on the line, so a stage that is missing is waited for until the deadline."""
        self.streaming = streaming
        self.created = self.last_item_at = time.monotonic()
        self.next_heartbeat = self.created + 1.0
        self.started: Started | None = None
        self.started_at = 0.0
        self.next_seq = 0
        self.missed_beats = 0
        self.begun = False
        """Some of the answer is with the client, so the request is never dispatched anew."""
        self.over = False
        self.lingers: Callable[[], None] | None = None
        """Called once by the sweep when the flight has been up for a while."""
        self._items: deque[Item] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: Item) -> None:
        """Hand an item to the handler. After the last one nothing more is taken."""
        if self.over:
            return
        if isinstance(item, Completed | Failed | Refused | Previewed | ErrorInfo) or item is Signal.DISCONNECTED:
            self.over = True
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Item:
        """The next item, in order."""
        while not self._items:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._items.popleft()

    @property
    def waiting(self) -> int:
        """Items that the client has not taken yet."""
        return len(self._items)
