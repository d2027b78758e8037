"""Reads Anthropic Messages requests.

https://docs.anthropic.com/en/api/messages
"""

from typing import Any

import msgspec

from services.sandbox import models
from services.sandbox.asked import Asked, Problem, Tool
from services.sandbox.dialect import Head


def read(request: dict[str, Any], head: Head) -> Asked:
    """What is asked for. Raises Problem."""
    if "anthropic-version" not in head.headers:
        raise Problem(400, "anthropic-version: header is required")
    model = _model(request)
    limit = request.get("max_tokens")
    if not isinstance(limit, int) or limit < 1:
        raise Problem(400, "max_tokens: Field required" if limit is None else "max_tokens: must be greater than or equal to 1")
    text, results, images = _last_turn(_messages(request))
    choice, tools = _tools(request)
    read = msgspec.json.encode({name: request.get(name) for name in ("system", "tools", "messages")}).decode()
    thinking = (request.get("thinking") or {}).get("type") in ("enabled", "adaptive")
    return Asked(
        model=model, text=text, results=results, images=images, tools=tools, choice=choice, stream=bool(request.get("stream")),
        read=read, parallel=not (request.get("tool_choice") or {}).get("disable_parallel_tool_use"), schema=_schema(request),
        thinking=thinking, limit=limit, stops=request.get("stop_sequences") or [],
        cache="marked" if '"cache_control"' in read else "off",
    )  # fmt: skip


def _model(request: dict[str, Any]) -> str:
    model = request.get("model")
    if not isinstance(model, str) or not model:
        raise Problem(400, "model: Field required")
    if not models.ANTHROPIC.fullmatch(model):
        raise Problem(404, f"model: {model}")
    return model


def _messages(request: dict[str, Any]) -> list[Any]:
    messages = request.get("messages")
    if not isinstance(messages, list):
        raise Problem(400, "messages: Field required")
    if not messages:
        raise Problem(400, "messages: at least one message is required")
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
            raise Problem(400, f"messages.{index}.role: Input should be 'user' or 'assistant'")
        if message.get("content") in (None, "", []) and index < len(messages) - 1:
            raise Problem(400, f"messages.{index}: only the last message, if the assistant's, may have empty content")
    return messages


def _last_turn(messages: list[Any]) -> tuple[str, list[str], int]:
    """The last user text, the tool results since, the images beside it."""
    text, results, images = "", list[str](), 0
    for message in messages:
        if message["role"] != "user":
            continue
        blocks = _blocks(message.get("content"))
        said = _text(blocks)
        returned = [_text(_blocks(block.get("content"))) for block in blocks if block.get("type") == "tool_result"]
        if said:
            text, results = said, returned
        else:
            results += returned
        images = sum(block.get("type") == "image" for block in blocks)
    return text, results, images


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _text(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(block["text"] for block in blocks if block.get("type") == "text" and isinstance(block.get("text"), str))


def _tools(request: dict[str, Any]) -> tuple[Any, list[Tool]]:
    given = [tool for tool in request.get("tools") or [] if "input_schema" in tool]
    tools = [Tool(tool.get("name", ""), tool.get("description") or "", tool["input_schema"] or {}) for tool in given]
    choice = request.get("tool_choice") or {}
    match choice.get("type", "auto"):
        case "tool":
            named = [tool for tool in tools if tool.name == choice.get("name")]
            if not named:
                raise Problem(400, f"tool_choice.tool: Tool '{choice.get('name')}' not found in provided tools")
            return "forced", named
        case "any":
            return "forced", tools
        case "none":
            return "none", tools
    return "auto", tools


def _schema(request: dict[str, Any]) -> dict[str, Any] | None:
    output = (request.get("output_config") or {}).get("format") or request.get("output_format") or {}
    return output.get("schema") or {} if output.get("type") == "json_schema" else None
