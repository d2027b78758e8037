"""Answers in the Messages API, as the official SDK reads them."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic, beta_tool
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from libs.contracts.deltas import Event
from libs.contracts.errors import (
    Conflict,
    FirewallBlocked,
    InternalError,
    InvalidRequest,
    ModelNotFound,
    ProviderBusy,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    RequestTooLarge,
    RouterError,
    Unauthorized,
    Unavailable,
)
from libs.contracts.message import RuleTrace
from libs.responses.builder import ResponseBuilder
from libs.responses.frame import Frame
from libs.responses.sse import SseParser
from services.edge.formats.messages import PING, CountFormat, MessagesFormat
from services.edge.ingress.messages import request_of
from services.provider_worker.dialect import ProviderFailure
from tests.conformance.answers import DIALECTS, call, recorded, stream_bytes

Json = dict[str, Any]

DIGITS = "0123456789abcdef" * 2
USAGE = {
    "input_tokens": 9, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1}, "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 16,
}
ROUTED = {"request_id": "req_fake", "tokenrouter": {"provider": "openai", "cost_usd": 0.25}}
ASKED: Json = {"model": "auto:cost", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}]}
TRACE = RuleTrace(kind="firewall", rule_id=1, name="n", priority=1, matched=True)
_events: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def frame() -> Frame:
    return Frame({}, response_id=f"resp_{DIGITS}", request_id="req_fake", created_at=1763800001, model="model-1", metadata={})


def event(kind: str, **payload: Any) -> Event:
    return Event(kind, json.dumps({"type": kind, **payload}, ensure_ascii=False).encode())


def response_of(output: list[Json], *, status: str = "completed", **said: Any) -> Json:
    return frame().render({"usage": USAGE} | said, status=status, output=output, **ROUTED)


def ending(response: Json) -> Event:
    return event(f"response.{response['status']}", response=response)


def text(said: str, **more: Any) -> Json:
    part = {"type": "output_text", "text": said, "annotations": [], "logprobs": []} | more
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def function_call(arguments: str = "{}", **more: Any) -> Json:
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": arguments, "status": "completed"} | more


def whole(response: Json) -> Json:
    status, body = MessagesFormat().body(json.dumps(response).encode())
    assert status == 200
    return json.loads(body)  # type: ignore[no-any-return]


def payloads(written: bytes) -> list[Json]:
    """What the stream says; each event's name is its type."""
    told = SseParser().feed(written)
    found = [json.loads(one.data) for one in told]
    assert [one.event for one in told] == [payload["type"] for payload in found]
    return found


def client(status: int, body: bytes, **headers: str) -> Anthropic:
    """The SDK, in front of an answer."""
    kind = "text/event-stream" if body.startswith(b"event:") else "application/json"

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": kind} | headers)

    transport = httpx2.Client(transport=httpx2.MockTransport(answer))
    return Anthropic(api_key="tr_fake", base_url="http://edge.test", http_client=transport, max_retries=0, _strict_response_validation=True)


def streamed(written: bytes) -> Message:
    """The message that the SDK makes of a stream."""
    with client(200, written).messages.stream(**ASKED) as stream:
        return stream.get_final_message()


