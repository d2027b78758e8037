"""The sandbox's Chat Completions of OpenAI, DeepSeek and Mistral, through the SDKs that their users call them with."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, SDKError
from mistralai.client.models import ChatCompletionResponse, CompletionChunk, ModelList

WEATHER = {
    "type": "object", "required": ["city", "unit"], "additionalProperties": False,
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]}},
}  # fmt: skip
TOOL: Any = {"type": "function", "function": {"name": "get_weather", "description": "Look up the forecast.", "parameters": WEATHER}}
CLOCK: Any = {"type": "function", "function": {"name": "clock", "description": "", "parameters": {"type": "object", "properties": {}}}}
QUESTION: Any = {"role": "user", "content": "What is the weather in Paris?"}
PIXEL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SPOKEN = {"openai": ("/openai/v1", "gpt-4o"), "deepseek": ("/deepseek", "deepseek-chat")}
both_streamed = pytest.mark.parametrize("stream", [False, True])


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="sk-fake", max_retries=0, _strict_response_validation=True)


@pytest.fixture
def gpt(sandbox_url: str) -> Iterator[openai.OpenAI]:
    with client(f"{sandbox_url}/openai/v1") as found:
        yield found


@pytest.fixture
def deepseek(sandbox_url: str) -> Iterator[openai.OpenAI]:
    with client(f"{sandbox_url}/deepseek") as found:
        yield found


@pytest.fixture
def mistral(sandbox_url: str) -> Iterator[Mistral]:
    with Mistral(api_key="fake", server_url=f"{sandbox_url}/mistral") as found:
        yield found


def completion(chat: openai.OpenAI, stream: bool, **asked: Any) -> Any:
    """The completion, whole or put together from its stream by the SDK."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say hello"}]} | asked
    if not stream:
        return chat.chat.completions.create(**asked)
    with chat.chat.completions.stream(**asked) as chunks:
        return chunks.get_final_completion()


# Both that speak OpenAI's dialect to the letter


@both_streamed
@pytest.mark.parametrize("provider", SPOKEN)
def test_an_answer(sandbox_url: str, provider: str, stream: bool) -> None:
    path, model = SPOKEN[provider]
    with client(sandbox_url + path) as chat:
        found = completion(chat, stream, model=model)
    assert found.choices[0].message.content.startswith("[sandbox] ")
    assert "Say hello" in found.choices[0].message.content
    assert (found.choices[0].finish_reason, found.model) == ("stop", f"{model}-sandbox")


@both_streamed
@pytest.mark.parametrize("provider", SPOKEN)
def test_a_call_and_its_result(sandbox_url: str, provider: str, stream: bool) -> None:
    path, model = SPOKEN[provider]
    with client(sandbox_url + path) as chat:
        first = completion(chat, stream, model=model, messages=[QUESTION], tools=[TOOL, CLOCK]).choices[0]
        call = first.message.tool_calls[0]
        assert (first.finish_reason, call.function.name) == ("tool_calls", "get_weather")
        assert json.loads(call.function.arguments) == {"city": "Paris", "unit": "C"}
        made = {"id": call.id, "type": "function", "function": {"name": "get_weather", "arguments": call.function.arguments}}
        turns = [
            QUESTION, {"role": "assistant", "content": None, "tool_calls": [made]},
            {"role": "tool", "tool_call_id": call.id, "content": "19 degrees"},
        ]  # fmt: skip
        assert "19 degrees" in completion(chat, stream, model=model, messages=turns, tools=[TOOL]).choices[0].message.content


@both_streamed
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"max_tokens": 5}, "length"),
        ({"stop": "canned"}, "stop"),
        ({"messages": [{"role": "user", "content": "Hi [sandbox:max_tokens]"}]}, "length"),
    ],
)
@pytest.mark.parametrize("provider", SPOKEN)
def test_where_an_answer_stops(sandbox_url: str, provider: str, stream: bool, asked: dict[str, Any], reason: str) -> None:
    path, model = SPOKEN[provider]
    with client(sandbox_url + path) as chat:
        asked = {"model": model, "messages": [{"role": "user", "content": "Hi"}]} | asked
        assert _finish(chat, stream, asked) == reason


