"""Stream writers."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.deltas import Event
from services.edge.formats import OpenAIWriter, TokenRouterWriter


def event(kind: str, **payload: Any) -> Event:
    return Event(kind, json.dumps({"type": kind, **payload}, ensure_ascii=False).encode())


@given(st.lists(st.lists(st.text(), max_size=4), max_size=6))
def test_numbers_have_no_gap_however_events_are_grouped(groups: list[list[str]]) -> None:
    writer = OpenAIWriter()
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
    written = OpenAIWriter().write([event("response.output_text.delta", delta="a\u2028b\u2029c")])
    assert "\u2028" not in written.decode()
    assert json.loads(written.decode().split("data: ")[1])["delta"] == "a\u2028b\u2029c"


def test_tokenrouter_format_of_a_tool_call() -> None:
    response = {"status": "completed", "model": "m", "metadata": {"provider": "p", "routing_mode": "cost"}, "usage": None}
    written = TokenRouterWriter().write([
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
    written = TokenRouterWriter().write([event("response.failed", response=response)]).decode()
    assert '"error":{' in written
    assert written.endswith("event: done\ndata: null\n\n")
