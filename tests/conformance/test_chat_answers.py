"""What answers of the chat API become, with all the ways in which servers differ."""

from typing import Any

import msgspec
import pytest

from services.provider_worker.dialect import Outcome, ProviderFailure
from services.provider_worker.dialects.chat import Chat
from services.provider_worker.dialects.chat.quirks import Quirks
from tests.conformance.answers import DIALECTS, TOOLS, call, chat, feed, stream_bytes, streamed
from tests.conformance.chat_messages import PLAIN, Json, answered, calls_of, chunk, failing, piece, sse, text_of

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
HELLO = [chunk({"role": "assistant", "content": "Hello"}), chunk({"content": "!"})]
STOP = chunk({}, "stop")
XAI = chat("xai")


def whole(message: Json, finish: str | None = "stop", **more: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish}
    return msgspec.json.encode({"id": "c-1", "object": "chat.completion", "model": "m", "choices": [choice]} | more)


@pytest.mark.parametrize(("finish", "status", "reason"), [
    ("stop", "completed", None), ("tool_calls", "completed", None), ("eos", "completed", None), ("length", "incomplete", "max_output_tokens"),
    ("model_length", "incomplete", "max_output_tokens"), ("content_filter", "incomplete", "content_filter"),
    ("moonlight", "incomplete", None),
])
def test_p48_finish_reasons(finish: str, status: str, reason: str | None) -> None:
    for outcome in (answered(*HELLO, chunk({}, finish)), PLAIN.read(whole({"content": "Hello!"}, finish), call())):
        assert outcome.status == status
        assert (outcome.response.get("incomplete_details") or {}).get("reason") == reason
        assert outcome.response["output"][-1]["status"] == status


def test_a_whole_body_needs_no_reason_to_be_whole() -> None:
    assert PLAIN.read(whole({"content": "Hello!"}, None), call()).status == "completed"


@pytest.mark.parametrize("finish", ["error", "insufficient_system_resource", "aborted"])
def test_p51_a_server_that_gives_up_is_left_for_another(finish: str) -> None:
    failure = failing(PLAIN, *HELLO, chunk({"content": ""}, finish))
    assert (failure.code, failure.fallback, failure.billing) == ("upstream_unavailable", True, "maybe")
    with pytest.raises(ProviderFailure):
        PLAIN.read(whole({"content": "Hel"}, finish), call())


def test_p52_done_without_a_reason_is_not_completed() -> None:
    reader = PLAIN.reader(call())
    feed(reader, sse(*HELLO))
    reader.end()
    assert reader.outcome is None
    assert reader.abandon().status == "failed"


def test_p52_a_reason_without_done_is_whole_when_the_connection_closes() -> None:
    reader = PLAIN.reader(call())
    feed(reader, sse(*HELLO, STOP, done=False))
    assert reader.outcome is None
    assert reader.end()[-1].type == "response.output_item.done"
    assert reader.outcome is not None
    assert reader.end() == []
    assert text_of(answered(*HELLO, STOP, done=False)) == "Hello!"


def test_the_last_chunk_twice_is_said_once() -> None:
    last = chunk({"content": "!", **piece(0, "call_1", "get_weather", "{}")}, "tool_calls", usage=USAGE)
    outcome = answered(chunk({"content": "Hello"}), last, last)
    assert text_of(outcome) == "Hello!"
    assert calls_of(outcome) == [("call_1", "get_weather", "{}")]


def test_an_answer_without_anything_is_complete_and_empty() -> None:
    for outcome in (answered(chunk({"role": "assistant", "content": ""}), STOP), PLAIN.read(whole({"content": None}), call())):
        assert (outcome.status, outcome.response["output"], outcome.usage.source) == ("completed", [], "none")


def test_only_the_first_of_several_choices_is_read() -> None:
    other = {"index": 1, "delta": {"content": "Other"}, "finish_reason": "length"}
    outcome = answered(*HELLO, chunk() | {"choices": [other]}, STOP)
    assert (text_of(outcome), outcome.status) == ("Hello!", "completed")


