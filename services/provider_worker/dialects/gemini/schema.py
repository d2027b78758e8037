"""JSON schemas as Gemini takes them, in one of its two forms; one wrong keyword is a 400 for the whole request.

The older form (`parameters`, `responseSchema`: a subset of OpenAPI 3.0) is what every model, API version and look-alike knows, so it
is used wherever it can say what the schema says. It has no maps, tuples, values of any type or enums of numbers; schemas with
those go as JSON Schema proper (`parametersJsonSchema`, `responseJsonSchema`), of which Gemini reads a subset too.
What neither can say moves into the description, where the model can read it.
"""

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from services.provider_worker.dialects.json_schema import SILENT, changed, described, inlined, restricted

Json = dict[str, Any]

# https://ai.google.dev/api/caching#Schema: a keyword is refused beside any other type than its own ("only allowed for OBJECT type").
_TYPES_OF = {
    "minLength": ("string",), "maxLength": ("string",), "pattern": ("string",), "enum": ("string", "number", "integer", "boolean"),
    "format": ("string", "number", "integer"), "minimum": ("number", "integer"), "maximum": ("number", "integer"),
    "items": ("array",), "prefixItems": ("array",), "minItems": ("array",), "maxItems": ("array",), "properties": ("object",),
    "required": ("object",), "minProperties": ("object",), "maxProperties": ("object",), "additionalProperties": ("object",),
}
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})
_AS_THEY_ARE: dict[str, tuple[type, ...]] = {
    "title": (str,), "description": (str,), "pattern": (str,), "minLength": (int,), "maxLength": (int,), "minItems": (int,),
    "maxItems": (int,), "minProperties": (int,), "maxProperties": (int,), "minimum": (int, float), "maximum": (int, float),
}
# Others were long refused: "only 'enum' and 'date-time' are supported for STRING type".
_FORMATS = frozenset({"date-time", "float", "double", "int32", "int64"})
# An object is closed to Gemini in any case, so that it can neither break nor use what this keyword says.
_UNSAID = SILENT | {"type", "nullable", "additionalProperties"}
# https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
_JSON_SCHEMA = frozenset({
    "type", "format", "title", "description", "items", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf",
    "properties", "additionalProperties", "required",
})


LARGEST_REMEMBERED = 16 << 10
"""Bytes. Agents send the same tools with each request: of 20 tools with 10 properties each, the conversion takes 1 ms, looking it
up 0.03 ms."""


class Converted(Struct, frozen=True):
    """A schema for Gemini."""

    plain: bool
    """In the OpenAPI form."""
    schema: msgspec.Raw
    moved: tuple[str, ...]
    """Keywords that Gemini does not enforce."""


class _Inexpressible(Exception):
    """The OpenAPI form cannot say this."""


def converted(encoded: bytes) -> Converted:
    """From the JSON of a schema. Raises BadSchema."""
    return _remembered(encoded) if len(encoded) <= LARGEST_REMEMBERED else _converted(encoded)


def _converted(encoded: bytes) -> Converted:
    whole = _normal(inlined(msgspec.json.decode(encoded)))
    moved: set[str] = set()
    try:
        made, plain = _plain(whole, moved), True
    except _Inexpressible:
        moved.clear()
        made, plain = restricted(whole, _in_json_schema, moved), False
    return Converted(plain, msgspec.Raw(msgspec.json.encode(made)), tuple(sorted(moved)))


_remembered = lru_cache(maxsize=512)(_converted)


def _normal(schema: Any, _: tuple[str, ...] = ()) -> Any:
    """`const` as an enum of one value, null out of enums, and no default that says there is none."""
    if not isinstance(schema, dict):
        return schema
    made = {name: changed(name, value, _normal) for name, value in schema.items() if name != "const" and (name, value) != ("default", None)}
    values = [schema["const"]] if "const" in schema else made.get("enum")
    if not isinstance(values, list):
        return made
    named = [value for value in values if value is not None]
    if len(named) == len(values):
        return made | {"enum": values}
    if isinstance(made.get("type"), list):
        made["type"] = [kind for kind in made["type"] if kind != "null"]
    return {"anyOf": [made | {"enum": named}, {"type": "null"}]} if named else {"type": "null"}


def _in_json_schema(name: str, value: Any) -> bool:
    if name == "enum":
        return isinstance(value, list) and all(type(one) in (str, int, float) for one in value)
    return name in _JSON_SCHEMA


