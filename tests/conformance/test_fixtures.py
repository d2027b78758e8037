"""The fixtures themselves are held against the providers' own SDK types, strictly."""

from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from google.genai.types import GenerateContentResponse
from mistralai.client.models import ChatCompletionResponse, CompletionChunk
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.conformance.answers import recorded, stream_bytes, upstream_events, whole_bytes

_anthropic: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_openai: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
# What only exists to be unknown, broken or sloppy.
_NOT_PROVIDER_TRUE = {"unknown_events", "garbage", "calls_half_told", "no_created"}


@pytest.mark.parametrize("name", [n for n in recorded("anthropic", "sse") if n not in _NOT_PROVIDER_TRUE])
def test_anthropic_stream_is_true_to_the_sdk(name: str) -> None:
    for event in upstream_events(stream_bytes("anthropic", name)):
        if event.event not in ("ping", "error"):
            assert _anthropic.validate_json(event.data, strict=True).type == event.event


@pytest.mark.parametrize("name", recorded("anthropic", "json"))
def test_anthropic_message_is_true_to_the_sdk(name: str) -> None:
    Message.model_validate_json(whole_bytes("anthropic", name), strict=True)


@pytest.mark.parametrize("name", [n for n in recorded("openai", "sse") if n not in _NOT_PROVIDER_TRUE])
def test_openai_stream_is_true_to_the_sdk(name: str) -> None:
    for number, event in enumerate(upstream_events(stream_bytes("openai", name))):
        read = _openai.validate_json(event.data, strict=True)
        assert (read.type, read.sequence_number) == (event.event, number)


@pytest.mark.parametrize("name", [n for n in recorded("openai", "json") if n not in _NOT_PROVIDER_TRUE])
def test_openai_response_is_true_to_the_sdk(name: str) -> None:
    Response.model_validate_json(whole_bytes("openai", name), strict=True)


# Servers of the chat API that OpenAI's SDK is used with.
_CHAT = ("chat", "deepseek", "openrouter")


def _chunks(provider: str, name: str) -> list[bytes]:
    """The chunks of a stream up to its end or to an error."""
    data = [event.data for event in upstream_events(stream_bytes(provider, name))]
    ends = (b"[DONE]", b'"error":', b'"object":"error"', b"insufficient_system_resource")
    return [one for one in data if not any(end in one for end in ends)]


@pytest.mark.parametrize(("provider", "name"), [(p, n) for p in _CHAT for n in recorded(p, "sse") if n not in _NOT_PROVIDER_TRUE])
def test_chat_chunks_are_true_to_the_sdk(provider: str, name: str) -> None:
    read = [ChatCompletionChunk.model_validate_json(data, strict=True) for data in _chunks(provider, name)]
    assert len({chunk.id for chunk in read}) <= 1


@pytest.mark.parametrize(("provider", "name"), [(p, n) for p in _CHAT for n in recorded(p, "json")])
def test_chat_completion_is_true_to_the_sdk(provider: str, name: str) -> None:
    ChatCompletion.model_validate_json(whole_bytes(provider, name), strict=True)


@pytest.mark.parametrize("name", [n for n in recorded("mistral", "sse") if n not in _NOT_PROVIDER_TRUE])
def test_mistral_chunks_are_true_to_the_sdk(name: str) -> None:
    for data in _chunks("mistral", name):
        CompletionChunk.model_validate_json(data, strict=True)


@pytest.mark.parametrize("name", recorded("mistral", "json"))
def test_mistral_completion_is_true_to_the_sdk(name: str) -> None:
    ChatCompletionResponse.model_validate_json(whole_bytes("mistral", name), strict=True)


@pytest.mark.parametrize("name", [n for n in recorded("gemini", "sse") if n not in _NOT_PROVIDER_TRUE])
def test_gemini_stream_is_true_to_the_sdk(name: str) -> None:
    for event in upstream_events(stream_bytes("gemini", name)):
        if b'"error"' not in event.data:
            GenerateContentResponse.model_validate_json(event.data)


@pytest.mark.parametrize("name", recorded("gemini", "json"))
def test_gemini_answer_is_true_to_the_sdk(name: str) -> None:
    GenerateContentResponse.model_validate_json(whole_bytes("gemini", name))
