"""What goes out to the edge, and when: nothing is lost, nothing opened without need, no message too large."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.bus.codec import encode
from libs.contracts.deltas import Event
from services.provider_worker.relay import Relay
from tests.conformance.answers import DIALECTS, call, feed, having, stream_bytes
from tests.unit.services.provider_worker.bus import Published

IDS = {"request_id": "req_1", "dispatch": 1, "attempt": 2}
RICH = [(provider, name) for name in ("text", "tools", "thinking", "reasoning") for provider in having(name)]
NATS_LIMIT = 1 << 20


def event(kind: str, **fields: Any) -> Event:
    return Event(f"response.{kind}", msgspec.json.encode({"type": f"response.{kind}"} | fields))


CREATED = [event("created"), event("in_progress")]
OPENED = [event("output_item.added", output_index=0, item={"type": "message"}), event("content_part.added", output_index=0)]
DELTA = event("output_text.delta", output_index=0, delta="x")
DONE = event("output_item.done", output_index=0, item={"type": "message"})
THINKING = event("output_item.added", output_index=0, item={"type": "reasoning"})


def relayed(behind: int = 0) -> tuple[Relay, Published]:
    bus = Published()
    return Relay(bus, "delta.edge-1.req_1", IDS, behind), bus


def out(bus: Published) -> list[Event]:
    return [one for message in bus.deltas for one in message.events]


async def test_p68_what_only_opens_is_held_back_until_something_fills_it() -> None:
    relay, bus = relayed()
    assert relay.waits
    await relay.take(CREATED)
    await relay.take(OPENED)
    assert (bus.sent, relay.first_at, relay.waits) == ([], None, False)
    await relay.take([DELTA])
    assert out(bus) == [*CREATED, *OPENED, DELTA]
    assert relay.first_at is not None
    [(subject, message)] = bus.sent
    assert subject == "delta.edge-1.req_1"
    assert {name: getattr(message, name) for name in IDS} == IDS


async def test_p68_the_opening_of_the_next_item_is_held_back_too() -> None:
    relay, bus = relayed()
    await relay.take([*CREATED, *OPENED, DELTA, DONE, *OPENED])
    assert out(bus) == [*CREATED, *OPENED, DELTA, DONE]
    assert relay.at_boundary
    await relay.take([DELTA])
    assert not relay.at_boundary
    assert [message.seq for message in bus.deltas] == [0, 1]


async def test_p38_reasoning_is_shown_as_soon_as_it_begins() -> None:
    relay, bus = relayed()
    await relay.take([*CREATED, THINKING])
    assert out(bus) == [*CREATED, THINKING]
    assert not relay.at_boundary
    await relay.take([event("reasoning_summary_part.added", output_index=0)])
    assert len(out(bus)) == 3


async def test_an_answer_of_nothing_but_openings_goes_out_at_its_end() -> None:
    relay, bus = relayed()
    await relay.take(CREATED)
    await relay.flush()
    await relay.flush()
    assert out(bus) == CREATED
    assert len(bus.sent) == 1
    assert not relay.at_boundary


async def test_nothing_is_published_for_nothing() -> None:
    relay, bus = relayed()
    await relay.take([])
    await relay.flush()
    assert (bus.sent, relay.waits) == ([], True)


async def test_p63_behind_earlier_items_numbers_go_on_and_nothing_begins_twice() -> None:
    relay, bus = relayed(behind=2)
    await relay.take([*CREATED, *OPENED, DELTA, DONE])
    await relay.flush()
    assert [msgspec.json.decode(one.data)["output_index"] for one in out(bus)] == [2, 2, 2, 2]
    assert [msgspec.json.decode(data)["output_index"] for data in relay.done] == [2]


@pytest.mark.parametrize("sizes", [[300_000] * 3, [450_000] * 3, [399_000, 10, 600_000, 10, 10], [2_000_000, 2_000_000], [100_000] * 30])
async def test_p67_no_message_is_larger_than_the_bus_takes(sizes: list[int]) -> None:
    relay, bus = relayed()
    events = [Event("response.output_text.delta", b"x" * size) for size in sizes]
    await relay.take(events)
    assert all(len(encode(message)) < NATS_LIMIT for message in bus.deltas)
    assert [message.seq for message in bus.deltas] == list(range(relay.seq))
    assert [bus.store.objects[one.claim] if one.claim else one.data for one in out(bus)] == [one.data for one in events]
    assert sum(bool(one.claim) for one in out(bus)) == sum(size > 512 * 1024 for size in sizes)


async def test_small_events_of_one_read_travel_together() -> None:
    relay, bus = relayed()
    await relay.take([DELTA] * 500)
    assert len(bus.sent) == 1


@given(data=st.data())
@pytest.mark.parametrize(("provider", "name"), RICH)
async def test_however_a_stream_is_read_all_of_it_goes_out_in_order(provider: str, name: str, data: st.DataObject) -> None:
    events = feed(DIALECTS[provider].reader(call()), stream_bytes(provider, name))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=12)))
    relay, bus = relayed()
    for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
        await relay.take(events[start:end])
        shown = out(bus)
        assert shown == events[: len(shown)]
        assert relay.at_boundary == _whole_items_only(shown)
        assert relay.waits == (end == 0)
    await relay.flush()
    assert out(bus) == events
    assert [message.seq for message in bus.deltas] == list(range(relay.seq))
    assert relay.done == [one.data for one in events if one.type == "response.output_item.done"]


def _whole_items_only(shown: list[Event]) -> bool:
    """Judged by the indexes in the events: everything of every item that was begun is there, and there is one."""
    done = {_index(one) for one in shown if one.type == "response.output_item.done"}
    return bool(done) and {_index(one) for one in shown} - {None} == done


def _index(one: Event) -> Any:
    return msgspec.json.decode(one.data).get("output_index")
