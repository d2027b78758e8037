"""Server-sent events, read from bytes cut anywhere."""

from msgspec import Struct

MAX_EVENT_BYTES = 8 << 20


class ServerSentEvent(Struct, frozen=True, array_like=True):
    """One event: its name (`message` when none was given) and its data lines, joined."""

    event: str
    data: bytes


class StreamTooLarge(Exception):
    """An event exceeded the limit before it ended."""


class SseParser:
    """Feed bytes, get whole events. Takes LF, CRLF and CR endings, a byte order mark, comments, and data over several lines.

    Pieces of an unfinished event are kept apart and joined once, so an event of n bytes costs O(n) however it is cut.
    https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._ends_line = True
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes. Raises StreamTooLarge."""
        if self._after_cr or b"\r" in chunk:
            chunk = self._normalised(chunk)
        if not chunk:
            return []
        closes = b"\n\n" in chunk or (self._ends_line and chunk[0] == 0x0A)
        self._ends_line = chunk[-1] == 0x0A
        if not closes:
            self._pieces.append(chunk)
            self._size += len(chunk)
            self._check()
            return []
        *blocks, rest = (b"".join((*self._pieces, chunk)) if self._pieces else chunk).split(b"\n\n")
        if rest or self._pieces:
            self._keep(rest)
            self._check()
        return self._parsed(blocks)

    def close(self) -> list[ServerSentEvent]:
        """The last event of a stream that ended without the blank line, if its JSON looks whole.

        The standard drops such an event; some gateways forget the blank line after a perfectly good last one.
        """
        rest = b"".join(self._pieces)
        self._keep(b"")
        return [event for event in self._parsed([rest]) if event.data.rstrip()[-1:] in (b"}", b"]")]

    def _keep(self, rest: bytes) -> None:
        self._pieces, self._size = ([rest] if rest else []), len(rest)

    def _check(self) -> None:
        if self._size > self._limit:
            raise StreamTooLarge(f"an event is larger than {self._limit} bytes")

    def _normalised(self, chunk: bytes) -> bytes:
        # The CR at the end of a chunk already ended its line; an LF that opens the next chunk belongs to it.
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _parsed(self, blocks: list[bytes]) -> list[ServerSentEvent]:
        if self._at_start and blocks:
            self._at_start = False
            blocks[0] = blocks[0].removeprefix(b"\xef\xbb\xbf")
        return [event for block in blocks if (event := _parse(block)) is not None]


def _parse(block: bytes) -> ServerSentEvent | None:
    name = "message"
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ").decode("utf-8", "replace")
    return ServerSentEvent(name, data[0] if len(data) == 1 else b"\n".join(data)) if data else None
