"""A request in flight."""

import asyncio
import time

import pytest

from libs.contracts.decisions import Target
from libs.contracts.deltas import Completed, Deltas, Failed, Previewed, Refused
from libs.contracts.errors import ProviderError
from libs.contracts.message import Body
from libs.contracts.requests import Admitted, RequestFacts
from services.edge.flight import Flight, Item, Signal

REQUEST_ID = "req_00000000-0000-4000-8000-000000000001"
ERROR = ProviderError("broke").info
COMMON = {"request_id": REQUEST_ID, "dispatch": 1}
PIECE = Deltas(**COMMON, seq=0, events=[])


def flight() -> Flight:
    now = time.time()
    message = Admitted(
        request_id=REQUEST_ID, workspace="default", key_id="key_1", created_at=now, deadline=now + 60, expires_at=now + 2, edge="edge-1",
        traceparent="", facts=RequestFacts(model="gpt-4o", target=Target(model="gpt-4o")), body=Body(inline=b"{}", size=2),
    )
    return Flight(message, "reply", streaming=True)


async def test_items_come_in_order_whoever_waits_first() -> None:
    one = flight()
    waiting = asyncio.ensure_future(one.next())
    await asyncio.sleep(0)
    one.put(PIECE)
    one.put(Signal.HEARTBEAT)
    assert await waiting is PIECE
    assert one.waiting == 1
    assert await one.next() is Signal.HEARTBEAT
    assert not one.over


@pytest.mark.parametrize(
    "last",
    [
        Completed(**COMMON, status="completed", response=Body(), provider="openai", model="gpt-4o"), Failed(**COMMON, error=ERROR),
        Refused(**COMMON, stage="firewall", error=ERROR), Previewed(**COMMON, preview=b"{}"), ERROR, Signal.DISCONNECTED,
    ],
    ids=lambda item: type(item).__name__,
)
async def test_nothing_is_taken_after_the_last_item(last: Item) -> None:
    one = flight()
    one.put(last)
    one.put(PIECE)
    assert one.over
    assert await one.next() is last
    assert one.waiting == 0
