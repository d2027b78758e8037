"""Sends an answer over HTTP at the pace of a model, or breaks off as asked."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import msgspec

from services.sandbox.asked import Event
from services.sandbox.framing import Framing
from services.sandbox.models import Pace

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
BROKEN = ("cut", "eof", "stall", "fail")
TOKENS_BEFORE_BREAK = 5


class ClientLeft(Exception):
    """The connection was closed before the answer was done."""


class Reply:
    """One HTTP reply. Its clock starts when it is made; every wait ends at once when the client leaves."""

    def __init__(self, receive: Receive, send: Send, headers: dict[str, str], pace: Pace) -> None:
        self._send, self._headers, self.pace = send, headers, pace
        self._left = asyncio.ensure_future(_until_left(receive))
        self._due = asyncio.get_running_loop().time()

    def close(self) -> None:
        self._left.cancel()

    async def pass_time(self, seconds: float) -> None:
        """Wait until `seconds` after the moment last waited for, so that delays do not add up. Raises ClientLeft."""
        self._due += seconds
        delay = max(0.0, self._due - asyncio.get_running_loop().time())
        await asyncio.wait([self._left], timeout=delay)
        if self._left.done():
            raise ClientLeft

    async def json(self, status: int, body: dict[str, Any], framing: Framing, *, cut: bool = False) -> None:
        """A whole body; `cut`: only half of it, and the connection breaks off."""
        content = framing.waiting[1] + msgspec.json.encode(body)
        await self._start(status, "application/json", len(content))
        half = content[: len(content) // 2] if cut else content
        await self._send({"type": "http.response.body", "body": half, "more_body": cut})

    async def stall(self) -> None:
        """Nothing more, until the client leaves."""
        await self._left
        raise ClientLeft

    async def stream(self, events: Iterator[Event], framing: Framing, ending: str | None) -> None:
        """The events, one write each; `ending`, one of BROKEN, is what happens after a few tokens. Raises ClientLeft."""
        await self.pass_time(self.pace.first)
        await self._start(200, framing.content_type, None)
        sent, before = 0, framing.waiting[0] + (b"[" if framing.array else b"")
        for event in events:
            if ending in ("cut", "eof", "stall") and sent >= TOKENS_BEFORE_BREAK:
                break
            await self.pass_time(event.tokens * self.pace.token)
            await self._write(before + framing.event(event))
            sent, before = sent + event.tokens, b",\r\n" if framing.array else b""
        if ending == "stall":
            await self.stall()
        if ending in (None, "fail"):
            await self._write(b"]" if framing.array else framing.closing)
        if ending != "cut":
            # Without a last body message, the server breaks the connection off.
            await self._send({"type": "http.response.body", "body": b""})

    async def _write(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _start(self, status: int, kind: str, length: int | None) -> None:
        headers = self._headers | {"content-type": kind} | ({} if length is None else {"content-length": str(length)})
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
