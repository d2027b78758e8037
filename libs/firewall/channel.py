"""One text of a streamed answer: what came of it, what went out, and the events that carry it."""

from collections import deque
from typing import Any

import msgspec

from libs.contracts.deltas import Event
from libs.firewall.output_items import shifted
from libs.firewall.ruleset import Active
from libs.firewall.stream import Masker
from libs.responses.text import Path

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class Channel:
    """`path` is where the text stands in the output. `kind` is the type of its delta events, `head` and `tail` are their bytes in front
    of the text and behind it."""

    def __init__(self, active: Active, path: Path, kind: str, head: bytes, tail: bytes, *, json: bool) -> None:
        self.path = path
        self.masker = Masker(active, json=json)
        self.closed = False
        self._kind, self._head, self._tail = kind, head, tail
        self._came: list[str] = []
        self._out: list[str] = []
        self._length = 0
        self._waiting: deque[tuple[int, Json]] = deque()

    @property
    def came(self) -> str:
        """The provider's text so far."""
        return _joined(self._came)

    @property
    def out(self) -> str:
        """What went out of it; once closed, the masked text."""
        return _joined(self._out)

    @property
    def pending(self) -> int:
        """Characters held back."""
        return 0 if self.closed else self.masker.pending

    def begin(self, text: str) -> str:
        """The text with which its part or item began: what may go out of it there."""
        self._came.append(text)
        self._length += len(text)
        ready = self.masker.feed(text)
        if ready:
            self._out.append(ready)
        return ready

    def feed(self, text: str) -> list[Event]:
        """A piece of the text; what may go out by now."""
        self._came.append(text)
        self._length += len(text)
        return self._events(self.masker.feed(text))

    def close(self) -> list[Event]:
        """The text is whole: what was held back."""
        if self.closed:
            return []
        rest = self.masker.finish()
        self.closed = True
        return self._events(rest)

    def annotate(self, message: Json) -> list[Event]:
        """An annotation goes out behind the text that came before it, and behind the text that it is about."""
        end = message["annotation"].get("end_index")
        behind = max(self._length, end) if type(end) is int else self._length
        self._waiting.append((behind, message))
        return self._events("")

    def _events(self, text: str) -> list[Event]:
        events: list[Event] = []
        if text:
            self._out.append(text)
            events.append(Event(self._kind, self._head + _encode(text) + self._tail))
        if self._waiting and self.masker.blocked_by is None:
            seen = self._length - self.pending
            while self._waiting and (self.closed or self._waiting[0][0] <= seen):
                message = self._waiting.popleft()[1]
                moved = message | {"annotation": shifted(message["annotation"], self.masker.moved)}
                events.append(Event(message["type"], _encode(moved)))
        return events


def head_of(kind: str, about: Json, keys: tuple[str, ...], beside: Json) -> bytes:
    """The bytes of a delta event in front of its text. `about`: what it says of its place; `keys`: from the event down to the text;
    `beside`: what stands beside the text, where that is in an object of its own."""
    # As OpenAI's type has it, a piece of text never comes without log probabilities.
    more: Json = {"logprobs": []} if kind == "response.output_text.delta" else {}
    head = _encode({"type": kind} | about | more)[:-1] + b"," + _encode(keys[0]) + b":"
    for key in keys[1:]:
        head += _encode(beside)[:-1] + (b"," if beside else b"") + _encode(key) + b":"
    return head


def _joined(chunks: list[str]) -> str:
    # Joined in place, so that asking again and again for a growing text stays cheap.
    if len(chunks) > 1:
        chunks[:] = ["".join(chunks)]
    return chunks[0] if chunks else ""
