"""Checks Gemini's Schema objects, and reads them as JSON schema.

https://ai.google.dev/api/caching#Schema
"""

from collections.abc import Iterator
from typing import Any


def faults(schema: dict[str, Any], at: str, *, root: bool = True) -> Iterator[str]:
    """What Gemini refuses about a schema, a line for each thing; `at` is its place in the request."""
    kind = schema.get("type")
    properties = schema.get("properties") or {}
    if kind == "OBJECT" and not properties and not root:
        yield f"{at}.properties: should be non-empty for OBJECT type"
    if kind not in (None, "OBJECT"):
        yield from (f"{at}.{name}: only allowed for OBJECT type" for name in ("properties", "required") if schema.get(name))
    if kind == "ARRAY" and not schema.get("items"):
        yield f"{at}.items: missing field."
    if schema.get("enum") and kind != "STRING":
        yield f"{at}.enum: only allowed for STRING type"
    yield from (f"{at}.enum[{index}]: cannot be empty" for index, value in enumerate(schema.get("enum") or []) if value == "")
    if kind == "OBJECT":
        for index, name in enumerate(schema.get("required") or []):
            if name not in properties:
                yield f"{at}.required[{index}]: property is not defined"
    yield from _nested_faults(schema, at)


def _nested_faults(schema: dict[str, Any], at: str) -> Iterator[str]:
    for name, part in (schema.get("properties") or {}).items():
        yield from faults(part, f"{at}.properties[{name}]", root=False)
    if "items" in schema:
        yield from faults(schema["items"], f"{at}.items", root=False)
    for index, part in enumerate(schema.get("anyOf") or []):
        yield from faults(part, f"{at}.any_of[{index}]", root=False)


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The same as JSON schema."""
    found = dict(schema)
    if "type" in schema:
        found["type"] = [schema["type"].lower(), "null"] if schema.get("nullable") else schema["type"].lower()
    if "properties" in schema:
        found["properties"] = {name: json_schema(part) for name, part in schema["properties"].items()}
    if "items" in schema:
        found["items"] = json_schema(schema["items"])
    if "anyOf" in schema:
        found["anyOf"] = [json_schema(part) for part in schema["anyOf"]]
    return found