@pytest.mark.parametrize("events", [
    [*HELLO, STOP | {"usage": USAGE}], [*HELLO, STOP, chunk(usage=USAGE)],
    [*HELLO, chunk({}, "stop", usage=None), chunk(usage=USAGE), chunk(usage=None)],
    [HELLO[0] | {"usage": {"prompt_tokens": 5, "completion_tokens": 1}}, HELLO[1] | {"usage": USAGE}, STOP],
    [*HELLO, STOP | {"x_groq": {"id": "req_1", "usage": USAGE}}],
])
def test_p60_usage_on_any_chunk_counts_and_the_last_wins(events: list[Json]) -> None:
    usage = answered(*events).usage
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (5, 2, "provider")


def test_p58_xai_counts_reasoning_apart_and_cached_tokens_in() -> None:
    said = {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135, "prompt_tokens_details": {"text_tokens": 32, "cached_tokens": 6},
            "completion_tokens_details": {"reasoning_tokens": 94}}
    usage = XAI.read(whole({"content": "Hi"}, usage=said), call()).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == (32, 6, 103, 94)
    assert XAI.read(whole({"content": "Hi"}, usage=said | {"total_tokens": 41}), call()).usage.output_tokens == 9
    assert PLAIN.read(whole({"content": "Hi"}, usage=said), call()).usage.output_tokens == 9


@pytest.mark.parametrize(("said", "cached", "written"), [
    ({"prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2}}, 3, 2), ({"prompt_cache_hit_tokens": 3}, 3, 0),
    ({"num_cached_tokens": 3}, 3, 0), ({"prompt_tokens_details": None, "completion_tokens_details": []}, 0, 0),
    ({"prompt_tokens_details": {"cached_tokens": "3"}, "prompt_cache_hit_tokens": -1}, 0, 0),
])
def test_p58_cached_tokens_under_every_name(said: Json, cached: int, written: int) -> None:
    usage = PLAIN.read(whole({"content": "Hi"}, usage=USAGE | said), call()).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens) == (5, cached, written)


def test_p61_an_abandoned_answer_keeps_the_usage_it_was_told() -> None:
    reader = PLAIN.reader(call())
    feed(reader, sse(HELLO[0] | {"usage": {"prompt_tokens": 5, "completion_tokens": 70}}, done=False))
    usage = reader.abandon().usage
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (5, 70, "estimated")


A, B = ("call_a", "get_weather", '{"city":"A"}'), ("call_b", "list_cities", '{"n":[1]}')


@pytest.mark.parametrize("pieces", [
    # interleaved
    [piece(0, "call_a", "get_weather"), piece(1, "call_b", "list_cities"), piece(1, arguments='{"n":'), piece(0, arguments='{"city"'),
     piece(1, arguments="[1]}"), piece(0, arguments=':"A"}')],
    # whole, in one chunk and in two
    [{"tool_calls": [*piece(0, *A)["tool_calls"], *piece(1, *B)["tool_calls"]]}], [piece(0, *A), piece(1, *B)],
    # every index is 0 (Gemini), or missing
    [piece(0, *A), piece(0, *B)], [piece(None, *A), piece(None, *B)],
    [piece(None, "call_a", "get_weather", ""), piece(None, arguments='{"city":"A"}'), piece(None, "call_b", "list_cities", '{"n":[1]}')],
    # id and name repeated, a new id for each piece, a name in two pieces, an id that comes late
    [piece(0, "call_a", "get_weather", '{"city":'), piece(0, "call_a", "get_weather", '"A"}'), piece(1, *B)],
    [piece(0, "call_a", "get_weather", '{"city":'), piece(0, "call_x", None, '"A"}'), piece(1, *B)],
    [piece(0, "call_a", "get_weather", ""), piece(0, "call_a", "get_weather", '{"city":"A"}'), piece(1, *B)],
    [piece(0, "call_a", "get_", ""), piece(0, None, "weather", ""), piece(0, arguments='{"city":"A"}'), piece(1, *B)],
    [piece(0, None, "get_weather"), piece(0, "call_a", None, '{"city":"A"}'), piece(1, *B)],
    # arguments before the name
    [piece(0, "call_a", None, '{"city"'), piece(0, None, "get_weather", ':"A"}'), piece(1, *B)],
    # arguments as an object
    [piece(0, "call_a", "get_weather", {"city": "A"}), piece(1, "call_b", "list_cities", {"n": [1]})],
])
def test_p66_calls_however_they_are_cut(pieces: list[Json]) -> None:
    assert calls_of(answered(*(chunk(one) for one in pieces), chunk({}, "tool_calls"))) == [A, B]


def test_p66_calls_open_in_the_order_they_are_first_seen() -> None:
    outcome = answered(chunk(piece(0, "call_a", "get_weather")), chunk(piece(1, *B)), chunk({"content": "Both."}), STOP)
    assert [item["type"] for item in outcome.response["output"]] == ["function_call", "function_call", "message"]
    assert calls_of(outcome) == [("call_a", "get_weather", "{}"), B]


def test_p23_a_call_without_an_id_gets_one() -> None:
    first, second = calls_of(answered(chunk(piece(0, None, "get_weather", "{}")), chunk(piece(1, None, "get_weather", "{}")), STOP))
    assert first[0].startswith("call_")
    assert first[0] != second[0]


def test_p25_arguments_that_are_an_object_keep_their_numbers() -> None:
    body = whole({"content": None, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"n": 0}}}]}, "tool_calls")
    outcome = PLAIN.read(body.replace(b'{"n":0}', b'{"n": 123456789012345678901234567890}'), call())
    assert calls_of(outcome) == [("c", "f", '{"n": 123456789012345678901234567890}')]


