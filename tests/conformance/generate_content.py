"""Canonical requests put to Gemini, for the tests of what they become."""

from typing import Any

import msgspec
import pytest
from google.genai import types

from services.provider_worker.dialect import ProviderFailure, Upstream
from services.provider_worker.dialects.gemini import Gemini
from tests.conformance.answers import call

Json = dict[str, Any]

OLD, FLASH, PRO, NEW = "gemini-2.5-flash", "gemini-3.6-flash", "gemini-3.1-pro-preview", "gemini-4-argon"
WEATHER: Json = {
    "type": "function", "name": "get_weather", "description": "d",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
}
CITIES: Json = {"type": "function", "name": "list_cities", "parameters": {"type": "object", "properties": {}}}

# Google's own types, which take no unknown field.
_TYPES: dict[str, Any] = {
    "contents": types.Content, "systemInstruction": types.Content, "tools": types.Tool, "toolConfig": types.ToolConfig,
    "safetySettings": types.SafetySetting, "generationConfig": types.GenerationConfig, "serviceTier": None,
}


def upstream(request: Json, model: str = NEW, **more: Any) -> Upstream:
    return Gemini().build(call({"input": "Hi"} | request, model=model, stream=False, **more))


def build(request: Json, model: str = NEW, **more: Any) -> tuple[Json, list[str]]:
    """The body, valid by Google's own types, and what was adapted."""
    sent = upstream(request, model, **more)
    assert sent.path == f"/v1beta/models/{model}:generateContent"
    body = msgspec.json.decode(sent.content)
    for name, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            if _TYPES[name] is not None:
                _TYPES[name].model_validate_json(msgspec.json.encode(one))
    return body, sent.adapted


def refused(request: Json, model: str = NEW) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        upstream(request, model)
    assert caught.value.code == "invalid_request"
    return caught.value


def config(request: Json, model: str = NEW, **more: Any) -> Json:
    """What is set in `generationConfig`."""
    return build(request, model, **more)[0].get("generationConfig", {})  # type: ignore[no-any-return]


def declared(tool: Json, model: str = NEW) -> tuple[Json, list[str], dict[str, Json]]:
    """One tool's declaration, what was adapted, and the schemas to check."""
    body, adapted = build({"tools": [tool]}, model)
    [declaration] = body["tools"][0]["functionDeclarations"]
    return declaration, adapted, upstream({"tools": [tool]}, model).schemas


def roles(body: Json) -> list[str]:
    return [turn["role"] for turn in body["contents"]]


def kinds(turn: Json) -> list[str]:
    """What each part holds."""
    return [next(name for name in part if name not in ("thought", "thoughtSignature")) for part in turn["parts"]]


def texts(turn: Json) -> list[str]:
    return [part["text"] for part in turn["parts"]]


def responses(turn: Json) -> list[Json]:
    return [part["functionResponse"] for part in turn["parts"] if "functionResponse" in part]
