"""What is peculiar to Mistral: nine-character ids, a strict order of messages, content in chunks, complaints in `detail`."""

from typing import Any

import msgspec
import pytest
from mistralai.client.models import ChatCompletionRequest

from services.provider_worker.dialect import ProviderFailure
from tests.conformance.answers import DIALECTS, ENVELOPES, call, stream_bytes, streamed, whole_bytes
from tests.conformance.chat_messages import Json, answered, chunk, upstream
from tests.conformance.messages import CITIES, WEATHER, assistant, made_call, result, roles, user

MISTRAL = DIALECTS["mistral"]
MODEL = "mistral-medium-3-5"


def build(request: Json, model: str = MODEL, **more: Any) -> tuple[Json, list[str]]:
    """The body, valid by Mistral's own types and without a field they do not know, and what was adapted."""
    sent = upstream(request, MISTRAL, model=model, **more)
    assert sent.path == "/v1/chat/completions"
    body = msgspec.json.decode(sent.content)
    ChatCompletionRequest.model_validate(body)
    assert set(body) <= set(ChatCompletionRequest.model_fields)
    return body, sent.adapted


def said(*parts: Json) -> Json:
    return {"type": "message", "role": "user", "content": list(parts)}


def test_p11_p12_only_fields_that_mistral_knows() -> None:
    given = {"seed": 7, "user": "u", "temperature": 0.3, "max_output_tokens": 9, "parallel_tool_calls": False, "tools": [WEATHER]}
    body, adapted = build(given, stream=True)
    assert (body["random_seed"], body["max_tokens"], body["parallel_tool_calls"], body["stream"]) == (7, 9, False, True)
    assert adapted == ["dropped, not taken by Mistral: user"]


def test_p9_temperature_goes_to_one_and_a_half() -> None:
    body, adapted = build({"temperature": 2})
    assert body["temperature"] == 1.5
    assert adapted == ["temperature 2 was lowered to 1.5, the highest that Mistral takes"]
    assert build({"temperature": 1.5})[1] == []


def test_p21_any_is_mistrals_word_for_required() -> None:
    assert build({"tools": [WEATHER], "tool_choice": "required"})[0]["tool_choice"] == "any"
    named = build({"tools": [WEATHER], "tool_choice": {"type": "function", "name": "get_weather"}})[0]["tool_choice"]
    assert named == {"type": "function", "function": {"name": "get_weather"}}


def test_p23_ids_are_nine_letters_and_digits_and_never_collide() -> None:
    ids = ["call_a1B2c3D4e5F6g7H8i9J0k1L2", "toolu_01T1x1", "D681PevKs", "", "ünï"]
    items = [item for call_id in ids for item in (made_call(call_id), result(call_id, call_id))]
    body, _ = build({"input": [user("go"), *items]})
    used = [one["id"] for message in body["messages"] for one in message.get("tool_calls") or ()]
    assert used == [message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"]
    assert used[2] == "D681PevKs"
    assert len(set(used)) == len(ids)
    assert all(len(tool_id) == 9 and tool_id.isascii() and tool_id.isalnum() for tool_id in used)
    assert [message["content"] for message in body["messages"] if message["role"] == "tool"] == ids


def test_p23_the_same_conversation_gets_the_same_ids() -> None:
    given = {"input": [user("go"), made_call("call_1"), result("call_1"), made_call("call_1"), result("call_1")]}
    first, second = build(given)[0], build(given)[0]
    assert first == second
    assert len({message["tool_call_id"] for message in first["messages"] if message["role"] == "tool"}) == 2


def test_p23_an_id_that_was_made_up_does_not_take_a_real_one() -> None:
    body, _ = build({"input": [user("go"), made_call("call_1"), result("call_1")]})
    taken = body["messages"][1]["tool_calls"][0]["id"]
    body, _ = build({"input": [user("go"), made_call("call_1"), result("call_1", "one"), made_call(taken), result(taken, "two")]})
    ids = [message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"]
    assert ids[0] == taken != ids[1]


def test_p6_a_user_does_not_speak_right_after_a_tool() -> None:
    body, adapted = build({"input": [user("go"), made_call("a"), result("a"), user("and?")]})
    assert roles(body) == ["user", "assistant", "tool", "assistant", "user"]
    assert len(adapted) == 1
    assert build({"input": [user("go"), made_call("a"), result("a"), assistant("b"), user("c")]})[1] == []


def test_p6_images_from_a_result_keep_to_the_order_too() -> None:
    image = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
    body, _ = build({"input": [user("go"), made_call("a"), result("a", [image])]})
    assert roles(body) == ["user", "assistant", "tool", "assistant", "user"]


def test_p6_a_last_assistant_message_is_a_prefix() -> None:
    body, adapted = build({"input": [user("a"), assistant("b")]})
    assert body["messages"][-1] == {"role": "assistant", "content": "b", "prefix": True}
    assert len(adapted) == 1


def test_p3_system_messages_are_one_at_the_top() -> None:
    late = {"type": "message", "role": "developer", "content": "Late."}
    body, adapted = build({"instructions": "First.", "input": [user("a"), assistant("b"), late, user("c")]})
    assert roles(body) == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"] == "First.\n\nLate."
    assert len(adapted) == 1


@pytest.mark.parametrize(("part", "sent"), [
    ({"type": "input_file", "file_url": "https://example.com/a.pdf", "filename": "a.pdf"},
     {"type": "document_url", "document_url": "https://example.com/a.pdf", "document_name": "a.pdf"}),
    ({"type": "input_file", "file_data": "JVBERi0x"}, {"type": "document_url", "document_url": "data:application/pdf;base64,JVBERi0x"}),
    ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, {"type": "input_audio", "input_audio": "AAAA"}),
    ({"type": "input_image", "image_url": "https://example.com/a.png"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}),
])
def test_p34_media(part: Json, sent: Json) -> None:
    assert build({"input": [said(part)]})[0]["messages"][0]["content"] == [sent]


@pytest.mark.parametrize(("model", "effort", "sent", "notes"), [
    (MODEL, "low", "high", 1), (MODEL, "none", "none", 0), ("mistral-large-4-0", "low", "low", 0), ("mistral-large-latest", "medium", "medium", 0),
    ("codestral-2508", "high", None, 1), ("magistral-medium-latest", "none", None, 1), ("mistral-small-2506", "high", None, 1),
    ("mistral-small-2603", "high", "high", 0),
])
def test_p36_effort_by_model(model: str, effort: str, sent: str | None, notes: int) -> None:
    body, adapted = build({"reasoning": {"effort": effort}}, model)
    assert (body.get("reasoning_effort"), len(adapted)) == (sent, notes)


def test_p38_thinking_chunks_are_reasoning() -> None:
    _, outcome = streamed(MISTRAL, stream_bytes("mistral", "reasoning"))
    thought, message = outcome.response["output"]
    assert thought["content"] == [{"type": "reasoning_text", "text": "9.11 and 9.8: compare the tenths."}]
    assert message["content"][0]["text"] == "9.8 is greater."


def test_p39_thinking_goes_back_as_a_chunk_and_only_to_its_model() -> None:
    signed = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "signature": "c2lnbmVk", "closed": True}
    body = whole_bytes("mistral", "reasoning").replace(b'"type": "thinking",', b'"type": "thinking", "signature": "c2lnbmVk",', 1)
    outcome = MISTRAL.read(body, call(model=MODEL))
    history = {"input": [user("a"), *outcome.response["output"], user("b")]}
    sent, adapted = build(history)
    text = "9.11 and 9.8: compare the tenths."
    assert sent["messages"][1]["content"] == [
        signed | {"thinking": [{"type": "text", "text": text}]}, {"type": "text", "text": "9.8 is greater."},
    ]
    assert adapted == []
    sent, adapted = build(history, "codestral-2508")
    assert sent["messages"][1]["content"] == "9.8 is greater."
    assert len(adapted) == 1


