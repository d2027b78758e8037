"""The smallest instance of a JSON schema that a reader would still find sensible."""

import math
from typing import Any

_DEEP = 8
_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "time": "00:00:00Z", "duration": "P1D",
    "email": "sandbox@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}  # fmt: skip


def instance(schema: dict[str, Any], word: str = "sandbox") -> Any:
    """An instance with required properties only; `word` fills strings that may be anything."""
    return _Builder(schema, word).build(schema, 0)


class _Builder:
    def __init__(self, root: dict[str, Any], word: str) -> None:
        self._root, self._word = root, word

    def build(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict):
            return None
        if "$ref" in schema:
            return self.build(self._resolve(schema["$ref"]), depth + 1) if depth < 4 * _DEEP else None
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        for union in ("anyOf", "oneOf"):
            if schema.get(union):
                return self.build(_option(schema[union], depth), depth + 1)
        if schema.get("allOf"):
            return self.build(_merged(schema), depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: dict[str, Any], depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = "null" if depth > _DEEP and "null" in kind else next((name for name in kind if name != "null"), "null")
        match kind:
            case "object":
                properties = schema.get("properties") or {}
                return {name: self.build(properties.get(name, {}), depth + 1) for name in schema.get("required") or []}
            case "array":
                return [self.build(schema.get("items") or {}, depth + 1) for _ in range(schema.get("minItems", 0))]
            case "string":
                return self._string(schema)
            case "integer" | "number":
                return _number(schema, whole=kind == "integer")
            case "boolean":
                return True
        return None

    def _string(self, schema: dict[str, Any]) -> str:
        text = _FORMATS.get(schema.get("format", ""), self._word)
        return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]

    def _resolve(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        return found


def _option(options: list[Any], depth: int) -> Any:
    """The first, until the nesting is deep: a recursive schema ends in its null."""
    if depth > _DEEP:
        return next((option for option in options if isinstance(option, dict) and option.get("type") == "null"), options[-1])
    return options[0]


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {name: value for name, value in schema.items() if name != "allOf"}
    for part in schema["allOf"]:
        required = [*merged.get("required", []), *part.get("required", [])]
        properties = merged.get("properties", {}) | part.get("properties", {})
        merged |= part | {"required": required, "properties": properties}
    return merged


def _number(schema: dict[str, Any], *, whole: bool) -> float:
    step = schema.get("multipleOf", 1)
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    value = step
    if low is not None:
        value = math.ceil(low / step) * step
        value += step if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"] else 0
    elif high is not None and value >= high:
        value = math.floor(high / step) * step - step
    if high is not None and value > high and low is not None:
        value = (low + high) / 2
    return int(value) if whole else float(value)
