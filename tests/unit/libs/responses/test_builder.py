"""The state machine behind every dialect that is not OpenAI's."""

import timeit
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.deltas import Event
from libs.responses.builder import ResponseBuilder, fresh_id, is_fresh_id
from services.provider_worker.dialect import Outcome, Usage
from tests.conformance.answers import Grammar, call, check_event, check_outcome

Json = dict[str, Any]


def made(attempt: int = 1) -> ResponseBuilder:
    return ResponseBuilder(call(attempt=attempt).frame)


def item(prefix: str, n: int) -> str:
    """The id of the item at place `n`."""
    return call().frame.item_id(prefix, n)


def checked(builder: ResponseBuilder, events: list[Event]) -> list[Json]:
    """The events, valid and in order, with the output that they add up to."""
    messages = [check_event(event, number) for number, event in enumerate(events)]
    assert Grammar().check(messages).output == builder.output
    check_outcome(Outcome(status="completed", response={"output": builder.output}, usage=Usage()))
    return messages


def kinds(events: list[Json]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_p63_text() -> None:
    builder = made()
    events = checked(builder, builder.start(model="m") + builder.text("Hel") + builder.text("") + builder.text("lo \"ü\" ") + builder.finish())
    assert kinds(events) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done",
    ]
    assert builder.output[0]["content"][0]["text"] == 'Hello "ü" '
    assert events[0]["response"]["model"] == "m"


def test_nothing_said_is_an_empty_output() -> None:
    builder = made()
    assert kinds(checked(builder, builder.start() + builder.finish())) == ["created", "in_progress"]
    assert builder.output == []


def test_text_around_calls_makes_messages_of_its_own() -> None:
    builder = made()
    events = builder.start() + builder.text("a") + builder.call(0, "c", "f") + builder.arguments(0, "{}") + builder.call_done(0)
    checked(builder, events + builder.text("b") + builder.finish())
    assert [item["type"] for item in builder.output] == ["message", "function_call", "message"]


def test_p66_interleaved_calls_keep_an_item_each() -> None:
    builder = made()
    events = builder.start() + builder.call("x", "c1", "f") + builder.call("y", "c2", "g")
    for key, piece in (("x", '{"a"'), ("y", "["), ("x", ":1}"), ("y", "]")):
        events += builder.arguments(key, piece)
    checked(builder, events + builder.finish())
    assert [item["arguments"] for item in builder.output] == ['{"a":1}', "[]"]


def test_p65_a_call_without_arguments_has_an_empty_object() -> None:
    builder = made()
    events = checked(builder, builder.start() + builder.call(0, "c", "f") + builder.call_done(0) + builder.finish())
    assert kinds(events)[-3:] == ["function_call_arguments.delta", "function_call_arguments.done", "output_item.done"]
    assert events[-2]["name"] == "f"


def test_pieces_for_an_unknown_call_are_ignored() -> None:
    builder = made()
    assert builder.arguments("nobody", "{}") == builder.call_done("nobody") == []


def test_refusals_follow_text_in_a_part_of_their_own() -> None:
    builder = made()
    checked(builder, builder.start() + builder.text("Well, ") + builder.refusal("no") + builder.refusal(".") + builder.finish())
    assert builder.output[0]["content"] == [
        {"type": "output_text", "text": "Well, ", "annotations": [], "logprobs": []}, {"type": "refusal", "refusal": "no."},
    ]


def test_p38_summaries_and_raw_reasoning_have_their_own_events() -> None:
    builder = made()
    events = builder.start() + builder.reasoning("sum") + builder.reasoning_done("opaque")
    events = checked(builder, events + builder.reasoning("raw", raw=True) + builder.text("x") + builder.finish())
    assert "reasoning_summary_text.delta" in kinds(events)
    assert "reasoning_text.delta" in kinds(events)
    summary = [{"type": "summary_text", "text": "sum"}]
    assert builder.output[0] == {"type": "reasoning", "id": item("rs", 0), "summary": summary, "encrypted_content": "opaque"}
    assert builder.output[1]["content"] == [{"type": "reasoning_text", "text": "raw"}]


def test_opaque_reasoning_without_text() -> None:
    builder = made()
    checked(builder, builder.start() + builder.reasoning() + builder.reasoning_done("opaque") + builder.finish())
    assert builder.output == [{"type": "reasoning", "id": item("rs", 0), "summary": [], "encrypted_content": "opaque"}]


def test_ids_are_those_of_the_place_and_the_attempt() -> None:
    outputs = []
    for attempt in (1, 2):
        builder = made(attempt)
        checked(builder, builder.start() + builder.text("a") + builder.call(0, "c", "f") + builder.text("b") + builder.finish())
        outputs.append([item["id"] for item in builder.output])
    assert outputs[0] == [item("msg", 0), item("fc", 1), item("msg", 2)]
    assert not set(outputs[0]) & set(outputs[1])


def scored(token: str) -> Json:
    return {"token": token, "bytes": list(token.encode()), "logprob": -0.5, "top_logprobs": []}