def test_p39_thinking_before_a_call_goes_back_too() -> None:
    chunks = [{"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}]
    thought = {"type": "reasoning", "encrypted_content": ENVELOPES.seal("mistral", MODEL, msgspec.json.encode(chunks))}
    body, _ = build({"input": [user("a"), thought, made_call("c"), result("c")]})
    assert body["messages"][1]["content"] == chunks
    body, _ = build({"input": [user("a"), thought, assistant("JSON?"), user("c")], "text": {"format": {"type": "json_object"}}})
    assert roles(body) == ["system", "user", "assistant", "user"]


def test_chunks_that_have_no_twin_are_named() -> None:
    cited = {"type": "reference", "reference_ids": [1]}
    parts = [{"type": "text", "text": "See"}, cited, {"type": "text", "text": " there."}, cited]
    outcome = answered(chunk({"content": parts}), chunk({}, "stop"), dialect=MISTRAL)
    assert outcome.response["output"][0]["content"][0]["text"] == "See there."
    assert outcome.notes == ["content of type reference was left out of the answer"]


def test_p45_schemas_are_mistrals_own() -> None:
    wanted = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    body, adapted = build({"text": {"format": wanted}, "tools": [CITIES | {"strict": True}]})
    assert body["response_format"]["json_schema"] == {"name": "n", "schema": {"type": "object"}, "strict": True}
    assert body["tools"][0]["function"]["strict"] is True
    assert adapted == []


def test_p51_a_broken_off_answer_goes_elsewhere() -> None:
    body = whole_bytes("mistral", "text").replace(b'"stop"', b'"error"')
    with pytest.raises(ProviderFailure) as caught:
        MISTRAL.read(body, call())
    assert (caught.value.code, caught.value.fallback) == ("upstream_unavailable", True)
    full = MISTRAL.read(whole_bytes("mistral", "text").replace(b'"stop"', b'"model_length"'), call())
    assert full.response["incomplete_details"] == {"reason": "max_output_tokens"}


DETAIL = [{"type": "extra_forbidden", "loc": ["body", "tools", 0, "colour"], "msg": "Extra inputs are not permitted", "input": "red"}]


@pytest.mark.parametrize("body", [{"detail": DETAIL}, {"object": "error", "message": {"detail": DETAIL}, "type": "invalid_request_error"}])
def test_p77_validation_errors_are_a_list(body: Json) -> None:
    failure = MISTRAL.failure(422, {}, msgspec.json.encode(body))
    assert failure.message == "Mistral answered 422: body.tools.0.colour: Extra inputs are not permitted"
    assert (failure.code, failure.fallback) == ("invalid_request", False)


@pytest.mark.parametrize(("status", "body", "code", "fallback"), [
    (401, {"detail": "Unauthorized"}, "provider_key_invalid", True),
    (400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "param": None, "code": "1500"}, "model_not_found", True),
    (400, {"object": "error", "message": "Unexpected role", "type": "invalid_request_message_order", "code": "3230"}, "invalid_request", True),
    (429, {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"}, "rate_limit_exceeded", True),
])
def test_p77_errors(status: int, body: Json, code: str, fallback: bool) -> None:
    failure = MISTRAL.failure(status, {}, msgspec.json.encode(body))
    assert (failure.code, failure.fallback) == (code, fallback)
    assert (body.get("message") or body["detail"]) in failure.message
