"""The way of an answer's events to the edge: numbered, in order, and never an item opened before it has something to say.

Events that open a message or a call wait for the first that fills it. As long as nothing else is out, another candidate may still
take over unseen; and when a provider dies between two items, the client has whole items only.
"""

import time
from collections.abc import Iterable
from typing import Any

from libs.bus.service import Bus
from libs.contracts.deltas import Deltas, Event
from libs.state.responses import MOST_EVENT_BYTES
from services.provider_worker.continuation import shifted

_OPENING = frozenset({
    "response.created", "response.in_progress", "response.queued", "response.output_item.added", "response.content_part.added",
    "response.reasoning_summary_part.added",
})
_ADDED, _DONE = "response.output_item.added", "response.output_item.done"
# A model that thinks in silence opens its reasoning item minutes before it says anything; clients show that.
_THINKING = b'"type":"reasoning"'
MESSAGE_BYTES = 400_000


class Relay:
    """For one attempt. `behind` is the number of items that earlier attempts delivered."""

    def __init__(self, bus: Bus, reply: str, ids: dict[str, Any], behind: int, *, keeps: bool = False) -> None:
        """`keeps`: what goes out is to be kept as well."""
        self._bus, self._reply, self._ids, self._behind = bus, reply, ids, behind
        self._keeps, self._kept_bytes = keeps, 0
        self.kept: list[Event] = []
        """The events that went out; empty again when they became too many."""
        self._held: list[Event] = []
        self._open = 0
        self.seq = 0
        self.first_at: float | None = None
        """Unix seconds at which the first events went out."""
        self.done: list[bytes] = []
        """The `response.output_item.done` events that went out."""

    @property
    def at_boundary(self) -> bool:
        """Whole items are with the client, and nothing of an unfinished one."""
        return bool(self.done) and self._open == 0

    @property
    def waits(self) -> bool:
        """Whether the provider has said anything at all: something is out, or held back for what fills it."""
        return self.first_at is None and not self._held

    async def take(self, events: list[Event]) -> None:
        """Send what can go out, hold what only opens."""
        if self._behind:
            events = shifted(events, self._behind)
        waiting = self._held + events if self._held else events
        cut = len(waiting)
        while cut and waiting[cut - 1].type in _OPENING and not _tells_of_thinking(waiting[cut - 1]):
            cut -= 1
        self._held = waiting[cut:]
        if cut:
            await self._send(waiting[:cut])

    async def flush(self) -> None:
        """The answer is whole: nothing is held any more."""
        held, self._held = self._held, []
        if held:
            await self._send(held)

    async def _send(self, events: list[Event]) -> None:
        if self.first_at is None:
            self.first_at = time.time()
        for event in events:
            if event.type == _ADDED:
                self._open += 1
            elif event.type == _DONE:
                self._open -= 1
                self.done.append(event.data)
        if self._keeps:
            self._keep(events)
        for together in _batches(events):
            await self._bus.publish(self._reply, Deltas(**self._ids, seq=self.seq, events=await self._sized(together)))
            self.seq += 1

    def _keep(self, events: list[Event]) -> None:
        self.kept += events
        self._kept_bytes += sum(len(event.data) for event in events)
        if self._kept_bytes > MOST_EVENT_BYTES:
            self.kept, self._keeps = [], False

    async def _sized(self, events: list[Event]) -> list[Event]:
        """The events as they can travel: by claim check where one is too large for a message."""
        if len(events) > 1 or len(events[0].data) < MESSAGE_BYTES:
            return events
        body = await self._bus.claims.stow(events[0].data)
        return [Event(events[0].type, body.inline, body.claim)]


def tells(events: Iterable[Event]) -> bool:
    """Whether some of them says anything, and not only opens what will."""
    return any(event.type not in _OPENING or _tells_of_thinking(event) for event in events)


def _batches(events: list[Event]) -> Iterable[list[Event]]:
    """In order, as many together as fit into a message: the `done` events of a long text repeat it three times."""
    if sum(len(event.data) for event in events) < MESSAGE_BYTES:
        return [events]
    batches: list[list[Event]] = []
    room = 0
    for event in events:
        room -= len(event.data)
        if room < 0 or not batches:
            batches.append([])
            room = MESSAGE_BYTES - len(event.data)
        batches[-1].append(event)
    return batches


def _tells_of_thinking(event: Event) -> bool:
    return event.type == _ADDED and _THINKING in event.data
