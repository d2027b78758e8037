"""The sandbox's Gemini, through Google's SDK; its types forbid fields that they do not know."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors, types

WEATHER = {"type": "OBJECT", "required": ["city", "unit"], "properties": {"city": {"type": "STRING"}, "unit": {"type": "STRING", "enum": ["C", "F"]}}}
TOOL = types.Tool(function_declarations=[
    types.FunctionDeclaration(name="get_weather", description="Look up the forecast.", parameters=types.Schema.model_validate(WEATHER)),
    types.FunctionDeclaration(name="clock", description=""),
])
OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
both_streamed = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture
def gemini(sandbox_url: str) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=f"{sandbox_url}/gemini", api_version="v1beta")
    with genai.Client(api_key="fake", http_options=options) as client:
        yield client


def config(**settings: Any) -> types.GenerateContentConfig:
    """Settings with which the SDK leaves functions to the caller."""
    left = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(automatic_function_calling=left, **settings)


def chunks(gemini: genai.Client, stream: bool, contents: Any = "Say hello", model: str = OLD, **settings: Any) -> list[types.GenerateContentResponse]:
    """The answer's chunks; one when it is not streamed."""
    if stream:
        return list(gemini.models.generate_content_stream(model=model, contents=contents, config=config(**settings)))
    return [gemini.models.generate_content(model=model, contents=contents, config=config(**settings))]


def parts(found: list[types.GenerateContentResponse]) -> list[types.Part]:
    return [part for chunk in found for candidate in chunk.candidates or [] if candidate.content for part in candidate.content.parts or []]


def text(found: list[types.GenerateContentResponse]) -> str:
    return "".join(part.text or "" for part in parts(found) if not part.thought)


def finish(found: list[types.GenerateContentResponse]) -> str:
    assert found[-1].candidates
    return str((found[-1].candidates[0].finish_reason or types.FinishReason.OTHER).value)


@both_streamed
def test_an_answer(gemini: genai.Client, stream: bool) -> None:
    found = chunks(gemini, stream)
    assert text(found).startswith("[sandbox] ")
    assert "Say hello" in text(found)
    assert (finish(found), found[-1].model_version) == ("STOP", f"{OLD}-sandbox")
    assert len({chunk.response_id for chunk in found}) == 1


def test_usage_grows_with_the_stream_to_that_of_the_whole(gemini: genai.Client) -> None:
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=512)
    whole, streamed = (chunks(gemini, stream, thinking_config=thinking) for stream in (False, True))
    told = [chunk.usage_metadata for chunk in streamed]
    said = [usage.candidates_token_count or 0 for usage in told if usage]
    assert said == sorted(said)
    assert told[-1] == whole[0].usage_metadata
    assert told[-1]
    counts = (told[-1].prompt_token_count, told[-1].candidates_token_count, told[-1].thoughts_token_count)
    assert sum(count or 0 for count in counts) == told[-1].total_token_count


@both_streamed
def test_thoughts_are_shown_when_asked_for(gemini: genai.Client, stream: bool) -> None:
    for shown in (True, False):
        found = chunks(gemini, stream, thinking_config=types.ThinkingConfig(include_thoughts=shown, thinking_budget=512))
        assert any(part.thought for part in parts(found)) is shown
        assert found[-1].usage_metadata
        assert found[-1].usage_metadata.thoughts_token_count


@both_streamed
@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_call_and_its_result(gemini: genai.Client, stream: bool, model: str) -> None:
    question = types.Content(role="user", parts=[types.Part(text="What is the weather in Paris?")])
    said = parts(chunks(gemini, stream, [question], model, tools=[TOOL]))
    call = next(part for part in said if part.function_call)
    assert call.function_call
    assert (call.function_call.name, call.function_call.args) == ("get_weather", {"city": "Paris", "unit": "C"})
    assert bool(call.thought_signature) is (model == NEW)
    result = types.Part.from_function_response(name="get_weather", response={"output": "19 degrees"})
    turns = [question, types.Content(role="model", parts=[call]), types.Content(role="user", parts=[result])]
    assert "19 degrees" in text(chunks(gemini, stream, turns, model, tools=[TOOL]))


def test_parallel_calls_have_one_signature(gemini: genai.Client) -> None:
    calls = [part for part in parts(chunks(gemini, True, "The clock and the weather", NEW, tools=[TOOL])) if part.function_call]
    assert [bool(call.thought_signature) for call in calls] == [True, False]


@pytest.mark.parametrize(
    ("mode", "allowed", "called"),
    [("AUTO", None, []), ("NONE", None, []), ("ANY", None, ["get_weather"]), ("ANY", ["clock"], ["clock"])],
)
def test_function_calling_modes(gemini: genai.Client, mode: str, allowed: list[str] | None, called: list[str]) -> None:
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode(mode), allowed_function_names=allowed)
    found = chunks(gemini, False, tools=[TOOL], tool_config=types.ToolConfig(function_calling_config=calling))
    assert [part.function_call.name for part in parts(found) if part.function_call] == called


