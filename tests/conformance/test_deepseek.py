"""What is peculiar to DeepSeek: it thinks unless told otherwise, and wants its thoughts back.

https://api-docs.deepseek.com/guides/thinking_mode
"""

from typing import Any

import msgspec
import pytest

from services.provider_worker.dialect import ProviderFailure
from tests.conformance.answers import DIALECTS, ENVELOPES, call, feed, stream_bytes, streamed, whole_bytes
from tests.conformance.chat_messages import Json, answered, build, chunk, refused, text_of, upstream
from tests.conformance.messages import CITIES, WEATHER, assistant, made_call, result, roles, user

DEEPSEEK = DIALECTS["deepseek"]
ON, OFF = {"type": "enabled"}, {"type": "disabled"}
BY_SCHEMA = {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object", "required": ["n"]}}}}


def thought(text: str = "Hm.", model: str = "deepseek-v4-pro") -> Json:
    return {"type": "reasoning", "encrypted_content": ENVELOPES.seal("deepseek", model, msgspec.json.encode(text))}


def reasoning_in(items: list[Any]) -> list[str | None]:
    """`reasoning_content` of the assistant messages."""
    body, _ = build({"input": items, "tools": [WEATHER]}, DEEPSEEK)
    return [message.get("reasoning_content") for message in body["messages"] if message["role"] == "assistant"]


@pytest.mark.parametrize(("effort", "thinking", "sent", "notes"), [
    (None, None, None, 0), ("none", OFF, None, 0), ("minimal", ON, "low", 1), ("low", ON, "low", 0), ("medium", ON, "high", 1),
    ("high", ON, "high", 0), ("xhigh", ON, "high", 1), ("max", ON, "max", 0),
])
def test_p36_p37_effort_and_the_switch(effort: str | None, thinking: Json | None, sent: str | None, notes: int) -> None:
    body, adapted = build({"reasoning": {"effort": effort}}, DEEPSEEK)
    assert (body.get("thinking"), body.get("reasoning_effort"), len(adapted)) == (thinking, sent, notes)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "get_weather"}])
@pytest.mark.parametrize("reasoning", [{}, {"effort": "high"}])
def test_p21_a_forced_choice_switches_thinking_off(choice: Any, reasoning: Json) -> None:
    body, adapted = build({"tools": [WEATHER], "tool_choice": choice, "reasoning": reasoning}, DEEPSEEK)
    assert (body["thinking"], "reasoning_effort" in body) == (OFF, False)
    assert adapted == ["thinking was switched off: it excludes a forced tool call"]
    assert build({"tools": [WEATHER], "tool_choice": choice, "reasoning": {"effort": "none"}}, DEEPSEEK)[1] == []


def test_p37_a_frugal_mode_switches_thinking_off_unless_the_client_asks_for_it() -> None:
    body, adapted = build({"input": "Hi"}, DEEPSEEK, frugal=True)
    assert body["thinking"] == {"type": "disabled"}
    assert len(adapted) == 1
    assert build({"input": "Hi", "reasoning": {"effort": "high"}}, DEEPSEEK, frugal=True)[0]["thinking"] == {"type": "enabled"}
    assert "thinking" not in build({"input": "Hi"}, DEEPSEEK)[0]


def test_p9_sampling_has_no_effect_while_it_thinks() -> None:
    body, adapted = build({"temperature": 0.2, "frequency_penalty": 0.5, "top_p": 0.9}, DEEPSEEK)
    assert ("temperature" in body, "frequency_penalty" in body, body["top_p"]) == (False, False, 0.9)
    assert adapted == ["dropped, without effect while DeepSeek thinks: frequency_penalty, temperature"]
    body, adapted = build({"temperature": 0.2, "reasoning": {"effort": "none"}}, DEEPSEEK)
    assert (body["temperature"], adapted) == (0.2, [])
    assert build({"temperature": 1}, DEEPSEEK)[1] == []


