"""What a canonical request becomes at Anthropic."""

from typing import Any

import msgspec
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter

from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects.anthropic import Anthropic
from tests.conformance.answers import ENVELOPES, call, stream_bytes, streamed

Json = dict[str, Any]

_params: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)
OLD, MIDDLE, NEW, ALWAYS, BETWEEN = "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-5", "claude-opus-5-5", "claude-sonnet-5-5"
WEATHER: Json = {"type": "function", "name": "get_weather", "description": "d", "parameters": {"type": "object", "properties": {}}}
CITIES: Json = {"type": "function", "name": "list_cities", "parameters": None}


def build(request: Json, model: str = MIDDLE, **more: Any) -> tuple[Json, list[str]]:
    upstream = Anthropic().build(call({"input": "Hi"} | request, model=model, stream=False, **more))
    assert upstream.path == "/v1/messages"
    assert upstream.headers["anthropic-version"] == "2023-06-01"
    body = msgspec.json.decode(upstream.content)
    _params.validate_python(body)
    return body, upstream.adapted


def refused(request: Json, model: str = MIDDLE) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        build(request, model)
    assert caught.value.code == "invalid_request"
    return caught.value


def user(text: str) -> Json:
    return {"type": "message", "role": "user", "content": text}


def assistant(text: str) -> Json:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def made_call(call_id: str, name: str = "get_weather", arguments: str = "{}") -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result(call_id: str, output: Any = "ok", **more: Any) -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": output} | more


def roles(body: Json) -> list[str]:
    return [turn["role"] for turn in body["messages"]]


def kinds(turn: Json) -> list[str]:
    return [block["type"] for block in turn["content"]]


def test_a_plain_request() -> None:
    body, adapted = build({"instructions": "Be kind.", "max_output_tokens": 100, "metadata": {"team": "a"}, "store": True})
    assert body == {
        "model": MIDDLE, "max_tokens": 100, "system": [{"type": "text", "text": "Be kind."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }
    assert adapted == []


def test_the_key_goes_into_its_own_header() -> None:
    assert Anthropic().authorize("sk-ant-not-a-real-key") == {"x-api-key": "sk-ant-not-a-real-key"}
    assert Anthropic().authorize("") == {}


@pytest.mark.parametrize("role", ["system", "developer"])
def test_p2_p3_system_and_developer_are_hoisted(role: str) -> None:
    late = {"type": "message", "role": role, "content": "Late."}
    body, adapted = build({"instructions": "First.", "input": [late, user("Hi"), late, user("Again")]})
    assert [block["text"] for block in body["system"]] == ["First.", "Late.", "Late."]
    assert roles(body) == ["user"]
    assert len(adapted) == 1
    assert "input[2]" in adapted[0]


def test_p6_turns_are_merged_and_begin_and_end_with_the_user() -> None:
    body, adapted = build({"input": [assistant("Hello."), user("a"), user("b"), assistant("c"), assistant("d")]})
    assert roles(body) == ["user", "assistant", "user", "assistant", "user"]
    assert [block["text"] for block in body["messages"][2]["content"]] == ["a", "b"]
    assert len(adapted) == 2


def test_p7_blank_texts_are_dropped() -> None:
    parts = [{"type": "input_text", "text": ""}, {"type": "input_text", "text": " \n"}, {"type": "input_text", "text": "x"}]
    body, _ = build({"input": [{"type": "message", "role": "user", "content": parts}, assistant(""), user("  ")]})
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "x"}]}]


def test_only_system_messages_still_ask_something() -> None:
    body, adapted = build({"input": [{"type": "message", "role": "system", "content": "Say hello."}]})
    assert roles(body) == ["user"]
    assert body["messages"][0]["content"][0]["text"] == "Say hello."
    assert adapted
    assert refused({"input": ""}).fallback


def test_p8_max_tokens_is_always_filled_and_never_above_the_model() -> None:
    assert build({})[0]["max_tokens"] == 64_000
    assert build({}, max_output_tokens=8192)[0]["max_tokens"] == 8192
    assert build({"max_output_tokens": 99_999}, max_output_tokens=8192)[0]["max_tokens"] == 8192


