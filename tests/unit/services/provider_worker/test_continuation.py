"""What the next provider is shown of an answer that broke off, and what the parts come to together."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from libs.contracts.deltas import Event
from libs.contracts.message import Body
from libs.contracts.requests import Delivered
from services.provider_worker.continuation import added, items_in, request_after, shifted, summed, usage_of
from services.provider_worker.dialect import Usage

Json = dict[str, Any]

MESSAGE: Json = {
    "type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
    "content": [{"type": "output_text", "text": "First.", "annotations": []}],
}
CALL: Json = {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "call_1", "name": "f", "arguments": "{}"}
CUSTOM: Json = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "sh", "input": "ls"}
REASONING: Json = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "tr1.AAAA"}


def test_p52_text_input_becomes_the_first_message_of_the_conversation() -> None:
    request: Json = {"input": "Tell me more", "temperature": 0.5}
    before = deepcopy(request)
    made = request_after(request, [MESSAGE])
    first, said, note = made["input"]
    assert first == {"type": "message", "role": "user", "content": "Tell me more"}
    assert said == {"type": "message", "role": "assistant", "content": MESSAGE["content"]}
    assert note["role"] == "developer"
    assert "interrupted" in note["content"]
    assert made["temperature"] == 0.5
    assert request == before


def test_p52_listed_input_keeps_its_place_in_front() -> None:
    given = [{"type": "message", "role": "user", "content": "Hi"}, {"type": "item_reference", "id": "x"}]
    made = request_after({"input": given}, [REASONING, MESSAGE])
    assert made["input"][:2] == given
    assert [item["type"] for item in made["input"][2:]] == ["reasoning", "message", "message"]
    assert made["input"][2]["encrypted_content"] == "tr1.AAAA"


@pytest.mark.parametrize("request_", [{}, {"input": None}, {"input": []}])
def test_p52_a_request_without_input_has_what_was_said(request_: Json) -> None:
    assert [item["role"] for item in request_after(request_, [MESSAGE])["input"]] == ["assistant", "developer"]


def test_p27_every_call_gets_an_output_behind_all_of_them() -> None:
    made = request_after({"input": "x"}, [CALL, CUSTOM])
    kinds = [(item["type"], item.get("call_id")) for item in made["input"][1:-1]]
    assert kinds == [
        ("function_call", "call_1"), ("custom_tool_call", "call_2"), ("function_call_output", "call_1"), ("custom_tool_call_output", "call_2"),
    ]
    assert all("not here yet" in item["output"] for item in made["input"][3:5])


def test_p63_a_continuing_answer_is_numbered_on_and_opens_nothing_anew() -> None:
    events = [
        Event("response.created", b'{"type":"response.created","response":{}}'), Event("response.in_progress", b'{"type":"response.in_progress"}'),
        Event("response.output_text.delta", b'{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"\\u00fc"}'),
        Event("response.other", b'{"type":"response.other"}'),
    ]
    delta, other = shifted(events, 3)
    assert msgspec.json.decode(delta.data) == {"type": delta.type, "output_index": 4, "content_index": 0, "delta": "ü"}
    assert msgspec.json.decode(other.data) == {"type": "response.other"}


def test_items_are_those_of_their_done_events() -> None:
    assert items_in([b'{"type":"response.output_item.done","output_index":0,"item":{"type":"message"}}']) == [{"type": "message"}]
    assert items_in([]) == []


FIRST = Usage(input_tokens=10, output_tokens=5, cached_tokens=4, cache_write_tokens=3, reasoning_tokens=2)
SECOND = Usage(input_tokens=20, output_tokens=7, reasoning_tokens=1, source="estimated")


def _added(earlier: Delivered | None, count: int, usage: Usage, cost: str | None) -> Delivered:
    return added(earlier, Body(inline=b"[]", size=count), count, f"openai/model-{count}", usage, cost)


def test_p61_what_was_delivered_adds_up_exactly() -> None:
    both = _added(_added(None, 1, FIRST, "0.1"), 3, SECOND, "0.2")
    assert both == Delivered(
        items=Body(inline=b"[]", size=3), count=3, by=["openai/model-1", "openai/model-3"], input_tokens=30, output_tokens=12, cached_tokens=4,
        cache_write_tokens=3, reasoning_tokens=3, cost_usd="0.3",
    )
    assert _added(None, 1, FIRST, "0.0000001").cost_usd == "0.0000001"


@pytest.mark.parametrize("costs", [(None, "0.2"), ("0.1", None), (None, None)])
def test_p61_an_unknown_cost_makes_the_sum_unknown(costs: tuple[str | None, str | None]) -> None:
    assert _added(_added(None, 1, FIRST, costs[0]), 2, SECOND, costs[1]).cost_usd is None


def test_p61_the_usage_of_the_whole_answer_is_that_of_all_attempts() -> None:
    whole = summed(_added(None, 1, FIRST, None), SECOND)
    assert whole == Usage(input_tokens=30, output_tokens=12, cached_tokens=4, cache_write_tokens=3, reasoning_tokens=3, source="estimated")
    assert usage_of(whole) == {
        "input_tokens": 30, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3}, "output_tokens": 12,
        "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 42,
    }
    assert usage_of(Usage(source="none")) is None


def test_a_call_or_reasoning_that_broke_off_is_not_shown_to_the_next_model() -> None:
    half = [
        {"type": "reasoning", "id": "rs_1", "status": "incomplete", "summary": []},
        {"type": "function_call", "id": "fc_1", "status": "incomplete", "call_id": "call_1", "name": "f", "arguments": '{"a'},
        {"type": "message", "id": "msg_1", "status": "incomplete", "role": "assistant", "content": [{"type": "output_text", "text": "Hal"}]},
    ]
    said = request_after({"input": "hi"}, half)["input"]
    assert [item["type"] for item in said] == ["message", "message", "message"]
    assert said[1] == {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hal"}]}
