"""What calling a provider costs with each HTTP client: `python -m tests.bench.hop`.

Each client runs in a process of its own on one core, the mock provider on another; CPU is the client process's own.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import httpx
import uvloop
import yarl
from httpx_aiohttp import AiohttpTransport

from tests.bench import body, processes

CONCURRENCY = 32
STREAMS = 8
CHUNKS = 300
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-fake"}

Call = Callable[[str, bytes], Awaitable[int]]
"""Posts a body to an address, reads the reply to its end, and returns how many reads it took."""


@asynccontextmanager
async def plain_aiohttp() -> AsyncIterator[Call]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False) as session:

        async def call(url: str, content: bytes) -> int:
            async with session.post(url, data=content, headers=HEADERS) as response:
                return await _reads(response.content.iter_any())

        yield call


@asynccontextmanager
async def over_transport(transport: httpx.AsyncBaseTransport) -> AsyncIterator[Call]:
    async def call(url: str, content: bytes) -> int:
        return await _over(transport, httpx.Request("POST", url, content=content, headers=HEADERS))

    yield call
    await transport.aclose()


@asynccontextmanager
async def prepared_over(transport: httpx.AsyncBaseTransport) -> AsyncIterator[Call]:
    """The request made of parts that are parsed once: 4 µs instead of 60."""
    parsed: dict[str, httpx.URL] = {}

    async def call(url: str, content: bytes) -> int:
        address = parsed.get(url) or parsed.setdefault(url, httpx.URL(url))
        headers = HEADERS | {"host": address.netloc.decode(), "content-length": str(len(content))}
        return await _over(transport, httpx.Request("POST", address, stream=httpx.ByteStream(content), headers=headers))

    yield call
    await transport.aclose()


async def _over(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> int:
    response = await transport.handle_async_request(request)
    try:
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return await _reads(response.stream)
    finally:
        await response.aclose()


def _content(request: httpx.Request) -> bytes:
    assert isinstance(request.stream, httpx.SyncByteStream)
    return b"".join(request.stream)


@asynccontextmanager
async def httpx_over_aiohttp() -> AsyncIterator[Call]:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())
    async with over_transport(AiohttpTransport(client=session)) as call:
        yield call


class LeanAiohttp(httpx.AsyncBaseTransport):
    """httpx over aiohttp with the address parsed once and the timeouts made once."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._urls: dict[str, yarl.URL] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        text = str(request.url)
        url = self._urls.get(text) or self._urls.setdefault(text, yarl.URL(text, encoded=True))
        response = await self._session.request(
            request.method, url, data=_content(request), headers=list(request.headers.items()), allow_redirects=False
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_AiohttpStream(response))


class _AiohttpStream(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.content.iter_any()

    async def aclose(self) -> None:
        self._response.release()


@asynccontextmanager
async def lean_aiohttp() -> AsyncIterator[Call]:
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
        prepared_over(LeanAiohttp(session)) as call,
    ):
        yield call


@asynccontextmanager
async def plain_httpx() -> AsyncIterator[Call]:
    async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=100)) as client:

        async def call(url: str, content: bytes) -> int:
            async with client.stream("POST", url, content=content, headers=HEADERS) as response:
                return await _reads(response.aiter_raw())

        yield call


@asynccontextmanager
async def httpx_client_over_aiohttp() -> AsyncIterator[Call]:
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    async with httpx.AsyncClient(transport=AiohttpTransport(client=session)) as client:

        async def call(url: str, content: bytes) -> int:
            async with client.stream("POST", url, content=content, headers=HEADERS) as response:
                return await _reads(response.aiter_raw())

        yield call


CLIENTS = {
    "aiohttp": plain_aiohttp,
    "httpx-over-lean-aiohttp": lean_aiohttp,
    "httpx-over-aiohttp": httpx_over_aiohttp,
    "httpx-client-over-aiohttp": httpx_client_over_aiohttp,
    "httpx": plain_httpx,
}


async def _reads(chunks: object) -> int:
    reads = 0
    async for _ in chunks:  # type: ignore[attr-defined]
        reads += 1
    return reads


async def measure(client: str, url: str, requests: int) -> dict[str, float]:
    """CPU µs and rate of plain calls, CPU µs per chunk of streamed ones."""
    async with CLIENTS[client]() as call:
        plain, streamed = body.request("mock", stream=False), body.request("mock", stream=True)
        await _many(call, url, plain, CONCURRENCY, requests // 10)
        cpu, wall, _ = await _many(call, url, plain, CONCURRENCY, requests)
        found = {"cpu_us_per_request": cpu / requests * 1e6, "requests_per_second": requests / wall}
        cpu, wall, reads = await _many(call, url, streamed, STREAMS, STREAMS * 2)
        found |= {"cpu_us_per_chunk": cpu / (STREAMS * 2 * CHUNKS) * 1e6, "reads_per_stream": reads / STREAMS / 2}
    return {name: round(value, 1) for name, value in found.items()}


async def _many(call: Call, url: str, content: bytes, concurrency: int, total: int) -> tuple[float, float, int]:
    left = total
    reads = 0

    async def work() -> None:
        nonlocal left, reads
        while left > 0:
            left -= 1
            took = await call(url, content)
            reads += took

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return time.process_time() - cpu, time.perf_counter() - wall, reads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", choices=sorted(CLIENTS), help="measure one, in this process, against --url")
    parser.add_argument("--url")
    parser.add_argument("--requests", type=int, default=8000)
    options = parser.parse_args()
    if options.client:
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        print(json.dumps(uvloop.run(measure(options.client, options.url, options.requests))))
        return
    with processes.started("tests.bench.mock_provider", core=1) as mock:
        for client in CLIENTS:
            command = [sys.executable, "-m", "tests.bench.hop", "--client", client, "--requests", str(options.requests)]
            command += ["--url", f"http://127.0.0.1:{mock.port}/v1/responses"]
            done = subprocess.run(["taskset", "-c", "0", *command], check=True, capture_output=True, text=True)
            print(f"{client:28}", done.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
