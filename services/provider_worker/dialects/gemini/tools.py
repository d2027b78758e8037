"""Tool definitions, tool_choice and output schemas for Gemini."""

from typing import Any

import msgspec

from services.provider_worker.dialects.gemini.names import gemini_name
from services.provider_worker.dialects.gemini.refusal import cannot, malformed
from services.provider_worker.dialects.gemini.schema import Converted, converted
from services.provider_worker.dialects.json_schema import SILENT, BadSchema

Json = dict[str, Any]
Schemas = dict[str, Json]

_FREEFORM: Json = {
    "type": "object", "properties": {"input": {"type": "string", "description": "The whole input of the tool, as plain text."}},
    "required": ["input"],
}
# Beside these, a schema without properties says something.
_EMPTY = SILENT | {"type", "properties", "required", "additionalProperties", "title"}
_encode = msgspec.json.Encoder().encode


def definitions(request: Json, adapted: list[str], schemas: Schemas) -> list[Json]:
    """The request's function declarations, in the order given: it decides cache hits. `schemas` takes the original schemas of
    strict tools and of those that Gemini does not enforce in full."""
    tools: list[Json] = request.get("tools") or []
    wanted = request.get("tool_choice")
    if isinstance(wanted, dict) and wanted.get("type") == "allowed_tools" and wanted.get("mode") != "required":
        # Only a forced choice can be narrowed by `allowedFunctionNames`.
        allowed = _found(request, [tool.get("name") for tool in wanted.get("tools") or ()])
        tools = [tool for tool in tools if tool.get("name") in allowed]
    return [_definition(tool, f"tools[{index}]", adapted, schemas) for index, tool in enumerate(tools)]


def response_schema(schema: Json, adapted: list[str], schemas: Schemas) -> Json:
    """Fields of `generationConfig` for an output format. What Gemini writes is always checked: it reads some keywords without
    enforcing them."""
    schemas[""] = schema
    made = _converted(schema, "text.format", "text.format.schema", adapted)
    return {"responseSchema" if made.plain else "responseJsonSchema": made.schema}


def choice(request: Json) -> Json | None:
    """`functionCallingConfig`; None for Gemini's default, which is AUTO."""
    wanted = request.get("tool_choice", "auto")
    if isinstance(wanted, str):
        return {"mode": _WORDS[wanted]} if wanted in _WORDS else None
    kind = wanted.get("type")
    if kind == "allowed_tools":
        named, forced = [tool.get("name") for tool in wanted.get("tools") or ()], wanted.get("mode") == "required"
    elif kind in ("function", "custom"):
        named, forced = [wanted.get("name")], True
    else:
        raise cannot(f"a tool choice of type {kind}", "tool_choice.type")
    return {"mode": "ANY", "allowedFunctionNames": [gemini_name(name) for name in _found(request, named)]} if forced else None


def _found(request: Json, named: list[Any]) -> list[str]:
    """Those of the names that are tools, in the tools' own order."""
    found = [tool["name"] for tool in request.get("tools") or () if "name" in tool and tool["name"] in named]
    if not found:
        raise malformed("tool_choice names none of the tools", "tool_choice")
    return found


_WORDS = {"none": "NONE", "required": "ANY"}


def _definition(tool: Json, where: str, adapted: list[str], schemas: Schemas) -> Json:
    kind = tool.get("type")
    if kind == "custom":
        return _described(tool) | {"parameters": _FREEFORM}
    if kind != "function":
        raise cannot(f"the built-in tool {kind}", f"{where}.type")
    schema = tool.get("parameters") or {}
    if schema.get("type", "object") != "object":
        raise malformed(f"{where}.parameters must describe an object", f"{where}.parameters")
    if not schema.get("properties") and not schema.get("additionalProperties") and schema.keys() <= _EMPTY:
        return _described(tool)
    made = _converted(schema | {"type": "object"}, f"tool {tool['name']}", f"{where}.parameters", adapted)
    if made.moved or tool.get("strict") is True:
        schemas[tool["name"]] = schema
    return _described(tool) | {"parameters" if made.plain else "parametersJsonSchema": made.schema}


def _described(tool: Json) -> Json:
    made: Json = {"name": gemini_name(tool["name"])}
    description = tool.get("description") or ""
    grammar = (tool.get("format") or {}).get("definition")
    if grammar:
        description = f"{description}\nThe input must follow this grammar:\n{grammar}".strip()
    return made | {"description": description} if description else made


def _converted(schema: Json, what: str, param: str, adapted: list[str]) -> Converted:
    try:
        made = converted(_encode(schema))
    except BadSchema as error:
        raise cannot(f"the schema of {what}: {error}", param) from None
    if made.moved:
        adapted.append(f"{what}: {', '.join(made.moved)} are not enforced by Gemini; moved into descriptions")
    return made
