"""How the events of a stream are laid out on the wire."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from services.sandbox.asked import Event


class Framing(Struct, frozen=True, kw_only=True):
    """A content type, the bytes of one event, and what ends a stream that was not broken off."""

    event: Callable[[Event], bytes]
    waiting: tuple[bytes, bytes] = (b"", b"")
    """What comes before a stream, and before an answer that is not streamed, while the model is busy."""
    content_type: str = "text/event-stream; charset=utf-8"
    closing: bytes = b""
    array: bool = False
    """The events are the elements of one JSON array, and so is an error in their place."""

    def error(self, body: dict[str, Any]) -> Any:
        """The body of an error that comes instead of a stream."""
        return [body] if self.array else body


def _json(event: Event) -> bytes:
    return msgspec.json.encode(event.data)


NAMED = Framing(event=lambda event: b"event: %b\ndata: %b\n\n" % (event.name.encode(), _json(event)))
"""Server-sent events with their names, as OpenAI's Responses and Anthropic send them."""
DONE = Framing(event=lambda event: b"data: %b\n\n" % _json(event), closing=b"data: [DONE]\n\n")
"""Data alone, ended by a word, as Chat Completions send them."""
KEPT_ALIVE = Framing(event=DONE.event, closing=DONE.closing, waiting=(b": keep-alive\n\n", b"\n\n"))
"""The same with what DeepSeek sends while it is busy: https://api-docs.deepseek.com/quick_start/rate_limit"""
CRLF = Framing(event=lambda event: b"data: %b\r\n\r\n" % _json(event), content_type="text/event-stream")
"""Data alone with CRLF and no last word, as Gemini sends them when asked with `alt=sse`."""
ARRAY = Framing(event=_json, content_type="application/json; charset=UTF-8", array=True)
"""One JSON array that grows, as Gemini sends it otherwise."""
