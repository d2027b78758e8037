"""What the messages in a background response's log add up to: one stream of events, the same on every edge. Pure.

Several dispatches may have written to a log. One that was given up is closed by a message of ours, after which nothing of it
counts; where it had begun an item, the closing ends that item as incomplete, and the next dispatch goes on behind it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct, field

from libs.contracts.deltas import Completed, DeltaMessage, Deltas, Event, Released, Started
from libs.responses.stream_items import event

Json = dict[str, Any]
CLOSING = 99
"""The attempt under which an edge closes all dispatches up to the message's own."""
END = (1 << 31) - 1
"""The dispatch of a closing after which nothing follows."""
_OPENING = frozenset({"response.created", "response.queued", "response.in_progress"})
_POSITIONS = ("content_index", "summary_index")
_CALLS = {"function_call": ("function_call_arguments", "arguments"), "custom_tool_call": ("custom_tool_call_input", "input")}
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class _Part(Struct):
    """A text within an item. Of a call, the item itself is the part."""

    place: Json
    kind: str
    """As in the names of its events, such as `output_text`."""
    part: Json
    name: str = "text"
    """The field that holds the text."""
    chunks: list[str] = field(default_factory=list)
    written: bool = False
    """The text is whole."""
    closed: bool = False

    def whole(self) -> Json:
        return self.part if self.closed else self.part | {self.name: (self.part.get(self.name) or "") + "".join(self.chunks)}

    def closing(self) -> list[Event]:
        """The events that are missing."""
        part, events = self.whole(), []
        if not self.written:
            more: Json = {"logprobs": part.get("logprobs") or []} if self.kind == "output_text" else {}
            if self.kind == "function_call_arguments":
                more = {"name": part.get("name")}
            events.append(event(f"response.{self.kind}.done", **self.place, **{self.name: part[self.name]}, **more))
        if "summary_index" in self.place or "content_index" in self.place:
            holder = "reasoning_summary_part" if "summary_index" in self.place else "content_part"
            events.append(event(f"response.{holder}.done", **self.place, part=part))
        return events


class _Item(Struct):
    """An output item, as far as it is known."""

    item: Json
    parts: dict[tuple[str, int], _Part] = field(default_factory=dict)
    done: bool = False

    def snapshot(self) -> Json:
        """The item with all that was written of it; one that is not done is incomplete."""
        if self.done:
            return self.item
        item = self.item | {"status": "incomplete"}
        for position, name in (("content_index", "content"), ("summary_index", "summary")):
            held = [part.whole() for (where, _), part in sorted(self.parts.items()) if where == position]
            if held:
                item[name] = held
        for part in self.parts.values():
            if part.name in ("arguments", "input"):
                item[part.name] = part.whole()[part.name]
        return item


