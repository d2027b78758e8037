"""Tools of the chat API made flat: definitions, the choice among them, legacy functions, and web search."""

from typing import Any

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.chat_fields import expect

Json = dict[str, Any]

_WORDS = ("auto", "none", "required")
_NESTING = ("function", "custom")
_NO_PARAMETERS: Json = {"type": "object", "properties": {}}


def tools(given: Json) -> Json:
    """`tools`, `tool_choice` and `parallel_tool_calls` of a checked body. Raises InvalidRequest."""
    made: Json = {}
    defined = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(given.get("tools", []))]
    defined += [_function(one, f"functions[{index}]") for index, one in enumerate(given.get("functions", []))]
    if "web_search_options" in given and not any(str(tool.get("type")).startswith("web_search") for tool in defined):
        defined.append(_web_search(given["web_search_options"]))
    if defined:
        made["tools"] = defined
    choice = _choice(given)
    # Without tools these two say what happens anyway, and some providers refuse them.
    if choice is not None and (defined or choice not in ("auto", "none")):
        made["tool_choice"] = choice
    if defined and "parallel_tool_calls" in given:
        made["parallel_tool_calls"] = given["parallel_tool_calls"]
    elif given.get("functions"):
        # `function_call` in the answer has room for one.
        made["parallel_tool_calls"] = False
    return made


def _tool(given: Any, where: str) -> Json:
    tool: Json = expect(dict, given, "an object", where)
    kind = _kind(tool, where)
    if kind not in _NESTING:
        return tool
    nested, place = _nested(tool, kind, where)
    return _function(nested, place) if kind == "function" else _custom(nested, place)


def _kind(tool: Json, where: str) -> str:
    return expect(str, tool.get("type") or ("function" if "function" in tool else None), 'a string such as "function"', f"{where}.type")


def _nested(tool: Json, kind: str, where: str) -> tuple[Json, str]:
    """What stands under the tool's kind, and its place; the tool itself where a client sends it flat."""
    if tool.get(kind) is None and "name" in tool:
        return tool, where
    return expect(dict, tool.get(kind), "an object with a name", f"{where}.{kind}"), f"{where}.{kind}"


def _function(given: Any, where: str) -> Json:
    function = expect(dict, given, "an object with a name", where)
    made: Json = {"type": "function", "name": _name(function, where)} | _described(function, where)
    # Chat functions are not strict unless they say so; Responses functions are.
    for name, default, kind, words in (("parameters", _NO_PARAMETERS, dict, "a JSON schema object"), ("strict", False, bool, "true or false")):
        value = function.get(name)
        made[name] = default if value is None else expect(kind, value, words, f"{where}.{name}")
    return made


def _custom(tool: Json, where: str) -> Json:
    made = {"type": "custom", "name": _name(tool, where)} | _described(tool, where)
    if tool.get("format") is None:
        return made
    form = expect(dict, tool["format"], "an object", f"{where}.format")
    grammar = form.get("grammar")
    return made | {"format": {"type": "grammar"} | grammar if isinstance(grammar, dict) else form}


def _name(holder: Json, where: str) -> str:
    name = holder.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"{where}.name must be a non-empty string.", param=f"{where}.name")
    return name


def _described(holder: Json, where: str) -> Json:
    text = holder.get("description")
    return {} if text is None else {"description": expect(str, text, "a string", f"{where}.description")}


def _web_search(options: Json) -> Json:
    """https://platform.openai.com/docs/guides/tools-web-search"""
    made: Json = {"type": "web_search"}
    size, location = options.get("search_context_size"), options.get("user_location")
    if size is not None:
        made["search_context_size"] = expect(str, size, "low, medium or high", "web_search_options.search_context_size")
    if location is not None:
        where = "web_search_options.user_location"
        nested = expect(dict, location, "an object", where).get("approximate") or {}
        made["user_location"] = {"type": "approximate"} | expect(dict, nested, "an object", f"{where}.approximate")
    return made


def _choice(given: Json) -> Any:
    """`tool_choice`, or the legacy `function_call`: a word, or the name of a function."""
    choice, where = given.get("tool_choice"), "tool_choice"
    if choice is None and "function_call" in given:
        choice, where = given["function_call"], "function_call"
        if isinstance(choice, dict):
            return {"type": "function", "name": _name(choice, where)}
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _WORDS:
            allowed = '"auto", "none", "required" or an object that names a tool'
            raise InvalidRequest(f"{where} must be {allowed}.", param=where)
        return choice
    if choice.get("type") == "allowed_tools":
        return _allowed(choice)
    return _named(choice, where)


def _allowed(choice: Json) -> Json:
    nested, where = choice, "tool_choice"
    if choice.get("allowed_tools") is not None or "tools" not in choice:
        where = "tool_choice.allowed_tools"
        nested = expect(dict, choice.get("allowed_tools"), "an object with mode and tools", where)
    mode = nested.get("mode") or "auto"
    if mode not in ("auto", "required"):
        raise InvalidRequest(f"{where}.mode must be auto or required.", param=f"{where}.mode")
    allowed = expect(list, nested.get("tools"), "an array of objects that name tools", f"{where}.tools")
    return {"type": "allowed_tools", "mode": mode, "tools": [_named(one, f"{where}.tools[{at}]") for at, one in enumerate(allowed)]}


def _named(given: Any, where: str) -> Json:
    """A reference to a tool, made flat."""
    tool: Json = expect(dict, given, "an object that names a tool", where)
    kind = _kind(tool, where)
    return {"type": kind, "name": _name(*_nested(tool, kind, where))} if kind in _NESTING else tool
