"""What a client API makes of an answer: whole, as a stream, or an error."""

from typing import Literal, Protocol

import msgspec

from libs.contracts.deltas import Event
from libs.contracts.errors import ErrorInfo

StreamFormat = Literal["openai", "tokenrouter"]
_encode = msgspec.json.Encoder().encode


class Format(Protocol):
    """Writes one answer. Events are canonical and come in order; the last is completed, incomplete or failed."""

    heartbeat: bytes
    """Sent while nothing else is to be said; a comment, where the client allows one."""

    def write(self, events: list[Event]) -> bytes:
        """The bytes for some events; each of the stream's own events is whole in them. b"" when there is nothing to say yet."""
        ...

    def body(self, response: bytes) -> tuple[int, bytes]:
        """HTTP status and body for a whole answer, from the JSON of a response object."""
        ...

    def error(self, error: ErrorInfo, request_id: str) -> bytes:
        """The body of an answer that is an error."""
        ...

    def headers(self, request_id: str) -> dict[str, str]:
        """Headers that go with every answer."""
        ...


class Plain:
    """The defaults: JSON passes as it is, errors in the documented shape. Base of the other formats."""

    heartbeat = b": heartbeat\n\n"

    def write(self, events: list[Event]) -> bytes:
        return b""

    def body(self, response: bytes) -> tuple[int, bytes]:
        return 200, response

    def error(self, error: ErrorInfo, request_id: str) -> bytes:
        return _encode(error.body(request_id))

    def headers(self, request_id: str) -> dict[str, str]:
        return {"x-tokenrouter-request-id": request_id, "x-request-id": request_id}


def one_line(data: bytes) -> bytes:
    """U+2028 and U+2029 end a line for some readers; in JSON they stand only inside strings, where an escape says the same."""
    if b"\xe2\x80" in data:
        return data.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return data
