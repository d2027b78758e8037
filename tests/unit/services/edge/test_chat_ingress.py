"""Chat Completions bodies as Responses requests."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from openai.types.responses import ResponseInputItemParam, ToolParam
from openai.types.responses.response_create_params import ResponseCreateParamsBase
from pydantic import TypeAdapter

from libs.contracts.errors import InvalidRequest
from libs.responses.canonical import canonical
from libs.responses.text import facts, texts
from services.edge.ingress.chat import choices_wanted, request_of
from services.edge.ingress.chat_fields import FIELDS

Json = dict[str, Any]

HI: Json = {"role": "user", "content": "Hi"}
CITY: Json = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER: Json = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
PATCH: Json = {"type": "custom", "custom": {"name": "patch", "description": "Patches.", "format": {
    "type": "grammar", "grammar": {"definition": "start: /a+/", "syntax": "lark"},
}}}
CALL: Json = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
RESULT: Json = {"role": "tool", "tool_call_id": "call_1", "content": "Rain."}
CUSTOM_CALL: Json = {"id": "call_2", "type": "custom", "custom": {"name": "patch", "input": "aaa"}}
# What the canonical request holds beyond the Responses API's own fields.
OURS = {"stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "router_mode", "router_model", "router_provider", "stream"}

EVERYTHING: Json = {
    "model": "auto:cost", "stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}, "n": 1, "store": True,
    "metadata": {"team": "fake"}, "user": "user-fake", "safety_identifier": "person-fake", "service_tier": "flex",
    "prompt_cache_key": "cache-fake", "prompt_cache_options": {"mode": "implicit"}, "prompt_cache_retention": "24h",
    "moderation": {"model": "omni-moderation-latest"},
    "max_tokens": 10, "max_completion_tokens": 20, "temperature": 0.5, "top_p": 1, "seed": 7, "stop": "END", "presence_penalty": 0.1,
    "frequency_penalty": -1, "logit_bias": {"50256": -100}, "logprobs": True, "top_logprobs": 2, "reasoning_effort": "low",
    "verbosity": "high", "parallel_tool_calls": False, "modalities": ["text"], "audio": None,
    "prediction": {"type": "content", "content": "fake"}, "tools": [WEATHER, PATCH], "functions": None, "function_call": None,
    "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
    "web_search_options": {
        "search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"city": "Oslo", "country": "NO"}},
    },
    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": {"type": "object"}}},
    "router_mode": "cost", "router_provider": "openai",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Use tools."}]},
        {"role": "user", "name": "ann", "content": [
            {"type": "text", "text": "Look."},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            {"type": "file", "file": {"file_id": "file-fake"}},
        ]},
        {"role": "assistant", "content": "I will.", "refusal": None, "tool_calls": [CALL, CUSTOM_CALL]},
        RESULT,
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "Done."}]},
        {"role": "assistant", "content": [{"type": "text", "text": "It rains."}, {"type": "refusal", "refusal": "No more."}]},
        {"role": "user", "content": "Thanks"},
    ],
}


def request(**body: Any) -> Json:
    return request_of({"model": "m", "messages": [HI]} | body)


def items(*messages: Json) -> list[Json]:
    return request(messages=list(messages))["input"]  # type: ignore[no-any-return]


def refused(**body: Any) -> str | None:
    """The parameter that is complained of."""
    with pytest.raises(InvalidRequest) as raised:
        request(**body)
    assert raised.value.info.param in str(raised.value)
    return raised.value.info.param


def test_every_field_of_the_sdk_is_known() -> None:
    assert set(CompletionCreateParamsBase.__annotations__) | {"stream"} <= set(FIELDS)


def test_a_body_with_everything() -> None:
    assert request_of(EVERYTHING) == {
        "model": "auto:cost", "stream": True, "stream_options": {"include_obfuscation": False}, "store": True, "metadata": {"team": "fake"},
        "user": "user-fake", "safety_identifier": "person-fake", "service_tier": "flex", "prompt_cache_key": "cache-fake",
        "prompt_cache_options": {"mode": "implicit"}, "prompt_cache_retention": "24h", "moderation": {"model": "omni-moderation-latest"},
        "max_output_tokens": 20, "temperature": 0.5, "top_p": 1, "seed": 7, "stop": ["END"], "presence_penalty": 0.1,
        "frequency_penalty": -1, "logit_bias": {"50256": -100}, "top_logprobs": 2,
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"], "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "answer", "strict": True, "schema": {"type": "object"}}, "verbosity": "high"},
        "parallel_tool_calls": False, "router_mode": "cost", "router_provider": "openai",
        "tools": [
            {"type": "function", "name": "get_weather", "strict": False, "parameters": CITY},
            {"type": "custom", "name": "patch", "description": "Patches.", "format": {
                "type": "grammar", "definition": "start: /a+/", "syntax": "lark",
            }},
            {"type": "web_search", "search_context_size": "low", "user_location": {"type": "approximate", "city": "Oslo", "country": "NO"}},
        ],
        "tool_choice": {"type": "function", "name": "get_weather"},
        "input": [
            {"type": "message", "role": "system", "content": "Be brief."},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Use tools."}]},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "Look."},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
                {"type": "input_file", "file_id": "file-fake"},
            ]},
            {"type": "message", "role": "assistant", "content": "I will."},
            {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Oslo"}'},
            {"type": "custom_tool_call", "call_id": "call_2", "name": "patch", "input": "aaa"},
            {"type": "function_call_output", "call_id": "call_1", "output": "Rain."},
            {"type": "custom_tool_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "Done."}]},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "It rains."}, {"type": "refusal", "refusal": "No more."},
            ]},
            {"type": "message", "role": "user", "content": "Thanks"},
        ],
    }


def test_the_request_is_canonical_and_of_the_responses_api() -> None:
    made = request_of(EVERYTHING)
    assert canonical(made) is made
    assert set(made) - OURS <= set(ResponseCreateParamsBase.__annotations__)
    tool: TypeAdapter[Any] = TypeAdapter(ToolParam)
    for one in made["tools"]:
        tool.validate_python(one)
    # OpenAI takes an assistant's parts without the ids that its type asks for, and audio that its type does not have.
    item: TypeAdapter[Any] = TypeAdapter(ResponseInputItemParam)
    for one in made["input"]:
        if one.get("role") != "assistant" and '"input_audio"' not in msgspec.json.encode(one).decode():
            item.validate_python(one)


def test_the_body_is_left_as_it_was() -> None:
    body = copy.deepcopy(EVERYTHING)
    request_of(body)
    assert body == EVERYTHING


def test_the_least_body() -> None:
    assert request() == {"model": "m", "store": False, "input": [{"type": "message", "role": "user", "content": "Hi"}]}


def test_nulls_and_unknown_fields_are_as_nothing() -> None:
    nothing = {name: None for name in FIELDS if name not in ("model", "messages")}
    assert request(**nothing, top_k=5, extra_body={"x": 1}) == request()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"max_tokens": 5}, {"max_output_tokens": 5}),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"stop": []}, {}),
        ({"logprobs": True}, {"include": ["message.output_text.logprobs"], "top_logprobs": 0}),
        ({"logprobs": False, "top_logprobs": 0}, {}),
        ({"reasoning_effort": "none"}, {"reasoning": {"effort": "none"}}),
        ({"reasoning": {"effort": "high", "summary": "auto"}},
         {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}),
        ({"reasoning": {"enabled": True}}, {}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"response_format": {"type": "text"}}, {"text": {"format": {"type": "text"}}}),
        ({"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}, "strict": None}}},
         {"text": {"format": {"type": "json_schema", "name": "response", "schema": {}}}}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"tool_choice": "auto", "parallel_tool_calls": True, "tools": []}, {}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        ({"web_search_options": {}}, {"tools": [{"type": "web_search"}]}),
        ({"tools": [{"type": "web_search"}], "web_search_options": {}}, {"tools": [{"type": "web_search"}]}),
    ],
)
def test_settings(given: Json, made: Json) -> None:
    assert request(**given) == request() | made


NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(
    ("choice", "made"),
    [
        ("auto", "auto"), ("none", "none"), ("required", "required"),
        (NAMED, {"type": "function", "name": "get_weather"}),
        ({"type": "function", "name": "get_weather"}, {"type": "function", "name": "get_weather"}),
        ({"type": "custom", "custom": {"name": "patch"}}, {"type": "custom", "name": "patch"}),
        ({"type": "web_search"}, {"type": "web_search"}),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED, {"type": "web_search"}]}},
         {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_weather"}, {"type": "web_search"}]}),
        ({"type": "allowed_tools", "tools": [{"type": "custom", "name": "patch"}]},
         {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "custom", "name": "patch"}]}),
    ],
)
def test_tool_choice(choice: Any, made: Any) -> None:
    asked = request(tools=[WEATHER, PATCH], tool_choice=choice)
    assert asked["tool_choice"] == made
    assert canonical(asked) is asked


def test_tools_in_other_forms() -> None:
    flat = {"type": "function", "name": "f", "strict": True, "parameters": {"type": "object"}}
    bare = {"function": {"name": "g", "description": None, "parameters": None, "strict": None, "cache_control": {"type": "ephemeral"}}}
    assert request(tools=[flat, bare, {"type": "custom", "custom": {"name": "h", "format": {"type": "text"}}}])["tools"] == [
        flat,
        {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}}, "strict": False},
        {"type": "custom", "name": "h", "format": {"type": "text"}},
    ]


def test_legacy_functions() -> None:
    made = request(
        functions=[{"name": "f", "description": "F.", "parameters": {"type": "object"}}], function_call={"name": "f"},
        messages=[
            HI, {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": None},
        ],
    )
    assert made["tools"] == [{"type": "function", "name": "f", "description": "F.", "parameters": {"type": "object"}, "strict": False}]
    assert made["tool_choice"] == {"type": "function", "name": "f"}
    assert made["parallel_tool_calls"] is False
    calls, results = made["input"][1::2], made["input"][2::2]
    assert [item["type"] for item in calls] == ["function_call"] * 2
    assert [item["call_id"] for item in calls] == [item["call_id"] for item in results]
    assert calls[0]["call_id"] != calls[1]["call_id"]
    assert [item["output"] for item in results] == ["1", ""]
    assert request(functions=[{"name": "f"}], function_call="none")["tool_choice"] == "none"


def test_an_assistant_that_said_nothing_is_left_out() -> None:
    for content in (None, "", []):
        assert items(HI, {"role": "assistant", "content": content}) == items(HI)
        made = items(HI, {"role": "assistant", "content": content, "tool_calls": [CALL]})
        assert [item["type"] for item in made] == ["message", "function_call"]


def test_arguments_that_were_parsed_are_written_again() -> None:
    call = CALL | {"function": {"name": "f", "arguments": {"a": 1}}}
    bare = CALL | {"type": None, "function": {"name": "f"}}
    assert [item["arguments"] for item in items({"role": "assistant", "tool_calls": [call, bare]})] == ['{"a":1}', "{}"]


def test_a_refusal_beside_the_content() -> None:
    assert items({"role": "assistant", "content": "Well.", "refusal": "No."})[0]["content"] == [
        {"type": "output_text", "text": "Well."}, {"type": "refusal", "refusal": "No."},
    ]
    assert items({"role": "assistant", "refusal": "No."})[0]["content"] == [{"type": "refusal", "refusal": "No."}]


def test_images_in_results_and_parts_in_other_spellings() -> None:
    picture = {"type": "image_url", "image_url": "https://example.com/a.png"}
    native = {"type": "input_image", "file_id": "file-fake"}
    marked = {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}, "cache_control": {"type": "ephemeral"}}
    made = items(
        {"role": "user", "content": [native, marked]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}], "tool_calls": [CALL]},
        RESULT | {"content": [picture]},
    )
    assert made[0]["content"] == [native, {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}]
    assert made[1]["type"] == "function_call"
    assert made[2]["output"] == [{"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}]


def test_names_are_told_where_they_tell_speakers_apart() -> None:
    ann, bob = {"role": "user", "name": "ann", "content": "Hi"}, {"role": "user", "name": "bob", "content": [{"type": "text", "text": "Ho"}]}
    agent = {"role": "assistant", "name": "agent", "content": "Yes?"}
    assert [item["content"] for item in items(ann, agent, bob)] == [
        "ann: Hi", "Yes?", [{"type": "input_text", "text": "bob:"}, {"type": "input_text", "text": "Ho"}],
    ]
    assert [item["content"] for item in items(ann, agent, ann, HI)] == ["Hi", "Yes?", "Hi", "Hi"]


SEALED = "tr1.fake"


def test_sealed_thoughts_come_back_in_their_places() -> None:
    details = [
        {"type": "reasoning.encrypted", "id": "rs_2", "index": 2, "data": f"{SEALED}2"},
        {"type": "reasoning.encrypted", "id": "rs_1", "index": 0, "data": f"{SEALED}1", "summary": "Hm."},
        {"type": "reasoning.encrypted", "index": 99, "data": f"{SEALED}3", "format": "unknown"},
    ]
    made = items({"role": "assistant", "content": "a", "reasoning_content": "Hm.", "reasoning_details": details, "tool_calls": [CALL]})
    assert [item["type"] for item in made] == ["reasoning", "message", "reasoning", "function_call", "reasoning"]
    assert made[0] == {
        "type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": f"{SEALED}1",
    }
    assert made[4] == {"type": "reasoning", "summary": [], "encrypted_content": f"{SEALED}3"}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_plain_thoughts_are_kept_as_text(field: str) -> None:
    made = items({"role": "assistant", "content": "a", field: "Hm.", "reasoning_details": [{"type": "reasoning.encrypted", "data": "foreign"}]})
    assert made[0] == {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    assert len(made) == 2


KEYS = st.sampled_from(["type", "index", "data", "id", "text"]) | st.text(max_size=3)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.just(SEALED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(content=ANYTHING, thoughts=ANYTHING, details=ANYTHING | st.lists(ANYTHING))
def test_no_thoughts_are_ever_refused(content: Any, thoughts: Any, details: Any) -> None:
    message = {"role": "assistant", "content": "a", "reasoning_content": thoughts, "reasoning": content, "reasoning_details": details}
    made = request(messages=[message])
    assert canonical(made) is made


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, "model"), ({"model": 3}, "model"), ({"model": ""}, "model"),
        ({"messages": None}, "messages"), ({"messages": []}, "messages"), ({"messages": "Hi"}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"), ({"messages": [HI, {"content": "x"}]}, "messages[1].role"),
        ({"messages": [HI | {"role": "bot"}]}, "messages[0].role"), ({"messages": [HI | {"role": ["user"]}]}, "messages[0].role"),
        ({"messages": [HI, HI, {"role": "user"}]}, "messages[2].content"), ({"messages": [HI | {"content": 3}]}, "messages[0].content"),
        ({"messages": [HI | {"content": ["x"]}]}, "messages[0].content[0]"), ({"messages": [HI | {"content": [{}]}]}, "messages[0].content[0].type"),
        ({"messages": [HI | {"content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [HI | {"content": [{"type": "video_url"}]}]}, "messages[0].content[0].type"),
        ({"messages": [HI | {"content": [{"type": ["text"]}]}]}, "messages[0].content[0].type"),
        ({"messages": [HI | {"content": [{"type": "image_url", "image_url": 3}]}]}, "messages[0].content[0].image_url"),
        ({"messages": [HI | {"content": [{"type": "image_url", "image_url": {}}]}]}, "messages[0].content[0].image_url.url"),
        ({"messages": [HI | {"content": [{"type": "input_audio", "input_audio": {"data": "A"}}]}]}, "messages[0].content[0].input_audio.format"),
        ({"messages": [HI | {"content": [{"type": "file", "file": {"filename": "a"}}]}]}, "messages[0].content[0].file"),
        ({"messages": [HI | {"content": [{"type": "file", "file": {"file_data": 3}}]}]}, "messages[0].content[0].file.file_data"),
        ({"messages": [HI | {"name": 3}]}, "messages[0].name"),
        ({"messages": [{"role": "assistant", "tool_calls": {}}]}, "messages[0].tool_calls"),
        ({"messages": [{"role": "assistant", "tool_calls": [3]}]}, "messages[0].tool_calls[0]"),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL | {"id": None}]}]}, "messages[0].tool_calls[0].id"),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL | {"type": "magic"}]}]}, "messages[0].tool_calls[0].type"),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL | {"function": None}]}]}, "messages[0].tool_calls[0].function"),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL | {"function": {}}]}]}, "messages[0].tool_calls[0].function.name"),
        ({"messages": [{"role": "assistant", "tool_calls": [CUSTOM_CALL | {"custom": {"name": "p"}}]}]}, "messages[0].tool_calls[0].custom.input"),
        ({"messages": [{"role": "assistant", "function_call": {"arguments": ""}}]}, "messages[0].function_call.name"),
        ({"messages": [{"role": "assistant", "refusal": ["No"]}]}, "messages[0].refusal"),
        ({"messages": [{"role": "assistant", "audio": {"id": "audio_fake"}}]}, "messages[0].audio"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "tool", "tool_call_id": "call_9", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL]}, RESULT | {"content": 3}]}, "messages[1].content"),
        ({"messages": [{"role": "function", "content": "x"}]}, "messages[0].name"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].name"),
        ({"n": 9}, "n"), ({"n": 0}, "n"), ({"n": "2"}, "n"), ({"stream": 1}, "stream"), ({"temperature": "0"}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"), ({"max_completion_tokens": True}, "max_completion_tokens"), ({"seed": "7"}, "seed"),
        ({"stop": 3}, "stop"), ({"stop": ["a", 3]}, "stop[1]"), ({"logit_bias": {"1": "a"}}, "logit_bias.1"),
        ({"top_logprobs": 2}, "top_logprobs"), ({"modalities": ["text", "audio"]}, "modalities[1]"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"), ({"reasoning": {"effort": 3}}, "reasoning.effort"),
        ({"reasoning_effort": ["low"]}, "reasoning_effort"), ({"verbosity": 3}, "verbosity"),
        ({"response_format": {"type": "xml"}}, "response_format.type"), ({"response_format": {"type": ["text"]}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, "response_format.json_schema.schema"),
        ({"tools": [3]}, "tools[0]"), ({"tools": [{}]}, "tools[0].type"), ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}, "tools[0].function.parameters"),
        ({"tools": [{"type": "function", "function": {"name": "f", "strict": "yes"}}]}, "tools[0].function.strict"),
        ({"tools": [{"type": "custom", "custom": {"name": "f", "format": "text"}}]}, "tools[0].custom.format"),
        ({"functions": [{"description": "x"}]}, "functions[0].name"), ({"tool_choice": "any"}, "tool_choice"), ({"tool_choice": 3}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"), ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"), ({"function_call": {}}, "function_call.name"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "any", "tools": []}}}, "tool_choice.allowed_tools.mode"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [3]}}}, "tool_choice.allowed_tools.tools[0]"),
        ({"web_search_options": {"user_location": "Oslo"}}, "web_search_options.user_location"), ({"router_mode": 3}, "router_mode"),
    ],
)
def test_what_is_wrong_is_named_as_the_client_knows_it(body: Json, param: str) -> None:
    assert refused(**body) == param


def test_how_many_choices_are_wanted() -> None:
    assert [choices_wanted({}), choices_wanted({"n": None}), choices_wanted({"n": 8})] == [1, 1, 8]


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, child in inner for one in paths(child, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = value.copy()
    copied[path[0]] = changed(value[path[0]], path[1:], new)
    return copied


PATHS = [path for path in paths(EVERYTHING) if path]


@given(st.lists(st.tuples(st.sampled_from(PATHS), ANYTHING), min_size=1, max_size=2))
def test_whatever_is_wrong_is_said(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """A body with anything anywhere is either refused, or a request that the stages behind can read."""
    body = EVERYTHING
    for path, new in changes:
        try:
            body = changed(body, path, new)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # the first change took the place away
    try:
        made = canonical(request_of(body))
    except InvalidRequest:
        return
    facts(made)
    list(texts(made))
    msgspec.json.encode(made)
