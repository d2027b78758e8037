"""JSON schemas for `output_config.format` and strict tools: only the keywords that Anthropic's grammar compiler takes.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
An unknown keyword is a 400, so this is an allow-list; what is left out moves into the description, where the model can read it.
"""

from typing import Any

import msgspec

Json = dict[str, Any]

_KEPT = frozenset({"$ref", "type", "enum", "const", "title", "description", "required"})
_CHILD_MAPS = frozenset({"properties", "$defs", "definitions"})
# Exactly-one becomes at-least-one: the grammar has no oneOf.
_CHILD_LISTS = {"anyOf": "anyOf", "allOf": "allOf", "oneOf": "anyOf"}
_SILENT = frozenset({"$schema", "$id", "$comment", "additionalProperties", "oneOf"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})


def restricted(schema: Json, adapted: list[str], what: str) -> Json:
    """The schema in Anthropic's subset; a note is added to `adapted` when a constraint moved or an open object was closed."""
    moved: set[str] = set()
    made = _restrict(schema, moved)
    if moved:
        adapted.append(f"{what}: {', '.join(sorted(moved))} are not enforced by Anthropic; moved into descriptions")
    return made


def _restrict(schema: Any, moved: set[str]) -> Json:
    if not isinstance(schema, dict):
        return {}
    made = _children(schema, moved)
    made |= {name: value for name, value in schema.items() if _takes(name, value)}
    rest = {name: value for name, value in schema.items() if name not in made and name not in _SILENT}
    if _is_object(schema):
        made["additionalProperties"] = False
        if schema.get("additionalProperties"):
            rest["additionalProperties"] = schema["additionalProperties"]
    if rest:
        moved.update(rest)
        made["description"] = f"{made.get('description', '')}\n{msgspec.json.encode(rest).decode()}".strip()
    return made


def _children(schema: Json, moved: set[str]) -> Json:
    made: Json = {}
    for name, value in schema.items():
        if name in _CHILD_MAPS and isinstance(value, dict):
            made[name] = {key: _restrict(child, moved) for key, child in value.items()}
        elif name in _CHILD_LISTS and isinstance(value, list):
            made[_CHILD_LISTS[name]] = [_restrict(child, moved) for child in value]
        elif name == "items" and isinstance(value, dict):
            made[name] = _restrict(value, moved)
    return made


def _takes(name: str, value: Any) -> bool:
    if name == "format":
        return value in _FORMATS
    if name == "minItems":
        return value in (0, 1)
    return name in _KEPT


def _is_object(schema: Json) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema
