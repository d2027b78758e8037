"""Undoes a content encoding that was not asked for, in small pieces: a few bytes may stand for gigabytes."""

import zlib
from collections.abc import Iterator

PIECE = 1 << 16
"""Bytes that come out at once, at most."""


class Undecodable(Exception):
    """An encoding that is not known here, or data that is not in it."""


class Inflater:
    """For one body."""

    def __init__(self, encoding: str) -> None:
        """`encoding`: the value of Content-Encoding. Raises Undecodable."""
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise Undecodable(f"content encoding {encoding[:40]!r}")
        self._gzip = encoding != "deflate"
        self._stream: zlib._Decompress | None = None
        self._head = b""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What `data` stands for. Raises Undecodable."""
        if self._stream is None:
            data = self._head = self._head + data
            if len(data) < 2:
                return
            self._stream = self._begin(data)
        while True:
            try:
                piece = self._stream.decompress(data, PIECE)
            except zlib.error as error:
                raise Undecodable("data that cannot be decompressed") from error
            if piece:
                yield piece
            if self._stream.unused_data:
                # gzip allows further members, but no server sends them, and a million empty ones would keep a worker busy.
                raise Undecodable("data behind its end")
            data = self._stream.unconsumed_tail
            if self._stream.eof or (not data and len(piece) < PIECE):
                return

    def end(self) -> None:
        """The body is over. Raises Undecodable when it was cut off."""
        if self._head and not (self._stream and self._stream.eof):
            raise Undecodable("data that was cut off")

    def _begin(self, data: bytes) -> "zlib._Decompress":
        if self._gzip:
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        # "deflate" is zlib's format (RFC 9110, section 8.4.1.2), but some servers leave its two bytes of header out.
        zlib_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)