def test_p9_sampling_by_model() -> None:
    body, adapted = build({"temperature": 1.7}, OLD)
    assert body["temperature"] == 1
    assert "lowered" in adapted[0]
    body, adapted = build({"temperature": 0.2, "top_p": 0.5}, OLD)
    assert (body["temperature"], "top_p" in body, len(adapted)) == (0.2, False, 1)
    assert build({"top_p": 0.5}, OLD)[0]["top_p"] == 0.5
    body, adapted = build({"temperature": 0.2}, NEW)
    assert ("temperature" in body, len(adapted)) == (False, 1)
    assert build({"temperature": 1, "top_p": 1}, NEW)[1] == []
    assert "temperature" not in build({"temperature": 0.2, "reasoning": {"effort": "high"}}, OLD)[0]


def test_p10_stop_strings() -> None:
    assert build({"stop": "END"})[0]["stop_sequences"] == ["END"]
    assert build({"stop": ["a", "b"]})[0]["stop_sequences"] == ["a", "b"]


def test_p11_unknown_fields_are_dropped_and_named() -> None:
    body, adapted = build({"seed": 7, "top_logprobs": 3, "text": {"verbosity": "low"}, "service_tier": "flex", "truncation": "disabled"})
    assert set(body) == {"model", "max_tokens", "messages"}
    assert adapted == ["service_tier flex was dropped", "dropped, unknown to Anthropic: seed, text.verbosity, top_logprobs"]


def test_p13_only_an_opaque_user_id_is_sent() -> None:
    body, _ = build({"user": "ada@example.com", "metadata": {"secret": "no"}})
    assert set(body["metadata"]) == {"user_id"}
    assert "ada" not in body["metadata"]["user_id"]


def test_p15_p30_tools_keep_their_order_and_get_an_object_schema() -> None:
    body, _ = build({"tools": [WEATHER, CITIES]})
    assert body["tools"] == [
        {"name": "get_weather", "description": "d", "input_schema": {"type": "object", "properties": {}}},
        {"name": "list_cities", "input_schema": {"type": "object"}},
    ]
    assert "tool_choice" not in body


def test_p19_strict_tools_keep_only_what_the_grammar_takes() -> None:
    schema = {
        "$schema": "x", "type": "object", "required": ["n"],
        "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "A number."},
            "list": {"type": "array", "maxItems": 3, "items": {"oneOf": [{"const": 1}, {"type": "string", "pattern": "^a"}]}},
            "minimum": {"type": ["string", "null"], "format": "date"},
        },
    }
    tool = WEATHER | {"parameters": schema, "strict": True}
    body, adapted = build({"tools": [tool]})
    made = body["tools"][0]
    assert made["strict"] is True
    properties = made["input_schema"]["properties"]
    assert properties["n"] == {"type": "integer", "description": 'A number.\n{"minimum":1}'}
    assert properties["list"] == {
        "type": "array", "items": {"anyOf": [{"const": 1}, {"type": "string", "description": '{"pattern":"^a"}'}]},
        "description": '{"maxItems":3}',
    }
    assert properties["minimum"] == {"type": ["string", "null"], "format": "date"}
    assert made["input_schema"]["additionalProperties"] is False
    assert "$schema" not in made["input_schema"]
    assert adapted == ["tool get_weather: maxItems, minimum, pattern are not enforced by Anthropic; moved into descriptions"]
    assert build({"tools": [WEATHER | {"parameters": schema}]})[0]["tools"][0]["input_schema"] == schema


def test_too_many_strict_tools_lose_strict() -> None:
    tools = [WEATHER | {"name": f"tool_{number}", "strict": True} for number in range(21)]
    body, adapted = build({"tools": tools})
    assert not any("strict" in tool for tool in body["tools"])
    assert len(adapted) == 1


@pytest.mark.parametrize(("choice", "expected"), [
    ("auto", None), ("none", {"type": "none"}), ("required", {"type": "any"}),
    ({"type": "function", "name": "get_weather"}, {"type": "tool", "name": "get_weather"}),
    ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]}, None),
    ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_weather"}]}, {"type": "any"}),
])
def test_p21_tool_choice(choice: Any, expected: Json | None) -> None:
    body, _ = build({"tools": [WEATHER, CITIES], "tool_choice": choice})
    assert body.get("tool_choice") == expected
    assert len(body["tools"]) == (1 if isinstance(choice, dict) and choice["type"] == "allowed_tools" else 2)


def test_p21_models_that_refuse_a_forced_choice_are_not_asked() -> None:
    for model in (ALWAYS, BETWEEN, "claude-fable-5-1", "claude-mythos-preview"):
        assert refused({"tools": [WEATHER], "tool_choice": "required"}, model).fallback
    assert not refused({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}).fallback


