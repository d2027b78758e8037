"""Answers in the chat API, as the official SDK reads them."""

import json
from collections.abc import Iterable
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import APIError, OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from libs.contracts.deltas import Event
from libs.contracts.errors import InvalidRequest, RateLimited
from libs.responses.builder import ResponseBuilder
from libs.responses.frame import Frame
from libs.responses.sse import SseParser
from services.edge.formats.chat import ChatFormat
from services.edge.formats.chat_choices import ChatChoices
from services.edge.ingress.chat import request_of
from services.provider_worker.dialect import ProviderFailure
from tests.conformance.answers import DIALECTS, call, recorded, stream_bytes

Json = dict[str, Any]

DIGITS = "0123456789abcdef" * 2
USAGE = {
    "input_tokens": 9, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1}, "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 16,
}
ROUTED = {"request_id": "req_fake", "tokenrouter": {"provider": "openai", "cost_usd": 0.25}}
_completions: TypeAdapter[ChatCompletion] = TypeAdapter(ChatCompletion)
_chunks: TypeAdapter[ChatCompletionChunk] = TypeAdapter(ChatCompletionChunk)


def frame(**request: Any) -> Frame:
    return Frame(
        request, response_id=f"resp_{DIGITS}", request_id="req_fake", created_at=1763800001, model="model-1", metadata={"provider": "openai"}
    )


def event(kind: str, **payload: Any) -> Event:
    return Event(kind, json.dumps({"type": kind, **payload}, ensure_ascii=False).encode())


def response_of(output: list[Json], *, status: str = "completed", **said: Any) -> Json:
    return frame().render({"usage": USAGE} | said, status=status, output=output, **ROUTED)


def ending(response: Json) -> Event:
    return event(f"response.{response['status']}", response=response)


