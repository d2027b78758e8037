"""The request body: read within its limit, and decoded without ever failing on bad input."""

import asyncio
from typing import Any

import msgspec
from litestar.types import Receive

from libs.contracts.errors import InvalidRequest, RequestTooLarge

MAX_DEPTH = 64
# A body over the limit is read to its end, up to this multiple, so that the client gets to see the error.
DISCARD_FACTOR = 4
DISCARD_SECONDS = 10.0
_decode = msgspec.json.Decoder().decode


class ClientGone(Exception):
    """The client closed the connection before it had sent everything."""


async def read(receive: Receive, content_length: str | None, limit: int) -> bytes:
    """The whole body. Raises RequestTooLarge and ClientGone."""
    declared = int(content_length) if content_length and content_length.isdigit() else 0
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message: Any = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        part = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > limit or declared > limit:
            if more:
                await _discard(receive, limit * DISCARD_FACTOR)
            raise RequestTooLarge(f"the body is larger than {limit} bytes")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _discard(receive: Receive, at_most: int) -> None:
    try:
        async with asyncio.timeout(DISCARD_SECONDS):
            while at_most > 0:
                message: Any = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                at_most -= len(message.get("body", b""))
    except TimeoutError:
        return


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; an empty body is an empty object. Raises InvalidRequest."""
    if not body.strip():
        return {}
    try:
        value = _decode(body)
    except UnicodeDecodeError:
        raise InvalidRequest("the body is not valid UTF-8") from None
    except RecursionError:
        raise InvalidRequest(f"the body is nested deeper than {MAX_DEPTH} levels") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidRequest("the body must be a JSON object")
    # Fewer brackets than the limit cannot nest deeper than it, and counting them costs next to nothing.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise InvalidRequest(f"the body is nested deeper than {MAX_DEPTH} levels")
    return value


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            return depth
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    return depth