def test_p21_a_forced_choice_switches_thinking_off() -> None:
    request = {"tools": [WEATHER], "tool_choice": "required", "reasoning": {"effort": "high"}}
    for model, expected in ((OLD, None), (MIDDLE, {"type": "disabled"}), (NEW, {"type": "disabled"})):
        body, adapted = build(request, model)
        assert body.get("thinking") == expected
        assert len(adapted) == 1


@pytest.mark.parametrize(("choice", "expected"), [("auto", "auto"), ("required", "any")])
def test_p22_parallel_calls_are_switched_off_inside_tool_choice(choice: str, expected: str) -> None:
    body, _ = build({"tools": [WEATHER], "tool_choice": choice, "parallel_tool_calls": False})
    assert body["tool_choice"] == {"type": expected, "disable_parallel_tool_use": True}
    assert "tool_choice" not in build({"parallel_tool_calls": False})[0]


def test_p23_ids_fit_the_alphabet_and_stay_apart() -> None:
    ids = ["call.1", "call_1", "call/1", "tr_call", "ünï"]
    items = [item for call_id in ids for item in (made_call(call_id), result(call_id))]
    body, _ = build({"input": [user("go"), *items], "tools": [WEATHER]})
    used = [block["id"] for turn in body["messages"] for block in turn["content"] if block["type"] == "tool_use"]
    answered = [block["tool_use_id"] for turn in body["messages"] for block in turn["content"] if block["type"] == "tool_result"]
    assert used == answered
    assert len(set(used)) == len(ids)
    assert all(set(tool_id) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") for tool_id in used)


def test_p23_an_id_used_twice_is_two_calls() -> None:
    items = [made_call("call_0"), result("call_0", "one"), made_call("call_0"), result("call_0", "two")]
    body, _ = build({"input": [user("go"), *items], "tools": [WEATHER]})
    assert [block["id"] for turn in body["messages"] for block in turn["content"] if block["type"] == "tool_use"] == ["call_0", "call_0_2"]
    assert body["messages"][4]["content"] == [{"type": "tool_result", "tool_use_id": "call_0_2", "content": "two"}]


def test_p24_names_come_back_as_the_client_wrote_them() -> None:
    dotted = WEATHER | {"name": "maps.get_weather"}
    made = call({"input": "Hi", "tools": [dotted]}, model=MIDDLE)
    sent = msgspec.json.decode(Anthropic().build(made).content)["tools"][0]["name"]
    assert "." not in sent
    stream = stream_bytes("anthropic", "tools").replace(b'"get_weather"', b'"%b"' % sent.encode())
    _, outcome = streamed(Anthropic(), stream, made=made)
    assert outcome.response["output"][1]["name"] == "maps.get_weather"


@pytest.mark.parametrize("arguments", ["", "  ", "{}"])
def test_p25_no_arguments_are_an_empty_object(arguments: str) -> None:
    body, _ = build({"input": [user("go"), made_call("c", arguments=arguments), result("c")], "tools": [WEATHER]})
    assert body["messages"][1]["content"][0]["input"] == {}


def test_p25_arguments_travel_as_they_are_written() -> None:
    text = '{"big": 123456789012345678901234567890, "exact": 1.10, "e": 1E400}'
    request = {"input": [user("go"), made_call("c", arguments=text), result("c")], "tools": [WEATHER]}
    assert text.encode() in Anthropic().build(call(request, model=MIDDLE)).content


@pytest.mark.parametrize("arguments", ["[1]", "{", "7", '"x"'])
def test_p25_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    failure = refused({"input": [user("go"), made_call("c", arguments=arguments), result("c")]})
    assert (failure.param, failure.fallback) == ("input[1].arguments", False)


def test_p26_all_results_of_a_batch_stand_first_in_one_user_turn() -> None:
    items = [user("go"), made_call("a"), made_call("b"), user("meanwhile"), result("b", "B"), result("a", "A")]
    body, adapted = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "assistant", "user"]
    last = body["messages"][2]["content"]
    assert [block.get("tool_use_id", block.get("text")) for block in last] == ["a", "b", "meanwhile"]
    assert adapted == []


def test_p26_a_late_result_moves_to_its_call() -> None:
    items = [user("go"), made_call("a"), user("wait"), assistant("sure"), result("a", "A"), user("now?")]
    body, _ = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "assistant", "user", "assistant", "user"]
    assert kinds(body["messages"][2]) == ["tool_result", "text"]
    assert kinds(body["messages"][4]) == ["text"]


