"""What a canonical request becomes at servers of the chat API."""

import tomllib
from typing import Any

import msgspec
import pytest

from services.provider_worker.dialects.chat import Chat
from services.provider_worker.dialects.chat.quirks import Quirks
from tests.conformance.answers import ENVELOPES, PROVIDERS_TOML, call, chat, stream_bytes, streamed
from tests.conformance.chat_messages import PLAIN, Json, build, refused, upstream
from tests.conformance.messages import CITIES, WEATHER, assistant, made_call, result, roles, user

OPENAI, XAI, GROQ, OPENROUTER, VLLM, OLLAMA, LMSTUDIO = map(
    chat, ("openai", "xai", "groq", "openrouter", "vllm", "ollama", "lmstudio")
)
ENTRIES: list[Json] = tomllib.loads(PROVIDERS_TOML.read_text())["provider"]


def with_quirks(**quirks: Any) -> Chat:
    return Chat("plain", Quirks(**quirks), "Plain")


def said(*parts: Json) -> Json:
    return {"type": "message", "role": "user", "content": list(parts)}


def system(text: str, role: str = "system") -> Json:
    return {"type": "message", "role": role, "content": text}


def test_a_plain_request() -> None:
    body, adapted = build({"instructions": "Be kind.", "max_output_tokens": 100, "metadata": {"team": "a"}, "store": True, "temperature": 0.1})
    assert body == {
        "model": "model-1", "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
        "temperature": 0.1, "max_tokens": 100,
    }
    assert adapted == []
    assert upstream({}).path == "/chat/completions"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_every_known_server_takes_a_request_with_tools(entry: Json) -> None:
    dialect = Chat(entry["id"], msgspec.convert(entry.get("chat", {}), Quirks), entry["name"])
    body, _ = build({"input": [user("Weather?"), made_call("call_1"), result("call_1")], "tools": [WEATHER]}, dialect)
    assert roles(body) == ["user", "assistant", "tool"]
    assert entry["base_url"].startswith("http")
    assert not entry["base_url"].endswith("/")


def test_a_quirk_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"paralel_flag": False}, Quirks)


def test_the_key_is_a_bearer_token() -> None:
    assert PLAIN.authorize("sk-not-a-real-key") == {"authorization": "Bearer sk-not-a-real-key"}
    assert PLAIN.authorize("") == {}


def test_extra_fields_go_with_every_request() -> None:
    body, _ = build({}, with_quirks(extra={"chat_template_kwargs": {"enable_thinking": False}}))
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize(("dialect", "role"), [(OPENAI, "developer"), (PLAIN, "system")])
def test_p2_developer_is_sent_where_it_is_known(dialect: Chat, role: str) -> None:
    body, adapted = build({"instructions": "a", "input": [system("b", "developer"), user("c")]}, dialect)
    assert roles(body) == ["system", role, "user"]
    assert adapted == []


def test_p3_system_messages_move_only_where_they_must() -> None:
    given = {"instructions": "First.", "input": [user("a"), assistant("b"), system("Late."), user("c")]}
    body, adapted = build(given)
    assert roles(body) == ["system", "user", "assistant", "system", "user"]
    assert adapted == []
    body, adapted = build(given, VLLM)
    assert roles(body) == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"] == "First.\n\nLate."
    assert len(adapted) == 1
    assert "input[2]" in adapted[0]


def test_p4_text_is_a_string_whatever_form_it_had() -> None:
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]
    body, _ = build({"input": [said(*parts), {"role": "assistant", "content": "c"}, user("d"), user("")]})
    assert [message["content"] for message in body["messages"]] == ["a\nb", "c", "d"]


