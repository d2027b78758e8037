"""Reads the functions of a Gemini request, and which of them may or must be called."""

import re
from typing import Any, Literal

from services.sandbox.asked import Problem, Tool
from services.sandbox.gemini import schema

Choice = Literal["auto", "none", "forced"]
_CHOICES: dict[str, Choice] = {"ANY": "forced", "NONE": "none"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")


def read(request: dict[str, Any]) -> tuple[Choice, list[Tool]]:
    """The choice, and the functions that it leaves. Raises Problem."""
    tools = [
        _tool(declared, f"tools[{index}].function_declarations[{number}]")
        for index, given in enumerate(request.get("tools") or [])
        for number, declared in enumerate(given.get("functionDeclarations") or [])
    ]
    wanted = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode, names = wanted.get("mode", "AUTO"), wanted.get("allowedFunctionNames")
    if names and mode not in ("ANY", "VALIDATED"):
        raise Problem(400, "Allowed function names should only be set when the function calling mode is ANY.")
    unknown = next((name for name in names or [] if name not in {tool.name for tool in tools}), None)
    if unknown:
        raise Problem(400, f"Function calling config contains an allowed function name that is not declared: {unknown}.")
    tools = [tool for tool in tools if not names or tool.name in names]
    return _CHOICES.get(mode, "auto"), tools


def _tool(declared: dict[str, Any], at: str) -> Tool:
    name = declared.get("name", "")
    if not _NAME.fullmatch(name):
        raise Problem(
            400, f"* GenerateContentRequest.{at}.name: Invalid function name. Must start with a letter or an underscore. Must be "
            "alpha-numeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.\n",
        )  # fmt: skip
    found = list(schema.faults(declared.get("parameters") or {}, f"* GenerateContentRequest.{at}.parameters"))
    if found:
        raise Problem(400, "".join(f"{line}\n" for line in found))
    parameters = declared.get("parametersJsonSchema") or schema.json_schema(declared.get("parameters") or {})
    return Tool(name, declared.get("description", ""), parameters)