def test_p26_a_turn_that_held_only_a_late_result_disappears() -> None:
    items = [user("go"), made_call("a"), user("wait"), assistant("y"), result("a", "A"), assistant("z"), user("now?")]
    body, _ = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "assistant", "user", "assistant", "user"]
    assert [block["text"] for block in body["messages"][3]["content"]] == ["y", "z"]


def test_p26_calls_one_after_another_stay_apart() -> None:
    items = [user("go"), made_call("a"), result("a"), made_call("b"), result("b")]
    body, _ = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "assistant", "user", "assistant", "user"]


def test_p26_p35_results_carry_images_and_errors() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    body, _ = build({"input": [user("go"), made_call("a"), result("a", [image], is_error=True)], "tools": [WEATHER]})
    block = body["messages"][2]["content"][0]
    assert block["is_error"] is True
    assert block["content"][0]["source"] == {"type": "base64", "media_type": "image/png", "data": "AAAA"}


def test_p27_a_call_without_result_is_answered_and_named() -> None:
    body, adapted = build({"input": [user("go"), made_call("a"), made_call("b"), result("a")], "tools": [WEATHER]})
    blocks = body["messages"][2]["content"]
    assert [block["tool_use_id"] for block in blocks] == ["a", "b"]
    assert blocks[1]["is_error"] is True
    assert len(adapted) == 1
    body, _ = build({"input": [user("go"), made_call("a"), assistant("x"), user("y")], "tools": [WEATHER]})
    assert kinds(body["messages"][2]) == ["tool_result", "text"]


def test_p27_a_result_without_call_is_refused() -> None:
    failure = refused({"input": [user("go"), result("lost")]})
    assert (failure.fallback, failure.param) == (False, "input[1].call_id")
    refused({"input": [user("go"), result("a"), made_call("a")]})


