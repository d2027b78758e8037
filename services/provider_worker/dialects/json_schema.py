"""JSON schemas cut down to what a provider takes: references put in place, `allOf` merged, keywords kept by an allow-list. Pure."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec

Json = dict[str, Any]
Path = tuple[str, ...]

MOST_NODES = 5000
"""Schemas within a schema, references put in place; a few nested definitions can stand for billions."""
DEEPEST = 64
_LONGEST_PLACE = 200

# Where a schema holds schemas: https://json-schema.org/draft/2020-12/json-schema-core#section-10
_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLE = frozenset({
    "items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains", "propertyNames", "contentSchema",
    "unevaluatedProperties", "unevaluatedItems",
})
_DEFINITIONS = frozenset({"$defs", "definitions"})
SILENT = frozenset({"$schema", "$id", "$anchor", "$comment", "$vocabulary"}) | _DEFINITIONS
"""Keywords that say nothing about a value."""
# Of two texts for the same thing, the nearer one is kept.
_TEXTS = frozenset({"title", "description", "default", "examples"})


class BadSchema(Exception):
    """A schema that cannot be written without references; the message names the place."""

    def __init__(self, what: str, path: Path) -> None:
        super().__init__(f"{'/'.join(('#', *path))[:_LONGEST_PLACE]} {what}")


def inlined(schema: Json) -> Json:
    """The same schema without `$ref`, definitions and, where its parts agree, `allOf`. Raises BadSchema for references that lead
    nowhere or in a circle, and for more than MOST_NODES schemas or DEEPEST levels."""
    made: Json = _Inliner(schema).node(schema, (), ())
    return made


def changed(name: str, value: Any, change: Callable[[Any, Path], Any]) -> Any:
    """A keyword's value with `change` applied to each schema in it; `change` is told the place below the keyword's owner."""
    if name in _MAPS and isinstance(value, dict):
        return {key: change(child, (name, key)) for key, child in value.items()}
    if name in _LISTS or (name == "items" and isinstance(value, list)):
        return [change(child, (name, str(index))) for index, child in enumerate(value)] if isinstance(value, list) else value
    return change(value, (name,)) if name in _SINGLE else value


def restricted(schema: Any, takes: Callable[[str, Any], bool], moved: set[str]) -> Any:
    """Only the keywords that `takes` accepts, at every level. The others move into the descriptions, their names into `moved`."""
    if not isinstance(schema, dict):
        return schema
    made: Json = {}
    rest: Json = {}
    for name, value in schema.items():
        if takes(name, value):
            made[name] = changed(name, value, lambda child, _: restricted(child, takes, moved))
        elif name not in SILENT:
            rest[name] = value
    return described(made, rest, moved)


def described(schema: Json, rest: Json, moved: set[str]) -> Json:
    """The schema with the keywords in `rest` written into its description, where the model can read them."""
    if not rest:
        return schema
    moved.update(rest)
    return schema | {"description": f"{schema.get('description') or ''}\n{msgspec.json.encode(rest).decode()}".strip()}


class _Inliner:
    def __init__(self, root: Json) -> None:
        self._root = root
        self._nodes = 0

    def node(self, schema: Any, path: Path, following: Path) -> Any:
        """`following` are the references that led here."""
        if not isinstance(schema, dict):
            return schema
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise BadSchema(f"makes the schema too large: more than {MOST_NODES} schemas with references put in place", path)
        if len(path) > 2 * DEEPEST:
            raise BadSchema(f"is nested deeper than {DEEPEST} levels", path)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._followed(reference, schema, path, following)
        made = {
            name: changed(name, value, lambda child, step: self.node(child, (*path, *step), following))
            for name, value in schema.items() if name not in _DEFINITIONS
        }
        return _merged(made)

    def _followed(self, reference: str, schema: Json, path: Path, following: Path) -> Any:
        if reference in following:
            raise BadSchema(f"is recursive: it leads back to {reference}", path)
        if len(following) == DEEPEST:
            raise BadSchema(f"follows more than {DEEPEST} references", path)
        target = self._target(reference, path)
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        if not beside or not isinstance(target, dict):
            return self.node(target, path, (*following, reference))
        nearer, farther = self.node(beside, path, following), self.node(target, path, (*following, reference))
        return _merged({"allOf": [nearer, farther]})

    def _target(self, reference: str, path: Path) -> Any:
        base, _, pointer = reference.partition("#")
        if base or (pointer and not pointer.startswith("/")):
            raise BadSchema(f"refers to {reference}; only references of the form #/… can be followed", path)
        found: Any = self._root
        for step in pointer.split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, dict) and key in found:
                found = found[key]
            else:
                raise BadSchema(f"refers to {reference}, which is not there", path)
        return found


def _merged(schema: Json) -> Json:
    """The parts of `allOf` in one schema; a part that contradicts the others stays where it is. `additionalProperties` of one part
    then counts for the properties of all, which is what its author means and the specification does not."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    made = {name: value for name, value in schema.items() if name != "allOf"}
    left = [part for part in parts if not (isinstance(part, dict) and _absorbed(part, made))]
    return made | {"allOf": left} if left else made


def _absorbed(part: Json, made: Json) -> bool:
    both: Json = {}
    for name, value in part.items():
        old = made.get(name, value)
        if old == value:
            both[name] = value
        elif name == "properties" and isinstance(old, dict) and isinstance(value, dict):
            both[name] = old | {key: _merged({"allOf": [old[key], child]}) if key in old else child for key, child in value.items()}
        elif name == "required" and isinstance(old, list) and isinstance(value, list):
            both[name] = [*old, *(key for key in value if key not in old)]
        elif name not in _TEXTS:
            return False
    made.update(both)
    return True