class Grammar:
    """Holds a stream against Anthropic's grammar, and puts its blocks together."""

    def __init__(self) -> None:
        self.content: list[Json] = []
        self.arguments: dict[int, str] = {}

    def check(self, told: list[Json]) -> "Grammar":
        for payload in told:
            _events.validate_python(payload)
        start, *inner, delta, stop = told
        assert (start["type"], delta["type"], stop["type"]) == ("message_start", "message_delta", "message_stop")
        assert start["message"]["content"] == []
        opened = False
        for payload in inner:
            opened = self._take(payload, opened)
        assert not opened
        for index, said in self.arguments.items():
            self.content[index]["input"] = said
        return self

    def _take(self, payload: Json, opened: bool) -> bool:
        kind = payload["type"]
        if kind == "content_block_start":
            assert not opened, "one block at a time"
            self.content.append(payload["content_block"])
        else:
            assert opened, f"{kind} outside of a block"
        assert payload["index"] == len(self.content) - 1
        if kind == "content_block_delta":
            self._add(self.content[-1], payload["delta"])
        return bool(kind != "content_block_stop")

    def _add(self, block: Json, delta: Json) -> None:
        match delta["type"], block["type"]:
            case ("text_delta", "text"):
                block["text"] += delta["text"]
            case ("thinking_delta", "thinking"):
                assert not block["signature"], "the signature comes last"
                block["thinking"] += delta["thinking"]
            case ("signature_delta", "thinking"):
                assert not block["signature"], "in one piece"
                block["signature"] = delta["signature"]
            case ("citations_delta", "text"):
                block["citations"] = [*(block["citations"] or []), delta["citation"]]
            case ("input_json_delta", "tool_use" | "server_tool_use"):
                index = len(self.content) - 1
                self.arguments[index] = self.arguments.get(index, "") + delta["partial_json"]
            case unfit:
                pytest.fail(f"{unfit} do not belong together")


def as_told(content: list[Json]) -> list[Json]:
    """The whole content, with calls' input as the text that a stream tells it in."""
    return [block | {"input": _given(block["input"])} if "input" in block else block for block in content]


def _given(value: Any) -> Any:
    if not isinstance(value, str):
        return value.get("INVALID_JSON", value)
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return read if isinstance(read, dict) else value


def check(events: list[Event], response: Json, groups: Iterable[int] = ()) -> Grammar:
    """The stream adds up to the whole message, however the events are grouped."""
    writer, written = MessagesFormat(), b""
    rest = [*events, ending(response)]
    for size in groups:
        written += writer.write(rest[:size])
        rest = rest[size:]
    told = payloads(written + writer.write(rest))
    grammar, message = Grammar().check(told), whole(response)
    assert as_told(grammar.content) == as_told(message["content"])
    assert {name: message[name] for name in told[-2]["delta"]} == told[-2]["delta"]
    assert told[-2]["tokenrouter"] == message["tokenrouter"]
    assert message["usage"] | told[-2]["usage"] == message["usage"]
    return grammar


_said = st.text(max_size=6)
_arguments = st.one_of(
    st.dictionaries(st.text(max_size=3), st.one_of(st.integers(), st.text(max_size=3)), max_size=2).map(json.dumps), st.text(max_size=6),
)
_citation = st.one_of(
    st.builds(lambda url, title: {"type": "url_citation", "url": url, "title": title, "start_index": 0, "end_index": 1}, _said, _said),
    st.just({"type": "file_citation", "file_id": "file_1", "index": 0}),
)
_steps = st.one_of(
    st.tuples(st.just("text"), _said), st.tuples(st.just("refusal"), _said), st.tuples(st.just("annotation"), _citation),
    st.tuples(st.just("reasoning"), _said), st.tuples(st.just("raw"), _said), st.tuples(st.just("state"), st.one_of(st.none(), _said)),
    st.tuples(st.just("call"), st.integers(0, 2)), st.tuples(st.just("custom"), st.integers(0, 2)),
    st.tuples(st.just("arguments"), st.tuples(st.integers(0, 2), _arguments)), st.tuples(st.just("done"), st.integers(0, 2)),
)


def built(builder: ResponseBuilder, steps: list[tuple[str, Any]]) -> list[Event]:
    """The events that a builder makes of what it is told."""
    verbs: dict[str, Callable[[Any], list[Event]]] = {
        "text": builder.text, "refusal": builder.refusal, "annotation": builder.annotation, "reasoning": builder.reasoning,
        "raw": lambda said: builder.reasoning(said, raw=True), "state": builder.reasoning_done,
        "call": lambda key: builder.call(key, f"call_{key}", "f"), "custom": lambda key: builder.call(key, f"call_{key}", "g", custom=True),
        "arguments": lambda told: builder.arguments(*told), "done": builder.call_done,
    }
    return [made for verb, said in steps for made in verbs[verb](said)]


