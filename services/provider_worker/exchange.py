"""One HTTP exchange with a provider, over httpx's transport seam.

httpx.AsyncClient and its own transport cost 2.4 ms of CPU a request; the same Request over the aiohttp transport, called
directly, 0.3 (docs/performance.md). Nothing of the client is needed here: no cookies, no redirects, no auth.
"""

from collections.abc import AsyncIterator
from functools import lru_cache

import httpx
from msgspec import Struct

from services.provider_worker.dialect import ProviderFailure


@lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    """Parsing an address costs 60 µs, and a worker knows only a few."""
    return httpx.URL(url)


class Timeouts(Struct, frozen=True, kw_only=True):
    """Seconds."""

    connect: float
    read: float

    def extension(self) -> dict[str, dict[str, float]]:
        return {"timeout": {"connect": self.connect, "read": self.read, "write": self.read, "pool": self.connect}}


class Exchange:
    """A provider's answer that has begun. Close it when done."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = response.headers

    def request_id(self) -> str:
        """The provider's id of the exchange; OpenAI and Anthropic name the header differently."""
        for name, value in self.headers.raw:
            if name.lower() in (b"x-request-id", b"request-id"):
                return value.decode("latin-1")
        return ""

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises ProviderFailure when it is cut off or over `limit` bytes."""
        parts: list[bytes] = []
        size = 0
        async for part in self.parts():
            size += len(part)
            if size > limit:
                raise ProviderFailure("the provider's answer is too large", billing="billed", status=self.status)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises ProviderFailure when the connection breaks or falls silent."""
        stream = self._response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        try:
            async for part in stream:
                yield part
        except httpx.TimeoutException as error:
            raise ProviderFailure("the provider fell silent", code="upstream_timeout", billing="maybe") from error
        except httpx.TransportError as error:
            raise ProviderFailure("the connection to the provider broke", billing="maybe") from error

    async def close(self) -> None:
        await self._response.stream.aclose()  # type: ignore[union-attr]


async def send(
    transport: httpx.AsyncBaseTransport, url: str, headers: httpx.Headers, content: bytes, timeouts: Timeouts
) -> Exchange:
    """POST and wait for the answer's head. Raises ProviderFailure when there is none."""
    request = httpx.Request(
        "POST", _parsed(url), headers=headers, stream=httpx.ByteStream(content), extensions=timeouts.extension()
    )
    request.read()
    try:
        return Exchange(await transport.handle_async_request(request))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise ProviderFailure("the provider cannot be reached", code="upstream_unavailable") from error
    except httpx.TimeoutException as error:
        # The request was sent, so the provider may be at work on it, and may bill it.
        raise ProviderFailure("the provider did not answer in time", code="upstream_timeout", billing="maybe") from error
    except httpx.TransportError as error:
        raise ProviderFailure("the connection to the provider broke", billing="maybe") from error
