"""An output item on its way, as steps of Anthropic's stream without their block's number."""

from typing import Any

import msgspec

from services.edge.formats.messages_blocks import CALLS, arguments_of, blocks_of, call_of, citation_of, text_of
from services.edge.formats.messages_thinking import GAP

Json = dict[str, Any]
Step = dict[str, Any]

STOP: Step = {"type": "content_block_stop"}
_TEXT: Json = {"type": "text", "text": "", "citations": None}
_THINKING: Json = {"type": "thinking", "thinking": "", "signature": ""}
# Type of block → type of its deltas, and where their text stands in the delta.
_DELTAS = {
    "text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking"), "tool_use": ("input_json_delta", "partial_json"),
    "server_tool_use": ("input_json_delta", "partial_json"),
}


class GrowingItem:
    """Follows one item. A block begins with its first piece, so that an item that says nothing makes none; what was not told in pieces
    is told at the end, so that the steps add up to `blocks_of` the item."""

    def __init__(self) -> None:
        self._begun = 0
        """Blocks so far."""
        self._open = ""
        """Type of the block that is open."""
        self._place: Any = None
        """The part that the last piece belonged to."""
        self._length = self._cited = 0
        """Characters and citations that the open block has."""

    def begin(self, item: Json) -> list[Step]:
        """The item was added."""
        return self._start(call_of(item)) if item.get("type") in CALLS else []

    def text(self, part: int, text: str) -> list[Step]:
        """A piece of a message's text or refusal."""
        return [*self._text_part(part), self._piece(text)] if text else []

    def citation(self, part: int, annotation: Json) -> list[Step]:
        """An annotation of a message's text."""
        citation = citation_of(annotation)
        if citation is None:
            return []
        steps = self._text_part(part)
        self._cited += 1
        return [*steps, _cite(citation)]

    def thinking(self, piece: tuple[str, int], text: str) -> list[Step]:
        """A piece of a summary, or of the reasoning itself."""
        if not text:
            return []
        if self._open:
            gap = "" if self._place == piece else GAP
            self._place = piece
            return [self._piece(gap + text)]
        self._place = piece
        return [*self._start(_THINKING), self._piece(text)]

    def arguments(self, text: str) -> list[Step]:
        """A piece of a call's arguments."""
        return [self._piece(text)] if text and self._open == "tool_use" else []

    def end_part(self, index: int, part: Json) -> list[Step]:
        """A message's part is whole."""
        block = text_of(part)
        if self._open == "text" and self._place == index:
            return self._stop(block)
        if block is None or (self._place is not None and self._place >= index):
            return []
        steps = self.cut_off()
        self._place = index
        self._begun += 1
        return steps + spelled(block, block["text"])

    def end(self, item: Json) -> list[Step]:
        """The item is whole."""
        made, text = blocks_of(item), arguments_of(item)
        steps: list[Step] = []
        if self._open:
            steps = self._stop(made[self._begun - 1] if self._begun <= len(made) else None, text)
        return steps + [step for block in made[self._begun:] for step in spelled(block, _text(block, text))]

    def cut_off(self) -> list[Step]:
        """The item was never finished."""
        return self._stop(None) if self._open else []

    def _text_part(self, part: int) -> list[Step]:
        """Moves on to a part of a message."""
        if self._open and self._place == part:
            return []
        steps = self.cut_off()
        self._place = part
        return steps + self._start(_TEXT)

    def _start(self, block: Json) -> list[Step]:
        self._begun += 1
        self._open, self._length, self._cited = block["type"], 0, 0
        return [{"type": "content_block_start", "content_block": block}]

    def _piece(self, text: str) -> Step:
        self._length += len(text)
        return _piece(self._open, text)

    def _stop(self, block: Json | None, arguments: str = "") -> list[Step]:
        """Ends the open block with what it still lacks of the whole one."""
        steps = [] if block is None else _pieces(block, _text(block, arguments)[self._length:], self._cited)
        self._open = ""
        return [*steps, STOP]


def spelled(block: Json, text: str) -> list[Step]:
    """A whole block in steps; `text` is what stands in its deltas."""
    empty = {name: value for name, value in _empty(block).items() if name in block}
    return [{"type": "content_block_start", "content_block": block | empty}, *_pieces(block, text, 0), STOP]


def _empty(block: Json) -> Json:
    if block["type"] == "text":
        return _TEXT
    return _THINKING if block["type"] == "thinking" else {"input": {}}


def _pieces(block: Json, text: str, cited: int) -> list[Step]:
    steps = [_piece(block["type"], text)] if text and block["type"] in _DELTAS else []
    steps += [_cite(citation) for citation in (block.get("citations") or ())[cited:]]
    # In one piece: SDKs do not put signatures together.
    return [*steps, _delta("signature_delta", "signature", block["signature"])] if block.get("signature") else steps


def _text(block: Json, arguments: str) -> str:
    """What stands in a block's deltas; `arguments` are the item's, where it is a call."""
    match block["type"]:
        case "tool_use":
            return arguments
        case "server_tool_use":
            return msgspec.json.encode(block["input"]).decode()
    text: str = block.get(block["type"]) or ""
    return text


def _piece(kind: str, text: str) -> Step:
    name, field = _DELTAS[kind]
    return _delta(name, field, text)


def _cite(citation: Json) -> Step:
    return _delta("citations_delta", "citation", citation)


def _delta(kind: str, field: str, value: Any) -> Step:
    return {"type": "content_block_delta", "delta": {"type": kind, field: value}}