def test_p10_sixteen_stop_strings() -> None:
    assert len(build({"stop": list("abcdefghijklmnop")}, DEEPSEEK)[0]["stop"]) == 16
    assert len(build({"stop": list("abcdefghijklmnopq")}, DEEPSEEK)[0]["stop"]) == 16


def test_p11_log_probabilities_are_not_asked_of_a_model_that_thinks() -> None:
    asked = {"top_logprobs": 5}
    body, adapted = build(asked, DEEPSEEK)
    assert ("logprobs" in body, len(adapted)) == (False, 1)
    body, adapted = build(asked | {"reasoning": {"effort": "none"}}, DEEPSEEK)
    assert (body["logprobs"], body["top_logprobs"], adapted) == (True, 5, [])


def test_p42_reasoning_comes_back_in_turns_with_calls_even_empty() -> None:
    items = [user("a"), thought("One."), made_call("x"), result("x"), made_call("y"), result("y"), thought("Two."), assistant("b")]
    assert reasoning_in(items) == ["One.", "", "Two."]


def test_p42_reasoning_stays_out_of_turns_without_calls() -> None:
    turn = [user("a"), thought("One."), assistant("b")]
    assert reasoning_in([*turn, user("c"), made_call("x"), result("x")]) == [None, ""]


def test_p42_no_content_is_not_null_beside_reasoning() -> None:
    body, _ = build({"input": [user("a"), thought(), made_call("x"), result("x")]}, DEEPSEEK)
    assert body["messages"][1]["content"] == ""


def test_p42_reasoning_of_one_model_is_good_for_another() -> None:
    assert reasoning_in([user("a"), thought(model="deepseek-v4-flash"), made_call("x"), result("x")]) == ["Hm."]


def test_p43_reasoning_of_others_is_left_out_and_the_field_empty() -> None:
    foreign = {"type": "reasoning", "encrypted_content": ENVELOPES.seal("anthropic", "claude", b"{}")}
    body, adapted = build({"input": [user("a"), foreign, made_call("x"), result("x")]}, DEEPSEEK)
    assert body["messages"][1]["reasoning_content"] == ""
    assert adapted == ["1 reasoning items were left out: DeepSeek cannot read them back"]


def test_p44_a_tool_loop_round_trips_for_a_stateless_client() -> None:
    _, outcome = streamed(DEEPSEEK, stream_bytes("deepseek", "tools"))
    output = outcome.response["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call", "function_call"]
    results = [result(item["call_id"], "sunny") for item in output if item["type"] == "function_call"]
    body, adapted = build({"input": [user("Weather?"), *output, *results], "tools": [WEATHER, CITIES]}, DEEPSEEK)
    assert roles(body) == ["user", "assistant", "tool", "tool"]
    said = body["messages"][1]
    assert (said["reasoning_content"], said["content"], len(said["tool_calls"])) == ("The user wants the weather.", "I'll look both up.", 2)
    assert adapted == []


def test_p38_its_thoughts_are_its_own_words() -> None:
    events, outcome = streamed(DEEPSEEK, stream_bytes("deepseek", "reasoning"))
    item = outcome.response["output"][0]
    assert item["content"] == [{"type": "reasoning_text", "text": "9.11 and 9.8: compare the tenths."}]
    assert item["summary"] == []
    assert any(event["type"] == "response.reasoning_text.delta" for event in events)


def test_p58_cache_hits_and_reasoning() -> None:
    usage = DEEPSEEK.read(whole_bytes("deepseek", "reasoning"), call()).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == (2065, 2048, 57, 41)


def test_p22_parallel_calls_cannot_be_switched_off() -> None:
    body, adapted = build({"tools": [WEATHER], "parallel_tool_calls": False}, DEEPSEEK)
    assert "parallel_tool_calls" not in body
    assert len(adapted) == 1
    made = call({"input": "Hi", "tools": [WEATHER, CITIES], "parallel_tool_calls": False})
    for outcome in (streamed(DEEPSEEK, stream_bytes("deepseek", "tools"), made=made)[1], DEEPSEEK.read(whole_bytes("deepseek", "tools"), made)):
        assert [item["name"] for item in outcome.response["output"] if item["type"] == "function_call"] == ["get_weather"]
        assert len(outcome.notes) == 1


