"""Tools and the choice among them, as flat functions and built-in tools.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
"""

from typing import Any

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.messages_fields import expect, member, named, strings
from services.edge.ingress.messages_known_tools import known_tool
from services.edge.ingress.messages_output import is_closed

Json = dict[str, Any]

_WORDS = {"auto": "auto", "any": "required", "none": "none"}
# Finds tools that were held back; here the model is told all of them at once.
_SEARCH = "tool_search_tool"


def tools(given: Json) -> Json:
    """`tools`, `tool_choice` and `parallel_tool_calls`. Raises InvalidRequest."""
    made: Json = {}
    defined = _defined(given.get("tools", []))
    if defined:
        made["tools"] = list(defined.values())
    choice: Json = given.get("tool_choice") or {"type": "auto"}
    chosen = _choice(choice, defined)
    # Without tools these two say what happens anyway, and some providers refuse them.
    if "tool_choice" in given and (defined or chosen not in ("auto", "none")):
        made["tool_choice"] = chosen
    if defined and choice.get("disable_parallel_tool_use") is True:
        made["parallel_tool_calls"] = False
    return made


def _defined(given: list[Any]) -> dict[str, Json]:
    """The tools by the names that the client has for them."""
    found: dict[str, Json] = {}
    for index, tool in enumerate(given):
        where = f"tools.{index}"
        flat = _tool(tool, where)
        if flat is None:
            continue
        name = str(flat.get("name") or tool.get("name") or flat["type"])
        if name in found:
            raise InvalidRequest(f"{where}.name: there are two tools with the name {name!r}.", param=f"{where}.name")
        found[name] = flat
    return found


def _tool(given: Any, where: str) -> Json | None:
    tool: Json = expect(dict, given, "an object", where)
    kind = expect(str, tool.get("type") or "custom", 'a string such as "custom"', f"{where}.type")
    if kind == "custom":
        return _function(tool, where)
    if kind.startswith(_SEARCH):
        return None
    if kind.startswith("web_search"):
        return _web_search(tool, where)
    if kind.startswith("code_execution"):
        return {"type": "code_interpreter", "container": {"type": "auto"}}
    known = known_tool(kind, tool)
    if known is None:
        remedy = "only Anthropic's own API has it; define a custom tool with an input_schema instead"
        raise InvalidRequest(f"{where}: the tool {kind} cannot be routed: {remedy}.", param=f"{where}.type")
    return known


def _function(tool: Json, where: str) -> Json:
    made: Json = {"type": "function", "name": named(tool, "name", where)}
    if tool.get("description") is not None:
        made["description"] = expect(str, tool["description"], "a string", f"{where}.description")
    schema: Json = member(dict, tool, "input_schema", "a JSON schema object", where)
    # Anthropic's tools are not strict unless they say so; Responses functions are.
    strict = tool.get("strict") is not None and member(bool, tool, "strict", "true or false", where)
    return made | {"parameters": schema, "strict": strict and is_closed(schema)}


def _web_search(tool: Json, where: str) -> Json:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool"""
    made: Json = {"type": "web_search"}
    if tool.get("blocked_domains"):
        raise InvalidRequest(f"{where}.blocked_domains cannot be kept to; send allowed_domains.", param=f"{where}.blocked_domains")
    if tool.get("allowed_domains"):
        made["filters"] = {"allowed_domains": strings(tool["allowed_domains"], f"{where}.allowed_domains")}
    if tool.get("user_location") is not None:
        place: Json = expect(dict, tool["user_location"], "an object", f"{where}.user_location")
        made["user_location"] = {name: value for name, value in place.items() if value is not None}
    return made


def _choice(choice: Json, defined: dict[str, Json]) -> Any:
    kind = choice.get("type")
    if isinstance(kind, str) and kind in _WORDS:
        return _WORDS[kind]
    if kind != "tool":
        raise InvalidRequest("tool_choice.type must be auto, any, tool or none.", param="tool_choice.type")
    name = named(choice, "name", "tool_choice")
    tool = defined.get(name)
    if tool is None:
        raise InvalidRequest(f"tool_choice.name: there is no tool {name!r} among the tools.", param="tool_choice.name")
    if tool["type"] == "function":
        return {"type": "function", "name": name}
    return {"type": "allowed_tools", "mode": "required", "tools": [{"type": tool["type"]}]}
