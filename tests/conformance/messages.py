"""Canonical requests put to Anthropic, for the tests of what they become."""

from typing import Any

import msgspec
import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter

from services.provider_worker.dialect import ProviderFailure, Upstream
from services.provider_worker.dialects.anthropic import Anthropic
from tests.conformance.answers import call

Json = dict[str, Any]

_params: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)
OLD, MIDDLE, NEW, ALWAYS, BETWEEN = "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-5", "claude-opus-5-5", "claude-sonnet-5-5"
WEATHER: Json = {"type": "function", "name": "get_weather", "description": "d", "parameters": {"type": "object", "properties": {}}}
CITIES: Json = {"type": "function", "name": "list_cities", "parameters": None}


def upstream(request: Json, model: str = MIDDLE, **more: Any) -> Upstream:
    return Anthropic().build(call({"input": "Hi"} | request, model=model, stream=False, **more))


def build(request: Json, model: str = MIDDLE, **more: Any) -> tuple[Json, list[str]]:
    """The body, valid by Anthropic's own types, and what was adapted."""
    sent = upstream(request, model, **more)
    assert sent.path == "/v1/messages"
    assert sent.headers["anthropic-version"] == "2023-06-01"
    body = msgspec.json.decode(sent.content)
    _params.validate_python(body)
    return body, sent.adapted


def refused(request: Json, model: str = MIDDLE) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        build(request, model)
    assert caught.value.code == "invalid_request"
    return caught.value


def user(text: str) -> Json:
    return {"type": "message", "role": "user", "content": text}


def assistant(text: str) -> Json:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def made_call(call_id: str, name: str = "get_weather", arguments: str = "{}") -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def result(call_id: str, output: Any = "ok", **more: Any) -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": output} | more


def roles(body: Json) -> list[str]:
    return [turn["role"] for turn in body["messages"]]


def kinds(turn: Json) -> list[str]:
    return [block["type"] for block in turn["content"]]
