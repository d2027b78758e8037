"""One HTTP exchange with a provider, over httpx's transport seam.

httpx.AsyncClient and its own transport cost 2.4 ms of CPU a request; the same Request over our transport, called directly, 0.15
(docs/performance.md). Nothing of the client is needed here: no cookies, no redirects, no auth.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache

import httpx
from msgspec import Struct

from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.egress import Refused
from services.provider_worker.inflate import Inflater, Undecodable

MAX_RESPONSE_BYTES = 64 << 20


@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    """Parsing an address costs 60 µs, and a worker knows only a few."""
    return httpx.URL(url)


@lru_cache(maxsize=1024)
def _lower(name: bytes) -> str:
    """Providers send the same two dozen names with every answer."""
    return name.decode("latin-1").lower()


class Timeouts(Struct, frozen=True, kw_only=True):
    """Seconds."""

    connect: float
    """For the whole way to a connection: the name, the addresses, TLS."""
    read: float | None
    """Between two reads; None when whoever calls watches over that."""

    def extension(self) -> dict[str, dict[str, float | None]]:
        return {"timeout": {"connect": self.connect, "read": self.read, "write": self.read, "pool": self.connect}}


class Exchange:
    """A provider's answer that has begun. Close it when done; its connection goes too, unless the answer was read to its end."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = {_lower(name): value.decode("latin-1") for name, value in response.headers.raw}
        """Names in lower case; of a header that was sent several times the last."""

    def request_id(self) -> str:
        """The provider's id of the exchange; OpenAI and Anthropic name the header differently."""
        return self.headers.get("x-request-id") or self.headers.get("request-id", "")

    def content_type(self) -> str:
        """The media type, without parameters, in lower case; "" when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises ProviderFailure when it is cut off or over `limit` bytes."""
        parts = [part async for part in self.parts(limit)]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def excerpt(self, limit: int) -> bytes:
        """What can be read of an error's body, up to `limit` bytes: the status tells enough to go on with less."""
        kept = bytearray()
        try:
            async for part in self.parts(MAX_RESPONSE_BYTES):
                kept += part
                if len(kept) >= limit:
                    break
        except ProviderFailure:
            pass
        return bytes(kept[:limit])

    def parts(self, limit: int = MAX_RESPONSE_BYTES) -> AsyncIterator[bytes]:
        """The body as it arrives, in parts of 64 KiB at most. Raises ProviderFailure when the connection breaks or falls silent,
        when there are more than `limit` bytes, and for an encoding that was not asked for and is not known."""
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        return self._wire(limit) if encoding in ("identity", "") else self._inflated(encoding, limit)

    async def _wire(self, limit: int) -> AsyncIterator[bytes]:
        stream = self._response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        left = limit
        try:
            async for part in stream:
                left -= len(part)
                if left < 0:
                    raise self._too_large(limit)
                yield part
        except httpx.TimeoutException as error:
            raise ProviderFailure("the provider fell silent", code="upstream_timeout", billing="maybe") from error
        except httpx.TransportError as error:
            raise ProviderFailure("the connection to the provider broke", billing="maybe") from error

    async def _inflated(self, encoding: str, limit: int) -> AsyncIterator[bytes]:
        left = limit
        try:
            inflater = Inflater(encoding)
            async for part in self._wire(limit):
                for piece in inflater.pieces(part):
                    left -= len(piece)
                    if left < 0:
                        raise self._too_large(limit)
                    yield piece
                    # A part may hold a thousand times its size: others get their turn in between.
                    await asyncio.sleep(0)
            inflater.end()
        except Undecodable as error:
            what = f"the provider's answer cannot be read: {error}"
            raise ProviderFailure(what, status=self.status, billing="maybe") from error

    def _too_large(self, limit: int) -> ProviderFailure:
        what = f"the provider's answer is larger than {limit} bytes"
        return ProviderFailure(what, status=self.status, billing="billed")

    async def close(self) -> None:
        await self._response.stream.aclose()  # type: ignore[union-attr]


async def send(
    transport: httpx.AsyncBaseTransport, url: str, headers: httpx.Headers, content: bytes, timeouts: Timeouts
) -> Exchange:
    """POST and wait for the answer's head. Raises ProviderFailure when there is none, or when it points elsewhere."""
    try:
        request = httpx.Request(
            "POST", _parsed(url), headers=headers, stream=httpx.ByteStream(content), extensions=timeouts.extension()
        )
        request.read()
        exchange = Exchange(await transport.handle_async_request(request))
    except Refused as error:
        raise ProviderFailure(str(error), code="upstream_unavailable") from error
    except _NOT_ACCEPTED as error:
        raise ProviderFailure("the provider cannot be reached", code="upstream_unavailable") from error
    except httpx.TimeoutException as error:
        # The request was sent, so the provider may be at work on it, and may bill it.
        raise ProviderFailure("the provider did not answer in time", code="upstream_timeout", billing="maybe") from error
    except httpx.RemoteProtocolError as error:
        raise ProviderFailure("the provider's answer is not HTTP", billing="maybe") from error
    except httpx.TransportError as error:
        raise ProviderFailure("the connection to the provider broke", billing="maybe") from error
    if not 200 <= exchange.status < 300 and exchange.status < 400:
        await exchange.close()
        what = f"the provider answered {exchange.status}: redirects are not followed; its base URL has to be the final one"
        raise ProviderFailure(what, status=exchange.status)
    return exchange


# Nothing of the request has reached the provider.
_NOT_ACCEPTED = (
    httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.ConnectError, httpx.ConnectTimeout,
    httpx.PoolTimeout, httpx.WriteError,
)