def test_a_call_without_a_name_is_dropped_and_named() -> None:
    outcome = answered(*HELLO, chunk(piece(0, "call_a", None, "{}")), STOP)
    assert [item["type"] for item in outcome.response["output"]] == ["message"]
    assert outcome.notes == ["1 calls without a name were dropped"]


def test_the_old_function_call_is_a_call() -> None:
    old = [{"function_call": {"name": "get_weather", "arguments": ""}}, {"function_call": {"arguments": "{}"}}]
    [(call_id, name, arguments)] = calls_of(answered(*map(chunk, old), chunk({}, "function_call")))
    assert (name, arguments) == ("get_weather", "{}")
    assert call_id
    outcome = PLAIN.read(whole({"content": None, "function_call": {"name": "get_weather", "arguments": "{}"}}, "function_call"), call())
    assert calls_of(outcome)[0][1:] == ("get_weather", "{}")


def test_p22_only_the_first_call_is_kept_where_the_server_cannot_be_told() -> None:
    made = call({"input": "Hi", "tools": TOOLS, "parallel_tool_calls": False})
    events = [chunk(piece(0, "call_a", "get_weather")), chunk(piece(1, *B)), chunk(piece(0, arguments='{"city":"A"}')), chunk({}, "tool_calls")]
    outcome = answered(*events, dialect=chat("ollama"), made=made)
    assert calls_of(outcome) == [A]
    assert outcome.notes == ["1 parallel calls were dropped: the request wants one at a time"]
    assert len(calls_of(answered(*events, made=made))) == 2