def _plain(schema: Any, moved: set[str]) -> Json:
    """The OpenAPI form. Raises _Inexpressible."""
    if not isinstance(schema, dict):
        raise _Inexpressible
    options = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(options, list) and not {"type", "properties", "items", "enum"} & schema.keys():
        return _union(schema, options, moved)
    kinds, nullable = _types(schema)
    if not kinds or not all(isinstance(kind, str) and kind in _TYPES for kind in kinds):
        raise _Inexpressible
    made = [_typed(_concerning(kind, schema) if len(kinds) > 1 else schema, kind, nullable, moved) for kind in kinds]
    return made[0] if len(made) == 1 else {"anyOf": made}


def _union(schema: Json, options: list[Any], moved: set[str]) -> Json:
    """`anyOf` must be the only keyword where it stands, so that null and texts go into the options."""
    texts = {name: schema[name] for name in ("title", "description", "default") if name in schema}
    left = [option for option in options if not (isinstance(option, dict) and option.get("type") == "null")]
    null = {"nullable": True} if len(left) < len(options) else {}
    made = [texts | one | null for option in left for one in _options(_plain(option, moved))]
    if not made:
        raise _Inexpressible
    rest = {name: value for name, value in schema.items() if name not in {*texts, "anyOf", "oneOf"} | _UNSAID}
    made[0] = described(made[0], rest, moved)
    return made[0] if len(made) == 1 else {"anyOf": made}


def _options(made: Json) -> list[Json]:
    options: list[Json] = made.get("anyOf") or [made]
    return options


def _types(schema: Json) -> tuple[list[Any], bool]:
    """The types a value may have, without null, and whether it may be null."""
    given = schema["type"] if "type" in schema else _implied(schema)
    kinds = given if isinstance(given, list) else [given]
    return [kind for kind in kinds if kind != "null"], "null" in kinds or schema.get("nullable") is True


def _implied(schema: Json) -> list[str]:
    values = schema.get("enum")
    if isinstance(values, list) and values and all(isinstance(value, str) for value in values):
        return ["string"]
    return ["object"] if "properties" in schema else ["array"] if "items" in schema else []


def _concerning(kind: str, schema: Json) -> Json:
    """What of a schema for several types is about this one."""
    return {name: value for name, value in schema.items() if kind in _TYPES_OF.get(name, (kind,))}


def _typed(schema: Json, kind: str, nullable: bool, moved: set[str]) -> Json:
    made: Json = {"type": kind}
    if nullable:
        made["nullable"] = True
    made |= {name: value for name, value in schema.items() if _passes(name, value, kind)}
    rest = {name: value for name, value in schema.items() if name not in made and name not in _UNSAID}
    if "enum" in rest:
        made |= _enum(rest, kind)
    if rest.get("format") in _FORMATS:
        made["format"] = rest.pop("format")
    if kind == "object":
        made |= _object(schema, rest, moved)
    elif kind == "array":
        if not isinstance(schema.get("items"), dict) or "prefixItems" in schema:
            raise _Inexpressible
        made["items"] = _plain(rest.pop("items"), moved)
    return described(made, rest, moved)


def _passes(name: str, value: Any, kind: str) -> bool:
    return name == "default" or (type(value) in _AS_THEY_ARE.get(name, ()) and kind in _TYPES_OF.get(name, (kind,)))


def _enum(rest: Json, kind: str) -> Json:
    """Only of texts, and none of them empty."""
    if kind in ("number", "integer"):
        raise _Inexpressible
    values = rest["enum"]
    if kind != "string" or not isinstance(values, list) or not values or not all(isinstance(value, str) and value for value in values):
        return {}
    del rest["enum"]
    return {"enum": values}


def _object(schema: Json, rest: Json, moved: set[str]) -> Json:
    properties, further = rest.pop("properties", None), schema.get("additionalProperties")
    # An object without properties is refused, or always empty; one with a map beside them loses the map.
    if not isinstance(properties, dict) or not properties or (isinstance(further, dict) and further):
        raise _Inexpressible
    made: Json = {"properties": {name: _plain(child, moved) for name, child in properties.items()}}
    wanted = rest.pop("required", None)
    names = [name for name in wanted if isinstance(name, str)] if isinstance(wanted, list) else []
    if known := [name for name in names if name in properties]:
        made["required"] = known
    if unknown := [name for name in names if name not in properties]:
        # "property is not defined"
        rest["required"] = unknown
    return made
