"""What a canonical request becomes at OpenAI: itself, except for what OpenAI could not know or take."""

from typing import Any

import msgspec
import pytest

from services.provider_worker.dialects.openai import OpenAI
from tests.conformance.answers import call, check_outcome, stream_bytes, streamed, whole_bytes

Json = dict[str, Any]

DIALECT = OpenAI()


def build(request: Json, *, stream: bool = False, reasoning: bool = True) -> tuple[Json, list[str]]:
    upstream = DIALECT.build(call(request, model="gpt-5-mini", stream=stream, reasoning=reasoning))
    assert upstream.path == "/responses"
    return msgspec.json.decode(upstream.content), upstream.adapted


def test_unknown_fields_pass_and_ours_do_not() -> None:
    request = {
        "model": "auto:cost", "input": "Hi", "router_mode": "cost", "router_model": "x", "router_provider": "openai", "stream": False,
        "stream_options": {"format": "openai", "include_usage": True}, "response_format": {}, "previous_response_id": "resp_ours",
        "some_future_field": {"nested": [1]}, "metadata": {"a": "b"}, "include": ["reasoning.encrypted_content"], "background": True,
    }
    body, adapted = build(request)
    assert body == {
        "model": "gpt-5-mini", "input": "Hi", "some_future_field": {"nested": [1]}, "metadata": {"a": "b"},
        "include": ["reasoning.encrypted_content"], "store": False,
    }
    assert adapted == []


@pytest.mark.parametrize("asked", [{}, {"store": True}, {"store": False}, {"background": True, "store": True}])
def test_nothing_is_stored_at_openai(asked: Json) -> None:
    body, adapted = build({"input": "Hi"} | asked)
    assert (body["store"], "background" in body, adapted) == (False, False, [])


STATE, SOURCES = "reasoning.encrypted_content", "web_search_call.action.sources"


def test_p41_reasoning_comes_along_from_models_that_reason() -> None:
    assert build({"input": "Hi"})[0]["include"] == [STATE]
    for given in ([SOURCES], [STATE, SOURCES]):
        body, adapted = build({"input": "Hi", "include": given})
        assert (sorted(body["include"]), adapted) == ([STATE, SOURCES], [])


def test_p41_state_is_not_asked_of_models_that_do_not_reason() -> None:
    assert "include" not in build({"input": "Hi"}, reasoning=False)[0]
    body, adapted = build({"input": "Hi", "include": [STATE, SOURCES]}, reasoning=False)
    assert (body["include"], adapted) == ([SOURCES], [])
    refused = {"error": {"message": "Encrypted content is not supported with this model.", "param": "include", "code": None}}
    assert DIALECT.failure(400, {}, msgspec.json.encode(refused)).fallback


def test_p10_p11_what_only_the_chat_api_has_is_left_out_by_name() -> None:
    given = {"stop": ["END"], "seed": 0, "logit_bias": {"1": -100}, "presence_penalty": 0.5, "frequency_penalty": -1}
    body, adapted = build({"input": "Hi"} | given)
    assert not set(given) & set(body)
    assert adapted == ["dropped, not taken by OpenAI's Responses API: frequency_penalty, logit_bias, presence_penalty, seed, stop"]
    idle = {"stop": [], "logit_bias": {}, "presence_penalty": 0, "frequency_penalty": 0.0, "seed": None}
    assert build({"input": "Hi"} | idle) == build({"input": "Hi"})


def test_log_probabilities_are_openais() -> None:
    given = {"top_logprobs": 3, "include": ["message.output_text.logprobs"]}
    body, adapted = build({"input": "Hi"} | given, reasoning=False)
    assert ({name: body[name] for name in given}, adapted) == (given, [])


def test_p12_stream_options_are_openais_only() -> None:
    body, _ = build({"input": "Hi", "stream_options": {"format": "openai", "include_obfuscation": False}}, stream=True)
    assert body["stream_options"] == {"include_obfuscation": False}
    assert body["stream"] is True
    assert "stream_options" not in build({"input": "Hi", "stream_options": {"include_usage": True}}, stream=True)[0]