def test_p29_a_freeform_call_comes_back_as_text() -> None:
    made = call({"input": "Hi", "tools": [{"type": "custom", "name": "sql"}]})
    outcome = answered(chunk(piece(0, "c", "sql", '{"inp')), chunk(piece(0, arguments='ut":"select 1"}')), STOP, made=made)
    [item] = outcome.response["output"]
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "sql", "select 1")


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_p38_reasoning_under_either_name(field: str) -> None:
    for outcome in (
        answered(chunk({field: "Hm", "content": ""}), chunk({field: "."}), *HELLO, STOP),
        PLAIN.read(whole({field: "Hm.", "content": "Hello!"}), call()),
    ):
        thought, message = outcome.response["output"]
        assert thought["content"] == [{"type": "reasoning_text", "text": "Hm."}]
        assert (thought["summary"], message["type"]) == ([], "message")


def test_p38_reasoning_told_twice_is_read_once() -> None:
    outcome = answered(chunk({"reasoning": "Hm.", "reasoning_content": "Hm."}), *HELLO, STOP)
    assert outcome.response["output"][0]["content"][0]["text"] == "Hm."


def test_p38_openrouter_gives_summaries() -> None:
    _, outcome = streamed(DIALECTS["openrouter"], stream_bytes("openrouter", "reasoning"))
    assert outcome.response["output"][0]["summary"] == [{"type": "summary_text", "text": "The user wants the weather."}]


def test_p39_details_without_words_are_kept() -> None:
    hidden = {"type": "reasoning.encrypted", "data": "gAAAA", "id": "rs_1", "index": 0}
    outcome = answered(chunk({"content": "", "reasoning_details": [hidden]}), *HELLO, STOP, dialect=chat("openrouter"))
    thought, _ = outcome.response["output"]
    assert (thought["type"], thought["summary"]) == ("reasoning", [])
    assert thought["encrypted_content"].startswith("tr1.")


def test_p69_citations_are_flat_annotations() -> None:
    events, outcome = streamed(DIALECTS["chat"], stream_bytes("chat", "citations"))
    [part] = outcome.response["output"][0]["content"]
    [note] = part["annotations"]
    assert part["text"][note["start_index"]:note["end_index"]] == "([petoskey.us](https://www.petoskey.us/?utm_source=openai))"
    assert (note["type"], note["title"]) == ("url_citation", "City of Petoskey")
    assert sum(event["type"] == "response.output_text.annotation.added" for event in events) == 1


@pytest.mark.parametrize("odd", [
    {"annotations": "none"}, {"annotations": [7, {"url_citation": 7}, {"type": "file"}]}, {"reasoning": {"text": "Hm"}}, {"refusal": False},
    {"reasoning_details": [7, {"type": ["x"]}]}, {"reasoning_details": {}}, {"tool_calls": []}, {"tool_calls": None}, {"role": None}, {"content": []},
])
def test_an_odd_field_does_not_break_a_stream(odd: Json) -> None:
    for dialect in (PLAIN, chat("openrouter")):
        assert text_of(answered(HELLO[0], chunk(odd), HELLO[1], STOP, dialect=dialect)) == "Hello!"


def test_bytes_that_are_no_text_are_a_failure() -> None:
    broken = msgspec.json.encode(chunk(piece(0, "c", "f", {"a": "X"}))).replace(b'"X"', b'"\xff"')
    assert failing(PLAIN, HELLO[0], broken).billing == "maybe"
    with pytest.raises(ProviderFailure):
        PLAIN.read(broken.replace(b'"delta"', b'"message"'), call())


def test_p67_comments_and_blank_lines_are_nothing() -> None:
    data = b": OPENROUTER PROCESSING\n\n\n\ndata:\n\n" + sse(*HELLO, STOP).replace(b"\n\n", b"\n\n: keep-alive\n\n")
    reader = PLAIN.reader(call())
    feed(reader, data)
    assert reader.outcome is not None
    assert text_of(reader.outcome) == "Hello!"


def test_p67_blank_lines_before_a_body_are_nothing() -> None:
    assert text_of(PLAIN.read(b"\n\n   \n\n" + whole({"content": "Hello!"}), call())) == "Hello!"


