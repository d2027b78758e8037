"""The load generator, as a process of its own: `python -m tests.bench.load closed --url … --concurrency 32 --seconds 5`.

Prints one JSON object (`Result`). It speaks just enough HTTP/1.1 over kept-alive connections to cost 20-30 µs a request.
"""

import argparse
import asyncio
import gc
import re
from time import perf_counter as clock  # uvloop's own clock counts whole milliseconds
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop
from msgspec import Struct

from tests.bench import body

LONGEST = 30.0
"""Seconds that one answer may take."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_DELTA = b"event: response.output_text.delta"
_COMPLETED = b"event: response.completed"


class Result(Struct, kw_only=True):
    """What came of one load."""

    sent: int = 0
    good: int = 0
    errors: list[str] = []
    """The first few, in words."""
    seconds: float = 0.0
    chunks: int = 0
    latency_ms: dict[str, float] = {}
    """p50, p90, p99 and max, to the last byte."""
    first_byte_ms: dict[str, float] = {}


class Reply(Struct, frozen=True):
    """One answer, and when it began and ended on `clock`."""

    head: bytes
    body: bytes
    began: float
    ended: float

    def fault(self, chunks: int | None) -> str | None:
        """What is wrong with it. `chunks`: how many deltas a stream must have; None for a plain answer."""
        if not self.head.startswith(b"HTTP/1.1 200"):
            return f"{self.head.splitlines()[0].decode()}: {self.body[:200].decode(errors='replace')}"
        if chunks is None:
            return None if b'"completed"' in self.body else "not completed"
        found = self.body.count(_DELTA)
        return None if found == chunks and _COMPLETED in self.body else f"{found} deltas, completed: {_COMPLETED in self.body}"


class Connection(asyncio.Protocol):
    """A kept-alive connection with at most one request in flight."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if hasattr(self, "_reply") and not self._reply.done():
            self._reply.set_exception(ConnectionError("closed in the middle of a reply"))

    def ask(self, request: bytes) -> asyncio.Future[Reply]:
        self._reply: asyncio.Future[Reply] = self._loop.create_future()
        self._parts: list[bytes] = []
        self._head = b""
        self._began = 0.0
        self._transport.write(request)
        return self._reply

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if not self._began:
            self._began = clock()
        if self._head:
            self._parts.append(data)
        else:
            self._parts.append(data)
            head, found, rest = b"".join(self._parts).partition(b"\r\n\r\n")
            if not found:
                return
            self._head, self._parts = head, [rest]
            length = _LENGTH.search(head)
            self._length = int(length[1]) if length else None
        if self._done():
            self._reply.set_result(Reply(self._head, b"".join(self._parts), self._began, clock()))

    def _done(self) -> bool:
        if self._length is None:
            # JSON and event streams never have a bare CR, so this can only be the last chunk.
            tail = self._parts[-1] if len(self._parts[-1]) >= 7 else b"".join(self._parts[-8:])
            return tail.endswith(b"\r\n0\r\n\r\n") or tail == b"0\r\n\r\n"
        return sum(map(len, self._parts)) >= self._length


class Target:
    """Where requests go, and the connections to it that are free."""

    def __init__(self, url: str, key: str, model: str, *, stream: bool, store: bool = True) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        content = body.request(model, stream=stream, store=store)
        head = f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {key}\r\n"
        head += f"content-type: application/json\r\naccept: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        self._request = head.encode() + content
        self._free: list[Connection] = []

    async def ask(self) -> Reply:
        connection = await self._connection()
        reply = await connection.ask(self._request)
        if connection.open:
            self._free.append(connection)
        return reply

    async def _connection(self) -> Connection:
        while self._free:
            connection = self._free.pop()
            if connection.open:
                return connection
        return (await asyncio.get_running_loop().create_connection(Connection, *self._address))[1]

    def close(self) -> None:
        for connection in self._free:
            connection.close()


class Tally:
    """Sends and notes what came back."""

    def __init__(self, target: Target, chunks: int | None) -> None:
        self._target, self._chunks = target, chunks
        self.result = Result()
        self._latencies: list[float] = []
        self._first_bytes: list[float] = []

    async def once(self, due: float | None = None) -> None:
        """One request; its clock starts at `due`, so that a late sender does not hide the server's delay."""
        self.result.sent += 1
        begun = clock() if due is None else due
        try:
            reply = await asyncio.wait_for(self._target.ask(), LONGEST)
            fault = reply.fault(self._chunks)
        except (OSError, TimeoutError) as error:
            fault = repr(error)
        if fault is not None:
            self.result.errors = [*self.result.errors, fault][:10]
            return
        self.result.good += 1
        self.result.chunks += self._chunks or 0
        self._latencies.append((reply.ended - begun) * 1000)
        self._first_bytes.append((reply.began - begun) * 1000)

    def finish(self, begun: float) -> Result:
        self.result.seconds = clock() - begun
        self.result.latency_ms = quantiles(self._latencies)
        self.result.first_byte_ms = quantiles(self._first_bytes)
        return self.result


def quantiles(values: list[float]) -> dict[str, float]:
    """p50, p90, p99 and max; {} of nothing."""
    ordered = sorted(values)
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * q))], 3) for name, q in at.items()} if ordered else {}


async def closed(tally: Tally, concurrency: int, seconds: float, total: int) -> Result:
    """So many at a time, until the time is over or `total` (where not 0) have been sent."""
    begun = clock()

    async def work() -> None:
        while clock() < begun + seconds and not 0 < total <= tally.result.sent:
            await tally.once()

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return tally.finish(begun)


async def steady(tally: Tally, rate: float, seconds: float) -> Result:
    """So many a second, whatever the answers do."""
    begun = clock()
    tasks = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - clock()))
        tasks.append(asyncio.create_task(tally.once(due)))
    await asyncio.gather(*tasks)
    return tally.finish(begun)


async def run(options: argparse.Namespace) -> Result:
    target = Target(options.url, options.key, options.model, stream=options.stream, store=not options.unstored)
    tally = Tally(target, options.chunks if options.stream else None)
    try:
        if options.shape == "open":
            return await steady(tally, options.rate, options.seconds)
        return await closed(tally, options.concurrency, options.seconds, options.total)
    finally:
        target.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=["closed", "open"])
    parser.add_argument("--url", required=True, help="of the responses endpoint")
    parser.add_argument("--key", default="")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--unstored", action="store_true", help="ask for answers that are not kept")
    parser.add_argument("--chunks", type=int, default=300, help="deltas that a stream must have")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--total", type=int, default=0)
    parser.add_argument("--rate", type=float, default=25.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    print(msgspec.json.encode(uvloop.run(run(parser.parse_args()))).decode())


if __name__ == "__main__":
    main()