def _finish(chat: openai.OpenAI, stream: bool, asked: dict[str, Any]) -> str | None:
    # The SDK's own helper raises for `length`.
    if not stream:
        return chat.chat.completions.create(**asked).choices[0].finish_reason
    return [chunk.choices[0].finish_reason for chunk in chat.chat.completions.create(stream=True, **asked) if chunk.choices][-1]


# OpenAI


def test_openai_parallel_calls_are_streamed_by_index(gpt: openai.OpenAI) -> None:
    asked: Any = {"messages": [{"role": "user", "content": "The clock and the weather"}], "tools": [TOOL, CLOCK]}
    whole, streamed = (completion(gpt, stream, **asked).choices[0].message.tool_calls for stream in (False, True))
    assert [call.function.name for call in whole] == [call.function.name for call in streamed] == ["get_weather", "clock"]
    assert [call.function.arguments for call in whole] == [call.function.arguments for call in streamed]
    one = completion(gpt, True, parallel_tool_calls=False, **asked).choices[0].message.tool_calls
    assert len(one) == 1


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []), ("auto", []), ("required", ["get_weather"]), ({"type": "function", "function": {"name": "clock"}}, ["clock"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [CLOCK]}}, ["clock"]),
    ],
)  # fmt: skip
def test_openai_tool_choice(gpt: openai.OpenAI, choice: Any, called: list[str]) -> None:
    found = completion(gpt, False, tools=[TOOL, CLOCK], tool_choice=choice).choices[0].message.tool_calls
    assert [call.function.name for call in found or []] == called


@both_streamed
def test_openai_refuses_in_a_field_of_its_own(gpt: openai.OpenAI, stream: bool) -> None:
    message = completion(gpt, stream, messages=[{"role": "user", "content": "Hi [sandbox:refuse]"}]).choices[0].message
    assert message.refusal == "[sandbox] I can't help with that."
    assert not message.content