class Fold:
    """A log that is being read, message by message."""

    def __init__(self) -> None:
        self.dispatch = self.attempt = self.next_seq = 0
        self.latest = 0
        """The last dispatch that reached a worker."""
        self.closed = 0
        """Dispatches up to this one count no more."""
        self.started: Started | None = None
        """The attempt that is at work, as far as the log tells."""
        self.started_at = self.first_at = 0.0
        """Unix seconds of the attempt's start, and of the first events."""
        self.completed: Completed | None = None
        self.begun = False
        """There are events."""
        self.broken = False
        """The current attempt's messages have a gap; the rest of it is worth nothing."""
        self.by: list[str] = []
        """`provider/model` of each attempt that wrote some of the answer."""
        self._writer = ""
        self._opened: set[str] = set()
        self._items: dict[int, _Item] = {}

    @property
    def ended(self) -> bool:
        """Nothing of what may still come counts."""
        return self.completed is not None or (self.closed == END and all(item.done for item in self._items.values()))

    @property
    def items(self) -> list[Json]:
        """The output items so far, in order."""
        return [item.snapshot() for _, item in sorted(self._items.items())]

    def take(self, message: DeltaMessage, at: float = 0.0) -> list[Event]:
        """The events that a message adds. `at`: Unix seconds at which it was written."""
        if isinstance(message, Deltas) and message.attempt == CLOSING:
            return self._close(message)
        if self.ended or message.dispatch <= self.closed or not isinstance(message, Started | Released | Deltas | Completed):
            return []
        source, current = (message.dispatch, message.attempt), (self.dispatch, self.attempt)
        if source < current:
            return []
        if source > current:
            self._begin(*source)
        if isinstance(message, Started):
            self.started, self.started_at, self.latest = message, at, message.dispatch
            self._writer = f"{message.provider}/{message.model}"
        elif isinstance(message, Released):
            self.started = None
        elif self._follows(message):
            if isinstance(message, Completed):
                self.completed = message
            else:
                return self._written(message, at)
        return []

    def closing(self) -> list[Event]:
        """The events that end, as incomplete, what is half written."""
        events: list[Event] = []
        for index, item in sorted(self._items.items()):
            if not item.done:
                for _, part in sorted(item.parts.items()):
                    events += [] if part.closed else part.closing()
                events.append(event("response.output_item.done", output_index=index, item=item.snapshot()))
        return events

    def _close(self, message: Deltas) -> list[Event]:
        # One that is larger than a message goes on in further ones, under the same dispatch.
        first = message.dispatch > self.closed and message.seq == 0 and not self.ended
        rest = message.dispatch == self.closed and message.seq == self.next_seq and self.attempt == CLOSING
        if not first and not rest:
            return []
        self._begin(message.dispatch, CLOSING)
        self.closed, self.next_seq = message.dispatch, message.seq + 1
        return self._added(message.events)

    def _begin(self, dispatch: int, attempt: int) -> None:
        self.dispatch, self.attempt, self.next_seq = dispatch, attempt, 0
        self.started, self.broken, self._writer = None, False, ""

    def _follows(self, message: Deltas | Completed) -> bool:
        if message.seq < self.next_seq or self.broken:
            return False
        # A completed answer that lacks a part is whole in the record all the same.
        self.broken = message.seq > self.next_seq and not isinstance(message, Completed)
        self.next_seq = message.seq + 1
        return not self.broken

    def _written(self, message: Deltas, at: float) -> list[Event]:
        events = self._added(message.events)
        if events and self._writer:
            self.by.append(self._writer)
            self._writer = ""
        if events and not self.first_at:
            self.first_at = at
        return events

    def _added(self, events: Iterable[Event]) -> list[Event]:
        kept: list[Event] = []
        for one in events:
            if one.type in _OPENING:
                if one.type in self._opened:
                    continue
                self._opened.add(one.type)
            else:
                self._note(one.type.removeprefix("response."), _decode(one.data))
            kept.append(one)
        self.begun = self.begun or bool(kept)
        return kept

    def _note(self, kind: str, said: Json) -> None:
        index = said.get("output_index", -1)
        if kind == "output_item.added":
            self._items[index] = _opened(said["item"], index)
            return
        item = self._items.get(index)
        if item is None:
            return
        if kind == "output_item.done":
            item.item, item.done = said["item"], True
            item.parts.clear()
            return
        position = next((name for name in _POSITIONS if name in said), "")
        place = (position, said.get(position, 0))
        if kind in ("content_part.added", "reasoning_summary_part.added"):
            item.parts[place] = _part({"item_id": said.get("item_id"), "output_index": index, position: place[1]}, said["part"])
        elif place in item.parts:
            _fill(item.parts[place], kind, said)


def _opened(item: Json, index: int) -> _Item:
    kind = str(item.get("type"))
    if kind not in _CALLS:
        return _Item(item)
    name, text = _CALLS[kind]
    return _Item(item, {("", 0): _Part({"item_id": item.get("id"), "output_index": index}, name, item | {text: item.get(text) or ""}, text)})


def _part(place: Json, part: Json) -> _Part:
    kind = "reasoning_summary_text" if "summary_index" in place else str(part.get("type"))
    name = "refusal" if kind == "refusal" else "text"
    return _Part(place, kind, part | {name: part.get(name) or ""}, name)


def _fill(part: _Part, kind: str, said: Json) -> None:
    if kind.endswith("_part.done"):
        part.part, part.closed = said["part"], True
    elif kind == "output_text.annotation.added":
        part.part = part.part | {"annotations": [*(part.part.get("annotations") or ()), said["annotation"]]}
    elif kind == f"{part.kind}.delta":
        part.chunks.append(said.get("delta") or "")
        if said.get("logprobs"):
            part.part = part.part | {"logprobs": [*(part.part.get("logprobs") or ()), *said["logprobs"]]}
    elif kind == f"{part.kind}.done":
        part.part, part.written = part.part | {part.name: said.get(part.name) or ""}, True
        part.chunks.clear()