def test_log_probabilities_go_with_their_text() -> None:
    builder = made()
    events = builder.start() + builder.text("a", [scored("a")]) + builder.text("b") + builder.text("c", [scored("c")])
    messages = checked(builder, events + builder.text("", [scored("")]) + builder.refusal("no") + builder.finish())
    tokens = [[one["token"] for one in event["logprobs"]] for event in messages if event["type"].startswith("response.output_text")]
    assert tokens == [["a"], [], ["c"], ["a", "c", ""]]
    text, refusal = builder.output[0]["content"]
    assert [one["token"] for one in text["logprobs"]] == ["a", "c", ""]
    assert "logprobs" not in refusal


def test_log_probabilities_without_a_text_are_nobodys() -> None:
    builder = made()
    checked(builder, builder.start() + builder.text("", [scored("x")]) + builder.reasoning("r") + builder.text("", [scored("x")]) + builder.finish())
    assert [item["type"] for item in builder.output] == ["reasoning"]


def test_annotations_belong_to_the_open_part() -> None:
    builder = made()
    note = {"type": "url_citation", "url": "https://x", "title": "t", "start_index": 0, "end_index": 1}
    assert builder.annotation(note) == []
    checked(builder, builder.start() + builder.text("a") + builder.annotation(note) + builder.finish())
    assert builder.output[0]["content"][0]["annotations"] == [note]


def test_p29_freeform_calls() -> None:
    builder = made()
    events = builder.start() + builder.call(0, "c", "sh", custom=True) + builder.arguments(0, '{"inp') + builder.arguments(0, 'ut":"ls"}')
    events = checked(builder, events + builder.call_done(0) + builder.finish())
    assert builder.output[0]["input"] == "ls"
    assert kinds(events)[-3:] == ["custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"]


@pytest.mark.parametrize("written", ["ls -l", '"ls"', '{"command":"ls"}'])
def test_a_freeform_call_that_is_not_wrapped_stays_as_written(written: str) -> None:
    builder = made()
    checked(builder, builder.start() + builder.call(0, "c", "sh", custom=True) + builder.arguments(0, written) + builder.finish())
    assert builder.output[0]["input"] == written


def test_only_the_last_item_of_a_cut_answer_is_incomplete() -> None:
    builder = made()
    events = builder.start() + builder.text("a") + builder.call(0, "c1", "f") + builder.arguments(0, "{}") + builder.call(1, "c2", "f")
    events += builder.arguments(1, '{"half')
    messages = [check_event(event, number) for number, event in enumerate(events + builder.finish(whole=False))]
    assert [item["status"] for item in builder.output] == ["completed", "completed", "incomplete"]
    assert messages[-1]["item"]["arguments"] == '{"half'


def test_snapshots_can_be_taken_at_any_time() -> None:
    builder = made()
    builder.start()
    builder.text("a")
    assert builder.output[0]["status"] == "in_progress"
    builder.text("b")
    assert builder.output[0]["content"][0]["text"] == "ab"
    assert builder.chars == 2


STEPS = st.sampled_from(["text", "refusal", "reasoning", "raw", "sealed", "call", "custom", "arguments", "done"])


@given(st.lists(STEPS, max_size=30), st.text(max_size=5), st.booleans())
def test_every_order_of_calls_is_grammatical(steps: list[str], text: str, whole: bool) -> None:
    builder, keys = made(), count(1)
    events, key = builder.start(), 0
    for step in steps:
        if step in ("call", "custom"):
            key = next(keys)
            events += builder.call(key, f"c{key}", "f", custom=step == "custom")
        else:
            events += _take(builder, step, key, text)
    checked(builder, events + builder.finish(whole=whole))


def _take(builder: ResponseBuilder, step: str, key: int, text: str) -> list[Event]:
    steps = {
        "text": lambda: builder.text(text), "refusal": lambda: builder.refusal(text), "reasoning": lambda: builder.reasoning(text),
        "raw": lambda: builder.reasoning_done() + builder.reasoning(text, raw=True), "sealed": lambda: builder.reasoning_done("s"),
        "arguments": lambda: builder.arguments(key, text), "done": lambda: builder.call_done(key),
    }
    return steps[step]()


def test_fresh_ids_are_fresh() -> None:
    assert fresh_id("msg").startswith("msg_")
    assert len({fresh_id("rs") for _ in range(1000)}) == 1000


def test_ids_of_ours_are_told_from_a_providers() -> None:
    assert is_fresh_id(fresh_id("call"))
    assert is_fresh_id(item("msg", 0))
    for other in ("msg_68f0a1c2d3e4f5a6b7c8d9e0f1a2b3c4", "chatcmpl-1", "", None, 7, "tr"):
        assert not is_fresh_id(other)


def test_a_delta_costs_next_to_nothing() -> None:
    builder = made()
    builder.start()
    builder.text("begin")
    # 0.5 µs on the reference machine; the bound only catches a change of kind.
    assert min(timeit.repeat(lambda: builder.text(" token"), number=1000, repeat=5)) / 1000 < 50e-6