@given(st.lists(_steps, max_size=14), st.lists(st.integers(1, 5), max_size=8), st.booleans())
def test_any_stream_adds_up_to_the_whole_message(steps: list[tuple[str, Any]], groups: list[int], cut: bool) -> None:
    builder = ResponseBuilder(frame())
    events = builder.start() + built(builder, steps) + builder.finish(whole=not cut)
    more: Json = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}} if cut else {}
    check(events, response_of(builder.output, **more), groups)


@given(st.lists(_steps, max_size=14))
def test_what_was_never_finished_is_closed(steps: list[tuple[str, Any]]) -> None:
    builder = ResponseBuilder(frame())
    events = builder.start() + built(builder, steps)
    written = MessagesFormat().write([*events, ending(response_of(builder.output, status="incomplete"))])
    Grammar().check(payloads(written))


_whole_calls = st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2), min_size=1, max_size=3)


@given(_whole_calls, st.lists(st.integers(0, 2), max_size=30))
def test_the_sdk_puts_interleaved_calls_together(calls: list[Json], order: list[int]) -> None:
    builder = ResponseBuilder(frame())
    events = builder.start() + builder.reasoning("Hm.") + builder.reasoning_done("tr1.fake") + builder.text("Well.")
    left = {key: json.dumps(given) for key, given in enumerate(calls)}
    for key in left:
        events += builder.call(key, f"call_{key}", "f")
    for key in order:
        if key in left:
            events += builder.arguments(key, left[key][:2])
            left[key] = left[key][2:]
    for key, rest in left.items():
        events += builder.arguments(key, rest)
    response = response_of(builder.output)
    events += builder.finish()
    message = streamed(MessagesFormat().write([*events, ending(response_of(builder.output))]))
    assert [block.input for block in message.content if block.type == "tool_use"] == calls
    assert message.model_dump(exclude_unset=True)["content"] == whole(response | {"output": builder.output})["content"]


def answered(dialect: str, name: str) -> tuple[list[Event], Json] | None:
    """A recorded stream's events up to the terminal one, and its response; None when it breaks off or fails."""
    reader, events = DIALECTS[dialect].reader(call()), []
    try:
        for told in SseParser().feed(stream_bytes(dialect, name)):
            events += reader.feed(told)
        events += reader.end()
    except ProviderFailure:
        return None
    outcome = reader.outcome
    return None if outcome is None or outcome.status == "failed" else (events, response_of(**outcome.response | {"status": outcome.status}))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_recorded_streams_of_every_provider(dialect: str) -> None:
    found = [told for name in recorded(dialect, "sse") if (told := answered(dialect, name)) is not None]
    assert found
    for events, response in found:
        check(events, response)


def test_a_message_as_the_sdk_reads_it() -> None:
    answer = response_of([text("Hello")], service_tier="priority")
    message = client(200, MessagesFormat().body(json.dumps(answer).encode())[1]).messages.create(**ASKED)
    assert (message.id, message.model, message.role) == (f"msg_{DIGITS}", "model-1", "assistant")
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens == 4
    assert (message.usage.cache_read_input_tokens, message.usage.cache_creation_input_tokens, message.usage.output_tokens) == (4, 1, 7)
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 3
    assert message.usage.service_tier == "priority"
    assert message.model_extra is not None
    assert message.model_extra["tokenrouter"] == ROUTED["tokenrouter"]


def test_a_stream_as_the_sdk_reads_it() -> None:
    builder = ResponseBuilder(frame())
    events = builder.start() + builder.text("Hel") + builder.text("lo \u2028") + builder.finish()
    written = MessagesFormat().write([*events, ending(response_of(builder.output))])
    with client(200, written).messages.stream(**ASKED) as stream:
        assert list(stream.text_stream) == ["Hel", "lo \u2028"]
        message = stream.get_final_message()
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("end_turn", 4, 7)
    assert b"\xe2\x80\xa8" not in written


