"""What OpenAI's stream has written so far: enough to complete half-told calls, and to say what there was if it breaks off."""

from typing import Any

import msgspec
from msgspec import Struct, field

from libs.contracts.deltas import Event

Json = dict[str, Any]

_DELTA, _DONE = "response.function_call_arguments.delta", "response.function_call_arguments.done"
_TEXT_FIELDS = {
    "response.output_text.delta": "output_text", "response.refusal.delta": "refusal", _DELTA: "arguments",
    "response.reasoning_summary_text.delta": "summary", "response.reasoning_text.delta": "reasoning",
    "response.custom_tool_call_input.delta": "input",
}


class _Item(Struct):
    index: int
    item: Json
    pieces: dict[str, list[str]] = field(default_factory=dict)
    arguments_done: bool = False
    done: bool = False


class Written:
    """Items by id, in the order of their output index."""

    def __init__(self) -> None:
        self._items: dict[str, _Item] = {}
        self.chars = 0

    def added(self, index: int, item: Json) -> None:
        """An output item begins."""
        self._items[item.get("id") or f"#{index}"] = _Item(index, item)

    def delta(self, kind: str, item_id: str, text: str) -> None:
        """A piece of an item's text."""
        known = self._items.get(item_id)
        name = _TEXT_FIELDS.get(kind)
        if known is not None and name is not None:
            known.pieces.setdefault(name, []).append(text)
            self.chars += len(text)

    def arguments_done(self, message: Json) -> list[Event]:
        """Completes the `.done` event with the function's name; returns the delta that was never sent, if any."""
        known = self._items.get(message["item_id"])
        if known is None:
            return []
        message.setdefault("name", known.item.get("name"))
        known.arguments_done = True
        return self._missing_delta(message["item_id"], known, message.get("arguments") or "")

    def done(self, index: int, item: Json) -> list[Event]:
        """The item is whole; returns the argument events that were never sent, if any."""
        item_id = item.get("id") or f"#{index}"
        known = self._items.setdefault(item_id, _Item(index, item))
        known.item, known.done = item, True
        if item.get("type") != "function_call" or known.arguments_done:
            return []
        known.arguments_done = True
        arguments = item.get("arguments") or ""
        return [*self._missing_delta(item_id, known, arguments), _done_event(item_id, known, arguments)]

    def close_calls(self) -> list[Event]:
        """Calls whose pieces came, but neither arguments.done nor item.done: their missing events."""
        events: list[Event] = []
        for known in list(self._items.values()):
            if known.item.get("type") == "function_call" and not known.done:
                whole = known.item | {"arguments": "".join(known.pieces.get("arguments", ())), "status": "completed"}
                events += self.done(known.index, whole)
                events.append(_event("response.output_item.done", output_index=known.index, item=whole))
        return events

    def output(self) -> list[Json]:
        """The items so far; unfinished ones with the text that had come, marked incomplete."""
        ordered = sorted(self._items.values(), key=lambda known: known.index)
        return [known.item if known.done else _unfinished(known) for known in ordered]

    def _missing_delta(self, item_id: str, known: _Item, arguments: str) -> list[Event]:
        if not arguments or "arguments" in known.pieces:
            return []
        self.delta(_DELTA, item_id, arguments)
        return [_event(_DELTA, item_id=item_id, output_index=known.index, delta=arguments)]


def _done_event(item_id: str, known: _Item, arguments: str) -> Event:
    return _event(_DONE, item_id=item_id, output_index=known.index, arguments=arguments, name=known.item.get("name"))


def _event(kind: str, **fields: Any) -> Event:
    return Event(kind, msgspec.json.encode({"type": kind} | fields))


def _unfinished(known: _Item) -> Json:
    item = known.item
    text = {name: "".join(pieces) for name, pieces in known.pieces.items()}
    kind = item.get("type")
    if kind == "message":
        content: list[Json] = []
        if "output_text" in text:
            content.append({"type": "output_text", "text": text["output_text"], "annotations": [], "logprobs": []})
        if "refusal" in text:
            content.append({"type": "refusal", "refusal": text["refusal"]})
        return item | {"content": content, "status": "incomplete"}
    if kind == "reasoning":
        # The state of unfinished reasoning is not whole either, and no good for a next turn.
        return item | {
            "summary": [{"type": "summary_text", "text": text["summary"]}] if "summary" in text else [], "encrypted_content": None,
        }
    if kind == "function_call":
        return item | {"arguments": text.get("arguments", ""), "status": "incomplete"}
    if kind == "custom_tool_call":
        return item | {"input": text.get("input", "")}
    return item
