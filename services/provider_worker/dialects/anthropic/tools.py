"""Tool definitions and tool_choice for Anthropic."""

from typing import Any

from services.provider_worker.dialects.anthropic.models import Traits
from services.provider_worker.dialects.anthropic.refusal import cannot, malformed
from services.provider_worker.dialects.anthropic.strict import Strict
from services.provider_worker.dialects.tool_names import safe_name

Json = dict[str, Any]

_FREEFORM: Json = {
    "type": "object", "properties": {"input": {"type": "string", "description": "The whole input of the tool, as plain text."}},
    "required": ["input"], "additionalProperties": False,
}


def definitions(request: Json, strict: Strict) -> list[Json]:
    """The request's tools, those of `allowed_tools` only where it says so, in the order given: it decides cache hits."""
    tools: list[Json] = request.get("tools") or []
    choice = request.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = {tool.get("name") for tool in choice.get("tools") or ()}
        tools = [tool for tool in tools if tool.get("name") in allowed]
        if not tools:
            raise malformed("tool_choice.tools names none of the tools", "tool_choice.tools")
    return [_definition(tool, f"tools[{index}]", strict) for index, tool in enumerate(tools)]


def undeclared(names: list[str]) -> list[Json]:
    """Definitions for tools that only the history knows: Anthropic wants every tool defined that a conversation used."""
    return [{"name": safe_name(name), "input_schema": {"type": "object"}} for name in names]


def _definition(tool: Json, where: str, strict: Strict) -> Json:
    kind = tool.get("type")
    if kind == "custom":
        return _described(tool, _FREEFORM)
    if kind != "function":
        raise cannot(f"the built-in tool {kind}", f"{where}.type")
    schema = tool.get("parameters") or {}
    enforced = strict.tool(tool["name"], schema) if tool.get("strict") is True else None
    return _described(tool, schema) if enforced is None else _described(tool, enforced) | {"strict": True}


def _described(tool: Json, schema: Json) -> Json:
    made: Json = {"name": safe_name(tool["name"])}
    description = tool.get("description") or ""
    grammar = (tool.get("format") or {}).get("definition")
    if grammar:
        description = f"{description}\nThe input must follow this grammar:\n{grammar}".strip()
    if description:
        made["description"] = description
    made["input_schema"] = schema if schema.get("type") == "object" else schema | {"type": "object"}
    return made


def choice(request: Json, traits: Traits) -> Json | None:
    """`tool_choice`, with the switch for parallel calls that only exists inside it; None when Anthropic's default will do."""
    wanted = request.get("tool_choice", "auto")
    made = _choice(wanted)
    if made["type"] in ("any", "tool") and not traits.forced_tools:
        raise cannot("a forced tool choice on this model", "tool_choice")
    if request.get("parallel_tool_calls") is False and made["type"] != "none":
        made["disable_parallel_tool_use"] = True
    return None if made == {"type": "auto"} else made


def is_forced(made: Json | None) -> bool:
    """The model must call a tool."""
    return made is not None and made["type"] in ("any", "tool")


def _choice(wanted: Any) -> Json:
    if isinstance(wanted, str):
        return {"type": _WORDS[wanted]} if wanted in _WORDS else {"type": "auto"}
    kind = wanted.get("type")
    if kind in ("function", "custom"):
        return {"type": "tool", "name": safe_name(wanted["name"])}
    if kind == "allowed_tools":
        return {"type": "any" if wanted.get("mode") == "required" else "auto"}
    raise cannot(f"a tool choice of type {kind}", "tool_choice.type")


_WORDS = {"auto": "auto", "none": "none", "required": "any"}
