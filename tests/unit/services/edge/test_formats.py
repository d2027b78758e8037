"""The Responses API's own stream formats."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.deltas import Event
from libs.contracts.errors import InvalidRequest
from services.edge.formats.format import Format
from services.edge.formats.openai import ResponsesFormat
from services.edge.formats.tokenrouter import TokenRouterFormat


def event(kind: str, **payload: Any) -> Event:
    return Event(kind, json.dumps({"type": kind, **payload}, ensure_ascii=False).encode())


@given(st.lists(st.lists(st.text(), max_size=4), max_size=6))
def test_numbers_have_no_gap_however_events_are_grouped(groups: list[list[str]]) -> None:
    writer = ResponsesFormat()
    written = b"".join(writer.write([event("response.output_text.delta", delta=text) for text in group]) for group in groups).decode()
    blocks = [block for block in written.split("\n\n") if block]
    texts = [text for group in groups for text in group]
    assert len(blocks) == len(texts)
    for number, (block, text) in enumerate(zip(blocks, texts, strict=True)):
        name, data = block.split("\n")
        payload = json.loads(data.removeprefix("data: "))
        assert name == "event: response.output_text.delta"
        assert payload == {"type": "response.output_text.delta", "delta": text, "sequence_number": number}


def test_line_separators_are_escaped() -> None:
    written = ResponsesFormat().write([event("response.output_text.delta", delta="a\u2028b\u2029c")])
    assert "\u2028" not in written.decode()
    assert json.loads(written.decode().split("data: ")[1])["delta"] == "a\u2028b\u2029c"


def test_tokenrouter_format_of_a_tool_call() -> None:
    response = {"status": "completed", "model": "m", "metadata": {"provider": "p", "routing_mode": "cost"}, "usage": None}
    written = TokenRouterFormat().write([
        event("response.created", response=response),
        event("response.output_item.added", item={"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ""}),
        event("response.function_call_arguments.delta", item_id="fc_1", delta='{"a":'),
        event("response.function_call_arguments.delta", item_id="fc_1", delta="1}"),
        event("response.completed", response=response),
    ]).decode()
    names = [line.removeprefix("event: ") for line in written.split("\n") if line.startswith("event: ")]
    assert names == ["metadata", "message.start", *["tool_call.delta"] * 3, "usage", "message.end", "done"]
    payloads = [json.loads(line.removeprefix("data: ")) for line in written.split("\n") if line.startswith("data: ")]
    assert "".join(payload["arguments_delta"] for payload in payloads[2:5]) == '{"a":1}'
    assert all(payload["event"] and payload["type"] for payload in payloads[:-1])


def test_tokenrouter_format_names_a_failure_under_error() -> None:
    response = {"status": "failed", "model": "m", "metadata": {}, "error": {"code": "server_error", "message": "broke"}}
    written = TokenRouterFormat().write([event("response.failed", response=response)]).decode()
    assert '"error":{' in written
    assert written.endswith("event: done\ndata: null\n\n")


def test_numbers_go_on_from_where_a_client_left() -> None:
    written = ResponsesFormat(7).write([event("response.output_text.delta", delta="a"), event("response.output_text.delta", delta="b")]).decode()
    assert [json.loads(block.split("data: ")[1])["sequence_number"] for block in written.split("\n\n") if block] == [7, 8]


@pytest.mark.parametrize("form", [ResponsesFormat(), TokenRouterFormat()], ids=["openai", "tokenrouter"])
def test_what_is_not_streamed_is_the_same_in_both(form: Format) -> None:
    assert form.body(b'{"id":"resp_1"}') == (200, b'{"id":"resp_1"}')
    assert form.headers("req_1") == {"x-tokenrouter-request-id": "req_1", "x-request-id": "req_1"}
    told = json.loads(form.error(InvalidRequest("wrong", param="input").info, "req_1"))["error"]
    assert (told["type"], told["message"], told["param"], told["request_id"]) == ("invalid_request_error", "wrong", "input", "req_1")
    assert form.heartbeat.startswith(b":")
    assert form.heartbeat.endswith(b"\n\n")
