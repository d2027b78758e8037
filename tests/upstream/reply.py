"""Writes one answer as its behaviour says."""

import asyncio
import json
from types import ModuleType

from tests.upstream import chat, excess, gemini, messages, responses, wordless
from tests.upstream.behaviour import Behaviour, Call
from tests.upstream.script import Script

STALL = 3600.0
"""Seconds that nobody waits."""


class Cut(Exception):
    """The connection is to be closed here."""


class Reply:
    """One answer on one connection. Raises Cut where its behaviour breaks off."""

    def __init__(self, call: Call, behaviour: Behaviour, writer: asyncio.StreamWriter) -> None:
        self._call, self._behaviour, self._writer = call, behaviour, writer
        self._streamed = call.streamed and behaviour.status < 300
        self._chunked = False

    async def write(self) -> None:
        """Head and body."""
        behaviour = self._behaviour
        await asyncio.sleep(behaviour.delay)
        if behaviour.redirect_to is not None:
            await self._whole(b"", {"location": behaviour.redirect_to})
        elif behaviour.gzip_bomb:
            await self._whole(excess.bomb(self._streamed), {"content-encoding": "gzip"})
        elif behaviour.endless and not behaviour.breaks:
            self._head({})
            await self._endless()
        elif behaviour.raw is not None and not behaviour.breaks:
            await self._whole(behaviour.raw)
        elif behaviour.status >= 400:
            await self._whole(json.dumps(behaviour.error or {"error": {"message": "scripted failure", "type": "x"}}).encode())
        elif self._streamed:
            self._head({})
            await self._stream(_dialect(self._call.path).script(self._call, behaviour))
            await self._end()
        else:
            await self._plain(_dialect(self._call.path).script(self._call, behaviour))

    def _head(self, extra: dict[str, str], length: int | None = None) -> None:
        behaviour = self._behaviour
        status = 307 if behaviour.redirect_to is not None and behaviour.status == 200 else behaviour.status
        headers = {"content-type": behaviour.content_type or ("text/event-stream" if self._streamed else "application/json")}
        if not behaviour.keep_alive:
            headers["connection"] = "close"
        elif length is None:
            headers["transfer-encoding"], self._chunked = "chunked", True
        else:
            headers["content-length"] = str(length)
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers | extra | behaviour.headers).items())
        self._writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())

    async def _whole(self, body: bytes, extra: dict[str, str] | None = None) -> None:
        self._head(extra or {}, len(body))
        for at in range(0, len(body), len(excess.PIECE)):
            await self._send(body[at : at + len(excess.PIECE)])
        await self._writer.drain()

    async def _plain(self, script: Script) -> None:
        behaviour = self._behaviour
        body = json.dumps(behaviour.patch(script.whole) if behaviour.patch else script.whole).encode()
        if not behaviour.breaks and behaviour.stall_after is None:
            await self._whole(body)
            return
        self._head({}, len(body))
        await self._send(body[: len(body) // 2])
        if behaviour.breaks:
            await self._break()
        await asyncio.sleep(STALL)

    async def _stream(self, script: Script) -> None:
        deltas = 0
        await self._send(script.opening)
        for number, item in enumerate(script.items):
            await self._after_items(number)
            await self._send(item.opening)
            for delta in item.deltas:
                await self._after_deltas(deltas)
                await self._send(delta)
                await asyncio.sleep(self._behaviour.gap)
                deltas += 1
            await self._after_deltas(deltas)
            await self._send(item.closing)
        await self._after_items(len(script.items))
        await self._send(script.closing)

    async def _after_items(self, count: int) -> None:
        if self._behaviour.cut_after_items == count:
            await self._break()

    async def _after_deltas(self, count: int) -> None:
        if self._behaviour.cut_after == count:
            await self._break()
        if self._behaviour.stall_after == count:
            await asyncio.sleep(STALL)

    async def _break(self) -> None:
        if self._behaviour.endless:
            await self._endless()
        if self._behaviour.raw is not None:
            await self._send(self._behaviour.raw)
        raise Cut

    async def _endless(self) -> None:
        await self._send(excess.beginning(self._streamed))
        while True:
            await self._send(excess.PIECE)

    async def _send(self, body: bytes) -> None:
        if body:
            self._writer.write(b"%x\r\n%b\r\n" % (len(body), body) if self._chunked else body)
            self._call.sent += len(body)
            await self._writer.drain()

    async def _end(self) -> None:
        if self._chunked:
            self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()


def _dialect(path: str) -> ModuleType:
    """The module whose `script` answers at a path, whatever stands before it."""
    path = path.partition("?")[0]
    if path.endswith(("/embeddings", ":batchEmbedContents", "/input_tokens", "/count_tokens", ":countTokens")):
        return wordless
    if path.endswith("/messages"):
        return messages
    if path.endswith("/chat/completions"):
        return chat
    return gemini if path.endswith(("generateContent", "GenerateContent")) else responses
