"""A mock of OpenAI's Responses API that costs a few microseconds, so that what is measured is the gateway.

Run as `python -m tests.bench.mock_provider --port 0`; prints the port it took. `GET /count` says what it has served.
"""

import argparse
import asyncio
import re
from typing import cast

import msgspec
import uvloop
from msgspec import Struct

from tests.bench import replies

_LENGTH = re.compile(rb"content-length:[ \t]*(\d+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_HOLE = b"0" * 12
_MODELS = b'{"object":"list","data":[{"id":"gpt-4.1-mini","object":"model","created":1,"owned_by":"mock"}]}'


class Counts(Struct):
    """Requests seen since the start."""

    plain: int = 0
    streamed: int = 0
    finished_streams: int = 0


class Behaviour:
    """What to answer, and how slowly."""

    def __init__(self, delay: float, chunks: int, gap: float) -> None:
        """`delay` before a reply begins and `gap` between chunks, in seconds."""
        self.delay, self.gap = delay, gap
        self.counts = Counts()
        self.whole = replies.whole()
        self.opening, self.deltas, self.closing = replies.stream(chunks)


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests on it are answered one after another."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        while buffer:
            body_at = buffer.find(b"\r\n\r\n") + 4
            if body_at < 4:
                break
            length = _LENGTH.search(buffer, 0, body_at)
            end = body_at + (int(length[1]) if length else 0)
            if len(buffer) < end:
                break
            self._answer(buffer[:body_at], buffer[body_at:end])
            buffer = buffer[end:]
        self._buffer = buffer

    def _answer(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path.endswith(b"/responses"):
            reply = self._stream if _STREAM.search(body) else self._whole
            if self._behaviour.delay:
                self._loop.call_later(self._behaviour.delay, reply)
            else:
                reply()
        elif path == b"/count":
            self._json(msgspec.json.encode(self._behaviour.counts))
        elif path.endswith(b"/models"):
            self._json(_MODELS)
        else:
            self._transport.write(replies.error(404, "Not Found"))

    def _json(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % len(body) + body)

    def _whole(self) -> None:
        counts = self._behaviour.counts
        counts.plain += 1
        if not self._gone:
            self._transport.write(self._behaviour.whole.replace(_HOLE, replies.NUMBER % (counts.plain + 1)))

    def _stream(self) -> None:
        counts = self._behaviour.counts
        counts.streamed += 1
        self._send(0, replies.NUMBER % (10**9 + counts.streamed), self._loop.time() + self._behaviour.gap)

    def _send(self, sent: int, number: bytes, due: float) -> None:
        """Write the next part of a stream and plan the one after; the plan is absolute, so that delays do not add up."""
        behaviour = self._behaviour
        if self._gone:
            return
        if sent > len(behaviour.deltas):
            self._transport.write(behaviour.closing.replace(_HOLE, number))
            behaviour.counts.finished_streams += 1
            return
        part = behaviour.deltas[sent - 1] if sent else behaviour.opening
        self._transport.write(part.replace(_HOLE, number))
        self._loop.call_at(due, self._send, sent + 1, number, due + behaviour.gap)


async def serve(behaviour: Behaviour, port: int) -> None:
    """Serve on loopback until cancelled."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(behaviour), "127.0.0.1", port, backlog=1024)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="before a reply begins")
    parser.add_argument("--chunks", type=int, default=300, help="delta events of a stream")
    parser.add_argument("--gap-ms", type=float, default=5.0, help="between two chunks")
    options = parser.parse_args()
    uvloop.run(serve(Behaviour(options.delay_ms / 1000, options.chunks, options.gap_ms / 1000), options.port))


if __name__ == "__main__":
    main()
