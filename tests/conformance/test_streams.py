"""Every dialect turns its provider's streams into the one Responses grammar."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.responses.item_ids import response_id_in
from services.provider_worker.dialect import Dialect, ProviderFailure
from tests.conformance.answers import (
    DIALECTS,
    RESPONSE_ID,
    Grammar,
    call,
    check_event,
    check_outcome,
    comparable,
    feed,
    having,
    opened,
    recorded,
    stream_bytes,
    streamed,
    upstream_events,
    whole_bytes,
)

Json = dict[str, Any]

TRUE = [(provider, name) for provider in DIALECTS for name in recorded(provider, "json") if not name.startswith("failed")]
UNTOLD = [(provider, name) for name in ("no_created", "unknown_events") for provider in having(name)]
BROKEN = [(provider, "garbage") for provider in having("garbage")]
CUT = [(provider, "cut_off") for provider in having("cut_off")]
RICH = [(provider, name) for name in ("text", "tools", "thinking", "reasoning") for provider in having(name)]


@pytest.mark.parametrize(("provider", "name"), [*TRUE, *UNTOLD])
def test_p63_events_are_valid_and_in_grammatical_order(provider: str, name: str) -> None:
    events, outcome = streamed(DIALECTS[provider], stream_bytes(provider, name))
    grammar = Grammar().check([event for event in events if "future" not in event["type"]])
    final = check_outcome(outcome)
    assert [item["id"] for item in grammar.output] == [item["id"] for item in final["output"]]
    assert grammar.output == final["output"]


@pytest.mark.parametrize(("provider", "name"), TRUE)
def test_whole_and_streamed_answers_are_the_same(provider: str, name: str) -> None:
    _, from_stream = streamed(DIALECTS[provider], stream_bytes(provider, name))
    from_whole = DIALECTS[provider].read(whole_bytes(provider, name), call(stream=False))
    check_outcome(from_whole)
    assert from_whole.usage == from_stream.usage
    assert from_whole.status == from_stream.status
    assert from_whole.provider_response_id == from_stream.provider_response_id
    for field in ("usage", "incomplete_details", "error", "model"):
        assert from_whole.response.get(field) == from_stream.response.get(field)
    assert comparable(from_whole.response["output"]) == comparable(from_stream.response["output"])


@pytest.mark.parametrize(("provider", "name"), TRUE)
def test_every_item_id_is_ours_and_tells_of_its_response_and_attempt(provider: str, name: str) -> None:
    first, second = (streamed(DIALECTS[provider], stream_bytes(provider, name), made=call(attempt=attempt)) for attempt in (1, 2))
    ids, others = (_item_ids([*events, outcome.response]) for events, outcome in (first, second))
    assert {response_id_in(one) for one in ids} <= {RESPONSE_ID}
    assert len(ids) == len(others) == len(first[1].response["output"])
    assert not ids & others


@given(data=st.data())
@pytest.mark.parametrize(("provider", "name"), RICH)
def test_p67_cutting_the_bytes_anywhere_changes_nothing(provider: str, name: str, data: st.DataObject) -> None:
    stream = stream_bytes(provider, name)
    if data.draw(st.booleans()):
        stream = stream.replace(b"\n", b"\r\n")
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=40))
    expected, whole = streamed(DIALECTS[provider], stream_bytes(provider, name))
    events, outcome = streamed(DIALECTS[provider], stream, cuts)
    assert _without_drawn_ids(events) == _without_drawn_ids(expected)
    assert outcome.usage == whole.usage


@pytest.mark.parametrize(("provider", "name"), RICH)
def test_p67_one_byte_at_a_time(provider: str, name: str) -> None:
    stream = stream_bytes(provider, name)
    expected, _ = streamed(DIALECTS[provider], stream)
    events, _ = streamed(DIALECTS[provider], stream, range(len(stream)))
    assert _without_drawn_ids(events) == _without_drawn_ids(expected)


@pytest.mark.parametrize(("provider", "name"), BROKEN)
def test_garbage_in_a_stream_is_a_failure_that_may_have_cost(provider: str, name: str) -> None:
    reader = DIALECTS[provider].reader(call())
    with pytest.raises(ProviderFailure) as caught:
        feed(reader, stream_bytes(provider, name))
    assert (caught.value.code, caught.value.billing, caught.value.fallback) == ("upstream_error", "maybe", True)
    assert reader.outcome is None


@pytest.mark.parametrize("data", [b"null", b"[]", b'"text"', b"7", b"{}", b'{"type":null}', b"{", b"\xff\xfe", b'{"type":"error"}'])
@pytest.mark.parametrize("provider", DIALECTS)
def test_no_event_data_breaks_a_reader(provider: str, data: bytes) -> None:
    for name in (b"message", b"response.output_item.added", b"response.created", b"response.completed", b"content_block_delta", b"error"):
        reader = DIALECTS[provider].reader(call())
        with suppress(ProviderFailure):
            feed(reader, b"event: %b\ndata: %b\n\n" % (name, data))
        assert reader.outcome is None


@given(data=st.data())
@pytest.mark.parametrize(("provider", "name"), RICH)
def test_events_in_any_order_fail_cleanly_or_make_sense(provider: str, name: str, data: st.DataObject) -> None:
    upstream = upstream_events(stream_bytes(provider, name))
    order = data.draw(st.lists(st.sampled_from(upstream), max_size=30))
    reader, events = DIALECTS[provider].reader(call()), []
    with suppress(ProviderFailure):
        for event in order:
            events += reader.feed(event)
        if reader.outcome is None:
            reader.abandon()
        elif provider != "openai":
            whole = [check_event(event, number) for number, event in enumerate(events)]
            assert Grammar().check(whole).output == reader.outcome.response["output"]


@pytest.mark.parametrize(("provider", "name"), CUT)
def test_p52_a_stream_without_an_end_is_failed_and_never_completed(provider: str, name: str) -> None:
    reader = DIALECTS[provider].reader(call())
    feed(reader, stream_bytes(provider, name))
    assert reader.outcome is None
    outcome = reader.abandon()
    assert outcome.status == "failed"
    assert outcome.response["error"]["code"] == "server_error"
    [item] = outcome.response["output"]
    assert item["status"] == "incomplete"
    assert item["content"][0]["text"].startswith("Half")
    assert outcome.usage.source == "estimated"
    assert outcome.usage.output_tokens > 0
    check_outcome(outcome)


@pytest.mark.parametrize("provider", DIALECTS)
def test_a_stream_that_never_began_has_nothing_to_bill(provider: str) -> None:
    outcome = DIALECTS[provider].reader(call()).abandon()
    assert outcome.response["output"] == []
    assert outcome.usage.source == "none"
    check_outcome(outcome)


@pytest.mark.parametrize(("provider", "name", "code"), [
    ("anthropic", "overloaded_first", "upstream_unavailable"), ("openai", "error_first", "rate_limit_exceeded"),
    ("gemini", "error_first", "upstream_unavailable"),
])
def test_p68_an_error_before_anything_else_may_fall_back(provider: str, name: str, code: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        feed(DIALECTS[provider].reader(call()), stream_bytes(provider, name))
    assert (caught.value.code, caught.value.fallback, caught.value.billing) == (code, True, "none")


@pytest.mark.parametrize(("provider", "name"), [("anthropic", "overloaded_late"), ("openai", "error_late"), ("gemini", "error_late")])
def test_p68_an_error_after_deltas_keeps_what_was_said(provider: str, name: str) -> None:
    reader = DIALECTS[provider].reader(call())
    with pytest.raises(ProviderFailure) as caught:
        feed(reader, stream_bytes(provider, name))
    assert (caught.value.code, caught.value.billing) == ("upstream_unavailable", "maybe")
    assert reader.abandon().response["output"][0]["content"][0]["text"].startswith("Half")


@pytest.mark.parametrize("provider", having("tools"))
def test_p25_big_integers_in_arguments_survive(provider: str) -> None:
    for outcome in _both(DIALECTS[provider], provider, "tools"):
        calls = [item for item in outcome.response["output"] if item["type"] == "function_call"]
        assert msgspec.json.decode(calls[0]["arguments"])["station"] == 9007199254740993123
        assert "9007199254740993123" in calls[0]["arguments"]
        assert calls[1]["arguments"] == "{}"


@pytest.mark.parametrize("provider", having("max_tokens"))
def test_p48_reaching_the_cap_is_incomplete(provider: str) -> None:
    for outcome in _both(DIALECTS[provider], provider, "max_tokens"):
        assert outcome.status == "incomplete"
        assert outcome.response["incomplete_details"] == {"reason": "max_output_tokens"}
        assert outcome.response["output"][-1]["status"] == "incomplete"


@pytest.mark.parametrize("provider", having("refusal"))
def test_p53_a_refusal_is_a_refusal_part(provider: str) -> None:
    for outcome in _both(DIALECTS[provider], provider, "refusal"):
        assert outcome.status == "completed"
        assert outcome.response["output"][-1]["content"][-1]["type"] == "refusal"


@pytest.mark.parametrize("provider", DIALECTS)
def test_p60_usage_always_has_both_details_objects(provider: str) -> None:
    for name in recorded(provider, "json"):
        if not name.startswith("failed"):
            usage = DIALECTS[provider].read(whole_bytes(provider, name), call()).response["usage"]
            assert set(usage["input_tokens_details"]) >= {"cached_tokens", "cache_write_tokens"}
            assert "reasoning_tokens" in usage["output_tokens_details"]
            assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


@pytest.mark.parametrize("body", [b"", b"<html><h1>502</h1></html>", b"null", b"[]", b"{}", b"\x00\xff", b'{"type":"message","content":7}', b'"x"'])
@pytest.mark.parametrize("provider", DIALECTS)
def test_p77_a_whole_answer_that_is_none_is_a_failure(provider: str, body: bytes) -> None:
    with pytest.raises(ProviderFailure) as caught:
        DIALECTS[provider].read(body, call(stream=False))
    assert caught.value.billing == "maybe"


@pytest.mark.parametrize("provider", DIALECTS)
def test_events_after_the_end_change_nothing(provider: str) -> None:
    stream = stream_bytes(provider, "text")
    reader = DIALECTS[provider].reader(call())
    feed(reader, stream)
    outcome = reader.outcome
    assert feed(reader, b'event: ping\ndata: {"type":"ping"}\n\nevent: keepalive\ndata: {"type":"keepalive","sequence_number":9}\n\n') == []
    assert reader.outcome is outcome


def test_a_stream_of_many_small_events_is_valid_to_the_last() -> None:
    pieces = [b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n'] * 2000
    start = upstream_bytes_until(stream_bytes("anthropic", "text"), 2)
    reader = DIALECTS["anthropic"].reader(call())
    events = feed(reader, start + b"".join(pieces))
    assert len(events) == 2000 + 4
    check_event(events[-1], len(events))
    assert reader.abandon().response["output"][0]["content"][0]["text"] == "x" * 2000


def upstream_bytes_until(data: bytes, count: int) -> bytes:
    """The first `count` events of a stream, as bytes."""
    assert len(upstream_events(data)) > count
    return b"\n\n".join(data.split(b"\n\n")[:count]) + b"\n\n"


def _both(dialect: Dialect, provider: str, name: str) -> list[Any]:
    return [streamed(dialect, stream_bytes(provider, name))[1], dialect.read(whole_bytes(provider, name), call(stream=False))]


def _without_drawn_ids(value: Any) -> Any:
    """Sealed state opened, and without the ids of calls whose provider gave them none."""
    if isinstance(value, dict):
        return {name: _without_drawn_ids(opened({name: inner})[name]) for name, inner in value.items() if name != "call_id"}
    return [_without_drawn_ids(inner) for inner in value] if isinstance(value, list) else value


def _item_ids(told: list[Json]) -> set[str]:
    """Of items, wherever they are named in events or in a response."""
    items = [item for one in told for item in [one.get("item"), *one.get("output", [])] if item]
    return {item["id"] for item in items} | {one["item_id"] for one in told if "item_id" in one}
