"""More than any reader should take: a bomb of compressed bytes, a line without an end."""

import zlib
from functools import cache

PIECE = b"x" * (64 << 10)
_BOMB = 128 << 20


def beginning(streamed: bool) -> bytes:
    """What makes the excess look like the beginning of an answer."""
    return b'data: {"text": "' if streamed else b'{"text": "'


@cache
def bomb(streamed: bool) -> bytes:
    """Gzip that unpacks to a thousand times its size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = [packer.compress(beginning(streamed))]
    packed += [packer.compress(PIECE) for _ in range(_BOMB // len(PIECE))]
    return b"".join([*packed, packer.flush()])