def test_p6_users_in_a_row_are_one_where_roles_must_alternate() -> None:
    given = {"input": [user("a"), user("b"), said({"type": "input_image", "image_url": "https://example.com/a.png"}), assistant("c"), user("d")]}
    assert roles(build(given)[0]) == ["user", "user", "user", "assistant", "user"]
    body, _ = build(given, VLLM)
    assert roles(body) == ["user", "assistant", "user"]
    assert [part["type"] for part in body["messages"][0]["content"]] == ["text", "image_url"]
    assert body["messages"][0]["content"][0]["text"] == "a\n\nb"


def test_nothing_to_say_is_refused() -> None:
    assert refused({"input": ""}).fallback
    assert refused({"input": [assistant("")]}).fallback


def test_p8_the_cap_has_the_servers_name_and_the_models_limit() -> None:
    assert build({"max_output_tokens": 5}, OPENAI)[0]["max_completion_tokens"] == 5
    body, adapted = build({"max_output_tokens": 99_999}, max_output_tokens=8192)
    assert body["max_tokens"] == 8192
    assert "8192" in adapted[0]
    assert "max_tokens" not in build({}, max_output_tokens=8192)[0]


def test_p10_stop_strings() -> None:
    assert build({"stop": ["a", "b"]})[0]["stop"] == ["a", "b"]
    assert build({"stop": "END"})[0]["stop"] == ["END"]
    assert "stop" not in build({"stop": []})[0]
    body, adapted = build({"stop": list("abcde")})
    assert body["stop"] == list("abcd")
    assert adapted == ["only the first 4 stop strings were sent: Plain takes no more"]


def test_p11_only_what_the_server_takes_is_sent_and_the_rest_is_named() -> None:
    given = {"n": 3, "seed": 7, "top_k": 5, "logit_bias": {"1": 5}, "presence_penalty": 0.5, "text": {"verbosity": "low"}}
    body, adapted = build(given)
    assert set(body) == {"model", "messages", "seed", "presence_penalty"}
    assert adapted == ["dropped, not taken by Plain: logit_bias, n, top_k, verbosity"]
    body, _ = build(given, VLLM)
    assert (body["seed"], body["top_k"], body["logit_bias"], "n" in body) == (7, 5, {"1": 5}, False)


@pytest.mark.parametrize(("asked", "sent"), [
    ({"top_logprobs": 3}, {"logprobs": True, "top_logprobs": 3}), ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
    ({"top_logprobs": 0, "include": ["message.output_text.logprobs"]}, {"logprobs": True}), ({"top_logprobs": 0}, {}),
])
def test_p11_log_probabilities_are_asked_of_servers_that_tell_them(asked: Json, sent: Json) -> None:
    body, adapted = build(asked, VLLM)
    assert ({name: body[name] for name in body if "logprobs" in name}, adapted) == (sent, [])
    body, adapted = build(asked)
    assert not any("logprobs" in name for name in body)
    assert len(adapted) == (1 if sent else 0)


def test_p11_more_log_probabilities_than_the_server_tells() -> None:
    body, adapted = build({"top_logprobs": 20}, XAI)
    assert (body["top_logprobs"], len(adapted)) == (8, 1)


def test_p11_what_models_that_reason_refuse_is_left_out_and_named() -> None:
    asked = {"stop": ["END"], "seed": 7, "top_logprobs": 3}
    body, adapted = build(asked, XAI, reasoning=True)
    assert set(body) == {"model", "messages", "seed"}
    assert adapted == [
        "dropped, not taken by xAI for models that think: stop",
        "message.output_text.logprobs was left out: xAI tells no log probabilities of a model that thinks",
    ]
    assert set(build(asked, XAI)[0]) == {"model", "messages", "seed", "stop", "logprobs", "top_logprobs"}


def test_nothing_is_stored_at_openai() -> None:
    assert build({"store": True}, OPENAI)[0]["store"] is False
    assert "store" not in build({"store": True})[0]


def test_p11_what_only_names_the_default_is_not_worth_a_note() -> None:
    body, adapted = build({"n": 1, "top_logprobs": 0, "truncation": "disabled", "service_tier": "auto", "parallel_tool_calls": True})
    assert set(body) == {"model", "messages"}
    assert adapted == []


