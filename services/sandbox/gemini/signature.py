"""Thought signatures: each is bound to its call, so that one that was changed or moved is noticed.

https://ai.google.dev/gemini-api/docs/thought-signatures
"""

import base64
import hashlib
import re
from typing import Any

import msgspec

from services.sandbox.gemini.parse import decoded

BYPASS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""Signatures that Gemini documents for history that it did not write."""


def required(model: str) -> bool:
    """Whether a model refuses calls that come back without their signature: Gemini 3 and later."""
    return bool(re.match(r"gemini-[3-9]", model))


def sign(name: str, args: dict[str, Any]) -> str:
    """The signature of a call, in Base64."""
    return base64.b64encode(_seal(name, args)).decode()


def genuine(given: str, name: str, args: dict[str, Any]) -> bool:
    """Whether a signature is the call's own, whatever alphabet of Base64 it came back in, or one of those documented for others."""
    return given in BYPASS or decoded(given) in (_seal(name, args), *(word.encode() for word in BYPASS))


def _seal(name: str, args: dict[str, Any]) -> bytes:
    told = msgspec.json.encode([name, args], order="deterministic")
    return b"sandbox thought " + hashlib.sha256(told).digest()