def test_history_with_tools_needs_definitions() -> None:
    body, adapted = build({"input": [user("go"), made_call("a"), result("a"), user("thanks")]})
    assert body["tools"] == [{"name": "get_weather", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}
    assert len(adapted) == 1


@pytest.mark.parametrize("kind", ["web_search", "file_search", "code_interpreter", "computer", "mcp", "image_generation", "namespace"])
def test_p28_built_in_tools_are_refused_and_may_go_elsewhere(kind: str) -> None:
    failure = refused({"tools": [WEATHER, {"type": kind}]})
    assert failure.fallback
    assert failure.param == "tools[1].type"


def test_p28_traces_of_built_in_tools_are_left_out_and_named() -> None:
    body, adapted = build({"input": [user("a"), {"type": "web_search_call", "id": "ws_1", "status": "completed"}, assistant("b"), user("c")]})
    assert roles(body) == ["user", "assistant", "user"]
    assert adapted == ["left out of the history: web_search_call"]
    assert refused({"input": [{"type": "computer_call", "call_id": "x"}]}).fallback
    assert refused({"input": [{"type": "item_reference", "id": "msg_1"}]}).fallback


def test_p29_a_freeform_tool_is_a_function_and_back() -> None:
    tool = {"type": "custom", "name": "get_weather", "description": "Run.", "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}}
    request = {"tools": [tool], "tool_choice": {"type": "custom", "name": "get_weather"}}
    body, _ = build(request)
    assert body["tools"][0]["input_schema"]["required"] == ["input"]
    assert "start: X" in body["tools"][0]["description"]
    assert body["tool_choice"] == {"type": "tool", "name": "get_weather"}
    stream = stream_bytes("anthropic", "thinking_omitted").replace(b'{\\"city\\": \\"Paris\\"}', b'{\\"input\\": \\"ls -l\\"}')
    events, outcome = streamed(Anthropic(), stream, made=call({"input": "Hi"} | request, model=NEW))
    item = outcome.response["output"][-1]
    assert (item["type"], item["input"], item["name"]) == ("custom_tool_call", "ls -l", "get_weather")
    assert [e["delta"] for e in events if e["type"] == "response.custom_tool_call_input.delta"] == ["ls -l"]
    history = [user("go"), item, {"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "files"}]
    body, _ = build(request | {"input": history})
    assert body["messages"][1]["content"][0]["input"] == {"input": "ls -l"}


def test_p31_images_by_address_and_by_data() -> None:
    parts = [
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"},
        {"type": "input_image", "image_url": "data:image/JPG;base64,AAAA"},
    ]
    body, _ = build({"input": [{"type": "message", "role": "user", "content": parts}]})
    assert [block["source"] for block in body["messages"][0]["content"]] == [
        {"type": "url", "url": "https://example.com/a.png"}, {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"},
    ]


@pytest.mark.parametrize(("part", "fallback"), [
    ({"type": "input_image", "file_id": "file_1"}, True),
    ({"type": "input_image", "image_url": "data:image/heic;base64,AAAA"}, True),
    ({"type": "input_image", "image_url": "data:image/png,AAAA"}, False),
    ({"type": "input_file", "file_id": "file_1"}, True),
    ({"type": "input_file", "file_data": "data:application/zip;base64,AAAA"}, True),
    ({"type": "input_file", "file_data": "data:text/plain;base64,%%%"}, False),
    ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}, True),
])
def test_p32_media_that_cannot_be_sent_is_refused(part: Json, fallback: bool) -> None:
    failure = refused({"input": [{"type": "message", "role": "user", "content": [part]}]})
    assert failure.fallback is fallback
    assert failure.param is not None
    assert failure.param.startswith("input[0].content[0]")


@pytest.mark.parametrize(("part", "source"), [
    ({"file_data": "data:application/pdf;base64,JVBERi0x"}, {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}),
    ({"file_data": "JVBERi0x"}, {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}),
    ({"file_url": "https://example.com/a.pdf"}, {"type": "url", "url": "https://example.com/a.pdf"}),
    ({"file_data": "data:text/csv;base64,YSxi"}, {"type": "text", "media_type": "text/plain", "data": "a,b"}),
])
def test_p34_files_are_documents(part: Json, source: Json) -> None:
    content = [{"type": "input_file", "filename": "a.pdf"} | part]
    body, _ = build({"input": [{"type": "message", "role": "user", "content": content}]})
    assert body["messages"][0]["content"] == [{"type": "document", "source": source, "title": "a.pdf"}]


@pytest.mark.parametrize(("model", "effort", "thinking", "level"), [
    (OLD, None, None, None), (OLD, "none", None, None), (OLD, "low", {"type": "enabled", "budget_tokens": 2048}, None),
    (OLD, "max", {"type": "enabled", "budget_tokens": 32_000}, None),
    (MIDDLE, "medium", {"type": "adaptive"}, "medium"), (MIDDLE, "xhigh", {"type": "adaptive"}, "high"),
    (MIDDLE, "none", {"type": "disabled"}, None), (NEW, None, None, None), (NEW, "none", {"type": "disabled"}, None),
    (NEW, "xhigh", {"type": "adaptive"}, "xhigh"), (NEW, "minimal", {"type": "adaptive"}, "low"),
    (ALWAYS, "none", None, "low"), (BETWEEN, "none", {"type": "between_tools"}, None),
    ("claude-3-5-haiku-20241022", "high", None, None), ("claude-next-generation", "high", {"type": "adaptive"}, "high"),
    ("us.anthropic.claude-opus-4-7-v1", "high", {"type": "adaptive"}, "high"), ("claude-haiku-5-5", "none", {"type": "disabled"}, None),
])
def test_p36_effort_by_model(model: str, effort: str | None, thinking: Json | None, level: str | None) -> None:
    body, _ = build({"reasoning": {"effort": effort}, "max_output_tokens": 64_000}, model)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == level


def test_p36_a_budget_leaves_room_for_the_answer() -> None:
    body, _ = build({"reasoning": {"effort": "high"}, "max_output_tokens": 4096}, OLD)
    assert body["thinking"]["budget_tokens"] == 2048
    body, adapted = build({"reasoning": {"effort": "high"}, "max_output_tokens": 1500}, OLD)
    assert "thinking" not in body
    assert len(adapted) == 1


def test_p38_a_summary_is_asked_for_only_when_wanted() -> None:
    assert build({"reasoning": {"summary": "auto"}}, NEW)[0]["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert "thinking" not in build({"reasoning": {"summary": "auto"}}, MIDDLE)[0]


def test_p39_thinking_goes_back_byte_for_byte_and_in_order() -> None:
    _, outcome = streamed(Anthropic(), stream_bytes("anthropic", "thinking"), made=call(model=MIDDLE))
    history = [user("27 * 453?"), *outcome.response["output"], user("Sure?")]
    body, adapted = build({"input": history})
    turn = body["messages"][1]["content"]
    assert kinds(body["messages"][1]) == ["thinking", "redacted_thinking", "text"]
    assert turn[0] == {
        "type": "thinking", "thinking": "27 * 453: first 27 * 400 = 10800, then 27 * 53 = 1431.",
        "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds7Gj0OlG4zN3mDz3xSbqVZ1Z2eZHkyXk6w==",
    }
    assert turn[1]["data"] == "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP"
    assert adapted == []


@pytest.mark.parametrize("content", [None, "gAAAAABforeign", "tr1.%%%", ENVELOPES.seal("gemini", MIDDLE, b"{}"), ENVELOPES.seal("anthropic", "claude-other", b"{}")])
def test_p43_foreign_reasoning_is_left_out_and_named(content: str | None) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": content}
    body, adapted = build({"input": [user("a"), item, assistant("b"), user("c")]})
    assert kinds(body["messages"][1]) == ["text"]
    assert len(adapted) == 1


def test_p43_a_step_without_its_thinking_is_taken_without_thinking() -> None:
    request = {"input": [user("go"), made_call("a"), result("a")], "tools": [WEATHER], "reasoning": {"effort": "high"}}
    body, adapted = build(request, OLD)
    assert "thinking" not in body
    assert len(adapted) == 1
    assert build(request, NEW)[0]["thinking"] == {"type": "adaptive"}
    thought = {"type": "reasoning", "encrypted_content": ENVELOPES.seal("anthropic", OLD, b'{"type":"thinking","thinking":"t","signature":"s"}')}
    body, _ = build(request | {"input": [user("go"), thought, made_call("a"), result("a")]}, OLD)
    assert body["thinking"]["type"] == "enabled"


def test_p45_structured_output() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}, "required": ["n"]}
    wanted = {"format": {"type": "json_schema", "name": "n", "schema": schema}}
    body, adapted = build({"text": wanted, "reasoning": {"effort": "low"}})
    assert body["output_config"]["effort"] == "low"
    assert body["output_config"]["format"]["schema"]["properties"]["n"] == {"type": "integer", "description": '{"maximum":5}'}
    assert adapted == ["text.format: maximum are not enforced by Anthropic; moved into descriptions"]
    assert refused({"text": wanted}, "claude-3-haiku-20240307").fallback


@pytest.mark.parametrize("fields", [
    {"prompt": {"id": "pmpt_1"}}, {"text": {"format": {"type": "grammar"}}}, {"tools": [WEATHER], "tool_choice": {"type": "hosted"}},
    {"input": [{"type": "message", "role": "system", "content": [{"type": "input_image", "image_url": "https://x"}]}]},
])
def test_what_has_no_twin_is_refused_and_may_go_elsewhere(fields: Json) -> None:
    assert refused(fields).fallback


def test_service_tiers() -> None:
    assert build({"service_tier": "default"})[0]["service_tier"] == "standard_only"
    assert build({"service_tier": "auto"})[0]["service_tier"] == "auto"


def test_log_probabilities_are_named_when_dropped() -> None:
    assert "logprobs" in build({"include": ["message.output_text.logprobs"]})[1][0]


def test_json_mode_is_asked_for_in_words() -> None:
    body, adapted = build({"instructions": "Hi.", "text": {"format": {"type": "json_object"}}})
    assert "JSON" in body["system"][1]["text"]
    assert len(adapted) == 1


def test_multi_turn_with_tools_round_trips() -> None:
    _, outcome = streamed(Anthropic(), stream_bytes("anthropic", "tools"))
    output = outcome.response["output"]
    calls = [item for item in output if item["type"] == "function_call"]
    history = [user("Weather?"), *output, *(result(item["call_id"], "sunny") for item in calls)]
    body, adapted = build({"input": history, "tools": [WEATHER, CITIES]})
    assert roles(body) == ["user", "assistant", "user"]
    assert kinds(body["messages"][1]) == ["text", "tool_use", "tool_use"]
    assert body["messages"][1]["content"][1]["input"]["station"] == 9007199254740993123
    assert [block["tool_use_id"] for block in body["messages"][2]["content"]] == [item["call_id"] for item in calls]
    assert adapted == []


def test_the_stream_flag_follows_the_call() -> None:
    assert msgspec.json.decode(Anthropic().build(call({"input": "Hi"}, model=MIDDLE)).content)["stream"] is True
    assert "stream" not in build({"stream": True})[0]
