"""Vectors of texts: the same for the same text and model, of length 1, and near each other for texts that share words."""

import math
import re
import struct
from base64 import b64encode
from hashlib import blake2b

_WORD = re.compile(r"\w+|[^\w\s]")


def vector(model: str, text: str, size: int) -> list[float]:
    """The vector, in floats of 32 bits. Each word adds to eight places that its hash names."""
    sums = [0.0] * size
    for word in _WORD.findall(text.lower()) or [text]:
        for number in struct.unpack("<8I", blake2b(word.encode("utf-8", "replace"), digest_size=32, salt=_salt(model)).digest()):
            sums[(number >> 1) % size] += 1.0 if number & 1 else -1.0
    length = math.hypot(*sums)
    if not length:
        sums[0] = length = 1.0
    return list(struct.unpack(f"<{size}f", _packed([value / length for value in sums])))


def base64(values: list[float]) -> str:
    """Little-endian floats of 32 bits, as OpenAI and Mistral write them."""
    return b64encode(_packed(values)).decode()


def _packed(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def _salt(model: str) -> bytes:
    return blake2b(model.encode(), digest_size=16).digest()
