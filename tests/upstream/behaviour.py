"""A call as it arrived, and how a test wants it answered."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Call:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float = field(default_factory=time.time)
    closed_at: float | None = None
    """When the caller closed the connection before the answer was whole."""
    sent: int = 0
    """Bytes of the answer's body, as the caller would decode it from chunks, that were written until then."""

    @property
    def streamed(self) -> bool:
        """Whether the caller asked for a stream; Gemini's callers do so by the path."""
        return bool(self.body.get("stream")) or ":streamGenerateContent" in self.path


@dataclass
class Behaviour:
    """How to answer a call.

    A place to break (`cut_after`, `cut_after_items`) is where the connection is closed; of a plain answer it is the middle. With
    `raw` or `endless`, that comes first there, or in place of the whole body when there is no place to break.
    """

    status: int = 200
    error: Any = None
    """JSON body of an error status."""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None
    """In place of the right one."""
    redirect_to: str | None = None
    """Where to send the caller; with status 307 unless `status` is another of its kind."""
    text: str = "Hello from upstream."
    """Of each message."""
    chunks: int = 5
    """Deltas that an item is streamed in."""
    items: int = 1
    """Output items; APIs that have one message only say all in it."""
    call: bool = False
    """The last item is a call of the first tool that was offered."""
    gap: float = 0.0
    """Seconds between two deltas."""
    delay: float = 0.0
    """Seconds before the first byte."""
    cut_after: int | None = None
    """Break after so many deltas of a stream, over all items; 0: after the opening events."""
    cut_after_items: int | None = None
    """Break after so many whole items of a stream."""
    stall_after: int | None = None
    """Say nothing more after so many deltas."""
    raw: bytes | None = None
    """Send exactly this."""
    endless: bool = False
    """A line that never ends, until the caller leaves."""
    gzip_bomb: bool = False
    """The body is a line of 128 MiB in 128 KiB of gzip."""
    patch: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Changes the whole response of a plain answer."""
    keep_alive: bool = False
    """Leave the connection open for the next call: bodies have a length or come in chunks, so that a cut is an error to the
    caller. Otherwise the end of the connection is the end of the body, and a cut looks like a clean end."""

    @property
    def breaks(self) -> bool:
        return self.cut_after is not None or self.cut_after_items is not None
