"""Holds an answer against the JSON schemas that its provider did not enforce as the client wrote them."""

from functools import lru_cache
from math import inf
from typing import Any

import msgspec
from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

from services.provider_worker.schema_steps import most_steps, size

Json = dict[str, Any]
FORMAT = ""
"""The key of the output format's schema; the others are tool names."""
LONGEST_REASON = 200
LONGEST_CACHED = 64 << 10
"""Bytes of a schema; a validator takes up to 50 times as much memory."""
MOST_LEVELS = 64
"""Of a value."""
MOST_STEPS = 2_000_000
"""See schema_steps; 30 ms of work."""


def violations(output: list[Json], schemas: dict[str, Json]) -> list[str]:
    """What does not fit, in words for a warning; [] when all does."""
    found: list[str] = []
    for item in output:
        if item.get("type") == "function_call" and item.get("name") in schemas:
            found += _violation(item.get("arguments") or "{}", schemas[item["name"]], f"the call of {item['name']}")
        elif item.get("type") == "message" and FORMAT in schemas:
            found += [text for part in item["content"] if part["type"] == "output_text" for text in _told(part["text"], schemas)]
    return found


def _told(text: str, schemas: dict[str, Json]) -> list[str]:
    return _violation(text, schemas[FORMAT], "the answer")


def _violation(text: str, schema: Json, what: str) -> list[str]:
    try:
        value = msgspec.json.decode(text)
        given = msgspec.json.encode(schema)
    except RecursionError:
        return [f"{what} could not be held against its schema: it is nested too deeply"]
    except ValueError:
        return [f"{what} is not valid JSON"]
    levels, places = size(value)
    if levels > MOST_LEVELS or _steps(given, levels) * places > MOST_STEPS:
        return [f"{what} could not be held against its schema: that would take too long"]
    validator = _cached(given) if len(given) <= LONGEST_CACHED else _compiled(given)
    if validator is None:
        return []
    try:
        validator.validate(value)
    except ValidationError as error:
        return [f"{what} does not fit its schema{_place(error, given)}: {_reason(error)[:LONGEST_REASON]}"]
    except (ValueError, RecursionError):
        return []
    return []


def _place(error: ValidationError, schema: bytes) -> str:
    """Where it does not fit; names that the schema does not have are the model's own words, and stay untold."""
    told = [
        f"[{step}]" if isinstance(step, int) else f".{step}" if msgspec.json.encode(step) in schema else ".*"
        for step in error.instance_path
    ]
    place = "".join(told)
    return f" at {place if len(place) <= LONGEST_REASON else place[:LONGEST_REASON] + '…'}" if place else ""


def _reason(error: ValidationError) -> str:
    """`message` has a mask for the value, which may be a secret, but not for names in it; and this goes on record."""
    if error.kind.name in ("additionalProperties", "unevaluatedProperties"):
        return "it has properties that the schema does not have"
    if "propertyNames" in error.schema_path:
        return "the name of a property does not fit"
    return error.message


def _retrieve(uri: str) -> Json:
    """A schema that points elsewhere is not followed: neither over the network nor into files."""
    raise ValueError(f"{uri} is not part of the schema")


def _compiled(schema: bytes) -> Validator | None:
    """None for a schema that cannot be compiled: it was the client's, and the provider took it."""
    try:
        return validator_for(
            msgspec.json.decode(schema), mask="the value", retriever=_retrieve, pattern_options=RegexOptions(size_limit=1 << 20)
        )
    except (ValueError, RecursionError):
        return None


_cached = lru_cache(maxsize=32)(_compiled)


def _steps(schema: bytes, levels: int) -> float:
    return _cached_steps(schema, levels) if len(schema) <= LONGEST_CACHED else _counted_steps(schema, levels)


@lru_cache(maxsize=256)
def _cached_steps(schema: bytes, levels: int) -> float:
    return _counted_steps(schema, levels)


def _counted_steps(schema: bytes, levels: int) -> float:
    try:
        return most_steps(msgspec.json.decode(schema), levels)
    except RecursionError:
        return inf
