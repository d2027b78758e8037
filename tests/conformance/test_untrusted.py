"""Whatever clients and providers send, only ProviderFailure leaves a dialect, and what it makes of an answer can be sent."""

from contextlib import suppress
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.errors import InvalidRequest
from libs.responses.canonical import canonical
from services.provider_worker.dialect import Outcome, ProviderFailure, Usage
from services.provider_worker.dialects.openai.chat_only import suits_chat
from tests.conformance.answers import DIALECTS, call, recorded, stream_bytes, upstream_events, whole_bytes

Json = dict[str, Any]

JUNK = st.sampled_from([
    None, True, 0, -1, 7.5, 1 << 70, "", " ", "x", "data:,", "ünï\ud7ff", [], [None], [[]], [{}], {}, {"type": "x"}, {"type": []},
])
SCHEMA: Json = {
    "type": "object", "properties": {"n": {"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/a"}]}}, "required": ["n"],
    "$defs": {"a": {"enum": [1]}},
}
REQUEST: Json = {
    "input": [
        {"type": "message", "role": "developer", "content": "d"},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "t"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "high"},
            {"type": "input_file", "file_data": "data:text/plain;base64,YQ==", "filename": "a"}, {"type": "input_file", "file_id": "f"},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "tr1.AAAA"},
        {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "a", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f.g", "arguments": '{"n":1}'},
        {"type": "custom_tool_call", "call_id": "c2", "name": "sh", "input": "ls"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "t"}], "is_error": True},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "o"},
        {"type": "compaction", "encrypted_content": "x"}, {"type": "item_reference", "id": "msg_2"},
    ],
    "instructions": "i", "tools": [
        {"type": "function", "name": "f.g", "parameters": SCHEMA, "strict": True},
        {"type": "custom", "name": "sh", "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}}, {"type": "web_search"},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f.g"}]},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}, "verbosity": "low"},
    "reasoning": {"effort": "high", "summary": "auto"},
    "temperature": 0.5, "top_p": 0.5, "max_output_tokens": 100, "stop": ["x"], "user": "u",
    "include": ["message.output_text.logprobs"], "top_logprobs": 2, "seed": 1, "presence_penalty": 0.5, "frequency_penalty": 0.5,
    "logit_bias": {"1": 1}, "metadata": {"a": "b"},
    "stream_options": {"include_usage": True}, "parallel_tool_calls": False, "service_tier": "auto", "safety_identifier": "s",
}


@given(data=st.data())
def test_no_request_breaks_the_choice_of_an_api(data: st.DataObject) -> None:
    with suppress(InvalidRequest):
        assert suits_chat(canonical(_spoilt(REQUEST, data))) in (True, False)


@given(data=st.data())
@pytest.mark.parametrize("provider", DIALECTS)
def test_no_request_breaks_a_dialect(provider: str, data: st.DataObject) -> None:
    with suppress(InvalidRequest):
        request = canonical(_spoilt(REQUEST, data))
        made = call(request | {"input": request.get("input", "x")}, reasoning=data.draw(st.booleans()))
        with suppress(ProviderFailure):
            msgspec.json.decode(DIALECTS[provider].build(made).content)


@given(data=st.data())
@pytest.mark.parametrize("provider", DIALECTS)
def test_no_whole_answer_breaks_a_dialect(provider: str, data: st.DataObject) -> None:
    answer = msgspec.json.decode(whole_bytes(provider, data.draw(st.sampled_from(recorded(provider, "json")))))
    with suppress(ProviderFailure):
        _check(DIALECTS[provider].read(msgspec.json.encode(_spoilt(answer, data)), call(stream=False)))


@given(data=st.data())
@pytest.mark.parametrize("provider", DIALECTS)
def test_no_event_breaks_a_dialect(provider: str, data: st.DataObject) -> None:
    names = [name for name in recorded(provider, "sse") if name != "garbage"]
    events = upstream_events(stream_bytes(provider, data.draw(st.sampled_from(names))))
    spoilt = data.draw(st.integers(0, len(events) - 1))
    reader = DIALECTS[provider].reader(call())
    with suppress(ProviderFailure):
        for number, event in enumerate(events):
            if number == spoilt and event.data.startswith(b"{"):
                event = msgspec.structs.replace(event, data=msgspec.json.encode(_spoilt(msgspec.json.decode(event.data), data)))
            for made in reader.feed(event):
                msgspec.json.decode(made.data)
        reader.end()
    _check(reader.outcome or reader.abandon())


def _check(outcome: Outcome) -> None:
    """The edge and the ledger can take it."""
    msgspec.json.encode(call().frame.render(outcome.response, status=outcome.status))
    assert isinstance(outcome.provider_response_id, str)
    for name in Usage.__struct_fields__:
        value = getattr(outcome.usage, name)
        assert name == "source" or (type(value) is int and value >= 0), name


def _spoilt(whole: Json, data: st.DataObject) -> Json:
    """A copy with something else in some places, or nothing."""
    made = deepcopy(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        places = list(_places(made))
        if places:
            holder, key = data.draw(st.sampled_from(places))
            if isinstance(holder, dict) and data.draw(st.booleans()):
                del holder[key]
            else:
                holder[key] = deepcopy(data.draw(JUNK))
    return made


def _places(value: Any) -> Any:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from _places(inner)