def test_numbers_survive() -> None:
    body = DIALECT.build(call({"input": "Hi", "some_future_field": 12345678901234567890123, "temperature": 0.1}, stream=False)).content
    assert b"12345678901234567890123" in body
    assert b'"temperature":0.1' in body


ROLES: list[Json] = [
    {"type": "message", "role": "developer", "content": "Be brief."}, {"type": "message", "role": "user", "content": "Hi"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello."}]},
    {"type": "message", "role": "system", "content": "From now on, rhyme."}, {"type": "message", "role": "user", "content": "Go."},
]
TOOLS: list[Json] = [
    {"type": "function", "name": "z", "parameters": {"type": "object", "properties": {"n": {"type": ["integer", "null"], "minimum": 1}}}},
    {"type": "function", "name": "a", "strict": True, "parameters": {"type": "object", "properties": {}, "additionalProperties": False}},
    {"type": "custom", "name": "shell", "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}},
    {"type": "web_search"}, {"type": "mcp", "server_label": "docs", "server_url": "https://example.com/mcp"},
]
IMAGE: Json = {"type": "input_image", "image_url": "data:image/heic;base64,AAAA", "detail": "high"}
FILE: Json = {"type": "input_file", "file_id": "file-1"}


def test_a_limit_below_openais_least_is_raised() -> None:
    body, adapted = build({"input": "Hi", "max_output_tokens": 1})
    assert body["max_output_tokens"] == 16
    assert "raised to 16" in adapted[0]


def test_reasoning_is_not_asked_of_models_that_refuse_it() -> None:
    upstream = OpenAI().build(call({"input": "Hi", "reasoning": {"effort": "low"}}, model="gpt-4o"))
    assert "reasoning" not in msgspec.json.decode(upstream.content)
    assert "reasoning" in upstream.adapted[0]


@pytest.mark.parametrize("field", [{"instructions": "Be kind.", "input": ROLES}, {"input": ROLES[-1:]}, {"input": "Hi"}])
def test_p1_p2_p3_p4_p6_roles_and_their_order_are_openais(field: Json) -> None:
    body, adapted = build(field)
    assert {name: body[name] for name in field} == field
    assert adapted == []


@pytest.mark.parametrize("field", [
    {"max_output_tokens": 50}, {"temperature": 1.9, "top_p": 0.1}, {"metadata": {"team": "a"}}, {"truncation": "auto", "service_tier": "flex"},
    {"reasoning": {"effort": "none"}}, {"reasoning": {"effort": "xhigh", "summary": "detailed"}}, {"store": False},
    {"text": {"format": {"type": "json_object"}, "verbosity": "low"}}, {"prompt_cache_key": "k"},
    {"text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": {"type": "object", "minProperties": 1}}}},
])
def test_p8_p9_p11_p13_p36_p45_settings_are_openais(field: Json) -> None:
    body, adapted = build({"input": "Hi"} | field)
    assert {name: body[name] for name in field} == field
    assert adapted == []


def test_p15_p20_p22_p28_p29_p30_tools_are_openais_in_their_order() -> None:
    upstream = DIALECT.build(call({"input": "Hi", "tools": TOOLS, "parallel_tool_calls": False}, stream=False))
    body = msgspec.json.decode(upstream.content)
    assert body["tools"] == TOOLS
    assert body["parallel_tool_calls"] is False
    assert msgspec.json.encode(TOOLS) in upstream.content
    assert upstream.adapted == []


@pytest.mark.parametrize("choice", [
    "auto", "none", "required", {"type": "function", "name": "z"}, {"type": "custom", "name": "shell"}, {"type": "web_search"},
    {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "z"}, {"type": "mcp", "server_label": "docs"}]},
    {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "a"}]},
])
def test_p21_every_tool_choice_is_openais(choice: Any) -> None:
    body, adapted = build({"input": "Hi", "tools": TOOLS, "tool_choice": choice})
    assert body["tool_choice"] == choice
    assert len(body["tools"]) == len(TOOLS)
    assert adapted == []