def test_p33_only_some_models_see() -> None:
    picture = {"input": [{"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/a.png"}]}]}
    assert build(picture, DEEPSEEK, model="deepseek-flash")[0]["messages"][0]["content"][0]["type"] == "image_url"
    assert refused(picture, DEEPSEEK, model="deepseek-v4-pro").fallback


def test_p45_a_schema_is_asked_for_in_words_and_checked() -> None:
    sent = upstream(BY_SCHEMA, DEEPSEEK)
    body = msgspec.json.decode(sent.content)
    assert body["response_format"] == {"type": "json_object"}
    assert '{"type":"object","required":["n"]}' in body["messages"][0]["content"]
    assert "JSON" in body["messages"][0]["content"]
    assert sent.schemas == {"": {"type": "object", "required": ["n"]}}


def test_p45_an_answer_of_blanks_is_none_and_shows_nothing() -> None:
    made = call({"input": "Hi"} | BY_SCHEMA)
    reader = DEEPSEEK.reader(made)
    blank = [chunk({"content": "  "}), chunk({"content": "\n  "}), chunk({"content": ""}, "stop")]
    shown = feed(reader, b"".join(b"data: %b\n\n" % msgspec.json.encode(one) for one in blank))
    assert [event.type for event in shown] == ["response.created", "response.in_progress"]
    with pytest.raises(ProviderFailure) as caught:
        feed(reader, b"data: [DONE]\n\n")
    assert (caught.value.code, caught.value.fallback, caught.value.billing) == ("upstream_error", True, "billed")
    assert text_of(answered(*blank, dialect=DEEPSEEK)) == "  \n  "


def test_p45_blanks_before_json_are_dropped() -> None:
    made = call({"input": "Hi"} | BY_SCHEMA)
    outcome = answered(
        chunk({"reasoning_content": "Hm."}), chunk({"content": " \n"}), chunk({"content": ' {"n":'}), chunk({"content": " 1}"}), chunk({}, "stop"),
        dialect=DEEPSEEK, made=made,
    )
    assert [item["type"] for item in outcome.response["output"]] == ["reasoning", "message"]
    assert outcome.response["output"][1]["content"][0]["text"] == '{"n": 1}'


def test_p45_a_call_instead_of_json_is_an_answer() -> None:
    made = call({"input": "Hi", "tools": [WEATHER]} | BY_SCHEMA)
    named = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "get_weather", "arguments": ""}}]}
    assert answered(chunk(named), chunk({}, "tool_calls"), dialect=DEEPSEEK, made=made).status == "completed"


def test_p7_a_last_assistant_message_is_no_prefill() -> None:
    body, adapted = build({"input": [user("a"), assistant("b")]}, DEEPSEEK)
    assert roles(body) == ["user", "assistant", "user"]
    assert len(adapted) == 1


@pytest.mark.parametrize(("status", "message", "code", "fallback"), [
    (402, "Insufficient Balance", "insufficient_quota", True), (400, "Model Not Exist", "model_not_found", True),
    (400, "Thinking mode does not support this tool_choice", "invalid_request", True),
    (400, "The `reasoning_content` in the thinking mode must be passed back to the API.", "invalid_request", True),
    (422, "Failed to deserialize the JSON body into the target type", "invalid_request", False),
    (503, "Service is too busy", "upstream_unavailable", True),
])
def test_p73_errors(status: int, message: str, code: str, fallback: bool) -> None:
    error = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": "invalid_request_error"}}
    failure = DEEPSEEK.failure(status, {}, msgspec.json.encode(error))
    assert (failure.code, failure.fallback) == (code, fallback)
