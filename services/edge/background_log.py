"""The logs of background responses: a subject each in the stream BACKGROUND, read in batches, and closed by whoever takes over."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
from msgspec import Struct, structs
from nats.errors import TimeoutError as NatsTimeout
from nats.js.errors import APIError, ObjectNotFoundError

from libs.bus.codec import decoder, encode
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.deltas import DeltaMessage, Deltas, Event
from libs.contracts.message import Body
from services.edge.background_fold import CLOSING, Fold

BATCH = 256
SILENCE = 5.0
"""Seconds without a piece of the answer after which a read has failed."""
MESSAGE_BYTES = 400_000
_WRONG_SEQUENCE = 10071
_decode = decoder(DeltaMessage).decode


class Entry(Struct, frozen=True):
    """A message of a log."""

    seq: int
    """Its place in the stream."""
    at: float
    """Unix seconds."""
    message: DeltaMessage | None
    """None: not one of ours, such as NATS saying that nobody listens."""


class Log:
    """One response's log."""

    def __init__(self, bus: Bus, workspace: str, request_id: str) -> None:
        self._bus, self._request_id = bus, request_id
        self.subject = subjects.background(workspace, request_id)
        self.seq = 0
        """The last message that was read."""
        self.fold = Fold()

    async def read(self) -> list[Event]:
        """The events that came since the last call, which the fold has taken in."""
        events: list[Event] = []
        async for found in self.batches():
            events += found
        return events

    async def batches(self) -> AsyncIterator[list[Event]]:
        """The same, a batch of messages at a time: a whole log may be large."""
        while True:
            # Nothing is taken in before all of it is there, so that a read that broke can be repeated.
            entries = [await self._fetched(entry) for entry in await self._batch()]
            yield [event for entry in entries for event in self._taken(entry)]
            if len(entries) < BATCH:
                return

    async def close(self, dispatch: int) -> None:
        """End what dispatches up to this one have half written, and let nothing of them count any more. Reads the log to its end first.
        Nothing is written when the answer is whole by then."""
        while True:
            await self.read()
            fold = self.fold
            if fold.ended or (fold.closed >= dispatch and not fold.closing()):
                return
            if await self._closed(max(dispatch, fold.closed)):
                await self.read()
                return
            # Somebody wrote in between. A replica that is behind may take a moment to show it.
            await asyncio.sleep(0.05)

    async def purge(self) -> None:
        """Forget the log."""
        await self._bus.js.purge_stream(subjects.BACKGROUND_STREAM, subject=self.subject)

    async def _closed(self, dispatch: int) -> bool:
        """Whether the log was still as it was read."""
        fold = self.fold
        events = [await self._sized(event) for event in fold.closing()]
        together = sum(len(event.data) for event in events) < MESSAGE_BYTES
        batches = [events] if together else [[event] for event in events]
        first = fold.next_seq if fold.closed == dispatch else 0
        last = self.seq
        for seq, batch in enumerate(batches, first):
            message = Deltas(request_id=self._request_id, dispatch=dispatch, attempt=CLOSING, seq=seq, events=batch)
            expected = {"Nats-Expected-Last-Subject-Sequence": str(last)}
            try:
                last = (await self._bus.js.publish(self.subject, encode(message), headers=expected)).seq
            except APIError as error:
                if error.err_code == _WRONG_SEQUENCE:
                    return False
                raise
        return True

    async def _sized(self, event: Event) -> Event:
        body = await self._bus.claims.stow(event.data)
        return Event(event.type, body.inline, body.claim)

    async def _fetched(self, entry: Entry) -> Entry:
        message = entry.message
        if not isinstance(message, Deltas) or not any(event.claim for event in message.events):
            return entry
        return structs.replace(entry, message=structs.replace(message, events=await self._whole(message.events)))

    def _taken(self, entry: Entry) -> list[Event]:
        self.seq = entry.seq
        return [] if entry.message is None else self.fold.take(entry.message, entry.at)

    async def _whole(self, events: list[Event]) -> list[Event]:
        """With their data. It stays in the object store for the next reader, as long as that keeps it."""
        whole: list[Event] = []
        for event in events:
            if not event.claim:
                whole.append(event)
                continue
            try:
                whole.append(Event(event.type, await self._bus.claims.fetch(Body(claim=event.claim))))
            except ObjectNotFoundError:
                continue
        return whole

    async def _batch(self) -> list[Entry]:
        """Messages behind the last one that was read. nats-py has no call for it.

        https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
        """
        connection = self._bus.connection
        inbox = connection.new_inbox()
        subscription = await connection.subscribe(inbox)
        question = {"seq": self.seq + 1, "next_by_subj": self.subject, "batch": BATCH}
        entries: list[Entry] = []
        try:
            await connection.publish(f"$JS.API.DIRECT.GET.{subjects.BACKGROUND_STREAM}", json.dumps(question).encode(), reply=inbox)
            while len(entries) < BATCH:
                message = await subscription.next_msg(SILENCE)
                headers = message.headers or {}
                if headers.get("Status"):
                    break
                entries.append(Entry(int(headers["Nats-Sequence"]), _time(headers["Nats-Time-Stamp"]), _message(message.data)))
            return entries
        except NatsTimeout:
            if entries:
                return entries
            raise
        finally:
            await subscription.unsubscribe()


def _message(data: bytes) -> DeltaMessage | None:
    try:
        message: DeltaMessage = _decode(data)
        return message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _time(stamp: str) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return time.time()