def test_p26_p31_p34_p35_media_are_openais() -> None:
    items = [
        {"type": "message", "role": "user", "content": [IMAGE, FILE]},
        {"type": "function_call", "call_id": "call_1", "name": "z", "arguments": '{"n": 12345678901234567890123}'},
        {"type": "function_call_output", "call_id": "call_1", "output": [IMAGE, {"type": "input_text", "text": "x"}]},
    ]
    body, adapted = build({"input": items})
    assert body["input"] == items
    assert adapted == []


def test_p26_the_mark_of_a_failed_result_has_no_place_here() -> None:
    result = {"type": "function_call_output", "call_id": "call_1", "output": "no such city"}
    items = [{"type": "function_call", "call_id": "call_1", "name": "z", "arguments": "{}"}, result | {"is_error": True}]
    body, adapted = build({"input": items})
    assert body["input"][1] == result
    assert adapted == ["1 results lost their mark as errors: OpenAI has none"]
    assert build({"input": [items[0], result | {"is_error": False}]}) == (body, [])


def test_p23_long_call_ids_are_shortened_alike_on_both_sides() -> None:
    long, other = "toolu_" + "x" * 80, "toolu_" + "x" * 81
    items = [
        {"type": kind, "call_id": call_id} | more
        for call_id in (long, other, "call_1")
        for kind, more in (("function_call", {"name": "z", "arguments": "{}"}), ("function_call_output", {"output": "ok"}))
    ]
    body, adapted = build({"input": items})
    ids = [item["call_id"] for item in body["input"]]
    assert ids[::2] == ids[1::2]
    assert len(set(ids)) == 3
    assert ids[-1] == "call_1"
    assert max(map(len, ids)) <= 64
    assert len(adapted) == 1


def test_p24_names_with_dots_are_escaped_and_come_back() -> None:
    name = "maps.get_weather"
    request = {
        "tools": [{"type": "function", "name": name}, {"type": "function", "name": "list_cities"}],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": name}]},
        "input": [
            {"type": "function_call", "call_id": "c", "name": name, "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": ""},
        ],
    }
    body, adapted = build(request)
    sent = body["tools"][0]["name"]
    assert "." not in sent
    assert sent == body["tool_choice"]["tools"][0]["name"] == body["input"][0]["name"]
    assert body["tools"][1]["name"] == "list_cities"
    assert name in adapted[0]
    assert build(request | {"tool_choice": {"type": "function", "name": name}})[0]["tool_choice"]["name"] == sent

    made = call(request)
    data = stream_bytes("openai", "tools").replace(b'"get_weather"', b'"%b"' % sent.encode())
    events, outcome = streamed(DIALECT, data, made=made)
    assert sent.encode() not in msgspec.json.encode(events)
    named = [event.get("name") or event["item"]["name"] for event in events if "name" in event or "name" in event.get("item", {})]
    assert named.count(name) == 3
    shown = check_outcome(outcome, made)
    assert shown["output"][0]["name"] == shown["tools"][0]["name"] == name
    whole = whole_bytes("openai", "tools").replace(b'"get_weather"', b'"%b"' % sent.encode())
    assert DIALECT.read(whole, made).response["output"][0]["name"] == name


@pytest.mark.parametrize(("param", "fallback"), [("n", True), ("temprature", False)])
def test_p11_what_only_the_chat_api_has_may_be_taken_elsewhere(param: str, fallback: bool) -> None:
    body = {"error": {"message": f"Unknown parameter: '{param}'.", "code": "unknown_parameter", "param": param}}
    assert DIALECT.failure(400, {}, msgspec.json.encode(body)).fallback is fallback


def test_the_key_is_a_bearer_token() -> None:
    assert DIALECT.authorize("sk-not-a-real-key") == {"authorization": "Bearer sk-not-a-real-key"}
    assert DIALECT.authorize("") == {}


def test_p8_a_cap_above_what_the_model_writes_is_lowered() -> None:
    upstream = OpenAI().build(call({"input": "Hi", "max_output_tokens": 50_000}, max_output_tokens=16_384))
    assert msgspec.json.decode(upstream.content)["max_output_tokens"] == 16_384
    assert len(upstream.adapted) == 1
    within = OpenAI().build(call({"input": "Hi", "max_output_tokens": 50}, max_output_tokens=16_384))
    assert msgspec.json.decode(within.content)["max_output_tokens"] == 50
    assert within.adapted == []
