"""The sandbox's OpenAI Responses and Anthropic Messages, through the providers' own SDKs."""

import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

WEATHER = {
    "type": "object", "required": ["city", "unit"], "additionalProperties": False,
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
}  # fmt: skip
OPENAI_TOOL: Any = {
    "type": "function", "name": "get_weather", "description": "Look up the forecast.", "parameters": WEATHER, "strict": True,
}  # fmt: skip
CLOCK_TOOL: Any = {"type": "function", "name": "clock", "description": "", "parameters": {"type": "object"}, "strict": False}
ANTHROPIC_TOOL: Any = {"name": "get_weather", "description": "Look up the forecast.", "input_schema": WEATHER}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
def gpt(sandbox_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{sandbox_url}/openai/v1", api_key="sk-fake", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
def claude(sandbox_url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=f"{sandbox_url}/anthropic", api_key="sk-ant-fake", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


# OpenAI


def test_openai_answers_whole(gpt: openai.OpenAI) -> None:
    response = gpt.responses.create(model="gpt-4.1-mini", input="Say hello", instructions="Be brief", metadata={"team": "a"})
    assert response.output_text.startswith("[sandbox] ")
    assert "Say hello" in response.output_text
    assert (response.model, response.status, response.instructions) == ("gpt-4.1-mini-sandbox", "completed", "Be brief")
    assert response.id.startswith("resp_")
    assert response.metadata == {"team": "a"}
    assert response.usage
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_openai_streams_the_same_answer(gpt: openai.OpenAI) -> None:
    whole = gpt.responses.create(model="gpt-4o", input="Say hello")
    with gpt.responses.stream(model="gpt-4o", input="Say hello") as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert len(deltas) > 10
    assert "".join(deltas) == final.output_text == whole.output_text
    assert final.usage == whole.usage


@pytest.mark.parametrize("stream", [False, True])
def test_openai_calls_a_tool_then_uses_its_result(gpt: openai.OpenAI, stream: bool) -> None:
    question: Any = {"role": "user", "content": "What is the weather in Paris?"}
    call = _last_response(gpt, stream, input=[question], tools=[OPENAI_TOOL, CLOCK_TOOL]).output[-1]
    assert call.type == "function_call"
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris", "unit": "C"})
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "19 degrees"}
    second = _last_response(gpt, stream, input=[question, call.model_dump(), result], tools=[OPENAI_TOOL])
    assert "19 degrees" in second.output_text


@pytest.mark.parametrize(
    ("prompt", "settings", "called"),
    [
        ("Hello", {}, []),
        ("Hello", {"tool_choice": "required"}, ["get_weather"]),
        ("Hello", {"tool_choice": {"type": "function", "name": "clock"}}, ["clock"]),
        ("The clock and the weather", {}, ["get_weather", "clock"]),
        ("The clock and the weather", {"parallel_tool_calls": False}, ["get_weather"]),
        ("The weather [sandbox:parallel]", {}, ["get_weather", "get_weather"]),
        ("The weather", {"tool_choice": "none"}, []),
    ],
)
def test_openai_tool_choice(gpt: openai.OpenAI, prompt: str, settings: dict[str, Any], called: list[str]) -> None:
    response = gpt.responses.create(model="gpt-4o", input=prompt, tools=[OPENAI_TOOL, CLOCK_TOOL], **settings)
    assert [item.name for item in response.output if item.type == "function_call"] == called


def test_openai_structured_output(gpt: openai.OpenAI) -> None:
    schema = {
        "type": "object", "required": ["people", "when", "size"],
        "properties": {
            "people": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/person"}},
            "when": {"type": "string", "format": "date"}, "size": {"type": ["integer", "null"], "minimum": 3},
        },
        "$defs": {"person": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
    }  # fmt: skip
    output: Any = {"format": {"type": "json_schema", "name": "meeting", "schema": schema}}
    response = gpt.responses.create(model="gpt-4o", input="Plan it", text=output)
    assert json.loads(response.output_text) == {"people": [{"name": "sandbox"}] * 2, "when": "2026-01-01", "size": 3}


@pytest.mark.parametrize("stream", [False, True])
def test_openai_thinks_when_asked(gpt: openai.OpenAI, stream: bool) -> None:
    asked = {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
    response = _last_response(gpt, stream, model="gpt-5", input="Hi", **asked)
    thought = response.output[0]
    assert thought.type == "reasoning"
    assert thought.summary[0].text
    assert thought.encrypted_content
    assert response.usage
    assert 0 < response.usage.output_tokens_details.reasoning_tokens < response.usage.output_tokens


def test_openai_sees_images(gpt: openai.OpenAI) -> None:
    content: Any = [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": PIXEL, "detail": "auto"}]
    response = gpt.responses.create(model="gpt-4o", input=[{"role": "user", "content": content}])
    assert "You attached 1 image." in response.output_text


@pytest.mark.parametrize("stream", [False, True])
def test_openai_stops_at_the_limit(gpt: openai.OpenAI, stream: bool) -> None:
    response = _last_response(gpt, stream, input="Go on [sandbox:tokens=200]", max_output_tokens=50)
    assert response.status == "incomplete"
    assert response.incomplete_details
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.usage
    assert response.usage.output_tokens == 50


@pytest.mark.parametrize("stream", [False, True])
def test_openai_refuses(gpt: openai.OpenAI, stream: bool) -> None:
    message = _last_response(gpt, stream, input="Hi [sandbox:refuse]").output[0]
    assert message.type == "message"
    assert message.content[0].type == "refusal"


def test_openai_caches_a_long_prefix(gpt: openai.OpenAI) -> None:
    prompt = f"{time.time_ns()} " + "A long preface. " * 400
    first, second = (gpt.responses.create(model="gpt-4o", input=prompt).usage for _ in range(2))
    assert first
    assert second
    assert first.input_tokens_details.cached_tokens == 0
    assert 1024 <= second.input_tokens_details.cached_tokens <= second.input_tokens


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError), (401, openai.AuthenticationError), (403, openai.PermissionDeniedError),
        (429, openai.RateLimitError), (500, openai.InternalServerError), (503, openai.InternalServerError),
    ],
)  # fmt: skip
def test_openai_errors_on_demand(gpt: openai.OpenAI, status: int, error: type[openai.APIStatusError]) -> None:
    with pytest.raises(error) as caught:
        gpt.responses.create(model="gpt-4o", input=f"Hi [sandbox:{status}]")
    assert caught.value.status_code == status
    assert (status in (429, 503)) == ("retry-after" in caught.value.response.headers)


def test_openai_unknown_model(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        gpt.responses.create(model="gpt-nonsense", input="Hi")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_openai_fails_in_the_stream(gpt: openai.OpenAI) -> None:
    events = list(gpt.responses.create(model="gpt-4o", input="Hi [sandbox:fail]", stream=True))
    last = events[-1]
    assert last.type == "response.failed"
    assert last.sequence_number == len(events) - 1
    assert events[0].type == "response.created"
    assert last.response.id == events[0].response.id


def test_openai_lists_models(gpt: openai.OpenAI) -> None:
    assert "gpt-4.1-mini" in [model.id for model in gpt.models.list()]


def _last_response(gpt: openai.OpenAI, stream: bool, model: str = "gpt-4o", **asked: Any) -> Any:
    """The response, whole or from the end of its stream."""
    if not stream:
        return gpt.responses.create(model=model, **asked)
    last = list(gpt.responses.create(model=model, stream=True, **asked))[-1]
    assert last.type in ("response.completed", "response.incomplete")
    return last.response


# Anthropic


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_answers(claude: anthropic.Anthropic, stream: bool) -> None:
    message = _message(claude, stream, messages=[{"role": "user", "content": "Say hello"}], system="Be brief")
    assert message.content[0].text.startswith("[sandbox] ")
    assert "Say hello" in message.content[0].text
    assert (message.model, message.stop_reason) == ("claude-haiku-4-5-sandbox", "end_turn")
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 10


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_calls_a_tool_then_uses_its_result(claude: anthropic.Anthropic, stream: bool) -> None:
    question = {"role": "user", "content": "What is the weather in Paris?"}
    message = _message(claude, stream, messages=[question], tools=[ANTHROPIC_TOOL])
    assert message.stop_reason == "tool_use"
    assert message.content[-1].input == {"city": "Paris", "unit": "C"}
    use = {"type": "tool_use", "id": message.content[-1].id, "name": "get_weather", "input": message.content[-1].input}
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": "19 degrees"}
    turns = [question, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    assert "19 degrees" in _message(claude, stream, messages=turns, tools=[ANTHROPIC_TOOL]).content[0].text


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_thinks_when_asked(claude: anthropic.Anthropic, stream: bool) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    message = _message(claude, stream, messages=[{"role": "user", "content": "Hi"}], thinking=thinking)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].signature


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("prompt", "settings", "reason"),
    [
        ("Hi", {"max_tokens": 5}, "max_tokens"),
        ("Hi [sandbox:max_tokens]", {}, "max_tokens"),
        ("Hi", {"stop_sequences": ["canned"]}, "stop_sequence"),
        ("Hi [sandbox:refuse]", {}, "refusal"),
    ],
)
def test_anthropic_stops(claude: anthropic.Anthropic, stream: bool, prompt: str, settings: dict[str, Any], reason: str) -> None:
    message = _message(claude, stream, messages=[{"role": "user", "content": prompt}], **settings)
    assert message.stop_reason == reason
    assert message.stop_sequence == ("canned" if reason == "stop_sequence" else None)


def test_anthropic_caches_what_is_marked(claude: anthropic.Anthropic) -> None:
    system = [{"type": "text", "text": f"{time.time_ns()} " + "A long preface. " * 400, "cache_control": {"type": "ephemeral"}}]
    asked = {"messages": [{"role": "user", "content": "Hi"}], "system": system}
    first, second = (_message(claude, False, **asked).usage for _ in range(2))
    assert first.cache_creation_input_tokens >= 1024
    assert first.cache_read_input_tokens == 0
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.input_tokens == first.input_tokens


def test_anthropic_sees_images(claude: anthropic.Anthropic) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "Look"}]
    assert "You attached 1 image." in _message(claude, False, messages=[{"role": "user", "content": content}]).content[0].text


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, anthropic.AuthenticationError), (429, anthropic.RateLimitError), (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)  # fmt: skip
def test_anthropic_errors_on_demand(claude: anthropic.Anthropic, status: int, error: type[anthropic.APIStatusError]) -> None:
    with pytest.raises(error) as caught:
        _message(claude, False, messages=[{"role": "user", "content": f"Hi [sandbox:{status}]"}])
    assert caught.value.status_code == status


def test_anthropic_unknown_model(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        _message(claude, False, model="claude-nonsense", messages=[{"role": "user", "content": "Hi"}])
    assert caught.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]


def test_anthropic_fails_in_the_stream(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        _message(claude, True, messages=[{"role": "user", "content": "Hi [sandbox:fail]"}])
    assert "Overloaded" in str(caught.value)


def test_anthropic_lists_models(claude: anthropic.Anthropic) -> None:
    assert "claude-haiku-4-5" in [model.id for model in claude.models.list()]


def _message(claude: anthropic.Anthropic, stream: bool, **asked: Any) -> Any:
    """The message, whole or put together from its stream."""
    settings: Any = {"model": "claude-haiku-4-5", "max_tokens": 2000} | asked
    if not stream:
        return claude.messages.create(**settings)
    with claude.messages.stream(**settings) as events:
        return events.get_final_message()
