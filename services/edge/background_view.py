"""A background response's events for whoever reads them, from the first one, while it runs or afterwards."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from libs.bus.service import Bus
from libs.contracts.deltas import Event
from libs.contracts.state import StoredResponse
from libs.responses import replay
from services.edge.answer import response_event
from services.edge.background_log import Log

logger = logging.getLogger("tokenrouter.background")
LOOK = 1.0
"""Seconds after which one looks even if nothing told of news."""
LAST_WORDS = 2.0
"""Seconds in which the log's end must come, once the record is over."""
_TERMINAL = {"completed": "completed", "incomplete": "incomplete", "cancelled": "incomplete", "failed": "failed"}
_decode = msgspec.json.Decoder(dict[str, Any]).decode


async def events_of(bus: Bus, workspace: str, stored: StoredResponse) -> AsyncIterator[list[Event]]:
    """All events in batches, the terminal one last; the same for everybody who asks. Ends early when the response is deleted."""
    log, news = Log(bus, workspace, stored.request_id), asyncio.Event()

    async def heard(_: Msg) -> None:
        news.set()

    subscription = await bus.connection.subscribe(log.subject, cb=heard)
    try:
        found: StoredResponse | None = stored
        looked = 0.0
        while True:
            news.clear()
            try:
                async for events in log.batches():
                    if events:
                        yield events
                if log.fold.ended or time.monotonic() - looked > LOOK:
                    found, looked = await bus.responses.get(workspace, stored.response_id), time.monotonic()
                    if found is None:
                        return
                    if found.over:
                        break
            except (NatsError, TimeoutError) as error:
                logger.warning("a background response could not be read yet", extra={"error": type(error).__name__})
            await _wait(news, LOOK)
        async for events in _last_words(log, news):
            yield events
        assert found is not None
        response = _decode(found.response)
        if not log.fold.begun:
            yield replay.events_of(response)
        status = _TERMINAL[found.status]
        yield [Event(f"response.{status}", response_event(status, found.response))]
    finally:
        await subscription.unsubscribe()


async def _last_words(log: Log, news: asyncio.Event) -> AsyncIterator[list[Event]]:
    """What the log has left. The record may be there before the last message is."""
    until = time.monotonic() + LAST_WORDS
    while True:
        news.clear()
        async for events in log.batches():
            if events:
                yield events
        if log.fold.ended or time.monotonic() > until:
            return
        await _wait(news, 0.25)


async def _wait(news: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(news.wait(), seconds)
    except TimeoutError:
        return