@pytest.mark.parametrize("field", ["response_schema", "response_json_schema"])
def test_structured_output(gemini: genai.Client, field: str) -> None:
    schema = {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer", "minimum": 3}}}
    found = chunks(gemini, False, response_mime_type="application/json", **{field: schema})
    assert json.loads(text(found)) == {"size": 3}


@both_streamed
@pytest.mark.parametrize(
    ("prompt", "settings", "reason"),
    [
        ("Hi", {"max_output_tokens": 5}, "MAX_TOKENS"), ("Hi", {"stop_sequences": ["canned"]}, "STOP"),
        ("Hi [sandbox:refuse]", {}, "SAFETY"),
    ],
)  # fmt: skip
def test_where_an_answer_stops(gemini: genai.Client, stream: bool, prompt: str, settings: dict[str, Any], reason: str) -> None:
    found = chunks(gemini, stream, prompt, **settings)
    assert finish(found) == reason
    assert "canned" not in text(found) or reason == "MAX_TOKENS"


def test_images_are_seen(gemini: genai.Client) -> None:
    image = types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png")
    assert "You attached 1 image." in text(chunks(gemini, False, [image, "Look"]))


def test_a_long_prefix_is_cached(gemini: genai.Client) -> None:
    prompt = f"{time.time_ns()} " + "A long preface. " * 400
    first, second = (chunks(gemini, False, prompt)[0].usage_metadata for _ in range(2))
    assert first
    assert second
    assert first.cached_content_token_count is None
    assert 1024 <= (second.cached_content_token_count or 0) <= (second.prompt_token_count or 0)


@pytest.mark.parametrize(
    ("status", "word"), [(400, "INVALID_ARGUMENT"), (403, "PERMISSION_DENIED"), (429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE")]
)
@both_streamed
def test_errors_on_demand(gemini: genai.Client, stream: bool, status: int, word: str) -> None:
    with pytest.raises(errors.APIError) as caught:
        chunks(gemini, stream, f"Hi [sandbox:{status}]")
    assert (caught.value.code, caught.value.status) == (status, word)
    if status == 429:
        assert "'retryDelay': '1s'" in str(caught.value.details)


def test_it_fails_in_the_stream(gemini: genai.Client) -> None:
    with pytest.raises(errors.ServerError, match="overloaded"):
        chunks(gemini, True, "Hi [sandbox:fail]")


def test_models_are_listed(gemini: genai.Client) -> None:
    assert f"models/{NEW}" in [model.name for model in gemini.models.list()]


# Below the SDK


def _post(url: str, method: str, body: dict[str, Any], model: str = OLD) -> httpx.Response:
    return httpx.post(f"{url}/gemini/v1beta/models/{model}:{method}", json=body)


BODIES: list[dict[str, Any]] = [
    {"contents": [{"role": "user", "parts": [{"text": "What is the weather in Paris?"}]}]},
    {
        "contents": [{"role": "user", "parts": [{"text": "What is the weather in Paris?"}]}],
        "tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": WEATHER}]}],
    },
    {"contents": {"parts": {"text": "Hi [sandbox:refuse]"}}, "generation_config": {"thinking_config": {"include_thoughts": True}}},
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("model", [OLD, NEW])
def test_nothing_is_said_that_the_types_do_not_know(sandbox_url: str, body: dict[str, Any], model: str) -> None:
    told = [_post(sandbox_url, "generateContent", body, model).json(), *_post(sandbox_url, "streamGenerateContent", body, model).json()]
    assert len(told) > 2
    for chunk in told:
        read = types.GenerateContentResponse.model_validate_json(json.dumps(chunk))
        again = json.loads(read.model_dump_json(by_alias=True, exclude_unset=True))
        assert again["candidates"][0].get("finishReason") == chunk["candidates"][0].get("finishReason")
        assert again["usageMetadata"] == chunk["usageMetadata"]


def test_a_stream_is_an_array_unless_events_are_asked_for(sandbox_url: str) -> None:
    array = _post(sandbox_url, "streamGenerateContent", BODIES[0])
    events = _post(sandbox_url, "streamGenerateContent?alt=sse", BODIES[0])
    assert (array.headers["content-type"], events.headers["content-type"]) == ("application/json; charset=UTF-8", "text/event-stream")
    assert events.text.endswith("\r\n\r\n")
    sent = [json.loads(block.removeprefix("data: ")) for block in events.text.split("\r\n\r\n") if block]
    assert [chunk["candidates"] for chunk in sent] == [chunk["candidates"] for chunk in array.json()]


def test_an_error_stands_where_the_stream_would(sandbox_url: str) -> None:
    body = {"contents": [{"parts": [{"text": "Hi [sandbox:429]"}]}]}
    assert _post(sandbox_url, "streamGenerateContent", body).json()[0]["error"]["code"] == 429
    assert _post(sandbox_url, "streamGenerateContent?alt=sse", body).json()["error"]["code"] == 429
    assert "retry-after" not in _post(sandbox_url, "generateContent", body).headers
