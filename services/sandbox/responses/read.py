"""Reads OpenAI Responses requests.

https://platform.openai.com/docs/api-reference/responses/create
"""

from typing import Any

from services.sandbox import models, tokens
from services.sandbox.asked import Asked, Problem, Tool
from services.sandbox.dialect import Head


def read(request: dict[str, Any], head: Head) -> Asked:
    """What is asked for. Raises Problem."""
    model = _model(request)
    items = _items(request)
    if request.get("previous_response_id"):
        given = request["previous_response_id"]
        message = f"Previous response with id '{given}' not found."
        raise Problem(400, message, param="previous_response_id", code="previous_response_not_found")
    choice, tools = _tools(request)
    text, results, images = _last_turn(items)
    output = (request.get("text") or {}).get("format") or {}
    read = tokens.readable({name: request.get(name) for name in ("instructions", "tools", "input")})
    return Asked(
        model=model, text=text, results=results, images=images, tools=tools, choice=choice, stream=bool(request.get("stream")),
        read=read, parallel=request.get("parallel_tool_calls") is not False, schema=_schema(output),
        thinking=_thinks(request.get("reasoning") or {}), limit=request.get("max_output_tokens"),
    )  # fmt: skip


def _model(request: dict[str, Any]) -> str:
    model = request.get("model")
    if not isinstance(model, str) or not model:
        raise Problem(400, "Missing required parameter: 'model'.", param="model", code="missing_required_parameter")
    if not models.OPENAI.fullmatch(model):
        message = f"The requested model '{model}' does not exist."
        raise Problem(404, message, param="model", code="model_not_found")
    return model


def _items(request: dict[str, Any]) -> list[Any]:
    given = request.get("input")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list):
        raise Problem(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            at = f"input[{index}]"
            raise Problem(400, f"Invalid type for '{at}': expected an object.", param=at, code="invalid_type")
    return given


def _last_turn(items: list[Any]) -> tuple[str, list[str], int]:
    """The last user text, the tool results after it, the images beside it."""
    text, results, images = "", list[str](), 0
    for item in items:
        if item.get("type") == "function_call_output":
            results.append(_text(item.get("output")))
        elif item.get("role") == "user":
            content = item.get("content")
            text, results = _text(content) or text, []
            images = sum(part.get("type") == "input_image" for part in _parts(content))
    return text, results, images


def _parts(content: Any) -> list[dict[str, Any]]:
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in _parts(content) if isinstance(part.get("text"), str))


def _tools(request: dict[str, Any]) -> tuple[Any, list[Tool]]:
    given = [tool for tool in request.get("tools") or [] if tool.get("type") == "function"]
    tools = [Tool(tool.get("name", ""), tool.get("description") or "", tool.get("parameters") or {}) for tool in given]
    choice = request.get("tool_choice") or "auto"
    if isinstance(choice, str):
        return ("forced" if choice == "required" else choice), tools
    if choice.get("type") == "allowed_tools":
        names = {tool.get("name") for tool in choice.get("tools") or []}
        return ("forced" if choice.get("mode") == "required" else "auto"), [tool for tool in tools if tool.name in names]
    named = [tool for tool in tools if tool.name == choice.get("name")]
    if choice.get("type") == "function" and not named:
        raise Problem(400, f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.", param="tool_choice")
    return "forced", named


def _schema(output: dict[str, Any]) -> dict[str, Any] | None:
    if output.get("type") == "json_schema":
        return output.get("schema") or {}
    return {} if output.get("type") == "json_object" else None


def _thinks(reasoning: dict[str, Any]) -> bool:
    """Only when asked to: real reasoning models always do, but a first answer should begin with its message."""
    return reasoning.get("effort") not in (None, "none", "minimal") or bool(reasoning.get("summary"))
