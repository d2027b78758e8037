"""Fetching what clients gave the URL of, from real sockets that behave well and badly."""

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from services.provider_worker.egress import Guard
from services.provider_worker.fetch import Fetcher, Media, Unfetched
from tests.raw_server import RawServer, http

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
Made = Callable[..., Fetcher]


@pytest.fixture
async def fetcher() -> AsyncIterator[Made]:
    """Under a guard that allows 127.0.0.1 and nothing else."""
    made: list[Fetcher] = []

    def make(allowed: str = "127.0.0.1", **bounds: float) -> Fetcher:
        made.append(Fetcher(Guard.of(allowed), **bounds))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as made:
        yield made


async def fetched(fetcher: Fetcher, server: RawServer, *said: bytes, kind: str = "input_image", path: str = "/a") -> Media:
    answering = asyncio.ensure_future(server.answer(*said))
    wanted = (kind, server.url + path)
    try:
        return (await asyncio.wait_for(fetcher.all([wanted]), 10))[wanted]
    finally:
        answering.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await answering


async def reason(fetcher: Fetcher, *urls: str, kind: str = "input_image") -> str:
    with pytest.raises(Unfetched) as caught:
        await asyncio.wait_for(fetcher.all([(kind, url) for url in urls]), 10)
    return str(caught.value)


async def test_p31_an_image_is_fetched_without_credentials(fetcher: Made, server: RawServer) -> None:
    asked = []

    async def serve() -> None:
        connection = await server.accept()
        asked.append(await connection.request())
        await connection.say(http(PNG, content_type="image/jpeg"))

    serving = asyncio.ensure_future(serve())
    wanted = ("input_image", f"{server.url}/a%2Fb.png?X-Signature=%7E%2b&c")
    assert await fetcher().all([wanted]) == {wanted: Media("image/png", PNG)}
    await serving
    (first, headers, body), = asked
    assert first == "GET /a%2Fb.png?X-Signature=%7E%2b&c HTTP/1.1"
    assert body == b""
    assert set(headers) == {"host", "accept", "accept-encoding", "user-agent", "connection"}


async def test_p31_a_file_is_fetched(fetcher: Made, server: RawServer) -> None:
    said = http(b"%PDF-1.7", content_type="application/pdf")
    assert await fetched(fetcher(), server, said, kind="input_file") == Media("application/pdf", b"%PDF-1.7")


@pytest.mark.parametrize(("encoding", "content"), [("gzip", gzip.compress(PNG)), ("deflate", zlib.compress(PNG))])
async def test_p31_a_compressed_image_is_unpacked(fetcher: Made, server: RawServer, encoding: str, content: bytes) -> None:
    assert (await fetched(fetcher(), server, http(content, content_type="image/png", content_encoding=encoding))).content == PNG


async def test_p31_no_failure_tells_what_is_behind_the_guard(fetcher: Made, server: RawServer) -> None:
    """Refused, closed, not found, redirected, silent, cut off, unresolvable, no URL at all: the same words."""
    said = []
    with RawServer() as hidden, RawServer() as closed:
        closed.__exit__(None, None, None)
        guarded, open_one = fetcher(allowed=""), fetcher(timeout=0.3)
        said += [await reason(guarded, f"{hidden.url}/"), await reason(guarded, f"{closed.url}/")]
        said += [await reason(guarded, f"http://localhost:{hidden.port}/"), await reason(guarded, "http://169.254.169.254/latest/")]
        assert hidden.untouched
        said += [await reason(open_one, f"{closed.url}/"), await reason(open_one, "http://nowhere.invalid/")]
        redirect = http(b"", status="302 Found", location=f"{hidden.url}/secret")
        for answer in (http(b"", status="404 X"), redirect, http(PNG, status="206 X"), b"", http(PNG, content_length="9999"), b"SSH-2.0-x\r\n"):
            with pytest.raises(Unfetched) as caught:
                await fetched(open_one, server, answer)
            said.append(str(caught.value))
        assert hidden.untouched
    said += [await reason(open_one, url) for url in ("http://", "http://[::1", "http://u:p@127.0.0.1/", "http://a b/", "ftp://x/", "http://x:99999/")]
    assert {text.replace("0.3 seconds", "10 seconds") for text in said} == {said[0]}
    assert "status 200 and no redirect within 10 seconds" in said[0]


@pytest.mark.parametrize("host", [
    "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "localhost", "LOCALHOST.", "x@127.0.0.1", "127%2e0.0.1", "127\u30020.0.1",
])
async def test_p31_no_way_to_write_a_private_host_slips_through(fetcher: Made, server: RawServer, host: str) -> None:
    await reason(fetcher(allowed=""), f"http://{host}:{server.port}/")
    assert server.untouched


@pytest.mark.parametrize(("kind", "declared", "content"), [
    ("input_image", "image/svg+xml", b"<svg onload='x'/>"), ("input_image", "text/html", b"<html>"), ("input_image", "image/png", b"<html>"),
    ("input_image", "application/pdf", b"%PDF-1.7"), ("input_file", "application/zip", b"PK\3\4"), ("input_file", "application/pdf", b"<html>"),
])
async def test_p31_only_images_and_documents(fetcher: Made, server: RawServer, kind: str, declared: str, content: bytes) -> None:
    with pytest.raises(Unfetched, match=r"^is not a"):
        await fetched(fetcher(), server, http(content, content_type=declared), kind=kind)


async def test_p31_a_body_over_the_limit_is_not_read_to_its_end(fetcher: Made, server: RawServer) -> None:
    async def endless() -> None:
        connection = await server.accept()
        await connection.request()
        await connection.say(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n", PNG)
        with contextlib.suppress(ConnectionError):
            while True:
                await connection.say(bytes(1 << 16))

    serving = asyncio.ensure_future(endless())
    assert "is too large to be fetched: at most 1 MiB each" in await reason(fetcher(max_bytes=1 << 20), f"{server.url}/a")
    await asyncio.wait_for(serving, 5)


async def test_p31_a_bomb_is_too_large(fetcher: Made, server: RawServer) -> None:
    said = http(gzip.compress(PNG + bytes(64 << 20)), content_type="image/png", content_encoding="gzip")
    with pytest.raises(Unfetched, match="too large"):
        await fetched(fetcher(), server, said)


async def test_p31_all_urls_of_a_request_share_one_limit_and_leave_together(fetcher: Made, server: RawServer) -> None:
    async def serve() -> None:
        for _ in range(3):
            await server.answer(http(PNG + bytes(400_000), content_type="image/png", content_length="9999999"))

    serving = asyncio.ensure_future(serve())
    assert "too large" in await reason(fetcher(max_total=1_000_000), *(f"{server.url}/{number}" for number in range(3)))
    await asyncio.wait_for(serving, 5)
    for connection in server.connections:
        assert await asyncio.wait_for(connection.ended(), 5)


async def test_p31_only_so_many_at_once(fetcher: Made, server: RawServer) -> None:
    getting = asyncio.ensure_future(fetcher(parallel=2).all([("input_image", f"{server.url}/{number}") for number in range(3)]))
    first, second = [await server.accept() for _ in range(2)]
    third = asyncio.ensure_future(server.accept())
    for connection in (first, second):
        await connection.request()
    assert not third.done()
    await first.say(http(PNG, content_type="image/png"))
    await (await third).request()
    for connection in server.connections[1:]:
        await connection.say(http(PNG, content_type="image/png"))
    assert len(await asyncio.wait_for(getting, 5)) == 3
