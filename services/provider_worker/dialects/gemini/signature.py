"""Thought signatures on their way through a client: sealed in a reasoning item, with the place they belong to.

Gemini hangs a signature on a part of its turn and wants it back on the same part, byte for byte; a Responses client carries items.
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from libs.vault.envelopes import Envelopes

ORIGIN = "gemini"
BYPASS = "skip_thought_signature_validator"
"""What Google documents for calls that Gemini did not make itself: https://ai.google.dev/gemini-api/docs/thought-signatures#faqs"""


class Signed(Struct, frozen=True, array_like=True):
    """A signature and its part."""

    signature: str
    on: Literal["call", "text", "thought"]
    call_id: str = ""
    """For a call: which one. Its item follows."""
    chars: int = 0
    """For a text: how many characters of the message before the item, counted from its end, were in the signed part. For a
    thought: the same in the item's own summary."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Signed).decode


def seal(signed: Signed, envelopes: Envelopes, model: str) -> str:
    """For `encrypted_content`."""
    return envelopes.seal(ORIGIN, model, _encode(signed))


def unseal(text: object, envelopes: Envelopes, model: str) -> Signed | None:
    """None for what this model did not write."""
    content = envelopes.open(text, ORIGIN, model=model)
    if content is None:
        return None
    try:
        return _decode(content)
    except msgspec.MsgspecError:
        return None


def excuse_unsigned(turns: list[dict[str, Any]]) -> int:
    """In the turn being answered, the first call of each step must be signed: a 400 otherwise. Tells how many were not."""
    excused = 0
    for turn in reversed(turns):
        if turn["role"] == "user" and not any("functionResponse" in part for part in turn["parts"]):
            break
        first = next((part for part in turn["parts"] if "functionCall" in part), None)
        if first is not None and "thoughtSignature" not in first:
            first["thoughtSignature"] = BYPASS
            excused += 1
    return excused
