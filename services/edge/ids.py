"""Request ids and trace context."""

import os
import re

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")


def fresh() -> tuple[str, str]:
    """A request id, `req_` + UUID (version 4), and a span id of 16 hex digits, from one draw of randomness."""
    drawn = os.urandom(24).hex()
    variant = "89ab"[int(drawn[16], 16) & 3]
    return f"req_{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:32]}", drawn[32:]


def request_id() -> str:
    """A request id alone."""
    return fresh()[0]


def traceparent(received: str | None, span: str) -> str:
    """The trace context to carry on: the client's trace with our span, or a new trace.

    https://www.w3.org/TR/trace-context/
    """
    match = _TRACEPARENT.fullmatch(received) if received else None
    trace, flags = match.groups() if match else (os.urandom(16).hex(), "01")
    return f"00-{trace}-{span}-{flags}"


def sibling(request_id: str, number: int) -> str:
    """The id of the request for a further answer: the same but for its last digits."""
    head, tail = request_id[:-12], int(request_id[-12:], 16)
    return f"{head}{(tail + number) % (1 << 48):012x}"
