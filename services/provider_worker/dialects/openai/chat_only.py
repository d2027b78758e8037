"""Settings that OpenAI takes in Chat Completions and not in Responses, and the requests that can go there because of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.provider_worker.dialects.settings import is_default

Json = dict[str, Any]

CHAT_ONLY = frozenset({"stop", "seed", "logit_bias", "presence_penalty", "frequency_penalty"})
_TOOLS = frozenset({"function", "custom"})
_CHOICES = _TOOLS | {"allowed_tools"}
# Reasoning is only left out, and a model that does not reason has no use for it.
_ITEMS = frozenset({
    "message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "reasoning",
})


def asked(request: Mapping[str, Any]) -> list[str]:
    """The settings of these that the request makes, by name."""
    return sorted(name for name in CHAT_ONLY if not is_default(name, request.get(name)))


def suits_chat(request: Mapping[str, Any]) -> bool:
    """Whether the request makes such a setting and holds nothing that only Responses has."""
    return bool(asked(request)) and _is_plain(request) and not any(map(_is_stored, _parts(request)))


def _is_plain(request: Mapping[str, Any]) -> bool:
    choice, given = request.get("tool_choice"), request.get("input")
    return (
        request.get("prompt") is None
        and isinstance(request.get("instructions"), str | None)
        and all(tool.get("type") in _TOOLS for tool in request.get("tools") or ())
        and (not isinstance(choice, dict) or choice.get("type") in _CHOICES)
        and (not isinstance(given, list) or all((item.get("type") or "message") in _ITEMS for item in given))
    )


def _parts(request: Mapping[str, Any]) -> Iterator[Any]:
    """The content parts of messages and results."""
    given = request.get("input")
    for item in given if isinstance(given, list) else ():
        for content in (item.get("content"), item.get("output")):
            yield from content if isinstance(content, list) else ()


def _is_stored(part: Any) -> bool:
    """A file in OpenAI's storage, which only Responses can name everywhere."""
    return isinstance(part, dict) and bool(part.get("file_id"))
