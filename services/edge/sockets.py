"""The open WebSockets of an edge, and the handshakes that it refuses."""

import asyncio
from typing import Any

import msgspec
from litestar.types import Receive, Scope, Send

from libs.contracts.errors import ErrorInfo
from services.edge.socket import LIFETIME, Socket
from services.edge.socket_turns import Turns


class Sockets:
    """All connections of this edge."""

    def __init__(self, max_bytes: int, lifetime: float = LIFETIME) -> None:
        self._max_bytes, self._lifetime = max_bytes, lifetime
        self._open: dict[Socket, asyncio.Task[Any] | None] = {}
        self._draining = False

    async def serve(self, turns: Turns, receive: Receive, send: Send) -> None:
        """Serve one connection to its end."""
        socket = Socket(turns, receive, send, max_bytes=self._max_bytes, lifetime=self._lifetime)
        self._open[socket] = asyncio.current_task()
        if self._draining:
            socket.retire()
        try:
            await socket.run()
        finally:
            del self._open[socket]

    async def drain(self, patience: float) -> None:
        """Let every connection finish what runs and close; wait at most `patience` seconds for it."""
        self._draining = True
        for socket in self._open:
            socket.retire()
        serving = [task for task in self._open.values() if task is not None]
        if serving:
            await asyncio.wait(serving, timeout=patience)


async def refuse(scope: Scope, receive: Receive, send: Send, error: ErrorInfo, request_id: str) -> None:
    """Answer the handshake with an error as over HTTP, where the server can; with 403 where it cannot.

    https://asgi.readthedocs.io/en/latest/extensions.html#websocket-denial-response
    """
    await receive()
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    headers = {"content-type": "application/json", **error.headers(request_id)}
    start: Any = {
        "type": "websocket.http.response.start", "status": error.status,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    body: Any = {"type": "websocket.http.response.body", "body": msgspec.json.encode(error.body(request_id)), "more_body": False}
    await send(start)
    await send(body)
