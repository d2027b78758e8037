"""JSON schemas for `output_config.format` and strict tools: only the keywords that Anthropic's grammar compiler takes.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
An unknown keyword is a 400, so this is an allow-list; what is left out moves into the description, where the model can read it.
References stay.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from services.provider_worker.dialects.json_schema import described, inlined

Json = dict[str, Any]

_KEPT = frozenset({"$ref", "type", "title", "description", "required"})
_CHILD_MAPS = frozenset({"properties", "$defs", "definitions"})
# Exactly-one becomes at-least-one: the grammar has no oneOf.
_CHILD_LISTS = {"anyOf": "anyOf", "allOf": "allOf", "oneOf": "anyOf"}
_SILENT = frozenset({"$schema", "$id", "$comment", "additionalProperties"})
_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"})


class _Losses(Struct):
    moved: set[str] = field(default_factory=set)
    relaxed: bool = False


def restricted(schema: Json, adapted: list[str], what: str) -> tuple[Json, bool]:
    """The schema in Anthropic's subset, and whether that allows more than the schema did; then `adapted` says what."""
    losses = _Losses()
    made = _restrict(schema, losses)
    if losses.moved:
        adapted.append(f"{what}: {', '.join(sorted(losses.moved))} are not enforced by Anthropic; moved into descriptions")
    if losses.relaxed:
        adapted.append(f"{what}: oneOf was sent as anyOf; Anthropic has no oneOf")
    return made, losses.relaxed or bool(losses.moved)


def resolved(schema: Json) -> Json:
    """The schema with only those references that Anthropic takes. Raises BadSchema for references in a circle or to nowhere."""
    text = msgspec.json.encode(schema)
    if b'"$ref"' not in text:
        return schema
    # Put in place only where they have to be, inside allOf: definitions that are used twice would be twice in the prompt.
    flat = inlined(schema)
    return flat if b'"allOf"' in text else schema


def _restrict(schema: Any, losses: _Losses) -> Json:
    if not isinstance(schema, dict):
        return {}
    made: Json = {}
    rest = {name: value for name, value in schema.items() if not _keep(name, value, made, losses) and name not in _SILENT}
    if _is_object(schema):
        made["additionalProperties"] = False
        if schema.get("additionalProperties"):
            rest["additionalProperties"] = schema["additionalProperties"]
    return described(made, rest, losses.moved)


def _keep(name: str, value: Any, made: Json, losses: _Losses) -> bool:
    """Puts into `made` what Anthropic takes of one keyword; False when it takes nothing of it."""
    if name in _CHILD_MAPS and isinstance(value, dict):
        made[name] = {key: _restrict(child, losses) for key, child in value.items()}
    elif name in _CHILD_LISTS and isinstance(value, list):
        return _keep_list(name, value, made, losses)
    elif name == "items" and isinstance(value, dict):
        made[name] = _restrict(value, losses)
    elif _takes(name, value):
        made[name] = value
    else:
        return False
    return True


def _keep_list(name: str, schemas: list[Any], made: Json, losses: _Losses) -> bool:
    if _CHILD_LISTS[name] in made:
        return False
    losses.relaxed |= name == "oneOf"
    made[_CHILD_LISTS[name]] = [_restrict(schema, losses) for schema in schemas]
    return True


def _takes(name: str, value: Any) -> bool:
    if name == "format":
        return value in _FORMATS
    if name == "minItems":
        return value in (0, 1)
    if name == "enum":
        return isinstance(value, list) and not any(isinstance(one, (dict, list)) for one in value)
    if name == "const":
        return not isinstance(value, (dict, list))
    return name in _KEPT


def _is_object(schema: Json) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema
