"""Builds a Responses stream from what another provider API says, and the output that the stream adds up to.

The order is OpenAI's: created, in_progress, then for each item added, its parts and deltas, done. The terminal event is the
caller's. A text, refusal or reasoning item is closed by whatever comes next; function calls stay open until they are done, so
calls whose pieces arrive interleaved keep an item each.
"""

from collections.abc import Hashable, Sequence
from secrets import token_hex
from typing import Any

import msgspec

from libs.contracts.deltas import Event
from libs.responses.frame import Frame
from libs.responses.stream_items import CallItem, MessageItem, OpenItem, ReasoningItem

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


def fresh_id(prefix: str) -> str:
    """An id for a call whose provider gave it none: the prefix, `tr`, and 30 random hexadecimal digits."""
    return f"{prefix}_tr{token_hex(15)}"


def is_fresh_id(item_id: object) -> bool:
    """Whether an id was made here, so that no provider has ever seen it."""
    return isinstance(item_id, str) and item_id.partition("_")[2].startswith("tr")


class ResponseBuilder:
    """One answer. Each method returns the events to send for what it was told, without sequence numbers."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._items: list[OpenItem] = []
        self._current: MessageItem | ReasoningItem | None = None
        self._calls: dict[Hashable, CallItem] = {}

    @property
    def output(self) -> list[Json]:
        """All items so far, unfinished ones as they stand."""
        return [item.snapshot() for item in self._items]

    @property
    def chars(self) -> int:
        """Characters written so far, of text, reasoning and arguments."""
        return sum(item.chars() for item in self._items)

    def start(self, **said: Any) -> list[Event]:
        """`response.created` and `response.in_progress`; `said` are response fields the provider told, such as `model`."""
        response = _encode(self._frame.render(said, status="in_progress", output=[]))
        return [
            Event(kind, b'{"type":"%b","response":%b}' % (kind.encode(), response))
            for kind in ("response.created", "response.in_progress")
        ]

    def text(self, delta: str, logprobs: Sequence[Json] = ()) -> list[Event]:
        """A piece of the answer's text, with the log probabilities of its tokens where they are known; opens a message when none is
        open. Without a piece, the log probabilities go to the text that is open."""
        if not delta:
            if logprobs and isinstance(self._current, MessageItem):
                self._current.note_logprobs(logprobs)
            return []
        if isinstance(self._current, MessageItem):
            return self._current.text(delta, logprobs)
        events = self._open_message()
        assert isinstance(self._current, MessageItem)
        return events + self._current.text(delta, logprobs)

    def refusal(self, delta: str) -> list[Event]:
        """A piece of the model's refusal, in a content part of its own."""
        if not delta:
            return []
        events = [] if isinstance(self._current, MessageItem) else self._open_message()
        assert isinstance(self._current, MessageItem)
        return events + self._current.refusal(delta)

    def annotation(self, annotation: Json) -> list[Event]:
        """An annotation of the text part that is open; dropped when none is."""
        return self._current.annotation(annotation) if isinstance(self._current, MessageItem) else []

    @property
    def text_length(self) -> int:
        """Characters in the text part that is open: the offset at which the next text will stand."""
        return self._current.text_length if isinstance(self._current, MessageItem) else 0

    def reasoning(self, delta: str = "", *, raw: bool = False) -> list[Event]:
        """A piece of reasoning: a summary of it, or the model's own words when `raw`. Without a piece only opens the item."""
        events: list[Event] = []
        if not isinstance(self._current, ReasoningItem):
            events = self._close_current()
            self._current = ReasoningItem(self._id("rs"), len(self._items), raw=raw)
            self._items.append(self._current)
            events.append(self._current.added())
        return events + self._current.text(delta) if delta else events

    def reasoning_done(self, encrypted_content: str | None = None) -> list[Event]:
        """Ends the reasoning item, with the provider's opaque state if it has any."""
        if not isinstance(self._current, ReasoningItem):
            return []
        self._current.encrypted_content = encrypted_content
        return self._close_current()

    def call(self, key: Hashable, call_id: str, name: str, *, custom: bool = False) -> list[Event]:
        """A function call begins; `key` is the provider's handle for its pieces. `custom`: a freeform tool, whose arguments are
        the JSON object {"input": text} on the provider's side."""
        # A handle used again means that the call before it is over, told or not.
        events = self._close_current() + self.call_done(key)
        item = CallItem(self._id("ctc" if custom else "fc"), len(self._items), call_id, name, custom=custom)
        self._items.append(item)
        self._calls[key] = item
        return [*events, item.added()]

    def arguments(self, key: Hashable, delta: str) -> list[Event]:
        """A piece of a call's arguments, JSON text."""
        item = self._calls.get(key)
        return item.arguments(delta) if item is not None and delta else []

    def call_done(self, key: Hashable) -> list[Event]:
        """The call's arguments are whole."""
        item = self._calls.pop(key, None)
        return item.close(whole=True) if item is not None else []

    def finish(self, *, whole: bool = True) -> list[Event]:
        """Closes what is open. `whole` is False when the answer was cut off: then its last item is marked incomplete."""
        still_open: list[OpenItem] = [*self._calls.values(), *([self._current] if self._current is not None else [])]
        self._calls.clear()
        self._current = None
        events: list[Event] = []
        for item in sorted(still_open, key=lambda item: item.index):
            events += item.close(whole=whole or item is not self._items[-1])
        return events

    def _id(self, prefix: str) -> str:
        return self._frame.item_id(prefix, len(self._items))

    def _open_message(self) -> list[Event]:
        events = self._close_current()
        self._current = MessageItem(self._id("msg"), len(self._items))
        self._items.append(self._current)
        return [*events, self._current.added()]

    def _close_current(self) -> list[Event]:
        current, self._current = self._current, None
        return current.close(whole=True) if current is not None else []
