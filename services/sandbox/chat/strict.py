"""What OpenAI's strict mode asks of a schema.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from typing import Any

_FORBIDDEN = ("allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "patternProperties")


def fault_of(schema: Any, context: tuple[str, ...] = ()) -> str | None:
    """Why strict mode refuses a schema, in OpenAI's words; None when it takes it."""
    if not isinstance(schema, dict):
        return None
    forbidden = next((name for name in _FORBIDDEN if name in schema), None)
    if forbidden:
        return f"In context={context}, '{forbidden}' is not permitted."
    properties = schema.get("properties") or {}
    if schema.get("type") == "object" or properties:
        if schema.get("additionalProperties") is not False:
            return f"In context={context}, 'additionalProperties' is required to be supplied and to be false."
        missing = next((name for name in properties if name not in (schema.get("required") or [])), None)
        if missing:
            return (
                f"In context={context}, 'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{missing}'."
            )
    found = (fault_of(part, (*context, *steps)) for steps, part in _parts(schema))
    return next((fault for fault in found if fault), None)


def _parts(schema: dict[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    parts = [(("properties", name), part) for name, part in (schema.get("properties") or {}).items()]
    parts += [((kind, name), part) for kind in ("$defs", "definitions") for name, part in (schema.get(kind) or {}).items()]
    parts += [(("anyOf", str(number)), part) for number, part in enumerate(schema.get("anyOf") or [])]
    return [*parts, (("items",), schema.get("items"))]
