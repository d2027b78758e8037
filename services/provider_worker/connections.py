"""Connections to providers: dialled under the guard, pooled and kept alive, spoken to over httpx's transport seam.

Errors are httpx's, and mean what they say: ConnectError and ConnectTimeout: nothing was sent; WriteError: no byte of it arrived;
ReadError, ReadTimeout and RemoteProtocolError: the request was sent and may have been accepted.
"""

import socket
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import aiohttp
import httpx
from aiohttp.connector import Connection
from multidict import CIMultiDict
from yarl import URL

from services.provider_worker.egress import Guard, Refused
from services.provider_worker.receipt import Receipt

PIECE = 1 << 16
"""Bytes of an answer that are read at once, at most."""
WRITTEN_AT_ONCE = 1 << 20
"""Bytes of a request, likewise."""
KEPT_ALIVE = 60.0
"""Seconds."""
MOST_SPOILT = 8
"""Idle connections that are passed over for one request."""
# A model may think for minutes without sending a byte; NAT gateways forget a connection that is silent for four or more.
_PROBES = {getattr(socket, name): value for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 30)) if hasattr(socket, name)}

_host: ContextVar[str] = ContextVar("host", default="")
_receipt: ContextVar[Receipt | None] = ContextVar("receipt", default=None)


class Connector(aiohttp.TCPConnector):
    """Dials only what the guard permits. The check sits where sockets are made, so it holds for names, for addresses in a URL
    (which aiohttp never resolves) and for what the resolver's cache remembers."""

    def __init__(self, guard: Guard, **options: Any) -> None:
        super().__init__(socket_factory=self._socket, limit=0, **options)
        self._guard = guard

    async def connect(self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout) -> Connection:
        _host.set(req.url.raw_host or "")
        connection = await super().connect(req, traces, timeout)
        for _ in range(MOST_SPOILT):
            # What came while a connection was idle (some servers send a 408 before they close it), aiohttp takes for the answer.
            if connection.protocol is None or not connection.protocol.should_close:
                break
            connection.close()
            connection = await super().connect(req, traces, timeout)
        receipt = _receipt.get()
        if receipt is not None:
            receipt.begin(connection.transport)
        return connection

    def _socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        host = _host.get()
        if not self._guard.permits(host, str(address[0])):
            raise Refused(host)
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in _PROBES.items():
            made.setsockopt(socket.IPPROTO_TCP, option, seconds)
        return made


def session(guard: Guard, *, pooled: bool = True) -> aiohttp.ClientSession:
    """A session without cookies, redirects, proxies or a limit of its own: the deadline and the rules limit what runs. Needs a
    running loop."""
    kept: dict[str, Any] = {"keepalive_timeout": KEPT_ALIVE} if pooled else {"force_close": True}
    return aiohttp.ClientSession(
        connector=Connector(guard, ttl_dns_cache=30, **kept), cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
        read_bufsize=1 << 18, trust_env=False, skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
    )


def transport(guard: Guard) -> httpx.AsyncBaseTransport:
    """For calls to providers. Opens its session with the first."""
    return Transport(guard)


class Transport(httpx.AsyncBaseTransport):
    """httpx-aiohttp's transport takes a connection that broke over a request for one that was never made, and lets aiohttp's own
    errors through. This one tells them apart."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError, and Refused."""
        try:
            return await self._send(request)
        except httpx.WriteError:
            # The server closed an idle connection just then. Nothing of the request arrived, so this is no second one.
            return await self._send(request)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        headers, body = _headers(request), request.content
        data: bytes | AsyncIterator[bytes] = body
        if len(body) > WRITTEN_AT_ONCE:
            # aiohttp warns of larger ones, because they hold up the loop.
            headers["content-length"], data = str(len(body)), _in_pieces(body)
        receipt = Receipt()
        token = _receipt.set(receipt)
        try:
            answer = await self._opened().request(
                request.method, _url(str(request.url)), headers=headers, data=data, allow_redirects=False,
                timeout=_timeout(**request.extensions["timeout"]),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _not_answered(error, receipt) from error
        finally:
            _receipt.reset(token)
            receipt.close()
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=Answer(answer), request=request)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = session(self._guard)
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class Answer(httpx.AsyncByteStream):
    """The body of an answer, as it was sent."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            part = await self._answer.content.read(PIECE)
        except TimeoutError as error:
            raise httpx.ReadTimeout("nothing came for too long") from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError("the connection broke") from error
        if not part:
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        # An answer that was read to its end has given its connection back already.
        if self._answer.connection is not None:
            self._answer.close()


@lru_cache(maxsize=256)
def _url(text: str) -> URL:
    return URL(text, encoded=True)


@lru_cache(maxsize=16)
def _timeout(connect: float, read: float | None, **other: float | None) -> aiohttp.ClientTimeout:
    # aiohttp's `connect` is the whole way to a connection, with the name's resolution; `sock_connect` is one address.
    return aiohttp.ClientTimeout(connect=connect, sock_connect=connect, sock_read=read)


def _headers(request: httpx.Request) -> CIMultiDict[str]:
    return CIMultiDict([(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw])


async def _in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), WRITTEN_AT_ONCE):
        yield content[at : at + WRITTEN_AT_ONCE]


def _not_answered(error: Exception, receipt: Receipt) -> Exception:
    """What an error means that came before the answer's head."""
    cause = getattr(error, "os_error", None)
    if isinstance(cause, Refused):
        return cause
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout("no connection in time")
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx.ConnectError("no connection")
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout("no answer in time")
    if _is_closed(error) and receipt.nothing_arrived():
        return httpx.WriteError("closed before anything of the request arrived")
    if isinstance(error, aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError("not an HTTP answer")
    if isinstance(error, ValueError):
        return httpx.LocalProtocolError("not a request that can be sent")
    return httpx.ReadError("the connection broke")


def _is_closed(error: Exception) -> bool:
    """Whether the connection was ended in order, or before it could be written to. A reset says nothing of what was received."""
    return isinstance(error, aiohttp.ServerDisconnectedError) or isinstance(error.__cause__, aiohttp.ClientConnectionResetError)