def test_openai_tells_a_streams_usage_only_when_asked(gpt: openai.OpenAI) -> None:
    asked: Any = {"model": "gpt-5", "messages": [{"role": "user", "content": "Say hello"}], "reasoning_effort": "low"}
    whole = gpt.chat.completions.create(**asked).usage
    silent = list(gpt.chat.completions.create(**asked, stream=True))
    told = list(gpt.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert not any(chunk.usage for chunk in silent)
    assert whole
    assert whole.completion_tokens_details
    assert (told[-1].choices, told[-1].usage) == ([], whole)
    assert 0 < (whole.completion_tokens_details.reasoning_tokens or 0) < whole.completion_tokens


def test_openai_structured_output(gpt: openai.OpenAI) -> None:
    schema = {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer", "minimum": 3}}}
    output: Any = {"type": "json_schema", "json_schema": {"name": "box", "schema": schema}}
    assert json.loads(completion(gpt, False, response_format=output).choices[0].message.content) == {"size": 3}


def test_openai_fails_in_the_stream(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.APIError, match="server had an error"):
        list(gpt.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi [sandbox:fail]"}], stream=True))


# DeepSeek


@both_streamed
def test_deepseek_thinks_unless_told_not_to(deepseek: openai.OpenAI, stream: bool) -> None:
    for thinking, thought in (({}, True), ({"thinking": {"type": "disabled"}}, False)):
        message = completion(deepseek, stream, model="deepseek-v4-flash", extra_body=thinking).choices[0].message
        assert bool(getattr(message, "reasoning_content", None)) is thought
        assert message.content.startswith("[sandbox] ")


def test_deepseek_usage_rides_on_the_last_chunk(deepseek: openai.OpenAI) -> None:
    asked: Any = {"model": "deepseek-v4-pro", "messages": [{"role": "user", "content": "Say hello"}]}
    whole = deepseek.chat.completions.create(**asked)
    last = list(deepseek.chat.completions.create(**asked, stream=True))[-1]
    assert (last.choices[0].finish_reason, last.usage) == ("stop", whole.usage)
    told = last.usage.model_dump() if last.usage else {}
    assert told["prompt_cache_hit_tokens"] + told["prompt_cache_miss_tokens"] == told["prompt_tokens"]


def test_deepseek_caches_a_long_prefix(deepseek: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": f"{time.time_ns()} " + "A long preface. " * 400}]
    first, second = (completion(deepseek, False, model="deepseek-chat", messages=messages).usage.model_dump() for _ in range(2))
    assert first["prompt_cache_hit_tokens"] == 0
    assert 1024 <= second["prompt_cache_hit_tokens"] == second["prompt_tokens_details"]["cached_tokens"]


def test_deepseek_breaks_down_in_its_own_way(deepseek: openai.OpenAI) -> None:
    asked: Any = {"model": "deepseek-chat", "messages": [{"role": "user", "content": "Hi [sandbox:fail]"}], "stream": True}
    with pytest.raises(openai.APIResponseValidationError):
        # OpenAI's own types do not know the reason.
        list(deepseek.chat.completions.create(**asked))
    raw = deepseek.chat.completions.with_raw_response.create(**asked).http_response.read().decode()
    assert '"finish_reason":"insufficient_system_resource"' in raw
    assert raw.endswith("data: [DONE]\n\n")


def test_p67_deepseek_sends_blanks_and_comments_while_it_is_busy(sandbox_url: str) -> None:
    body = {"model": "deepseek-chat", "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{sandbox_url}/deepseek/chat/completions"
    assert httpx.post(url, json=body).text.startswith("\n\n{")
    assert httpx.post(url, json=body | {"stream": True}).text.startswith(": keep-alive\n\ndata: ")


def test_deepseek_lists_models_without_dates(sandbox_url: str) -> None:
    for path in ("/deepseek/models", "/deepseek/v1/models"):
        listed = httpx.get(sandbox_url + path).json()
        assert {"id": "deepseek-v4-flash", "object": "model", "owned_by": "deepseek"} in listed["data"]


# Mistral


def _mistral(mistral: Mistral, stream: bool, **asked: Any) -> tuple[str, list[Any], str | None, Any]:
    """Text, calls, finish reason and usage of an answer, whole or streamed."""
    asked = {"model": "mistral-small-latest", "messages": [{"role": "user", "content": "Say hello"}]} | asked
    if not stream:
        whole = mistral.chat.complete(**asked)
        message: Any = whole.choices[0].message
        return message.content, message.tool_calls or [], whole.choices[0].finish_reason, whole.usage
    chunks: list[Any] = [event.data for event in mistral.chat.stream(**asked)]
    deltas = [chunk.choices[0].delta for chunk in chunks]
    calls = [call for delta in deltas for call in delta.tool_calls or []]
    return "".join(delta.content for delta in deltas), calls, chunks[-1].choices[0].finish_reason, chunks[-1].usage


@both_streamed
def test_mistral_answers(mistral: Mistral, stream: bool) -> None:
    text, calls, finish, usage = _mistral(mistral, stream)
    assert text.startswith("[sandbox] ")
    assert (calls, finish) == ([], "stop")
    assert usage == _mistral(mistral, not stream)[3]


@both_streamed
def test_mistral_calls_a_tool_then_uses_its_result(mistral: Mistral, stream: bool) -> None:
    _, calls, finish, _ = _mistral(mistral, stream, messages=[QUESTION], tools=[TOOL, CLOCK])
    assert finish == "tool_calls"
    assert len(calls[0].id) == 9
    assert calls[0].id.isalnum()
    assert json.loads(calls[0].function.arguments) == {"city": "Paris", "unit": "C"}
    turns = [
        QUESTION, {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "tool_call_id": calls[0].id, "name": "get_weather", "content": "19 degrees"},
    ]  # fmt: skip
    assert "19 degrees" in _mistral(mistral, stream, messages=turns, tools=[TOOL])[0]


def test_mistral_sends_a_streamed_call_in_one_piece(mistral: Mistral) -> None:
    asked: Any = {"model": "mistral-large-latest", "messages": [QUESTION], "tools": [TOOL], "tool_choice": "any"}
    last = [event.data for event in mistral.chat.stream(**asked)][-1]
    assert last.choices[0].finish_reason == "tool_calls"
    assert len(last.choices[0].delta.tool_calls or []) == 1
    assert last.usage


def test_mistral_thinks_in_parts_of_the_content(mistral: Mistral) -> None:
    asked: Any = {"model": "magistral-medium-latest", "messages": [{"role": "user", "content": "Hi"}]}
    content: Any = mistral.chat.complete(**asked).choices[0].message.content  # type: ignore[union-attr]
    assert [part.type for part in content] == ["thinking", "text"]
    assert content[0].thinking[0].text
    parts = [part for event in mistral.chat.stream(**asked) for part in _listed(event.data.choices[0].delta.content)]
    assert "".join(part.text for part in parts if part.type == "text") == content[1].text


def _listed(content: Any) -> list[Any]:
    return content if isinstance(content, list) else []


def test_mistral_caches_only_with_a_key(mistral: Mistral) -> None:
    messages = [{"role": "user", "content": f"{time.time_ns()} " + "A long preface. " * 400}]
    for asked, cached in (({}, False), ({"prompt_cache_key": "a"}, True)):
        usages: Any = [_mistral(mistral, False, messages=messages, **asked)[3] for _ in range(2)]
        assert bool(usages[-1].model_dump()["prompt_tokens_details"]["cached_tokens"]) is cached


def test_mistral_breaks_down_in_its_own_way(mistral: Mistral) -> None:
    assert _mistral(mistral, True, messages=[{"role": "user", "content": "Hi [sandbox:fail]"}])[2] == "error"


def test_mistral_validation_errors_name_each_place(mistral: Mistral, sandbox_url: str) -> None:
    with pytest.raises(HTTPValidationError) as caught:
        mistral.chat.complete(model="mistral-small-latest", messages=[{"role": "user", "content": "Hi"}], temperature=1.9)
    assert caught.value.data.detail
    assert (caught.value.data.detail[0].loc, caught.value.data.detail[0].input) == (["body", "temperature"], 1.9)
    with pytest.raises(SDKError) as unknown:
        mistral.chat.complete(model="mistral-nonsense", messages=[{"role": "user", "content": "Hi"}])
    assert json.loads(unknown.value.body)["code"] == "1500"


@pytest.mark.parametrize("asked", [{}, {"tools": [TOOL]}, {"model": "magistral-medium-latest"}, {"max_tokens": 3}])
def test_mistral_says_nothing_that_its_sdk_does_not_know(sandbox_url: str, asked: dict[str, Any]) -> None:
    """The SDK drops what it does not know, so that what it keeps must be the whole."""
    url = f"{sandbox_url}/mistral/v1/chat/completions"
    body = {"model": "mistral-small-latest", "messages": [QUESTION]} | asked
    whole = httpx.post(url, json=body).json()
    assert ChatCompletionResponse.model_validate(whole).model_dump(by_alias=True, exclude_unset=True) == whole
    for line in httpx.post(url, json=body | {"stream": True}).text.split("\n\n"):
        if line and line != "data: [DONE]":
            chunk = json.loads(line.removeprefix("data: "))
            assert CompletionChunk.model_validate(chunk).model_dump(by_alias=True, exclude_unset=True) == chunk
    listed = httpx.get(f"{sandbox_url}/mistral/v1/models").json()
    assert ModelList.model_validate(listed).model_dump(by_alias=True, exclude_unset=True) == listed