def text(said: str, **more: Any) -> Json:
    part = {"type": "output_text", "text": said, "annotations": [], "logprobs": []} | more
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def function_call(call_id: str, arguments: str = "{}") -> Json:
    return {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": "f", "arguments": arguments, "status": "completed"}


def thought(item_id: str, state: str | None, summary: str = "") -> Json:
    told = [{"type": "summary_text", "text": summary}] if summary else []
    return {"type": "reasoning", "id": item_id, "summary": told} | ({"encrypted_content": state} if state else {})


def payloads(written: bytes) -> list[Any]:
    """What the stream says, its end included."""
    told = SseParser().feed(written)
    return [None if one.data == b"[DONE]" else json.loads(one.data) for one in told]


def chunks(written: bytes) -> list[Json]:
    *found, last = payloads(written)
    assert last is None, "[DONE] comes last"
    assert None not in found, "and once"
    return found


def accumulated(written: bytes, *, strict: bool = True) -> Any:
    """The completion that the SDK's helper makes of a stream."""
    state: Any = ChatCompletionStreamState()
    for chunk in chunks(written):
        checked = _chunks.validate_json(json.dumps(chunk), strict=True) if strict else ChatCompletionChunk.construct(**chunk)
        state.handle_chunk(checked)
    return state.current_completion_snapshot.to_dict()


def whole(response: Json, body: Json | None = None, *, strict: bool = True) -> Json:
    status, data = ChatFormat.of(body or {}).body(json.dumps(response).encode())
    assert status == 200
    if strict:
        _completions.validate_json(data, strict=True)
    return json.loads(data)  # type: ignore[no-any-return]


def comparable(completion: Json) -> list[Json]:
    """Its choices without what only one of the two forms has."""
    made = []
    for choice in completion["choices"]:
        message = {name: value for name, value in choice["message"].items() if value not in (None, [])}
        calls = [(one["id"], one["type"], one.get("function") or one.get("custom")) for one in message.pop("tool_calls", [])]
        for _, _, called in calls:
            called.pop("parsed_arguments", None)
        made.append({"finish_reason": choice["finish_reason"], "index": choice["index"], "message": message, "calls": calls})
    return made


def streamed(events: Iterable[Event], body: Json | None = None, *, at_a_time: int = 3) -> bytes:
    written, waiting = ChatFormat.of(body or {}), list(events)
    return b"".join(written.write(waiting[start : start + at_a_time]) for start in range(0, len(waiting), at_a_time))


STEPS = st.one_of(
    st.tuples(st.just("text"), st.text(max_size=5)),
    st.tuples(st.just("refusal"), st.text(max_size=5)),
    st.tuples(st.just("reasoning"), st.text(max_size=5)),
    st.tuples(st.just("raw"), st.text(max_size=5)),
    st.tuples(st.just("sealed"), st.none() | st.text("abc", min_size=1, max_size=3)),
    st.tuples(st.just("call"), st.integers(0, 3)),
    st.tuples(st.just("custom"), st.integers(4, 5)),
    st.tuples(st.just("arguments"), st.tuples(st.integers(0, 5), st.text(max_size=4))),
    st.tuples(st.just("done"), st.integers(0, 5)),
)


def played(builder: ResponseBuilder, steps: list[tuple[str, Any]]) -> list[Event]:
    events = builder.start()
    for number, (what, value) in enumerate(steps):
        match what:
            case "text":
                events += builder.text(value)
            case "refusal":
                events += builder.refusal(value)
            case "reasoning":
                events += builder.reasoning(value)
            case "raw":
                events += builder.reasoning(value, raw=True)
            case "sealed":
                events += builder.reasoning_done(value)
            case "call" | "custom":
                events += builder.call(value, f"call_{number}", "f", custom=what == "custom")
            case "arguments":
                events += builder.arguments(*value)
            case "done":
                events += builder.call_done(value)
    return events + builder.finish()


@given(
    steps=st.lists(STEPS, max_size=12), usage=st.booleans(), at_a_time=st.integers(1, 7),
    reason=st.sampled_from([None, "max_output_tokens", "content_filter"]),
)
def test_a_stream_adds_up_to_the_whole_answer(steps: list[tuple[str, Any]], usage: bool, at_a_time: int, reason: str | None) -> None:
    builder = ResponseBuilder(frame())
    events = played(builder, steps)
    details = {"incomplete_details": {"reason": reason}} if reason else {}
    response = response_of(builder.output, status="incomplete" if reason else "completed", **details)
    written = streamed([*events, ending(response)], {"stream_options": {"include_usage": usage}}, at_a_time=at_a_time)
    # The SDK's type for chunks has no freeform calls, though the API streams them.
    strict = not any(item["type"] == "custom_tool_call" for item in builder.output)
    assert comparable(accumulated(written, strict=strict)) == comparable(whole(response))
    assert "\u2028" not in written.decode()


def answered(provider: str, name: str) -> tuple[list[Event], Json] | None:
    """The events of a recorded answer and the final response; None where the worker gets a failure instead."""
    reader, events = DIALECTS[provider].reader(call()), []
    try:
        for one in SseParser().feed(stream_bytes(provider, name)):
            events += reader.feed(one)
        events += reader.end() if reader.outcome is None else []
    except ProviderFailure:
        return None
    return (events, call().frame.render(reader.outcome.response, status=reader.outcome.status)) if reader.outcome else None


ANSWERED = {(provider, name): found for provider in DIALECTS for name in recorded(provider, "sse") if (found := answered(provider, name))}
SEALED = [key for key, (_, response) in ANSWERED.items() if "encrypted_content" in json.dumps(response)]


@pytest.mark.parametrize(("provider", "name"), ANSWERED)
def test_recorded_answers_of_every_provider(provider: str, name: str) -> None:
    events, response = ANSWERED[provider, name]
    written = streamed([*events, ending(response)])
    if response["status"] == "failed":
        assert payloads(written)[-2]["error"]["message"] == response["error"]["message"]
    else:
        assert comparable(accumulated(written)) == comparable(whole(response))


def test_every_dialect_has_an_answer_with_sealed_thoughts() -> None:
    assert {provider for provider, _ in SEALED} == set(DIALECTS) - {"chat"}


@pytest.mark.parametrize(("provider", "name"), SEALED)
def test_thoughts_survive_a_tool_loop(provider: str, name: str) -> None:
    """What the provider gets in the next turn is what it gets from a client of the Responses API."""
    response = ANSWERED[provider, name][1]
    message = whole(response)["choices"][0]["message"]
    called = [one["id"] for one in message.get("tool_calls", [])]
    results = [{"role": "tool", "tool_call_id": call_id, "content": "ok"} for call_id in called]
    chat = request_of({"model": "m", "messages": [{"role": "user", "content": "Hi"}, message, *results, {"role": "user", "content": "So?"}]})
    outputs = [{"type": "function_call_output", "call_id": call_id, "output": "ok"} for call_id in called]
    hi, so = ({"type": "message", "role": "user", "content": said} for said in ("Hi", "So?"))
    native = chat | {"input": [hi, *response["output"], *outputs, so]}
    sent, expected = (json.loads(DIALECTS[provider].build(call(request)).content) for request in (chat, native))
    assert _without_ids(sent) == _without_ids(expected)
    assert any(item.get("encrypted_content") for item in chat["input"])


def _without_ids(value: Any) -> Any:
    """And a text alone as what it says: ids and lists of one are not what the chat API carries."""
    if isinstance(value, list):
        return [_without_ids(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    bare = {name: _without_ids(inner) for name, inner in value.items() if name not in ("id", "status", "annotations", "logprobs", "phase")}
    content = bare.get("content")
    if isinstance(content, list) and content and all(set(part) == {"type", "text"} for part in content):
        bare["content"] = "".join(part["text"] for part in content)
    return bare


def test_the_chunks_of_a_text() -> None:
    builder = ResponseBuilder(frame())
    events = builder.start() + builder.text("Hel") + builder.text("lo") + builder.finish()
    told = chunks(streamed([*events, ending(response_of(builder.output))], {"stream_options": {"include_usage": True}}))
    assert [choice["delta"] for chunk in told for choice in chunk["choices"]] == [
        {"role": "assistant", "content": None}, {"content": "Hel"}, {"content": "lo"}, {},
    ]
    assert [choice["finish_reason"] for chunk in told for choice in chunk["choices"]] == [None, None, None, "stop"]
    assert [chunk["usage"] for chunk in told[:-1]] == [None] * 4
    assert {chunk["id"] for chunk in told} == {f"chatcmpl-{DIGITS}"}
    assert {(chunk["object"], chunk["created"], chunk["model"]) for chunk in told} == {("chat.completion.chunk", 1763800001, "model-1")}
    assert told[-1]["choices"] == []
    assert told[-1]["usage"] | {"prompt_tokens_details": {}, "completion_tokens_details": {}} == {
        "prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16, "prompt_tokens_details": {}, "completion_tokens_details": {},
    }
    assert told[-1]["usage"]["prompt_tokens_details"]["cached_tokens"] == 4
    assert told[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 3
    assert (told[-2]["request_id"], told[-2]["tokenrouter"], told[-2]["service_tier"]) == ("req_fake", ROUTED["tokenrouter"], "default")


def test_no_usage_unless_asked_for() -> None:
    builder = ResponseBuilder(frame())
    told = chunks(streamed([*builder.start(), *builder.text("x"), *builder.finish(), ending(response_of(builder.output))]))
    assert all("usage" not in chunk and len(chunk["choices"]) == 1 for chunk in told)


def test_the_chunks_of_calls() -> None:
    builder = ResponseBuilder(frame())
    events = builder.start() + builder.call(0, "call_a", "f") + builder.arguments(0, '{"a"') + builder.call(1, "call_b", "patch", custom=True)
    events += builder.arguments(0, ":1}") + builder.arguments(1, '{"input": "do"}') + builder.finish()
    told = chunks(streamed([*events, ending(response_of(builder.output))]))
    assert [chunk["choices"][0]["delta"].get("tool_calls") for chunk in told] == [
        None,
        [{"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": '{"a"'}}],
        [{"index": 1, "id": "call_b", "type": "custom", "custom": {"name": "patch", "input": ""}}],
        [{"index": 0, "function": {"arguments": ":1}"}}],
        [{"index": 1, "custom": {"input": "do"}}],
        None,
    ]
    assert told[-1]["choices"][0]["finish_reason"] == "tool_calls"
    message = whole(response_of(builder.output))["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"] == [
        {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "call_b", "type": "custom", "custom": {"name": "patch", "input": "do"}},
    ]


def test_a_client_of_functions_gets_one_function_call() -> None:
    body = {"functions": [{"name": "f"}]}
    builder = ResponseBuilder(frame())
    events = builder.start() + builder.call(0, "a", "f") + builder.arguments(0, '{"x":') + builder.arguments(0, "1}") + builder.call(1, "b", "g")
    events += builder.finish()
    response = response_of(builder.output)
    for completion in (accumulated(streamed([*events, ending(response)], body)), whole(response, body)):
        choice = completion["choices"][0]
        assert choice["message"]["function_call"] == {"name": "f", "arguments": '{"x":1}'}
        assert choice["finish_reason"] == "function_call"
        assert not choice["message"].get("tool_calls")


def test_the_whole_answer() -> None:
    completion = whole(response_of([text("Hello")]))
    assert completion["choices"] == [{
        "index": 0, "message": {"role": "assistant", "content": "Hello", "refusal": None, "annotations": []}, "logprobs": None,
        "finish_reason": "stop",
    }]
    assert (completion["id"], completion["created"], completion["model"]) == (f"chatcmpl-{DIGITS}", 1763800001, "model-1")
    assert completion["metadata"] == {"provider": "openai"}
    assert (completion["request_id"], completion["tokenrouter"]) == (ROUTED["request_id"], ROUTED["tokenrouter"])
    assert completion["usage"]["prompt_tokens_details"] == {"cached_tokens": 4, "cache_write_tokens": 1, "audio_tokens": 0}
    assert completion["system_fingerprint"] is None


@pytest.mark.parametrize(
    ("output", "content"),
    [([], ""), ([function_call("a")], None), ([text("a"), function_call("a"), text("b")], "a\n\nb"), ([text(""), text("b")], "b")],
)
def test_content(output: list[Json], content: str | None) -> None:
    assert whole(response_of(output))["choices"][0]["message"]["content"] == content


def test_a_tier_that_chat_does_not_know_is_left_out() -> None:
    assert whole(response_of([text("x")], service_tier="ultrafast"))["service_tier"] is None
    assert whole(response_of([text("x")], service_tier="priority"))["service_tier"] == "priority"


def test_citations_stand_where_they_are_in_the_whole_text() -> None:
    note = {"type": "url_citation", "start_index": 0, "end_index": 3, "title": "T", "url": "https://example.com"}
    other = {"type": "file_citation", "file_id": "file_1", "filename": "f", "index": 0}
    response = response_of([text("One", annotations=[note]), text("Two", annotations=[other, note])])
    builder = ResponseBuilder(frame())
    built = builder.start() + builder.text("One") + builder.annotation(note) + builder.call(0, "a", "f")
    built += builder.text("Two") + builder.annotation(note) + builder.finish()
    for completion in (whole(response), accumulated(streamed([*built, ending(response_of(builder.output))]))):
        message = completion["choices"][0]["message"]
        cited = [one["url_citation"] for one in message["annotations"]]
        assert [message["content"][one["start_index"] : one["end_index"]] for one in cited] == ["One", "Two"]


def test_logprobs() -> None:
    # Deltas come without bytes, the final text with them.
    bare = {"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Hi", "logprob": -0.5}]}
    full = bare | {"bytes": [72, 105], "top_logprobs": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}]}
    response = response_of([text("Hi", logprobs=[full])])
    delta = event("response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta="Hi", logprobs=[bare])
    told = accumulated(streamed([*ResponseBuilder(frame()).start(), delta, ending(response)]))["choices"][0]["logprobs"]
    assert [(one["token"], one["logprob"], one["top_logprobs"][0]["token"]) for one in told["content"]] == [("Hi", -0.5, "Hi")]
    assert whole(response)["choices"][0]["logprobs"] == {"content": [full], "refusal": None}


def test_thoughts_are_streamed_as_text_and_their_state_comes_at_the_end() -> None:
    builder = ResponseBuilder(frame())
    events = builder.start() + builder.reasoning("one") + builder.reasoning_done("sealed-1") + builder.text("So") + builder.reasoning("two")
    events += builder.reasoning_done("sealed-2") + builder.call(0, "a", "f") + builder.finish()
    ids = [item["id"] for item in builder.output if item["type"] == "reasoning"]
    response = response_of(builder.output)
    for completion in (accumulated(streamed([*events, ending(response)])), whole(response)):
        message = completion["choices"][0]["message"]
        assert message["reasoning_content"] == "one\n\ntwo"
        assert message["reasoning_details"] == [
            {"type": "reasoning.encrypted", "id": ids[0], "index": 0, "data": "sealed-1", "summary": "one"},
            {"type": "reasoning.encrypted", "id": ids[1], "index": 2, "data": "sealed-2", "summary": "two"},
        ]


@given(st.lists(st.sampled_from(["text", "call", "thought", "plain", "search"]), max_size=8))
def test_items_come_back_in_their_order(kinds: list[str]) -> None:
    """Messages are one in the chat API and calls follow it; the thoughts between them stay where they were."""
    made: list[Json] = []
    for number, kind in enumerate(kinds):
        made.append({
            "text": text(f"t{number}"), "call": function_call(f"c{number}"), "thought": thought(f"rs_{number}", f"tr1.{number}", f"s{number}"),
            "plain": thought(f"rs_{number}", None, "unsealed"), "search": {"type": "web_search_call", "id": f"ws_{number}", "status": "completed"},
        }[kind])
    message = whole(response_of(made))["choices"][0]["message"]
    back = request_of({"model": "m", "messages": [message]})["input"]
    sealed = [item for item in made if "encrypted_content" in item]
    assert [item for item in back if "encrypted_content" in item] == sealed
    assert [item["call_id"] for item in back if item["type"] == "function_call"] == [item["call_id"] for item in made if "call_id" in item]
    first_call = next((index for index, kind in enumerate(kinds) if kind == "call"), len(kinds))
    if "text" not in kinds[first_call:]:
        last_text = [item for item in made if item["type"] == "message"][:1]
        kept = [item for item in made if "encrypted_content" in item or "call_id" in item or item in last_text]
        assert [item["type"] for item in back if item.get("encrypted_content") or item["type"] != "reasoning"] == [item["type"] for item in kept]


def client_of(status: int, body: bytes, kind: str = "text/event-stream") -> OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": kind})

    transport = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OpenAI(
        api_key="fake", base_url="http://edge.test/v1", http_client=transport, max_retries=0, _strict_response_validation=True
    )


HI: list[Any] = [{"role": "user", "content": "Hi"}]


def test_the_sdk_reads_a_stream_with_heartbeats_in_it() -> None:
    builder = ResponseBuilder(frame())
    written = ChatFormat.of({})
    parts = [written.write([one]) for one in [*builder.start(), *builder.text("a\u2028b"), *builder.finish(), ending(response_of(builder.output))]]
    body = written.heartbeat + written.heartbeat.join(parts)
    with client_of(200, body) as client, client.chat.completions.stream(model="m", messages=HI) as stream:
        completion = stream.get_final_completion()
    assert completion.choices[0].message.content == "a\u2028b"
    assert completion.choices[0].finish_reason == "stop"


FAILED = {"status": "failed", "error": {"code": "server_error", "message": "it broke"}}


def test_the_sdk_raises_for_a_stream_that_fails() -> None:
    builder = ResponseBuilder(frame())
    written = streamed([*builder.start(), *builder.text("Hel"), ending(response_of(builder.output, **FAILED))])
    assert payloads(written)[-1] is None
    with client_of(200, written) as client:
        stream = iter(client.chat.completions.create(model="m", messages=HI, stream=True))
        assert [next(stream).choices[0].delta.content for _ in range(2)] == [None, "Hel"]
        with pytest.raises(APIError, match="it broke") as raised:
            next(stream)
    assert raised.value.code == "upstream_error"
    assert raised.value.type == "provider_error"


def test_a_whole_answer_that_failed_is_an_error() -> None:
    for response, status, code in (
        (response_of([], **FAILED), 502, "upstream_error"),
        (response_of([], status="failed", error={"code": "rate_limit_exceeded", "message": "slow down"}), 429, "rate_limit_exceeded"),
        (response_of([], status="failed", error={"code": "invalid_prompt", "message": "not this"}), 400, "invalid_prompt"),
        (response_of([], status="failed", error=None), 502, "upstream_error"),
    ):
        answered, body = ChatFormat().body(json.dumps(response).encode())
        told = json.loads(body)
        assert (answered, told["error"]["code"], told["error"]["http_status"]) == (status, code, status)
        assert told["request_id"] == told["error"]["request_id"] == "req_fake"
        assert told["error"]["provider"] == "openai"


def test_an_error_that_is_known_already_is_told_as_it_is() -> None:
    known = RateLimited("too many", retry_after=3).info.body("req_fake")["error"]
    response = response_of([], **FAILED) | {"tokenrouter": {"error": known}}
    assert ChatFormat().body(json.dumps(response).encode())[0] == 429
    assert payloads(streamed([ending(response)]))[-2] == {"error": known}


def test_errors_before_the_answer_are_in_the_documented_shape() -> None:
    info = InvalidRequest("messages is missing", param="messages").info
    assert json.loads(ChatFormat().error(info, "req_fake"))["error"]["param"] == "messages"


@given(order=st.lists(st.integers(0, 2), min_size=30, max_size=60), usage=st.booleans())
def test_choices_may_interleave_in_any_way(order: list[int], usage: bool) -> None:
    choices = ChatChoices({"n": 3, "stream_options": {"include_usage": usage}})
    scripts, responses = [], []
    for index in range(3):
        builder = ResponseBuilder(frame())
        events = builder.start() + builder.text(f"choice {index}") + builder.call(0, f"call_{index}", "f") + builder.finish()
        responses.append(response_of(builder.output))
        scripts.append([*events, ending(responses[-1])])
    written = b""
    for index in [*order, *[0] * 20, *[1] * 20, *[2] * 20]:
        if scripts[index]:
            written += choices.formats[index].write([scripts[index].pop(0)])
    completion = accumulated(written)
    status, body = choices.merged([json.dumps(response).encode() for response in responses])
    merged = json.loads(body)
    assert status == 200
    _completions.validate_json(body, strict=True)
    assert comparable(completion) == comparable(merged)
    assert [choice["message"]["content"] for choice in merged["choices"]] == ["choice 0", "choice 1", "choice 2"]
    assert merged["usage"]["total_tokens"] == 48
    assert merged["usage"]["completion_tokens_details"]["reasoning_tokens"] == 9
    assert merged["tokenrouter"]["cost_usd"] == 0.75
    assert len(merged["tokenrouter"]["choices"]) == 3
    assert [chunk["usage"]["total_tokens"] for chunk in chunks(written) if chunk.get("usage")] == ([48] if usage else [])


def test_a_choice_that_fails_is_told_behind_the_others() -> None:
    choices = ChatChoices({"n": 2})
    good, bad = ResponseBuilder(frame()), ResponseBuilder(frame())
    written = choices.formats[1].write([*bad.start(), ending(response_of([], **FAILED))])
    written += choices.formats[0].write([*good.start(), *good.text("fine"), *good.finish(), ending(response_of(good.output))])
    told = payloads(written)
    assert [choice["index"] for one in told[:2] for choice in one["choices"]] == [0, 1]
    assert "".join(choice["delta"].get("content") or "" for one in told[:-2] for choice in one["choices"]) == "fine"
    assert told[-2]["error"]["message"] == "it broke"
    assert told[-1] is None
    assert choices.merged([json.dumps(response).encode() for response in (response_of([text("fine")]), response_of([], **FAILED))])[0] == 502


def test_one_choice_is_as_without_choices() -> None:
    response = response_of([text("x")])
    assert len(ChatChoices({}).formats) == 1
    assert json.loads(ChatChoices({"n": 1}).merged([json.dumps(response).encode()])[1]) == whole(response)


@pytest.mark.parametrize("n", [0, -1, 9, "2", 1.0, True, [2]])
def test_n_is_from_one_to_eight(n: Any) -> None:
    with pytest.raises(InvalidRequest) as raised:
        ChatChoices({"n": n})
    assert raised.value.info.param == "n"
