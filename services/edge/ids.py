"""Request ids and trace context."""

import re
import secrets
import uuid

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")


def request_id() -> str:
    """`req_` + UUID."""
    return f"req_{uuid.uuid4()}"


def traceparent(received: str | None) -> str:
    """The trace context to carry on: the client's trace with a span of ours, or a new trace.

    https://www.w3.org/TR/trace-context/
    """
    match = _TRACEPARENT.fullmatch(received) if received else None
    trace, flags = match.groups() if match else (secrets.token_hex(16), "01")
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"
