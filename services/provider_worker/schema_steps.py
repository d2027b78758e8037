"""How much work it can be to hold a value against a JSON schema. Pure.

A few references that branch make a schema of 200 bytes that takes minutes: each level of the value doubles the work, or each level
of the schema does. Validators have no limit of their own, and while one is at work the worker does nothing else.
"""

from collections.abc import Iterable
from math import inf
from typing import Any

Json = dict[str, Any]

_ONCE = ("$ref", "allOf", "then", "else")
# Tried first, and gone through again to tell why nothing fits.
_TWICE = ("anyOf", "oneOf", "not", "if")
_UNEVALUATED = ("unevaluatedItems", "unevaluatedProperties")
_INSIDE = (
    "additionalProperties", "propertyNames", "items", "prefixItems", "additionalItems", "contains", *_UNEVALUATED,
)
# Their values are schemas by name.
_ONCE_BY_NAME, _INSIDE_BY_NAME = ("dependentSchemas", "dependencies"), ("patternProperties",)
# References that move, and ids that change what a reference means, are not looked into.
_MOVING, _IDS = ("$dynamicRef", "$recursiveRef"), ("$id", "id")
MOST_SCHEMAS = 20_000
"""Schemas are looked through up to this number, counted anew for each level of the value: 60 ms of work."""


def most_steps(schema: Any, depth: int) -> float:
    """How many schemas one place of a value may be held against, at most, when the value is `depth` levels deep. Infinite when
    references go round in a circle, or lead out of the schema."""
    return _Steps(schema).at(schema, depth)


def size(value: Any) -> tuple[int, int]:
    """Levels and places of a JSON value."""
    levels, places, level = 0, 1, [value]
    while level := [inner for one in level for inner in _children(one)]:
        levels, places = levels + 1, places + len(level)
    return levels, places


def _children(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


class _Steps:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._known: dict[tuple[int, int], float] = {}

    def at(self, schema: Any, depth: int) -> float:
        if not isinstance(schema, dict):
            return 1
        key = (id(schema), depth)
        if key not in self._known:
            if len(self._known) >= MOST_SCHEMAS:
                return inf
            self._known[key] = inf  # Whoever comes back here in the same place goes round in a circle.
            self._known[key] = self._counted(schema, depth)
        return self._known[key]

    def _counted(self, schema: Json, depth: int) -> float:
        if (schema is not self._root and _has_id(schema)) or any(name in schema for name in _MOVING):
            return inf
        here = self._sum(schema, _ONCE, depth) + self._by_name(schema, _ONCE_BY_NAME, depth) + 2 * self._sum(schema, _TWICE, depth)
        if any(name in schema for name in _UNEVALUATED):
            here *= 2
        if depth == 0:
            return 1 + here
        named = schema.get("properties")
        inside = max((self.at(one, depth - 1) for one in named.values()), default=0) if isinstance(named, dict) else 0
        return 1 + here + inside + self._sum(schema, _INSIDE, depth - 1) + self._by_name(schema, _INSIDE_BY_NAME, depth - 1)

    def _sum(self, schema: Json, keywords: Iterable[str], depth: int) -> float:
        return sum(self.at(one, depth) for keyword in keywords for one in self._schemas(schema.get(keyword)))

    def _by_name(self, schema: Json, keywords: Iterable[str], depth: int) -> float:
        return sum(self.at(one, depth) for keyword in keywords for one in _children(schema.get(keyword)))

    def _schemas(self, given: Any) -> list[Any]:
        """A reference is followed, a list taken apart."""
        if isinstance(given, str):
            return [self._target(given)]
        return given if isinstance(given, list) else [given] if isinstance(given, dict) else []

    def _target(self, ref: str) -> Any:
        """What `#/…` points to. Every other reference is taken for one that moves."""
        if "%" in ref or (ref != "#" and not ref.startswith("#/")):
            return _UNKNOWN
        found = self._root
        for step in ref.split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
            if not isinstance(found, dict | bool) or (isinstance(found, dict) and _has_id(found)):
                return _UNKNOWN
        return found


_UNKNOWN: Json = {"$dynamicRef": ""}


def _has_id(schema: Json) -> bool:
    return any(isinstance(schema.get(name), str) for name in _IDS)
