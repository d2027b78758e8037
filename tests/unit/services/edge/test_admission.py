"""Admission: what may enter, and what is learned of it."""

import json
from typing import Any

import pytest

from libs.contracts.decisions import Target
from libs.contracts.errors import InvalidRequest, RequestTooLarge
from libs.contracts.preferences import Preferences
from libs.responses.canonical import canonical
from services.edge.admission import admit
from services.edge.body import MAX_DEPTH, parse, read


def admitted(body: dict[str, Any], **headers: str) -> Any:
    return admit(canonical(parse(json.dumps(body).encode())), headers, "openai")


def test_the_clients_bytes_travel_where_they_say_the_same() -> None:
    raw = b'{ "model":"gpt-4o", "input":"hi", "unknown": 1e2 }'
    assert admit(parse(raw), {}, "openai", raw=raw).body is raw
    assert json.loads(admit(parse(raw), {}, "openai").body) == json.loads(raw)


def test_facts_of_what_is_not_for_an_answer_are_told() -> None:
    facts = admit({"model": "text-embedding-3-small"}, {}, "openai", facts={"input_chars": 5, "embeddings": True}).facts
    assert (facts.embeddings, facts.input_chars, facts.target.model) == (True, 5, "text-embedding-3-small")


def test_a_worker_may_bring_a_provider_that_the_router_does_not_know() -> None:
    request = {"input": "hi", "router_provider": "acme"}
    assert admit(request, {}, "openai", ["acme"]).facts.override == Target(provider="acme")
    with pytest.raises(InvalidRequest, match="acme"):
        admit({"input": "hi", "router_provider": "x"}, {}, "openai", ["acme"])


def test_state_is_resolved_elsewhere() -> None:
    for wanted in ({"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"background": True}, {"background": True, "store": True}):
        assert admitted({"input": "hi", **wanted}).facts.model == "auto:balance"


def test_a_chat_style_request_becomes_canonical() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    body = json.loads(admitted({"input": [{"type": "text", "text": "hi"}], "tools": [tool]}).body)
    assert body["tools"][0]["name"] == "f"
    assert body["input"][0]["role"] == "user"


def test_no_model_means_auto_balance() -> None:
    facts = admitted({"input": "hi"}).facts
    assert facts.model == "auto:balance"
    assert facts.target == Target(), "the default mode is not one that was asked for"


def test_wishes_of_the_providers_are_read() -> None:
    assert admitted({"input": "hi"}).facts.preferences is None
    assert admitted({"input": "hi", "provider": {"order": ["OpenAI"]}}).facts.preferences == Preferences(order=["openai"])


def test_router_fields_are_an_override() -> None:
    facts = admitted({"input": "hi", "model": "gpt-4o", "router_provider": "google", "router_mode": "fast"}).facts
    assert facts.target == Target(model="gpt-4o")
    assert facts.override == Target(provider="gemini", mode="latency")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"), ({"input": []}, "input"), ({"input": 5}, "input"), ({"input": "hi", "model": 3}, "model"),
        ({"input": "hi", "model": " "}, "model"), ({"input": "hi", "model": "auto:nonsense"}, "model"),
        ({"input": "hi", "model": "openai/"}, "model"), ({"input": "hi", "temperature": 2.1}, "temperature"),
        ({"input": "hi", "temperature": "1"}, "temperature"), ({"input": "hi", "max_output_tokens": 0}, "max_output_tokens"),
        ({"input": "hi", "stream": "yes"}, "stream"), ({"input": "hi", "metadata": {"a": 1}}, "metadata.a"),
        ({"input": "hi", "metadata": {str(n): "x" for n in range(17)}}, "metadata"), ({"input": "hi", "router_mode": "x"}, "router_mode"),
        ({"input": "hi", "router_provider": "x"}, "router_provider"), ({"input": "hi", "tools": [{"type": 1}]}, "tools[0].type"),
        ({"input": "hi", "background": True, "store": False}, "background"), ({"input": "hi", "previous_response_id": 1}, "previous_response_id"),
        ({"input": "hi", "stream_options": {"format": "xml"}}, "stream_options.format"), ({"input": [1]}, "input[0]"),
        ({"input": "hi", "stream_options": 1}, "stream_options"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        admitted(body)
    assert raised.value.info.status == 400
    assert raised.value.info.param == param


def test_explicit_nulls_mean_absent() -> None:
    body = {"input": "hi", "model": None, "metadata": None, "tools": None, "stream": None, "instructions": None, "temperature": None}
    assert admitted(body).facts.model == "auto:balance"


def test_header_goes_before_field_in_choosing_the_stream_format() -> None:
    body = {"input": "hi", "stream_options": {"format": "openai"}}
    assert admitted(body, **{"x-tokenrouter-stream-format": "tokenrouter"}).stream_format == "tokenrouter"
    with pytest.raises(InvalidRequest):
        admitted(body, **{"x-tokenrouter-stream-format": "nonsense"})


BAD_JSON = [
    b"{", b"nul", b"[1]", b'"text"', b"\xff\xfe", b'{"input": "\xc3\x28"}', b'{"input": NaN}', b'{"input": "hi", "temperature": 1e400}',
    b'{"input": "\\ud800"}', b"\xef\xbb\xbf{}", b'{"a":' * 100_000, b"[" * 100_000, b'{"input":' + b"[" * 900 + b"]" * 900 + b"}",
]


@pytest.mark.parametrize("raw", BAD_JSON, ids=lambda raw: repr(raw[:24]))
def test_bad_json_is_a_400(raw: bytes) -> None:
    with pytest.raises(InvalidRequest) as raised:
        admit(canonical(parse(raw)), {}, "openai")
    assert raised.value.info.status == 400


def test_an_empty_body_is_an_empty_object() -> None:
    assert parse(b"") == parse(b"  \n") == {}


def test_depth_is_counted_not_brackets() -> None:
    wide = {"input": [{"role": "user", "content": "hi"} for _ in range(200)]}
    assert parse(json.dumps(wide).encode()) == wide
    deep: Any = "x"
    for _ in range(MAX_DEPTH):
        deep = [deep]
    with pytest.raises(InvalidRequest, match="nested"):
        parse(json.dumps({"input": deep}).encode())


async def test_reading_stops_at_the_limit() -> None:
    parts = [b"x" * 60] * 3

    async def receive() -> Any:
        return {"type": "http.request", "body": parts.pop(), "more_body": bool(parts)}

    with pytest.raises(RequestTooLarge):
        await read(receive, None, 100)
    assert parts == []  # read to its end, so that the client gets to see the error
