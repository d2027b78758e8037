"""Reads the tools of a Chat Completions request, and which of them may or must be called."""

import re
from typing import Any, Literal

from services.sandbox.asked import Tool
from services.sandbox.chat.provider import Provider
from services.sandbox.chat.strict import fault_of

Choice = Literal["auto", "none", "forced"]
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def read(request: dict[str, Any], thinking: bool, provider: Provider) -> tuple[Choice, list[Tool]]:
    """The choice, and the tools that it leaves. Raises Problem."""
    tools = [_tool(index, given, provider) for index, given in enumerate(request.get("tools") or [])]
    choice = request.get("tool_choice") or "auto"
    if thinking and choice not in ("auto", "none"):
        provider.refuse("choice_thinking")
    if isinstance(choice, str):
        if choice not in provider.choices:
            provider.refuse("choice_unknown", choice, choice=choice)
        return ("none" if choice == "none" else "auto" if choice == "auto" else "forced"), tools
    if choice.get("type") == "allowed_tools":
        return _allowed(choice.get("allowed_tools") or {}, tools)
    name = (choice.get("function") or {}).get("name")
    named = [tool for tool in tools if tool.name == name]
    if not named:
        provider.refuse("choice_unfound", choice, name=name)
    return "forced", named


def _allowed(choice: dict[str, Any], tools: list[Tool]) -> tuple[Choice, list[Tool]]:
    names = {(tool.get("function") or {}).get("name") for tool in choice.get("tools") or []}
    return ("forced" if choice.get("mode") == "required" else "auto"), [tool for tool in tools if tool.name in names]


def _tool(index: int, given: Any, provider: Provider) -> Tool:
    function = given.get("function") if isinstance(given, dict) else None
    if not isinstance(function, dict):
        # As of a flat tool, the Responses API's form.
        provider.refuse("tool_shape", given, index=index)
        function = {}
    name, parameters = function.get("name") or "", function.get("parameters") or {}
    if not _NAME.fullmatch(name):
        provider.refuse("tool_name", name, index=index, name=name)
    if function.get("strict") and (fault := fault_of(parameters)):
        provider.refuse("tool_strict", index=index, name=name, fault=fault)
    return Tool(name, function.get("description") or "", parameters)
