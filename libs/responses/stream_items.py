"""The items of a Responses stream while they are being written: each renders its own events.

A delta costs one string encoding and one concatenation: the bytes before the text are built when its part opens.
"""

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

    def __init__(self, item: _Item, position: str, index: int, delta: str, done: str, **extra: Any) -> None:
        self.place: Json = {"item_id": item.id, "output_index": item.index, position: index}
        self.kind, self.done_kind, self.extra = delta, done, extra
        self._chunks: list[str] = []
        self._head = _encode({"type": delta} | self.place | extra)[:-1] + b',"delta":'

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
        return event(self.done_kind, **self.place, **self.extra, **{field: self.text}, **more)


class MessageItem(_Item):
    """An assistant message: text parts and refusal parts, one open at a time."""

    def __init__(self, item_id: str, output_index: int) -> None:
        super().__init__(item_id, output_index)
        self._parts: list[tuple[str, _Part, list[Json]]] = []
        self._open = ""

    def snapshot(self) -> Json:
        content = [_message_part(kind, part.text, notes) for kind, part, notes in self._parts]
        return {"type": "message", "id": self.id, "status": self.status, "role": "assistant", "content": content}

    def chars(self) -> int:
        return sum(len(part.text) for _, part, _ in self._parts)

    @property
    def text_length(self) -> int:
        return len(self._parts[-1][1].text) if self._open == "output_text" else 0

    def text(self, delta: str) -> list[Event]:
        if self._open == "output_text":
            return [self._parts[-1][1].delta(delta)]
        return [*self._open_part("output_text"), self._parts[-1][1].delta(delta)]

    def refusal(self, delta: str) -> list[Event]:
        events = [] if self._open == "refusal" else self._open_part("refusal")
        return [*events, self._parts[-1][1].delta(delta)]

    def annotation(self, annotation: Json) -> list[Event]:
        if self._open != "output_text":
            return []
        _, part, notes = self._parts[-1]
        notes.append(annotation)
        kind = "response.output_text.annotation.added"
        return [event(kind, **part.place, annotation_index=len(notes) - 1, annotation=annotation)]

    def close(self, *, whole: bool) -> list[Event]:
        return [*self._close_part(), self._done(whole=whole)]

    def _open_part(self, kind: str) -> list[Event]:
        events = self._close_part()
        extra: Json = {"logprobs": []} if kind == "output_text" else {}
        part = _Part(self, "content_index", len(self._parts), f"response.{kind}.delta", f"response.{kind}.done", **extra)
        self._parts.append((kind, part, []))
        self._open = kind
        return [*events, event("response.content_part.added", **part.place, part=_message_part(kind, "", []))]

    def _close_part(self) -> list[Event]:
        if not self._open:
            return []
        kind, part, notes = self._parts[-1]
        self._open = ""
        finished = _message_part(kind, part.text, notes)
        done = part.done("text" if kind == "output_text" else "refusal")
        return [done, event("response.content_part.done", **part.place, part=finished)]


def _message_part(kind: str, text: str, annotations: list[Json]) -> Json:
    if kind == "refusal":
        return {"type": kind, "refusal": text}
    return {"type": kind, "text": text, "annotations": list(annotations), "logprobs": []}


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
