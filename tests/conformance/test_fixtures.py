"""The fixtures themselves are held against the providers' own SDK types, strictly."""

from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
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
