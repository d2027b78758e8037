"""Holds an answer against the JSON schemas that its provider did not enforce as the client wrote them."""

from functools import lru_cache
from typing import Any

import msgspec
from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for

Json = dict[str, Any]
FORMAT = ""
"""The key of the output format's schema; the others are tool names."""
LONGEST_REASON = 200


def violations(output: list[Json], schemas: dict[str, Json]) -> list[str]:
    """What does not fit, in words for a warning; [] when all does."""
    found: list[str] = []
    for item in output:
        if item.get("type") == "function_call" and item.get("name") in schemas:
            found += _violation(item.get("arguments") or "{}", schemas[item["name"]], f"the arguments of {item['name']}")
        elif item.get("type") == "message" and FORMAT in schemas:
            found += [text for part in item["content"] if part["type"] == "output_text" for text in _told(part["text"], schemas)]
    return found


def _told(text: str, schemas: dict[str, Json]) -> list[str]:
    return _violation(text, schemas[FORMAT], "the answer")


def _violation(text: str, schema: Json, what: str) -> list[str]:
    try:
        value = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return [f"{what} is not valid JSON"]
    validator = _validator(msgspec.json.encode(schema))
    if validator is None:
        return []
    try:
        validator.validate(value)
    except ValidationError as error:
        # `message` does not quote the value: it may be a secret, and this goes on record.
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        return [f"{what} does not fit its schema{f' at {place}' if place else ''}: {str(error.message)[:LONGEST_REASON]}"]
    except (ValueError, RecursionError):
        return []
    return []


def _retrieve(uri: str) -> Json:
    """A schema that points elsewhere is not followed: neither over the network nor into files."""
    raise ValueError(f"{uri} is not part of the schema")


@lru_cache(maxsize=64)
def _validator(schema: bytes) -> Validator | None:
    """None for a schema that cannot be compiled: it was the client's, and the provider took it."""
    try:
        return validator_for(
            msgspec.json.decode(schema), mask="the value", retriever=_retrieve, pattern_options=RegexOptions(size_limit=1 << 20)
        )
    except (ValueError, RecursionError):
        return None
