"""Reasoning items as Anthropic's thinking blocks, and back.

A thinking block has one text and one opaque string that its client must return unchanged: the `signature`, or `data` where there
is no text. All that the text does not say of its item travels in there.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import accumulate
from typing import Any

import msgspec

Json = dict[str, Any]

GAP = "\n\n"
"""Between two pieces of an item's text."""
_PREFIX = "trs1."
_PIECES = {"summary": "summary_text", "content": "reasoning_text"}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def thinking_of(item: Json) -> Json | None:
    """The block for a reasoning item; None when there is neither text nor state. Text without state has an empty signature."""
    text = GAP.join(filter(None, _texts(item)))
    if text:
        return {"type": "thinking", "thinking": text, "signature": _signature(item)}
    return {"type": "redacted_thinking", "data": _signature(item)} if item.get("encrypted_content") else None


def reasoning_of(block: Json) -> Json | None:
    """The item that a block was made from, byte for byte; None for a block of someone else's.

    Anthropic's own signatures are good for no one but Anthropic, and there only for who got them; the conversation is valid without.
    """
    text, signature = (block.get("thinking"), block.get("signature")) if block.get("type") == "thinking" else ("", block.get("data"))
    if not isinstance(text, str) or not isinstance(signature, str) or not signature.startswith(_PREFIX):
        return None
    head, _, state = signature.removeprefix(_PREFIX).partition(".")
    try:
        told = _decode(urlsafe_b64decode(head))
    except (ValueError, msgspec.MsgspecError):
        return None
    lengths = {name: told.pop(name) for name in _PIECES if name in told}
    if not all(map(_are_lengths, lengths.values())):
        return None
    return {"type": ""} | told | _pieces(text, lengths) | {"type": "reasoning", "encrypted_content": state}


def _signature(item: Json) -> str:
    """The item without its texts, then its state as it is. Without state an item is no good to any provider, so nothing is kept."""
    state = item.get("encrypted_content")
    if not state:
        return ""
    rest = {name: value for name, value in item.items() if name not in ("type", "encrypted_content")}
    rest |= {name: [len(_text(piece)) for piece in item[name]] for name in _PIECES if isinstance(item.get(name), list)}
    return f"{_PREFIX}{urlsafe_b64encode(_encode(rest)).decode()}.{state}"


def _texts(item: Json) -> list[str]:
    return [_text(piece) for name in _PIECES for piece in item.get(name) or ()]


def _text(piece: Json) -> str:
    return piece.get("text") or ""


def _are_lengths(value: Any) -> bool:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)


def _pieces(text: str, lengths: dict[str, list[int]]) -> Json:
    """The text in the pieces that it came in; in one piece when the client has changed it."""
    sizes = [size for name in lengths for size in lengths[name]]
    spans = [size + len(GAP) if size else 0 for size in sizes]
    if sum(spans) - (len(GAP) if any(spans) else 0) != len(text):
        return {"summary": [_piece("summary", text)]}
    starts = accumulate(spans, initial=0)
    return {
        name: [_piece(name, text[start:start + size]) for size, start in zip(sizes, starts, strict=False)]
        for name, sizes in lengths.items()
    }


def _piece(name: str, text: str) -> Json:
    return {"type": _PIECES[name], "text": text}
