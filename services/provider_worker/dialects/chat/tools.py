"""Tool definitions and tool_choice for the chat API: functions, nested."""

from typing import Any

from services.provider_worker.dialects.chat.draft import Draft, malformed
from services.provider_worker.dialects.tool_names import safe_name

Json = dict[str, Any]

LONGEST_NAME = 64
"""https://platform.openai.com/docs/api-reference/chat/create"""
_FREEFORM: Json = {
    "type": "object", "properties": {"input": {"type": "string", "description": "The whole input of the tool, as plain text."}},
    "required": ["input"], "additionalProperties": False,
}
_NO_PARAMETERS: Json = {"type": "object", "properties": {}}


def tools(draft: Draft) -> Json:
    """`tools`, `tool_choice` and `parallel_tool_calls`; empty when there are no tools."""
    chosen, choice = _chosen(draft)
    if not chosen:
        if is_forced(draft.request):
            raise malformed("tool_choice asks for a call, but there are no tools", "tool_choice")
        return {}
    made: Json = {"tools": [_definition(tool, index, draft) for index, tool in enumerate(chosen)]}
    if choice is not None:
        made["tool_choice"] = choice
    if draft.request.get("parallel_tool_calls") is False:
        if draft.quirks.parallel_flag:
            made["parallel_tool_calls"] = False
        else:
            draft.note(f"{draft.name} cannot be told to call one tool at a time; only the first call is kept")
    return made


def is_forced(request: Json) -> bool:
    """The model must call a tool."""
    wanted = request.get("tool_choice")
    if isinstance(wanted, dict):
        return wanted.get("mode") == "required" if wanted.get("type") == "allowed_tools" else True
    return wanted == "required"


def _chosen(draft: Draft) -> tuple[list[Json], Any]:
    """The tools to send, in the order given since it decides cache hits, and the choice; None for the server's default."""
    given: list[Json] = draft.request.get("tools") or []
    wanted = draft.request.get("tool_choice") or "auto"
    if isinstance(wanted, str):
        return given, _word(wanted, draft)
    kind = wanted.get("type")
    if kind == "allowed_tools":
        allowed = [tool.get("name") for tool in wanted.get("tools") or ()]
        given = [tool for tool in given if tool.get("name") in allowed]
        if not given:
            raise malformed("tool_choice.tools names none of the tools", "tool_choice.tools")
        return given, _word(wanted.get("mode") or "auto", draft)
    if kind not in ("function", "custom"):
        raise draft.cannot(f"a tool choice of type {kind}", "tool_choice.type")
    if draft.quirks.named_choice:
        return given, {"type": "function", "function": {"name": safe_name(wanted["name"], LONGEST_NAME)}}
    draft.note(f"{draft.name} cannot be told which tool to call; only {wanted['name']} was sent")
    return [tool for tool in given if tool.get("name") == wanted["name"]], _word("required", draft)


def _word(wanted: str, draft: Draft) -> str | None:
    if wanted == "required":
        if not draft.quirks.required_word:
            raise draft.cannot("a forced tool choice", "tool_choice")
        return draft.quirks.required_word
    return "none" if wanted == "none" else None


def _definition(tool: Json, index: int, draft: Draft) -> Json:
    kind = tool.get("type")
    if kind not in ("function", "custom"):
        raise draft.cannot(f"the built-in tool {kind}", f"tools[{index}].type")
    function: Json = {"name": safe_name(tool["name"], LONGEST_NAME)}
    if description := _description(tool):
        function["description"] = description
    function["parameters"] = _FREEFORM if kind == "custom" else tool.get("parameters") or _NO_PARAMETERS
    if tool.get("strict") is True:
        if draft.quirks.strict_tools:
            function["strict"] = True
        else:
            draft.schemas[tool["name"]] = function["parameters"]
            draft.note(f"strict was dropped from tool {tool['name']}: {draft.name} does not enforce schemas")
    return {"type": "function", "function": function}


def _description(tool: Json) -> str:
    description: str = tool.get("description") or ""
    form = tool.get("format")
    grammar = form.get("definition") if isinstance(form, dict) else None
    return f"{description}\nThe input must follow this grammar:\n{grammar}".strip() if grammar else description
