"""What a background response's log adds up to, whoever reads it, in whatever portions, and after whatever deaths."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.deltas import Completed, DeltaMessage, Deltas, Event, Released, Started
from libs.contracts.message import Body
from libs.responses.builder import ResponseBuilder
from libs.responses.frame import Frame
from services.edge.background_fold import CLOSING, END, Fold
from services.provider_worker.continuation import shifted

REQUEST = "req_00000000-0000-7000-8000-000000000001"
RESPONSE = "resp_00000000000070008000000000000001"
Json = dict[str, Any]


def started(dispatch: int = 1, attempt: int = 1) -> Started:
    return Started(request_id=REQUEST, dispatch=dispatch, attempt=attempt, worker="worker-1", provider="openai", model=f"model-{dispatch}")


def deltas(events: list[Event], seq: int = 0, dispatch: int = 1, attempt: int = 1) -> Deltas:
    return Deltas(request_id=REQUEST, dispatch=dispatch, attempt=attempt, seq=seq, events=events)


def completed(seq: int, dispatch: int = 1) -> Completed:
    return Completed(
        request_id=REQUEST, dispatch=dispatch, attempt=1, seq=seq, status="completed", response=Body(inline=b"{}"), provider="openai",
        model="model-1",
    )


def answer(pieces: list[tuple[str, str]], attempt: int = 1) -> list[list[Event]]:
    """What a worker says, a list for each read, without the last: what is open stays open."""
    frame = Frame({}, response_id=RESPONSE, request_id=REQUEST, created_at=1, model="model-1", metadata={}, attempt=attempt)
    builder = ResponseBuilder(frame)
    said = [builder.start()]
    for number, (kind, text) in enumerate(pieces):
        if kind == "text":
            said.append(builder.text(text))
        elif kind == "refusal":
            said.append(builder.refusal(text))
        elif kind == "reasoning":
            said.append(builder.reasoning(text))
        else:
            said += [builder.call(number, f"call_{number}", "look_up", custom=kind == "custom"), builder.arguments(number, text)]
    return [events for events in said if events]


def log_of(pieces: list[tuple[str, str]], dispatch: int = 1, behind: int = 0) -> list[DeltaMessage]:
    said = answer(pieces, dispatch)
    if behind:
        said = [events for events in (shifted(events, behind) for events in said) if events]
    return [started(dispatch), *(deltas(events, seq, dispatch) for seq, events in enumerate(said))]


def folded(messages: list[DeltaMessage]) -> tuple[Fold, list[Event]]:
    fold = Fold()
    return fold, [event for message in messages for event in fold.take(message, 1.0)]


def json_of(event: Event) -> Json:
    return dict(msgspec.json.decode(event.data))


PIECES = st.lists(
    st.tuples(st.sampled_from(["text", "refusal", "reasoning", "call", "custom"]), st.text(min_size=1, max_size=5)), max_size=6
)


def test_the_events_of_one_dispatch_are_all_there() -> None:
    messages = [*log_of([("text", "Hello"), ("text", " you")]), completed(3)]
    fold, events = folded(messages)
    assert [event for said in answer([("text", "Hello"), ("text", " you")]) for event in said] == events
    assert fold.ended
    assert fold.by == ["openai/model-1"]


@given(PIECES, PIECES, PIECES)
def test_a_lost_dispatch_is_closed_and_the_next_goes_on_behind_it(first: Any, second: Any, third: Any) -> None:
    messages: list[DeltaMessage] = []
    for dispatch, pieces in ((1, first), (1001, second), (2001, third)):
        fold, _ = folded(messages)
        messages.append(deltas(fold.closing(), dispatch=dispatch - 1, attempt=CLOSING))
        fold, _ = folded(messages)
        assert fold.closing() == []
        messages += log_of(pieces, dispatch, behind=len(fold.items))
    messages.append(deltas(folded(messages)[0].closing(), dispatch=END, attempt=CLOSING))
    fold, events = folded(messages)
    assert fold.ended
    _is_well_formed(events, fold.items)


@given(PIECES, st.data())
def test_everybody_reads_the_same_stream(pieces: Any, data: st.DataObject) -> None:
    # Attempts that a newer one has replaced, messages that came twice, gaps, and closings in any place.
    messages = [
        *log_of(pieces), *log_of(pieces, 2), deltas([], dispatch=2, attempt=CLOSING), completed(1, 3),
        Released(request_id=REQUEST, dispatch=2, attempt=1, expires_at=9.0),
    ]
    mixed = data.draw(st.lists(st.sampled_from(messages), max_size=20))
    _, whole = folded(mixed)
    cut = data.draw(st.integers(0, len(mixed)))
    fold, events = folded(mixed[:cut])
    assert events == whole[: len(events)]
    assert events + [event for message in mixed[cut:] for event in fold.take(message)] == whole


def test_opening_events_that_come_again_are_left_out() -> None:
    opening = answer([])[0]
    _, events = folded([started(), deltas(opening), deltas([], dispatch=1, attempt=CLOSING), *log_of([("text", "Hi")], 2)])
    assert [event.type for event in events].count("response.created") == 1
    assert events[-1].type == "response.output_text.delta"


def test_what_a_given_up_dispatch_still_says_counts_no_more() -> None:
    fold, events = folded([*log_of([("text", "a")]), deltas([], dispatch=1, attempt=CLOSING)])
    assert fold.take(deltas(answer([("text", "late")])[1], seq=2)) == []
    assert fold.take(completed(3)) == []
    assert fold.completed is None
    assert events


def test_what_follows_a_gap_is_worth_nothing() -> None:
    log = log_of([("text", "a"), ("text", "b"), ("text", "c")])
    fold, _ = folded([*log[:3], *log[4:]])
    assert fold.broken
    assert fold.items[0]["content"][0]["text"] == "a"


def test_the_half_item_is_closed_with_what_was_said() -> None:
    fold, _ = folded(log_of([("text", "Hello"), ("text", " wor")]))
    closing = fold.closing()
    assert [event.type for event in closing] == [
        "response.output_text.done", "response.content_part.done", "response.output_item.done",
    ]
    assert json_of(closing[0])["text"] == "Hello wor"
    item = json_of(closing[2])["item"]
    assert (item["status"], item["content"][0]["text"]) == ("incomplete", "Hello wor")


def test_half_arguments_of_a_call_are_closed_as_incomplete() -> None:
    fold, _ = folded(log_of([("call", '{"city": "Ber')]))
    closing = fold.closing()
    assert [event.type for event in closing] == ["response.function_call_arguments.done", "response.output_item.done"]
    assert json_of(closing[1])["item"] | {"id": ""} == {
        "type": "function_call", "id": "", "call_id": "call_0", "name": "look_up", "arguments": '{"city": "Ber', "status": "incomplete",
    }


def test_a_closing_may_come_in_several_messages() -> None:
    messages = log_of([("text", "Hello")])
    for seq, event in enumerate(folded(messages)[0].closing()):
        messages.append(deltas([event], seq, dispatch=END, attempt=CLOSING))
        fold, _ = folded(messages)
    assert fold.ended
    assert fold.items[0]["status"] == "incomplete"


def _is_well_formed(events: list[Event], items: list[Json]) -> None:
    """Each item opens once, in order, is filled while it is open, and what is said of it at the end is what was written."""
    done: dict[int, Json] = {}
    open_items: set[int] = set()
    texts: dict[Any, str] = {}
    for event in events:
        said = json_of(event)
        index = said.get("output_index", -1)
        if event.type == "response.output_item.added":
            assert index == len(done) + len(open_items)
            open_items.add(index)
        elif event.type == "response.output_item.done":
            open_items.remove(index)
            done[index] = said["item"]
        elif index >= 0:
            assert index in open_items
        kind, _, last = event.type.rpartition(".")
        place = (kind, index, said.get("content_index"), said.get("summary_index"))
        if last == "delta":
            texts[place] = texts.get(place, "") + said["delta"]
        elif last == "done" and place in texts:
            assert texts[place] in (said.get("text"), said.get("refusal"), said.get("arguments"), said.get("input"))
    assert not open_items
    assert [item for _, item in sorted(done.items())] == items