@pytest.mark.parametrize(("provider", "code"), [
    ("chat", "rate_limit_exceeded"), ("openrouter", "rate_limit_exceeded"), ("mistral", "upstream_unavailable"),
])
def test_p68_an_error_before_anything_else_may_fall_back(provider: str, code: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        feed(DIALECTS[provider].reader(call()), stream_bytes(provider, "error_first"))
    assert (caught.value.code, caught.value.fallback, caught.value.billing) == (code, True, "none")


@pytest.mark.parametrize("provider", ["chat", "deepseek", "mistral", "openrouter"])
def test_p68_an_error_after_deltas_keeps_what_was_said(provider: str) -> None:
    reader = DIALECTS[provider].reader(call())
    with pytest.raises(ProviderFailure) as caught:
        feed(reader, stream_bytes(provider, "error_late"))
    assert (caught.value.code, caught.value.billing) == ("upstream_unavailable", "maybe")
    assert reader.abandon().response["output"][0]["content"][0]["text"] == "Half an ans"


@pytest.mark.parametrize(("event", "code"), [
    ({"error": {"object": "error", "message": "boom", "type": "BadRequestError", "param": None, "code": 400}}, "invalid_request"),  # vLLM
    ({"object": "error", "message": "boom", "type": "invalid_model", "param": None, "code": "1500"}, "model_not_found"),
    ({"error": "boom"}, "upstream_unavailable"), ({"error": {"message": "boom", "code": 402}}, "insufficient_quota"),
    (chunk(x_groq={"id": "req_1", "error": "boom"}), "upstream_unavailable"),
    (chunk() | {"choices": [{"index": 0, "delta": {}, "error": {"code": 429, "message": "boom"}}]}, "rate_limit_exceeded"),
    ({"error": {"message": "boom", "type": "invalid_request_error", "code": "tool_use_failed"}}, "upstream_error"),
    ({"error": {"message": "boom", "code": "context_length_exceeded"}}, "invalid_request"),
])
def test_p68_errors_in_a_stream_in_every_form(event: Json, code: str) -> None:
    failure = failing(PLAIN, HELLO[0], event)
    assert (failure.code, failure.billing) == (code, "maybe")
    assert "boom" in failure.message
    assert failing(PLAIN, event).code == code


def test_p68_an_event_that_is_named_an_error_is_one() -> None:
    with pytest.raises(ProviderFailure) as caught:
        feed(PLAIN.reader(call()), b'event: error\ndata: {"message":"boom"}\n\n')
    assert "boom" in caught.value.message


@pytest.mark.parametrize(("body", "code"), [
    (b'{"error":{"code":502,"message":"Provider disconnected"},"user_id":"u"}', "upstream_unavailable"),
    (b'{"id":"g","choices":[{"index":0,"error":{"code":429,"message":"Slow down"},"message":{"content":""}}]}', "rate_limit_exceeded"),
    (b'{"object":"error","message":"no","type":"rate_limit_error","code":"1300"}', "rate_limit_exceeded"),
    (b'{"id":"g","object":"chat.completion","choices":[]}', "upstream_error"), (b'{"choices":[{"index":0}]}', "upstream_error"),
])
def test_p77_an_error_in_a_200_is_a_failure(body: bytes, code: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        PLAIN.read(body, call())
    assert (caught.value.code, caught.value.fallback) == (code, True)


@pytest.mark.parametrize(("status", "error", "code", "fallback"), [
    (400, {"message": "Incorrect API key provided: sk-***."}, "provider_key_invalid", True),  # xAI
    (400, {"message": "Unsupported parameter: 'temperature'.", "code": "unsupported_parameter"}, "invalid_request", True),
    (400, {"message": "Failed to call a function.", "code": "tool_use_failed"}, "upstream_error", True),  # Groq
    (403, {"message": "Your input was flagged.", "code": 403}, "invalid_request", True),  # OpenRouter
    (400, {"message": "Provider returned error", "code": 400, "metadata": {"raw": "maximum context length is 8192"}}, "invalid_request", True),
    (404, {"message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}, "model_not_found", True),
    (400, {"message": "`tools` is malformed."}, "invalid_request", False),
])
def test_p76_errors_that_another_candidate_may_not_have(status: int, error: Json, code: str, fallback: bool) -> None:
    failure = PLAIN.failure(status, {}, msgspec.json.encode({"error": error}))
    assert (failure.code, failure.fallback, failure.status) == (code, fallback, status)


def test_p82_the_model_and_id_are_the_servers() -> None:
    events, outcome = streamed(DIALECTS["chat"], stream_bytes("chat", "text"))
    assert events[0]["response"]["model"] == outcome.response["model"] == "gpt-audio-2025-08-28"
    assert outcome.provider_response_id == "chatcmpl-CeGk2mVn8QxWb41ZrT0uYp7LdSh3A"


def test_messages_name_the_server() -> None:
    assert failing(Chat("my-llm", Quirks(), "My LLM"), b"garbage").message.startswith("My LLM's stream cannot be read")
    assert Chat("my-llm", Quirks()).failure(500, {}, b"").message.startswith("My-llm answered 500")


def token(text: str, logprob: float = -0.1, **more: Any) -> Json:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())} | more


def scored(text: str, *tokens: Any, finish: str | None = None) -> Json:
    """A chunk of text with the log probabilities of its tokens."""
    made = chunk({"content": text}, finish)
    made["choices"][0]["logprobs"] = {"content": list(tokens), "refusal": None}
    return made


def logprobs_of(outcome: Outcome) -> list[Json]:
    return outcome.response["output"][-1]["content"][0]["logprobs"]  # type: ignore[no-any-return]


def test_log_probabilities_come_with_the_text() -> None:
    hello = token("Hello", top_logprobs=[token("Hello"), token("Hi", -2)])
    outcome = answered(scored("Hello", hello), scored("!", token("!", 0, bytes=None, top_logprobs=None)), STOP)
    assert logprobs_of(outcome) == [hello, token("!", 0, top_logprobs=[])]
    body = msgspec.json.decode(whole({"content": "Hello"}))
    body["choices"][0]["logprobs"] = {"content": [hello]}
    assert logprobs_of(PLAIN.read(msgspec.json.encode(body), call())) == [hello]


def test_log_probabilities_of_half_a_character_wait_for_the_rest() -> None:
    halves = [token("\ufffd", bytes=[0xC3], top_logprobs=[]), token("\ufffd", bytes=[0xBC], top_logprobs=[])]
    reader = PLAIN.reader(call())
    events = feed(reader, sse(scored("", halves[0]), scored("ü", halves[1]), scored("", token("", top_logprobs=[])), STOP))
    deltas = [msgspec.json.decode(event.data)["logprobs"] for event in events if event.type == "response.output_text.delta"]
    assert deltas == [halves]
    assert reader.outcome is not None
    assert logprobs_of(reader.outcome) == [*halves, token("", top_logprobs=[])]


@pytest.mark.parametrize("said", [7, [], {}, {"content": 7}, {"content": [7, {}, {"token": 1}, {"token": "x"}, {"token": "x", "logprob": True}]}])
def test_log_probabilities_that_cannot_be_read_are_none(said: Any) -> None:
    odd = chunk({"content": "Hello"})
    odd["choices"][0]["logprobs"] = said
    assert logprobs_of(answered(odd, STOP)) == []


def test_log_probabilities_of_reasoning_are_not_the_texts() -> None:
    thought = chunk({"reasoning_content": "Hm."})
    thought["choices"][0]["logprobs"] = {"content": [token("Hm.")]}
    assert logprobs_of(answered(thought, scored("Hi", token("Hi", top_logprobs=[])), STOP)) == [token("Hi", top_logprobs=[])]
