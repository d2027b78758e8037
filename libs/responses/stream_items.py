"""The items of a Responses stream while they are being written: each renders its own events.

A delta costs one string encoding and one concatenation: the bytes before the text are built when its part opens.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from libs.contracts.deltas import Event

Json = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class OpenItem(Protocol):
    """An output item that may still grow."""

    index: int

    def snapshot(self) -> Json: ...
    def chars(self) -> int: ...
    def close(self, *, whole: bool) -> list[Event]: ...


def event(kind: str, **fields: Any) -> Event:
    """A stream event without sequence number."""
    return Event(kind, _encode({"type": kind} | fields))


class _Item:
    def __init__(self, item_id: str, output_index: int) -> None:
        self.id, self.index = item_id, output_index
        self.status = "in_progress"

    def snapshot(self) -> Json:
        raise NotImplementedError

    def added(self) -> Event:
        return event("response.output_item.added", output_index=self.index, item=self.snapshot())

    def _done(self, *, whole: bool) -> Event:
        self.status = "completed" if whole else "incomplete"
        return event("response.output_item.done", output_index=self.index, item=self.snapshot())


class _Part:
    """A run of text under one index of its item."""

    def __init__(self, item: _Item, position: str, index: int, delta: str, done: str) -> None:
        self.place: Json = {"item_id": item.id, "output_index": item.index, position: index}
        self.kind, self.done_kind = delta, done
        self._chunks: list[str] = []
        self._head = self._before_delta({})

    def delta(self, text: str) -> Event:
        self._chunks.append(text)
        return Event(self.kind, self._head + _encode(text) + b"}")

    @property
    def text(self) -> str:
        # Joined in place, so that asking again and again for a growing text stays cheap.
        if len(self._chunks) > 1:
            self._chunks = ["".join(self._chunks)]
        return self._chunks[0] if self._chunks else ""

    def done(self, field: str, **more: Any) -> Event:
        return event(self.done_kind, **self.place, **{field: self.text}, **more)

    def _before_delta(self, more: Json) -> bytes:
        return _encode({"type": self.kind} | self.place | more)[:-1] + b',"delta":'


class _MessagePart(_Part):
    """A text, with what is said about it, or a refusal."""

    def __init__(self, item: _Item, index: int, kind: str) -> None:
        super().__init__(item, "content_index", index, f"response.{kind}.delta", f"response.{kind}.done")
        self.type = kind
        self.annotations: list[Json] = []
        self.logprobs: list[Json] = []
        if kind == "output_text":
            self._head = self._before_delta({"logprobs": []})

    def scored(self, text: str, logprobs: Sequence[Json]) -> Event:
        """A piece with the log probabilities of its tokens."""
        self.logprobs += logprobs
        self._chunks.append(text)
        return Event(self.kind, self._before_delta({"logprobs": logprobs}) + _encode(text) + b"}")

    def snapshot(self) -> Json:
        if self.type == "refusal":
            return {"type": self.type, "refusal": self.text}
        return {"type": self.type, "text": self.text, "annotations": list(self.annotations), "logprobs": list(self.logprobs)}

    def begun(self) -> Event:
        return event("response.content_part.added", **self.place, part=self.snapshot())

    def close(self) -> list[Event]:
        done = self.done("refusal") if self.type == "refusal" else self.done("text", logprobs=self.logprobs)
        return [done, event("response.content_part.done", **self.place, part=self.snapshot())]


class MessageItem(_Item):
    """An assistant message: text parts and refusal parts, one open at a time."""

    def __init__(self, item_id: str, output_index: int) -> None:
        super().__init__(item_id, output_index)
        self._parts: list[_MessagePart] = []
        self._open: _MessagePart | None = None

    def snapshot(self) -> Json:
        content = [part.snapshot() for part in self._parts]
        return {"type": "message", "id": self.id, "status": self.status, "role": "assistant", "content": content}

    def chars(self) -> int:
        return sum(len(part.text) for part in self._parts)

    @property
    def _text(self) -> _MessagePart | None:
        return self._open if self._open is not None and self._open.type == "output_text" else None

    @property
    def text_length(self) -> int:
        return len(self._text.text) if self._text is not None else 0

    def text(self, delta: str, logprobs: Sequence[Json] = ()) -> list[Event]:
        part, events = self._opened("output_text")
        return [*events, part.scored(delta, logprobs) if logprobs else part.delta(delta)]

    def note_logprobs(self, logprobs: Sequence[Json]) -> None:
        if self._text is not None:
            self._text.logprobs += logprobs

    def refusal(self, delta: str) -> list[Event]:
        part, events = self._opened("refusal")
        return [*events, part.delta(delta)]

    def annotation(self, annotation: Json) -> list[Event]:
        part = self._text
        if part is None:
            return []
        part.annotations.append(annotation)
        kind = "response.output_text.annotation.added"
        return [event(kind, **part.place, annotation_index=len(part.annotations) - 1, annotation=annotation)]

    def close(self, *, whole: bool) -> list[Event]:
        return [*self._close_part(), self._done(whole=whole)]

    def _opened(self, kind: str) -> tuple[_MessagePart, list[Event]]:
        """The open part of this type, and the events that opened it just now."""
        if self._open is not None and self._open.type == kind:
            return self._open, []
        events = self._close_part()
        self._open = part = _MessagePart(self, len(self._parts), kind)
        self._parts.append(part)
        return part, [*events, part.begun()]

    def _close_part(self) -> list[Event]:
        part, self._open = self._open, None
        return part.close() if part is not None else []


class ReasoningItem(_Item):
    """Reasoning: a summary, or the model's own words when `raw`, and the provider's opaque state."""

    def __init__(self, item_id: str, output_index: int, *, raw: bool) -> None:
        super().__init__(item_id, output_index)
        self.encrypted_content: str | None = None
        self._raw = raw
        self._part: _Part | None = None

    def snapshot(self) -> Json:
        written = [{"type": self._kind, "text": self._part.text}] if self._part is not None else []
        item: Json = {"type": "reasoning", "id": self.id, "summary": [] if self._raw else written}
        if self._raw:
            item["content"] = written
        if self.encrypted_content is not None:
            item["encrypted_content"] = self.encrypted_content
        return item

    @property
    def _kind(self) -> str:
        return "reasoning_text" if self._raw else "summary_text"

    def chars(self) -> int:
        return len(self._part.text) if self._part is not None else 0

    def text(self, delta: str) -> list[Event]:
        if self._part is not None:
            return [self._part.delta(delta)]
        name = "reasoning_text" if self._raw else "reasoning_summary_text"
        position = "content_index" if self._raw else "summary_index"
        self._part = _Part(self, position, 0, f"response.{name}.delta", f"response.{name}.done")
        return [self._part_event("added", ""), self._part.delta(delta)]

    def close(self, *, whole: bool) -> list[Event]:
        if self._part is None:
            return [self._done(whole=whole)]
        return [self._part.done("text"), self._part_event("done", self._part.text), self._done(whole=whole)]

    def _part_event(self, what: str, text: str) -> Event:
        assert self._part is not None
        kind = "content_part" if self._raw else "reasoning_summary_part"
        return event(f"response.{kind}.{what}", **self._part.place, part={"type": self._kind, "text": text})


class CallItem(_Item):
    """A function call, or a call of a freeform tool (`custom`), whose input is only known once its JSON is whole."""

    def __init__(self, item_id: str, output_index: int, call_id: str, name: str, *, custom: bool) -> None:
        super().__init__(item_id, output_index)
        self._call_id, self._name, self._custom = call_id, name, custom
        kind = "custom_tool_call_input" if custom else "function_call_arguments"
        self.place: Json = {"item_id": item_id, "output_index": output_index}
        self._kind, self._field = kind, "input" if custom else "arguments"
        self._chunks: list[str] = []
        self._head = _encode({"type": f"response.{kind}.delta"} | self.place)[:-1] + b',"delta":'

    def snapshot(self) -> Json:
        kind = "custom_tool_call" if self._custom else "function_call"
        item = {"type": kind, "id": self.id, "call_id": self._call_id, "name": self._name, self._field: self._value()}
        return item if self._custom else item | {"status": self.status}

    def chars(self) -> int:
        return sum(map(len, self._chunks))

    def arguments(self, delta: str) -> list[Event]:
        self._chunks.append(delta)
        return [] if self._custom else [self._delta(delta)]

    def close(self, *, whole: bool) -> list[Event]:
        events: list[Event] = []
        if self._custom:
            events += [self._delta(text)] if (text := self._value()) else []
        elif not self._chunks and whole:
            # A call without arguments is a call with an empty object; clients parse what they get.
            events += self.arguments("{}")
        name = {} if self._custom else {"name": self._name}
        done = event(f"response.{self._kind}.done", **self.place, **{self._field: self._value()}, **name)
        return [*events, done, self._done(whole=whole)]

    def _delta(self, text: str) -> Event:
        return Event(f"response.{self._kind}.delta", self._head + _encode(text) + b"}")

    def _value(self) -> str:
        written = "".join(self._chunks)
        return _freeform_input(written) if self._custom and written else written


def _freeform_input(arguments: str) -> str:
    """The text in {"input": text}; the arguments as they are when the model wrote something else."""
    try:
        value = msgspec.json.decode(arguments)
    except msgspec.MsgspecError:
        return arguments
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments
