"""Exchanges over real sockets, with providers that close, break, redirect, flood and compress."""

import asyncio
import contextlib
import gzip
import socket
import tracemalloc
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import TypeVar

import httpx
import pytest

from services.provider_worker.connections import transport
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.egress import Guard
from services.provider_worker.exchange import Exchange, Timeouts, send
from tests.raw_server import RawServer, http

T = TypeVar("T")
MIB = 1 << 20
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Client:
    def __init__(self) -> None:
        self.transport = transport(Guard().naming(["http://127.0.0.1"]))
        self._begun: list[Exchange] = []

    async def post(
        self, server: RawServer, content: bytes = b'{"model":"m"}', *, read: float | None = None
    ) -> Exchange:
        headers = httpx.Headers({"content-type": "application/json"})
        exchange = await send(self.transport, server.url + "/v1/x", headers, content, Timeouts(connect=5.0, read=read))
        self._begun.append(exchange)
        return exchange

    async def close(self) -> None:
        for exchange in self._begun:
            await exchange.close()
        await self.transport.aclose()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    await made.close()


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as made:
        yield made


async def both(asked: Awaitable[T], answered: Awaitable[object]) -> T:
    """Client and server at the same time; what the client got."""
    task = asyncio.ensure_future(answered)
    try:
        return await asyncio.wait_for(asked, 10)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def failure(asked: Awaitable[object], answered: Awaitable[object]) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        await both(asked, answered)
    return caught.value


async def read(client: Client, server: RawServer, limit: int = MIB) -> bytes:
    exchange = await client.post(server)
    try:
        return await exchange.body(limit)
    finally:
        await exchange.close()


async def test_head_and_body(client: Client, server: RawServer) -> None:
    said = http(b'{"a":1}', Content_Type="application/json; charset=utf-8", X_Request_Id="req_fake")
    exchange = await both(client.post(server), server.answer(said))
    assert (exchange.status, exchange.request_id(), exchange.content_type()) == (200, "req_fake", "application/json")
    assert exchange.headers["x-request-id"] == "req_fake"
    assert await exchange.body(100) == b'{"a":1}'


async def test_connections_are_kept_alive_and_carry_no_cookies(client: Client, server: RawServer) -> None:
    seen = []

    async def provider() -> None:
        connection = await server.accept()
        for _ in range(3):
            seen.append((await connection.request())[1])
            await connection.say(http(set_cookie="session=fake; Path=/"))

    async def thrice() -> None:
        for _ in range(3):
            await read(client, server)

    await both(thrice(), provider())
    assert len(server.connections) == 1
    assert not any("cookie" in headers for headers in seen)


async def test_a_large_request_arrives_whole_and_unchunked(client: Client, server: RawServer) -> None:
    content = bytes(range(256)) * (3 * 4096)
    got = []

    async def provider() -> None:
        connection = await server.accept()
        got.append(await connection.request())
        await connection.say(http())

    await both(client.post(server, content), provider())
    (_, headers, body), = got
    assert body == content
    assert "transfer-encoding" not in headers


async def test_proxies_of_the_environment_are_ignored(client: Client, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert await both(read(client, server), server.answer(http())) == b"{}"
        assert proxy.untouched


# Who may have accepted the request


async def test_a_port_that_nobody_listens_on_was_not_reached(client: Client, server: RawServer) -> None:
    server.__exit__(None, None, None)
    caught = await failure(client.post(server), asyncio.sleep(0))
    assert (caught.code, caught.billing, caught.fallback) == ("upstream_unavailable", "none", True)


async def test_p79_a_name_that_is_not_resolved_in_time_was_not_reached(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    with pytest.raises(ProviderFailure) as caught:
        await send(client.transport, "http://slow.example/", httpx.Headers(), b"{}", Timeouts(connect=0.05, read=None))
    assert (caught.value.code, caught.value.billing) == ("upstream_unavailable", "none")


async def test_p79_silence_after_the_request_may_have_been_billed(client: Client, server: RawServer) -> None:
    caught = await failure(client.post(server, read=0.05), server.answer())
    assert (caught.code, caught.billing) == ("upstream_timeout", "maybe")


async def test_p79_without_a_read_timeout_nobody_watches(client: Client, server: RawServer) -> None:
    """The first exchange is under a timeout that has passed by the time the second one is answered, on the same connection."""
    async def provider() -> None:
        connection = await server.accept()
        await connection.request()
        await connection.say(http())
        await connection.request()
        await asyncio.sleep(0.2)
        await connection.say(http(b"late"))

    async def twice() -> bytes:
        await (await client.post(server, read=0.1)).body(10)
        return await (await client.post(server)).body(10)

    assert await both(twice(), provider()) == b"late"


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_connection_that_breaks_over_the_request_may_have_been_billed(client: Client, server: RawServer, end: str) -> None:
    async def provider() -> None:
        connection = await server.accept()
        await connection.request()
        getattr(connection, end)()

    caught = await failure(client.post(server), provider())
    assert (caught.code, caught.billing) == ("upstream_error", "maybe")
    assert len(server.connections) == 1


async def _idle(client: Client, server: RawServer) -> None:
    await both(read(client, server), server.answer(http()))


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="only Linux tells what has arrived")
@pytest.mark.parametrize("turns", range(4))
async def test_an_idle_connection_closed_just_then_costs_nothing(client: Client, server: RawServer, turns: int) -> None:
    """So few turns of the loop after the end of the connection, the client does not know of it when it writes, or just learns of it."""
    await _idle(client, server)
    got = []

    async def provider() -> None:
        connection = await server.accept()
        got.append(await connection.request())
        await connection.say(http(b"again"))

    async def ask() -> bytes:
        server.connections[0].close()
        for _ in range(turns):
            await asyncio.sleep(0)
        return await read(client, server)

    assert await both(ask(), provider()) == b"again"
    assert [body for _, _, body in got] == [b'{"model":"m"}']


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_request_that_was_read_is_never_sent_twice(client: Client, server: RawServer, end: str) -> None:
    await _idle(client, server)

    async def provider() -> None:
        await server.connections[0].request()
        getattr(server.connections[0], end)()
        await server.accept()

    caught = await failure(client.post(server), provider())
    assert caught.billing == "maybe"
    assert len(server.connections) == 1


async def test_what_came_while_a_connection_was_idle_is_not_an_answer(client: Client, server: RawServer) -> None:
    await _idle(client, server)
    await server.connections[0].say(http(b"unasked", status="408 Request Timeout"))
    for _ in range(3):
        await asyncio.sleep(0)  # the loop reads it
    assert await both(read(client, server), server.answer(http(b"asked"))) == b"asked"


# Answers that are none


async def test_redirects_are_not_followed(client: Client, server: RawServer) -> None:
    with RawServer() as elsewhere:
        said = http(b"", status="307 Temporary Redirect", location=f"{elsewhere.url}/secret")
        caught = await failure(client.post(server), server.answer(said))
        assert elsewhere.untouched
    assert (caught.code, caught.status, caught.fallback, caught.billing) == ("upstream_error", 307, True, "none")
    assert "redirects are not followed" in caught.message
    assert "secret" not in caught.message


@pytest.mark.parametrize("said", [
    b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(5000)) + b"\r\n",
    b"HTTP/1.1 200 OK\r\nx-long: " + b"y" * MIB + b"\r\n\r\n",
    b"HTTP/1.1 200 " + b"y" * MIB + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"SSH-2.0-OpenSSH_9.9\r\n",
    b"\x00\x01\x02\x03" * 100,
])
async def test_what_is_not_http_is_refused(client: Client, server: RawServer, said: bytes) -> None:
    caught = await failure(client.post(server), server.answer(said))
    assert (caught.code, caught.billing, caught.message) == ("upstream_error", "maybe", "the provider's answer is not HTTP")


@pytest.mark.parametrize("body", [b"zz\r\n{}\r\n", b"5\r\n{}", b"2\r\n{}\r\n2\r\nno end"])
async def test_a_body_in_bad_chunks_is_refused(client: Client, server: RawServer, body: bytes) -> None:
    async def provider() -> None:
        (await server.answer(CHUNKED, body)).close()

    assert (await failure(read(client, server), provider())).billing == "maybe"


async def test_a_body_that_is_cut_off_is_refused(client: Client, server: RawServer) -> None:
    async def provider() -> None:
        (await server.answer(http(b"{}", content_length="10"))).close()

    assert (await failure(read(client, server), provider())).message == "the connection to the provider broke"


async def test_of_an_error_as_much_is_kept_as_there_is(client: Client, server: RawServer) -> None:
    async def provider() -> None:
        (await server.answer(http(b'{"error":"slow down', status="429 X", content_length="99", retry_after="7"))).close()

    async def ask() -> tuple[int, bytes]:
        exchange = await client.post(server)
        return exchange.status, await exchange.excerpt(1000)

    assert await both(ask(), provider()) == (429, b'{"error":"slow down')


async def test_of_a_long_error_the_beginning_is_kept(client: Client, server: RawServer) -> None:
    exchange = await both(client.post(server), server.answer(http(b"e" * 5000, status="500 X")))
    assert await exchange.excerpt(10) == b"e" * 10


async def test_a_body_over_the_limit_is_refused(client: Client, server: RawServer) -> None:
    caught = await failure(read(client, server, limit=1000), server.answer(http(b"x" * 1001)))
    assert "larger than 1000 bytes" in caught.message


async def test_a_body_at_the_limit_is_read(client: Client, server: RawServer) -> None:
    assert await both(read(client, server, limit=1000), server.answer(http(b"x" * 1000))) == b"x" * 1000


# Encodings that were not asked for


def _raw_deflate(data: bytes) -> bytes:
    deflating = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflating.compress(data) + deflating.flush()


@pytest.mark.parametrize(("encoding", "encoded"), [
    ("gzip", gzip.compress(b'{"a":1}')), ("GZIP", gzip.compress(b'{"a":1}')), ("x-gzip", gzip.compress(b'{"a":1}')),
    ("deflate", zlib.compress(b'{"a":1}')), ("deflate", _raw_deflate(b'{"a":1}')), ("identity", b'{"a":1}'), ("", b'{"a":1}'),
], ids=["gzip", "GZIP", "x-gzip", "zlib", "raw deflate", "identity", "none"])
async def test_an_encoding_that_was_not_asked_for_is_undone(client: Client, server: RawServer, encoding: str, encoded: bytes) -> None:
    assert await both(read(client, server), server.answer(http(encoded, content_encoding=encoding))) == b'{"a":1}'


@pytest.mark.parametrize(("encoding", "body"), [
    ("br", b"x"), ("zstd", b"x"), ("gzip, gzip", b"x"), ("gzip", b"not gzip at all"), ("gzip", gzip.compress(b"{}" * 100)[:-9]),
    ("gzip", gzip.compress(b"{}") + b"junk"), ("deflate", zlib.compress(b"{}" * 100)[:9]),
], ids=["br", "zstd", "twice", "not gzip", "cut gzip", "gzip and more", "cut deflate"])
async def test_an_encoding_that_cannot_be_undone_is_a_failure(client: Client, server: RawServer, encoding: str, body: bytes) -> None:
    caught = await failure(read(client, server), server.answer(http(body, content_encoding=encoding)))
    assert (caught.code, caught.fallback) == ("upstream_error", True)
    assert "cannot be read" in caught.message


def _bomb(size: int) -> bytes:
    deflating = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    return b"".join(deflating.compress(bytes(MIB)) for _ in range(size // MIB)) + deflating.flush()


@pytest.fixture
def memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


async def test_a_gzip_bomb_is_read_in_small_parts_up_to_the_limit(client: Client, server: RawServer, memory: None) -> None:
    bomb, sizes = http(_bomb(256 * MIB), content_encoding="gzip"), Counter[int]()

    async def through() -> None:
        exchange = await client.post(server)
        async for part in exchange.parts(64 * MIB):
            sizes[len(part)] += 1

    tracemalloc.reset_peak()
    assert "larger than" in (await failure(through(), server.answer(bomb))).message
    assert (sizes.total() << 16, set(sizes)) == (64 * MIB, {1 << 16})
    assert tracemalloc.get_traced_memory()[1] < 4 * MIB


async def test_a_gzip_bomb_as_a_body_takes_no_more_than_the_limit(client: Client, server: RawServer, memory: None) -> None:
    bomb = http(_bomb(256 * MIB), content_encoding="gzip")
    tracemalloc.reset_peak()
    await failure(read(client, server, limit=8 * MIB), server.answer(bomb))
    assert tracemalloc.get_traced_memory()[1] < 12 * MIB


# Leaving early


async def test_the_provider_sees_a_cancelled_reader_leave(client: Client, server: RawServer) -> None:
    arrived = asyncio.Event()

    async def relay() -> None:
        exchange = await client.post(server)
        try:
            async for _ in exchange.parts():
                arrived.set()
        finally:
            await exchange.close()

    reading = asyncio.ensure_future(relay())
    connection = await server.answer(CHUNKED, b"5\r\ndata:\r\n")
    await asyncio.wait_for(arrived.wait(), 5)
    reading.cancel()
    assert await asyncio.wait_for(connection.ended(), 5)


async def test_the_provider_sees_a_cancelled_caller_leave_before_the_answer(client: Client, server: RawServer) -> None:
    asking = asyncio.ensure_future(client.post(server))
    connection = await server.answer()
    asking.cancel()
    assert await asyncio.wait_for(connection.ended(), 5)


async def test_an_abandoned_answer_closes_its_connection(client: Client, server: RawServer) -> None:
    exchange = await both(client.post(server), server.answer(CHUNKED, b"5\r\ndata:\r\n"))
    async for _ in exchange.parts():
        break
    await exchange.close()
    assert await asyncio.wait_for(server.connections[0].ended(), 5)
