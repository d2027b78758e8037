"""An answer in a dialect: whole, and as the pieces of a stream."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.upstream.behaviour import Behaviour

Json = dict[str, Any]
ARGUMENTS = '{"city": "Bern"}'


@dataclass
class Item:
    """One output item of a stream."""

    opening: bytes
    deltas: list[bytes]
    closing: bytes


@dataclass
class Script:
    """A whole answer, and the same as a stream."""

    whole: Json
    opening: bytes
    items: list[Item]
    closing: bytes


def calls(behaviour: Behaviour) -> list[bool]:
    """For each item, whether it is a function call."""
    return [behaviour.call and number == behaviour.items - 1 for number in range(behaviour.items)]


def pieces(text: str, count: int) -> list[str]:
    """The text in that many pieces, or fewer."""
    size = max(1, -(-len(text) // count))
    return [text[at : at + size] for at in range(0, len(text), size)]


def named(events: Iterable[Json]) -> bytes:
    """Server-sent events named after their type."""
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def data(event: Json, end: str = "\n\n") -> bytes:
    """A server-sent event without a name."""
    return f"data: {json.dumps(event)}{end}".encode()
