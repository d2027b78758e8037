"""Fetches what clients gave the URL of, under the guard, within bounds of number, size, time and type.

A client must not learn from a failure what is behind the guard: whatever keeps a URL from being answered, the words are the same.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

import aiohttp
from msgspec import Struct
from yarl import URL

from services.provider_worker import media_types
from services.provider_worker.connections import PIECE, session
from services.provider_worker.egress import Guard
from services.provider_worker.inflate import Inflater, Undecodable

MIB = 1 << 20
_KINDS = {
    "input_image": (media_types.image, "image/*", "a PNG, JPEG, WebP, GIF, HEIC or HEIF image"),
    "input_file": (media_types.file, "application/pdf, text/*", "a PDF or text in UTF-8"),
}

Wanted = tuple[str, str]
"""The type of a part, `input_image` or `input_file`, and a URL."""


class Media(Struct, frozen=True):
    """What was fetched."""

    type: str
    """Media type."""
    content: bytes


class Unfetched(Exception):
    """A URL that is not to be had. The text is for the client, and goes on from the name of the field."""

    def __init__(self, wanted: Wanted, reason: str) -> None:
        super().__init__(reason)
        self.wanted = wanted


class Fetcher:
    """Has a session of its own, in which no connection outlives a fetch. Close it when done."""

    def __init__(
        self, guard: Guard, *, max_bytes: int = 20 * MIB, max_total: int = 50 * MIB, timeout: float = 10.0, max_urls: int = 20,
        parallel: int = 4,
    ) -> None:
        """`guard`: honours nothing but the administrator's list. `max_bytes`: of one URL. `max_total`: bytes of one request.
        `timeout`: seconds for one URL."""
        self._guard, self._timeout, self._parallel = guard, timeout, parallel
        self.max_bytes, self.max_total, self.max_urls = max_bytes, max_total, max_urls
        self._session: aiohttp.ClientSession | None = None

    async def all(self, wanted: Iterable[Wanted]) -> dict[Wanted, Media]:
        """Fetches each once. Raises Unfetched for the first that fails, and gives up the others."""
        places, left = asyncio.Semaphore(self._parallel), [self.max_total]

        async def fetched(one: Wanted) -> Media:
            async with places:
                return await self._fetch(one, left)

        tasks = {one: asyncio.ensure_future(fetched(one)) for one in wanted}
        try:
            return dict(zip(tasks, await asyncio.gather(*tasks.values()), strict=True))
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _fetch(self, one: Wanted, left: list[int]) -> Media:
        type_of, accept, meant = _KINDS[one[0]]
        content = bytearray()
        try:
            async with asyncio.timeout(self._timeout), self._get(_address(one[1]), accept) as answer:
                if answer.status != 200:
                    raise ValueError("not an answer")
                async for piece in _pieces(answer):
                    content += piece
                    left[0] -= len(piece)
                    if len(content) > self.max_bytes or left[0] < 0:
                        raise Unfetched(one, self._too_large())
        except (aiohttp.ClientError, OSError, ValueError, Undecodable):
            bounds = f"public, and answer with status 200 and no redirect within {self._timeout:g} seconds"
            raise Unfetched(one, f"could not be fetched: its address has to be {bounds}") from None
        found = type_of(_declared(answer), bytes(content))
        if found is None:
            raise Unfetched(one, f"is not {meant}")
        return Media(found, bytes(content))

    def _get(self, address: URL, accept: str) -> "aiohttp.client._RequestContextManager":
        if self._session is None:
            self._session = session(self._guard, pooled=False)
        headers = {"accept": accept, "accept-encoding": "identity", "user-agent": "tokenrouter"}
        return self._session.get(address, headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout())

    def _too_large(self) -> str:
        most = f"{self.max_bytes // MIB} MiB each and {self.max_total // MIB} MiB together"
        return f"is too large to be fetched: at most {most}"


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    inflater = None if encoding in ("identity", "") else Inflater(encoding)
    async for part in answer.content.iter_chunked(PIECE):
        for piece in [part] if inflater is None else inflater.pieces(part):
            yield piece
            await asyncio.sleep(0)
    if inflater is not None:
        inflater.end()


def _address(url: str) -> URL:
    """Raises ValueError."""
    # What is in the right form already is sent as it is: a presigned URL breaks when it is written another way.
    address = URL(url, encoded=url.isascii() and url.isprintable() and " " not in url)
    if address.scheme.lower() not in ("http", "https") or not address.raw_host or address.raw_user is not None:
        raise ValueError("not a plain address")
    return address


def _declared(answer: aiohttp.ClientResponse) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()
