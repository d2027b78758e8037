"""Tool definitions and tool_choice: the chat API's nested form made flat."""

from typing import Any

from libs.contracts.errors import InvalidRequest

Json = dict[str, Any]

_WORDS = frozenset({"auto", "none", "required"})
_NESTING = ("function", "custom")


def canonical_tools(tools: list[Any]) -> list[Any]:
    """Flat tools; the same list when all were flat."""
    for tool in tools:
        if not _is_flat(tool):
            break
    else:
        return tools
    made = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    return made if any(new is not old for new, old in zip(made, tools, strict=True)) else tools


def _is_flat(tool: Any) -> bool:
    """The ordinary function definition, checked without building its place for an error message."""
    return (
        type(tool) is dict and tool.get("type") == "function" and type(tool.get("name")) is str and tool["name"] != ""
        and type(tool.get("parameters")) is dict and "function" not in tool
    )


def _tool(tool: Any, where: str) -> Json:
    if not isinstance(tool, dict):
        raise InvalidRequest(f"{where} must be an object.", param=where)
    kind = tool.get("type") or ("function" if isinstance(tool.get("function"), dict) else None)
    if not isinstance(kind, str):
        raise InvalidRequest(f'{where}.type must be a string such as "function".', param=f"{where}.type")
    if kind not in _NESTING:
        return tool
    nested = tool.get(kind)
    flat = _flat(tool, kind, nested) if isinstance(nested, dict) else tool
    if not isinstance(flat.get("name"), str) or not flat["name"]:
        raise InvalidRequest(f"{where}.name must be a non-empty string.", param=f"{where}.name")
    if kind == "function" and not isinstance(flat.get("parameters"), dict | None):
        raise InvalidRequest(f"{where}.parameters must be a JSON schema object.", param=f"{where}.parameters")
    return flat


def _flat(tool: Json, kind: str, nested: Json) -> Json:
    outer = {name: value for name, value in tool.items() if name != kind}
    # Chat functions are not strict unless they say so; Responses functions are.
    default = {"strict": False} if kind == "function" else {}
    return default | outer | nested | {"type": kind}


def canonical_choice(choice: Any) -> Any:
    """Flat tool_choice; the same object when it was flat."""
    if isinstance(choice, str):
        if choice not in _WORDS:
            allowed = '"auto", "none", "required" or an object that names a tool'
            raise InvalidRequest(f"tool_choice must be {allowed}.", param="tool_choice")
        return choice
    kind = choice.get("type")
    if not isinstance(kind, str):
        raise InvalidRequest('tool_choice.type must be a string such as "function".', param="tool_choice.type")
    if kind == "allowed_tools":
        return _allowed(choice)
    if kind not in _NESTING:
        return choice
    nested = choice.get(kind)
    flat = {"type": kind} | nested if isinstance(nested, dict) else choice
    if not isinstance(flat.get("name"), str):
        raise InvalidRequest("tool_choice.name must name one of the tools.", param="tool_choice.name")
    return flat


def _allowed(choice: Json) -> Json:
    nested = choice.get("allowed_tools")
    flat = {"type": "allowed_tools"} | nested if isinstance(nested, dict) else choice
    tools = flat.get("tools")
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise InvalidRequest("tool_choice.tools must be an array of objects that name tools.", param="tool_choice.tools")
    made = [{"type": tool["type"]} | tool[tool["type"]] if _is_nested(tool) else tool for tool in tools]
    if any(new is not old for new, old in zip(made, tools, strict=True)):
        return flat | {"tools": made}
    return flat


def _is_nested(tool: Json) -> bool:
    return tool.get("type") in _NESTING and isinstance(tool.get(tool["type"]), dict)