def test_p11_the_person_has_two_names() -> None:
    assert build({"safety_identifier": "u-1"})[0]["user"] == "u-1"
    assert build({"safety_identifier": "u-1"}, GROQ)[0]["user"] == "u-1"
    body, adapted = build({"safety_identifier": "u-1", "user": "u-2"})
    assert body["user"] == "u-2"
    assert "safety_identifier" in adapted[0]
    body, adapted = build({"safety_identifier": "u-1"}, OPENAI)
    assert (body["safety_identifier"], "user" in body, adapted) == ("u-1", False, [])


def test_p12_usage_is_asked_for_where_that_is_taken() -> None:
    body, _ = build({"stream_options": {"format": "openai", "include_obfuscation": False}}, stream=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert "stream_options" not in build({}, chat("mistral"), stream=True)[0]
    assert "stream_options" not in build({})[0]


def test_p15_p30_tools_are_nested_and_keep_their_order() -> None:
    body, adapted = build({"tools": [WEATHER | {"strict": False}, CITIES]})
    assert body["tools"] == [
        {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": {"type": "object", "properties": {}}}},
        {"type": "function", "function": {"name": "list_cities", "parameters": {"type": "object", "properties": {}}}},
    ]
    assert adapted == []


def test_p20_a_schema_that_nobody_enforces_is_checked_on_the_way_back() -> None:
    tool = WEATHER | {"strict": True, "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
    assert build({"tools": [tool]}, OPENAI)[0]["tools"][0]["function"]["strict"] is True
    assert upstream({"tools": [tool]}, OPENAI).schemas == {}
    sent = upstream({"tools": [tool]})
    assert sent.schemas == {"get_weather": tool["parameters"]}
    assert b"strict" not in sent.content
    assert "get_weather" in sent.adapted[0]


ONE = [{"type": "function", "name": "get_weather"}]


@pytest.mark.parametrize(("choice", "expected", "count"), [
    ("auto", None, 2), ("none", "none", 2), ("required", "required", 2),
    ({"type": "function", "name": "get_weather"}, {"type": "function", "function": {"name": "get_weather"}}, 2),
    ({"type": "allowed_tools", "mode": "auto", "tools": ONE}, None, 1),
    ({"type": "allowed_tools", "mode": "required", "tools": ONE}, "required", 1),
])
def test_p21_tool_choice(choice: Any, expected: Any, count: int) -> None:
    body, adapted = build({"tools": [WEATHER, CITIES], "tool_choice": choice})
    assert body.get("tool_choice") == expected
    assert len(body["tools"]) == count
    assert adapted == []


def test_p21_a_server_that_cannot_be_told_which_tool_sees_only_that_one() -> None:
    body, adapted = build({"tools": [WEATHER, CITIES], "tool_choice": {"type": "function", "name": "list_cities"}}, LMSTUDIO)
    assert body["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in body["tools"]] == ["list_cities"]
    assert len(adapted) == 1


def test_p21_a_choice_that_nothing_can_fulfil() -> None:
    assert refused({"tools": [WEATHER], "tool_choice": "required"}, with_quirks(required_word="")).fallback
    assert not refused({"tool_choice": "required"}).fallback
    assert not refused({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}).fallback


def test_p22_one_call_at_a_time() -> None:
    assert build({"tools": [WEATHER], "parallel_tool_calls": False})[0]["parallel_tool_calls"] is False
    body, adapted = build({"tools": [WEATHER], "parallel_tool_calls": False}, OLLAMA)
    assert "parallel_tool_calls" not in body
    assert "first call" in adapted[0]
    assert "parallel_tool_calls" not in build({"parallel_tool_calls": False})[0]


def test_p23_ids_fit_and_stay_apart() -> None:
    ids = ["call_1", "x" * 41, "x" * 42, "with blank", "ünï", ""]
    items = [item for call_id in ids for item in (made_call(call_id), result(call_id))]
    body, _ = build({"input": [user("go"), *items]})
    used = [one["id"] for message in body["messages"] for one in message.get("tool_calls", ())]
    assert used == [message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"]
    assert len(set(used)) == len(ids)
    assert used[0] == "call_1"
    assert all(0 < len(tool_id) <= 40 and tool_id.isascii() and " " not in tool_id for tool_id in used)


def test_p23_an_id_used_twice_is_two_calls() -> None:
    items = [made_call("call_0"), result("call_0", "one"), made_call("call_0"), result("call_0", "two")]
    body, _ = build({"input": [user("go"), *items]})
    first, second = [message["tool_calls"][0]["id"] for message in body["messages"] if message["role"] == "assistant"]
    assert first != second
    assert [(m["tool_call_id"], m["content"]) for m in body["messages"] if m["role"] == "tool"] == [(first, "one"), (second, "two")]


def test_p24_names_come_back_as_the_client_wrote_them() -> None:
    dotted = WEATHER | {"name": "maps.get_weather" + "y" * 60}
    made = call({"input": [user("a"), made_call("c", dotted["name"]), result("c")], "tools": [dotted]})
    body = msgspec.json.decode(PLAIN.build(made).content)
    sent = body["tools"][0]["function"]["name"]
    assert sent == body["messages"][1]["tool_calls"][0]["function"]["name"]
    assert "." not in sent
    assert len(sent) <= 64
    _, outcome = streamed(PLAIN, stream_bytes("chat", "tools").replace(b'"get_weather"', b'"%b"' % sent.encode()), made=made)
    assert outcome.response["output"][0]["name"] == dotted["name"]


@pytest.mark.parametrize(("given", "sent"), [("", "{}"), ("  ", "{}"), ('{"n": 123456789012345678901234567890}',) * 2, ("{broken",) * 2])
def test_p25_arguments_travel_as_they_are_written(given: str, sent: str) -> None:
    body, _ = build({"input": [user("go"), made_call("c", arguments=given), result("c")]})
    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == sent


def test_p26_text_and_calls_are_one_message_and_results_follow_in_the_order_of_the_calls() -> None:
    items = [user("go"), assistant("Looking."), made_call("a"), made_call("b"), user("meanwhile"), result("b", "B"), result("a", "A")]
    body, adapted = build({"input": items})
    assert roles(body) == ["user", "assistant", "tool", "tool", "user"]
    assert body["messages"][1]["content"] == "Looking."
    assert [one["id"] for one in body["messages"][1]["tool_calls"]] == ["a", "b"]
    assert [message["content"] for message in body["messages"][2:]] == ["A", "B", "meanwhile"]
    assert adapted == []


def test_p26_calls_one_after_another_stay_apart() -> None:
    body, _ = build({"input": [user("go"), made_call("a"), result("a"), made_call("b"), result("b"), assistant("done")]})
    assert roles(body) == ["user", "assistant", "tool", "assistant", "tool", "assistant"]


def test_p26_a_failed_tool_says_so() -> None:
    body, adapted = build({"input": [user("go"), made_call("a"), result("a", "no such city", is_error=True)]})
    assert body["messages"][2]["content"] == "Error: no such city"
    assert len(adapted) == 1


def test_p27_a_call_without_result_is_answered_and_named() -> None:
    body, adapted = build({"input": [user("go"), made_call("a"), made_call("b"), result("b"), user("and?")]})
    assert [message["content"] for message in body["messages"][2:]] == ["This call was not answered.", "ok", "and?"]
    assert adapted == ["1 calls had no result; each was answered with a note that it was not answered"]


def test_p27_a_result_without_call_is_refused() -> None:
    failure = refused({"input": [user("go"), result("a")]})
    assert (failure.param, failure.fallback) == ("input[1].call_id", False)


@pytest.mark.parametrize("kind", ["web_search", "file_search", "code_interpreter", "computer_use_preview", "mcp", "image_generation"])
def test_p28_built_in_tools_are_refused_and_may_go_elsewhere(kind: str) -> None:
    failure = refused({"tools": [{"type": kind}]})
    assert (failure.fallback, failure.param) == (True, "tools[0].type")


def test_p28_traces_of_built_in_tools_are_left_out_and_named() -> None:
    body, adapted = build({"input": [user("a"), {"type": "web_search_call", "id": "ws_1", "status": "completed"}, assistant("b"), user("c")]})
    assert roles(body) == ["user", "assistant", "user"]
    assert adapted == ["left out of the history: web_search_call"]


def test_p29_a_freeform_tool_is_a_function_with_one_input() -> None:
    tool = {"type": "custom", "name": "sql", "description": "Runs it.", "format": {"type": "grammar", "syntax": "lark", "definition": "start: A"}}
    items = [user("go"), {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": 'select "1"'},
             {"type": "custom_tool_call_output", "call_id": "c", "output": "1"}]
    body, _ = build({"input": items, "tools": [tool]})
    function = body["tools"][0]["function"]
    assert function["parameters"]["required"] == ["input"]
    assert function["description"] == "Runs it.\nThe input must follow this grammar:\nstart: A"
    assert msgspec.json.decode(body["messages"][1]["tool_calls"][0]["function"]["arguments"]) == {"input": 'select "1"'}


def test_p31_images_by_address_and_as_data() -> None:
    parts = [{"type": "input_text", "text": "See:"}, {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "high"},
             {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}]
    body, _ = build({"input": [said(*parts)]})
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "See:"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    assert "input_image" in OLLAMA.inlines
    assert PLAIN.inlines == frozenset()


def test_p33_a_model_that_sees_nothing_is_not_shown_anything() -> None:
    picture = said({"type": "input_image", "image_url": "https://example.com/a.png"})
    blind = with_quirks(images=("*-vision", "eye-*"))
    assert refused({"input": [picture]}, blind, model="model-1").fallback
    assert roles(build({"input": [picture]}, blind, model="model-1-vision")[0]) == ["user"]
    assert refused({"input": [said({"type": "input_image", "file_id": "file-1"})]}).fallback


@pytest.mark.parametrize(("part", "data"), [
    ({"file_data": "data:application/pdf;base64,JVBERi0x", "filename": "a.pdf"}, "data:application/pdf;base64,JVBERi0x"),
    ({"file_data": "JVBERi0x", "filename": "a.pdf"}, "data:application/pdf;base64,JVBERi0x"),
    ({"file_data": "YSxi", "filename": "a.pdf"}, "data:text/plain;base64,YSxi"),
])
def test_p34_files_are_parts_of_their_own(part: Json, data: str) -> None:
    body, _ = build({"input": [said({"type": "input_file"} | part)]}, OPENAI)
    assert body["messages"][0]["content"] == [{"type": "file", "file": {"filename": "a.pdf", "file_data": data}}]


@pytest.mark.parametrize("part", [{"file_id": "file-1"}, {"file_url": "https://example.com/a.pdf"}])
def test_p34_files_that_the_server_cannot_get_are_refused(part: Json) -> None:
    assert refused({"input": [said({"type": "input_file"} | part)]}, OPENAI).fallback
    assert refused({"input": [said({"type": "input_file"} | part)]}).fallback


def test_p34_openrouter_fetches_files() -> None:
    body, _ = build({"input": [said({"type": "input_file", "file_url": "https://example.com/a.pdf"})]}, OPENROUTER)
    assert body["messages"][0]["content"][0]["file"]["file_data"] == "https://example.com/a.pdf"


def test_audio_where_it_is_heard() -> None:
    part = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    assert build({"input": [said(part)]}, OPENAI)[0]["messages"][0]["content"] == [part]
    assert refused({"input": [said(part)]}).fallback


def test_p35_images_in_results_become_the_users() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    items = [user("go"), made_call("a"), made_call("b"), result("a", [{"type": "input_text", "text": "Here."}, image]), result("b", "B")]
    body, adapted = build({"input": items})
    assert roles(body) == ["user", "assistant", "tool", "tool", "user"]
    assert body["messages"][2]["content"] == "Here."
    assert [part["type"] for part in body["messages"][4]["content"]] == ["text", "image_url"]
    assert len(adapted) == 1


@pytest.mark.parametrize(("dialect", "model", "effort", "fields", "notes"), [
    (PLAIN, "m", None, {}, 0), (PLAIN, "m", "low", {"reasoning_effort": "low"}, 0), (PLAIN, "m", "xhigh", {"reasoning_effort": "high"}, 1),
    (PLAIN, "m", "none", {}, 1), (PLAIN, "m", "galactic", {}, 1), (OPENAI, "gpt-audio", "low", {}, 1),
    (OPENROUTER, "m", "xhigh", {"reasoning": {"effort": "xhigh"}}, 0), (OPENROUTER, "m", "none", {"reasoning": {"effort": "none"}}, 0),
    (GROQ, "openai/gpt-oss-120b", "medium", {"reasoning_effort": "medium"}, 0), (GROQ, "llama-3.3-70b-versatile", "medium", {}, 1),
    (GROQ, "qwen/qwen3-32b", "none", {"reasoning_effort": "none"}, 0), (GROQ, "qwen/qwen3-32b", "low", {"reasoning_effort": "default"}, 1),
    (XAI, "grok-3-mini", "medium", {"reasoning_effort": "high"}, 1), (XAI, "grok-4-0709", "high", {}, 1),
])
def test_p36_effort_in_the_servers_words(dialect: Chat, model: str, effort: str | None, fields: Json, notes: int) -> None:
    sent = upstream({"reasoning": {"effort": effort}}, dialect, model=model)
    body = msgspec.json.decode(sent.content)
    assert {name: body[name] for name in ("reasoning", "reasoning_effort") if name in body} == fields
    assert len(sent.adapted) == notes


@pytest.mark.parametrize(
    "content", [None, "gAAAAABforeign", "tr1.%%%", ENVELOPES.seal("anthropic", "m", b'"t"'), ENVELOPES.seal("vllm", "m", b"{")],
    ids=["none", "elsewhere", "not sealed", "another provider", "not JSON"],
)
def test_p43_foreign_reasoning_is_left_out_and_named(content: str | None) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": content}
    for dialect in (PLAIN, VLLM):
        body, adapted = build({"input": [user("a"), item, made_call("c"), result("c")]}, dialect)
        assert roles(body) == ["user", "assistant", "tool"]
        assert "s" not in body["messages"][1]
        assert "1 reasoning items" in adapted[0]


def test_reasoning_goes_back_to_open_models_within_a_tool_loop() -> None:
    thought = {"type": "reasoning", "encrypted_content": ENVELOPES.seal("vllm", "other", b'"Hm."')}
    body, adapted = build({"input": [user("a"), thought, assistant("b"), user("c"), thought, made_call("c"), result("c")]}, VLLM)
    assert [message.get("reasoning") for message in body["messages"]] == [None, None, None, "Hm.", None]
    assert adapted == []


def test_p44_openrouters_details_go_back_whole_and_only_to_their_model() -> None:
    made = call(model="anthropic/claude-sonnet-4.5")
    _, outcome = streamed(OPENROUTER, stream_bytes("openrouter", "reasoning"), made=made)
    history = {"input": [user("Weather?"), *outcome.response["output"], user("Go on.")]}
    body, adapted = build(history, OPENROUTER, model=made.model)
    assert body["messages"][1]["reasoning_details"] == [{
        "type": "reasoning.text", "text": "The user wants the weather.", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pki",
        "format": "anthropic-claude-v1", "index": 0,
    }]
    assert adapted == []
    body, adapted = build(history, OPENROUTER, model="openai/gpt-5")
    assert "reasoning_details" not in body["messages"][1]
    assert len(adapted) == 1


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}, "required": ["n"]}
BY_SCHEMA = {"text": {"format": {"type": "json_schema", "name": "n", "description": None, "schema": SCHEMA, "strict": True}}}
JSON_MODE = {"text": {"format": {"type": "json_object"}}}


def test_p45_structured_output_where_the_server_has_it() -> None:
    sent = upstream(BY_SCHEMA)
    assert msgspec.json.decode(sent.content)["response_format"] == {
        "type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
    }
    assert (sent.adapted, sent.schemas) == ([], {})


@pytest.mark.parametrize(("formats", "expected"), [(frozenset({"json_object"}), {"type": "json_object"}), (frozenset(), None)])
def test_p45_structured_output_in_words(formats: frozenset[Any], expected: Json | None) -> None:
    sent = upstream(BY_SCHEMA | {"instructions": "Count."}, with_quirks(formats=formats))
    body = msgspec.json.decode(sent.content)
    assert body.get("response_format") == expected
    assert roles(body) == ["system", "user"]
    assert body["messages"][0]["content"].startswith("Count.\n\n")
    assert msgspec.json.encode(SCHEMA).decode() in body["messages"][0]["content"]
    assert sent.schemas == {"": SCHEMA}
    assert len(sent.adapted) == 1


def test_p45_json_mode_and_its_word() -> None:
    body, adapted = build(JSON_MODE | {"input": "Give me some JSON."})
    assert body["response_format"] == {"type": "json_object"}
    assert (roles(body), adapted) == (["user"], [])
    body, adapted = build(JSON_MODE)
    assert "JSON" in body["messages"][0]["content"]
    assert (roles(body), len(adapted)) == (["system", "user"], 1)
    sent = upstream(JSON_MODE, LMSTUDIO)
    assert b"response_format" not in sent.content
    assert sent.schemas == {"": {"type": "object"}}


@pytest.mark.parametrize("fields", [
    {"prompt": {"id": "pmpt_1"}}, {"instructions": [system("s")]}, {"text": {"format": {"type": "grammar"}}},
    {"tools": [WEATHER], "tool_choice": {"type": "hosted"}},
    {"input": [{"type": "message", "role": "system", "content": [{"type": "input_image", "image_url": "https://x"}]}]},
    {"input": [{"type": "compaction", "encrypted_content": "x"}]}, {"input": [said({"type": "input_video", "video_url": "https://x"})]},
])
def test_what_has_no_twin_is_refused_and_may_go_elsewhere(fields: Json) -> None:
    assert refused(fields).fallback


@pytest.mark.parametrize("fields", [
    {"input": [{"type": "custom_tool_call_output", "call_id": "c", "output": 7}]}, {"reasoning": {"effort": ["high"]}},
    {"input": [{"type": "custom_tool_call", "call_id": ["c"], "name": {}}, {"type": "custom_tool_call_output", "call_id": ["c"], "output": [7]}]},
    {"tools": [WEATHER, {"type": "mcp", "name": [1]}], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"name": [2]}]}},
])
def test_malformed_requests_are_refused_and_break_nothing(fields: Json) -> None:
    assert not refused(fields).fallback


def test_a_multi_turn_conversation_with_tools_round_trips() -> None:
    _, outcome = streamed(OPENAI, stream_bytes("chat", "tools"))
    output = outcome.response["output"]
    history = [user("Weather?"), *output, *(result(item["call_id"], "sunny") for item in output)]
    body, adapted = build({"input": history, "tools": [WEATHER, CITIES]}, OPENAI)
    assert roles(body) == ["user", "assistant", "tool", "tool"]
    assert msgspec.json.decode(body["messages"][1]["tool_calls"][0]["function"]["arguments"])["station"] == 9007199254740993123
    assert [message["tool_call_id"] for message in body["messages"][2:]] == [item["call_id"] for item in output]
    assert adapted == []
