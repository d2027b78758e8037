"""The request body for OpenAI: everything the client sent, except what only this router understands."""

from typing import Any

import msgspec

from services.provider_worker.dialect import Call
from services.provider_worker.dialects.openai.chat_only import CHAT_ONLY, asked
from services.provider_worker.dialects.openai.history import History
from services.provider_worker.dialects.tool_names import safe_name

Json = dict[str, Any]

# Ours, or resolved by us before the request gets here: the ids in them are not OpenAI's.
OURS = frozenset({
    "model", "stream", "router_mode", "router_model", "router_provider", "response_format", "provider", "previous_response_id",
    "conversation", "background", "background_options", "stream_options", *CHAT_ONLY,
})
_STATE = "reasoning.encrypted_content"
# `include_usage` belongs to the chat API; OpenAI refuses it here. Usage is always in the final event.
_OUR_STREAM_OPTIONS = frozenset({"format", "include_usage"})
NEVER_REASON = ("gpt-3.5", "gpt-4", "chatgpt-4o")
"""Models that answer a request with `reasoning` by a 400. Of other models on this API nobody knows it for sure."""
LEAST_OUTPUT = 16
"""OpenAI: "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16"."""
_encode = msgspec.json.Encoder().encode


def body(call: Call) -> tuple[bytes, list[str]]:
    """The JSON to send, and what was left out of it, in words."""
    adapted: list[str] = []
    request: Json = {"model": call.model}
    request.update((name, value) for name, value in call.request.items() if name not in OURS)
    # State is kept here, so that what is deleted here is gone.
    request["store"] = False
    _include_state(request, call)
    if dropped := asked(call.request):
        adapted.append(f"dropped, not taken by OpenAI's Responses API: {', '.join(dropped)}")
    if isinstance(request.get("input"), list):
        request["input"] = History(call, adapted).read(request["input"])
    _limit_output(request, call, adapted)
    if call.model.startswith(NEVER_REASON) and request.pop("reasoning", None):
        adapted.append(f"dropped: reasoning, which {call.model} does not do")
    if request.get("tools"):
        _name_tools(request, adapted)
    if call.stream:
        request["stream"] = True
        options = {k: v for k, v in (call.request.get("stream_options") or {}).items() if k not in _OUR_STREAM_OPTIONS}
        if options:
            request["stream_options"] = options
    return _encode(request), adapted


def _limit_output(request: Json, call: Call, adapted: list[str]) -> None:
    most, wanted = call.max_output_tokens, request.get("max_output_tokens")
    if wanted is not None and most is not None and wanted > most:
        adapted.append(f"max_output_tokens {wanted} was lowered to {most}, the most that {call.model} writes")
        request["max_output_tokens"] = most
    elif wanted is not None and wanted < LEAST_OUTPUT:
        adapted.append(f"max_output_tokens {wanted} was raised to {LEAST_OUTPUT}, the least that OpenAI takes")
        request["max_output_tokens"] = LEAST_OUTPUT


def _include_state(request: Json, call: Call) -> None:
    """OpenAI does not keep the reasoning, so that it has to come along; asked of a model that does not reason, that is a 400."""
    given = request.get("include") or []
    wanted = [name for name in given if name != _STATE] + ([_STATE] if call.reasoning else [])
    if wanted or given:
        request["include"] = wanted


def _name_tools(request: Json, adapted: list[str]) -> None:
    """OpenAI refuses the whole request for a tool whose name has a dot in it, as those of MCP servers do."""
    tools = [_named(tool) for tool in request["tools"]]
    renamed = [old["name"] for old, new in zip(request["tools"], tools, strict=True) if old is not new]
    if not renamed:
        return
    adapted.append(f"renamed for OpenAI, which takes letters, digits, _ and - only: {', '.join(renamed)}")
    request["tools"] = tools
    choice = request.get("tool_choice")
    if isinstance(choice, dict):
        choice = _named(choice)
        request["tool_choice"] = choice | {"tools": [_named(tool) for tool in choice["tools"]]} if "tools" in choice else choice


def _named(tool: Json) -> Json:
    name = tool.get("name")
    if tool.get("type") not in ("function", "custom") or not isinstance(name, str) or safe_name(name) == name:
        return tool
    return tool | {"name": safe_name(name)}