def test_a_text_is_sent_as_it_comes_and_a_second_call_when_the_first_is_over() -> None:
    writer, builder = MessagesFormat(), ResponseBuilder(frame())
    assert [told["type"] for told in payloads(writer.write(builder.start()))] == ["message_start"]
    assert [told["type"] for told in payloads(writer.write(builder.text("a")))] == ["content_block_start", "content_block_delta"]
    told = payloads(writer.write(builder.call(0, "c0", "f") + builder.call(1, "c1", "g") + builder.arguments(1, "{}")))
    assert [one["type"] for one in told] == ["content_block_stop", "content_block_start"]
    assert told[-1]["content_block"] == {"type": "tool_use", "id": "c0", "name": "f", "input": {}}
    assert writer.write(builder.call_done(1)) == b""
    told = payloads(writer.write(builder.arguments(0, "{") + builder.arguments(0, "}") + builder.call_done(0)))
    assert [(one["type"], one["index"]) for one in told] == [
        ("content_block_delta", 1), ("content_block_delta", 1), ("content_block_stop", 1),
        ("content_block_start", 2), ("content_block_delta", 2), ("content_block_stop", 2),
    ]


def test_pieces_of_a_summary_stand_apart() -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "tr1.fake"}
    pieces = [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": ""}, {"type": "summary_text", "text": "Two."}]
    events = [
        event("response.created", response=response_of([], status="in_progress")), event("response.output_item.added", output_index=0, item=item),
        *(
            event("response.reasoning_summary_text.delta", output_index=0, summary_index=index, delta=delta, item_id="rs_1")
            for index, delta in ((0, "On"), (0, "e."), (2, "Two."))
        ),
        event("response.output_item.done", output_index=0, item=item | {"summary": pieces}),
    ]
    grammar = check(events, response_of([item | {"summary": pieces}]))
    assert grammar.content[0]["thinking"] == "One.\n\nTwo."


def test_items_that_are_told_only_at_their_end() -> None:
    call_item, search = function_call('{"a":1}'), {
        "type": "web_search_call", "id": "ws_1", "status": "completed",
        "action": {"type": "search", "query": "q", "sources": [{"type": "url", "url": "http://a.test"}]},
    }
    cited = {"type": "url_citation", "url": "http://a.test", "title": "A", "start_index": 0, "end_index": 2}
    code = {"type": "code_interpreter_call", "id": "ci_1", "code": "print(1)", "status": "completed", "container_id": "c", "outputs": [
        {"type": "logs", "logs": "1\n"}, {"type": "image", "url": "http://a.test/i.png"},
    ]}
    output: list[Json] = [search, code, text("Hi", annotations=[cited]), call_item, {"type": "mcp_list_tools", "id": "m", "tools": []}]
    events = [event("response.created", response=response_of([], status="in_progress"))]
    events += [event("response.output_item.done", output_index=index, item=item) for index, item in enumerate(output)]
    response = response_of(output)
    check(events, response)
    message = streamed(MessagesFormat().write([*events, ending(response)]))
    assert [block.type for block in message.content] == [
        "server_tool_use", "web_search_tool_result", "server_tool_use", "code_execution_tool_result", "text", "tool_use",
    ]
    assert message.usage.server_tool_use is not None
    assert message.usage.server_tool_use.web_search_requests == 1
    Message.model_validate(whole(response), strict=True)


@pytest.mark.parametrize(("said", "reason"), [
    ({"output": [text("a")]}, "end_turn"),
    ({"output": [text("a")], "stop_sequence": "END"}, "stop_sequence"),
    ({"output": [text("a"), function_call()], "stop_sequence": "END"}, "tool_use"),
    ({"output": [function_call(type="custom_tool_call", input="x")]}, "tool_use"),
    ({"output": [text("a", type="refusal", refusal="No.")]}, "refusal"),
    ({"output": [function_call()], "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "max_tokens"),
    ({"output": [], "status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "refusal"),
    ({"output": [], "status": "incomplete"}, "max_tokens"),
])
def test_stop_reasons(said: Json, reason: str) -> None:
    message = whole(response_of(**said))
    assert message["stop_reason"] == reason
    assert message["stop_sequence"] == ("END" if reason == "stop_sequence" else None)
    assert (message["stop_details"] is not None) == (reason == "refusal")
    Message.model_validate(message, strict=True)


def test_a_refusal_is_a_text_and_its_explanation() -> None:
    part = {"type": "refusal", "refusal": "I will not."}
    message = whole(response_of([text("") | {"content": [part]}]))
    assert message["content"] == [{"type": "text", "text": "I will not.", "citations": None}]
    assert message["stop_details"] == {"type": "refusal", "category": None, "explanation": "I will not."}


@pytest.mark.parametrize(("arguments", "given"), [
    ('{"a":1}', {"a": 1}), ("", {}), ("[1]", {"INVALID_JSON": "[1]"}), ('{"a":', {"INVALID_JSON": '{"a":'}),
    ("[" * 100_000, {"INVALID_JSON": "[" * 100_000}),
])
def test_arguments_of_a_call(arguments: str, given: Json) -> None:
    assert whole(response_of([function_call(arguments)]))["content"][0]["input"] == given


def test_the_second_turn_has_the_first_one_s_reasoning_and_calls() -> None:
    """A tool loop as clients write it: the message's content goes back as it came."""
    builder = ResponseBuilder(frame())
    events = builder.start() + builder.reasoning("Let me see.") + builder.reasoning_done("tr1.fake-state") + builder.reasoning()
    events += builder.reasoning_done("tr1.more-state") + builder.text("I look.") + builder.call(0, "call_1", "f")
    events += builder.arguments(0, '{"city":"Wien"}') + builder.finish()
    message = streamed(MessagesFormat().write([*events, ending(response_of(builder.output))]))
    assert [block.type for block in message.content] == ["thinking", "redacted_thinking", "text", "tool_use"]
    body = ASKED | {"messages": [
        *ASKED["messages"], json.loads(json.dumps({"role": "assistant", "content": [block.model_dump() for block in message.content]})),
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"}]},
    ]}
    _, first, second, said, called, result = request_of(body)["input"]
    assert [first, second] == [item for item in builder.output if item["type"] == "reasoning"]
    assert said["content"] == [{"type": "output_text", "text": "I look."}]
    assert (called["call_id"], json.loads(called["arguments"])) == ("call_1", {"city": "Wien"})
    assert result == {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}


@beta_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("stream", [False, True])
def test_the_sdk_s_tool_runner(stream: bool) -> None:
    """It asks for a thread first, and goes on without one."""
    builder, last = ResponseBuilder(frame()), ResponseBuilder(frame())
    events = builder.start() + builder.reasoning("Hm.") + builder.reasoning_done("tr1.fake") + builder.call(0, "call_1", "get_weather")
    turns = [
        (events + builder.arguments(0, '{"city":"Wien"}') + builder.finish(), response_of(builder.output)),
        (last.start() + last.text("Sunny.") + last.finish(), response_of(last.output)),
    ]
    asked: list[Json] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        writer = MessagesFormat()
        try:
            asked.append(request_of(json.loads(request.content)))
        except InvalidRequest as error:
            return httpx2.Response(400, content=writer.error(error.info, "req_fake"))
        told, response = turns[len(asked) - 1]
        if stream:
            return httpx2.Response(200, content=writer.write([*told, ending(response)]), headers={"content-type": "text/event-stream"})
        return httpx2.Response(200, json=whole(response))

    client = Anthropic(api_key="tr_fake", base_url="http://edge.test", http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))
    runner: Any = client.beta.messages.tool_runner(**ASKED, tools=[get_weather], stream=stream)
    replies = [reply.get_final_message() if stream else reply for reply in runner]
    assert replies[-1].content[0].text == "Sunny."
    assert [item["type"] for item in asked[1]["input"]] == ["message", "reasoning", "function_call", "function_call_output"]
    assert asked[1]["input"][1] == builder.output[0]
    assert asked[1]["input"][3]["output"] == "sunny in Wien"


def test_the_heartbeat_is_a_ping_once_the_message_has_begun() -> None:
    writer, builder = MessagesFormat(), ResponseBuilder(frame())
    written = writer.heartbeat
    assert written.startswith(b":")
    for events in (builder.start(), builder.text("a"), builder.text("b"), builder.finish()):
        written += writer.write(events) + writer.heartbeat
    assert written.count(PING) == 4
    assert streamed(b"event: ping\n\n" + written + writer.write([ending(response_of(builder.output))])).content[0].type == "text"


def test_a_failure_in_mid_stream_is_an_error_event() -> None:
    builder = ResponseBuilder(frame())
    told = {"error": RateLimited("slow down", provider="openai").info.body("req_fake")["error"]}
    failed = frame().render({}, status="failed", output=[], request_id="req_fake", tokenrouter=told, error={"code": "x", "message": "x"})
    written = MessagesFormat().write([*builder.start(), *builder.text("a"), ending(failed)])
    last = payloads(written)[-1]
    assert last["type"] == "error"
    assert last["request_id"] == "req_fake"
    assert (last["error"]["type"], last["error"]["message"], last["error"]["provider"]) == ("rate_limit_error", "slow down", "openai")
    with pytest.raises(anthropic.APIStatusError) as caught:
        streamed(written)
    assert caught.value.type == "rate_limit_error"
    assert caught.value.api_message == "slow down"


def test_a_whole_answer_that_failed_is_an_error() -> None:
    failed = frame().render({}, status="failed", output=[], error={"code": "server_error", "message": "broke off"}, **ROUTED)
    status, body = MessagesFormat().body(json.dumps(failed).encode())
    assert status == 502
    with pytest.raises(anthropic.InternalServerError, match="broke off") as caught:
        client(status, body).messages.create(**ASKED)
    assert caught.value.type == "api_error"


@pytest.mark.parametrize(("error", "raised", "kind"), [
    (InvalidRequest("m", param="messages.0.content.1"), anthropic.BadRequestError, "invalid_request_error"),
    (Unauthorized("m"), anthropic.AuthenticationError, "authentication_error"),
    (ModelNotFound("m"), anthropic.NotFoundError, "not_found_error"),
    (Conflict("m"), anthropic.ConflictError, "conflict_error"),
    (RequestTooLarge("m"), anthropic.ContentTooLargeError, "request_too_large"),
    (FirewallBlocked("m", rule_trace=[TRACE]), anthropic.UnprocessableEntityError, "invalid_request_error"),
    (RateLimited("m"), anthropic.RateLimitError, "rate_limit_error"),
    (InternalError("m"), anthropic.InternalServerError, "api_error"),
    (ProviderError("m"), anthropic.InternalServerError, "api_error"),
    (ProviderBusy("m"), anthropic.ServiceUnavailableError, "overloaded_error"),
    (Unavailable("m"), anthropic.ServiceUnavailableError, "overloaded_error"),
    (ProviderTimeout("m"), anthropic.GatewayTimeoutError, "timeout_error"),
])
def test_errors_are_the_sdk_s_own(error: RouterError, raised: type[anthropic.APIStatusError], kind: str) -> None:
    writer = MessagesFormat()
    body = writer.error(error.info, "req_fake")
    with pytest.raises(raised) as caught:
        client(error.info.status, body, **writer.headers("req_fake")).messages.create(**ASKED)
    assert type(caught.value) is raised
    assert (caught.value.type, caught.value.request_id, caught.value.api_message) == (kind, "req_fake", "m")
    told = json.loads(body)
    assert (told["type"], told["request_id"]) == ("error", "req_fake")
    assert (told["error"]["code"], told["error"]["param"]) == (error.info.code, error.info.param)
    assert told["error"]["http_status"] == error.info.status
    assert caught.value.error_code == error.info.code
    assert len(told["error"].get("rule_trace", [])) == len(error.info.rule_trace)


def test_a_token_count_as_the_sdk_reads_it() -> None:
    status, body = CountFormat().body(b'{"object":"response.input_tokens","input_tokens":17}')
    counted = client(status, body).messages.count_tokens(model="auto", messages=ASKED["messages"])
    assert counted.input_tokens == 17
