"""A listening socket that a test plays by hand, byte by byte."""

import asyncio
import socket
from types import TracebackType
from typing import Self


class RawServer:
    """Accepts on loopback; the test decides what each connection reads, says and when it ends."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listening = socket.create_server((host, port))
        self._listening.setblocking(False)
        self.host, self.port = self._listening.getsockname()[:2]
        self.url = f"http://{self.host}:{self.port}"
        self.connections: list[Connection] = []

    async def accept(self) -> "Connection":
        accepted, _ = await asyncio.get_running_loop().sock_accept(self._listening)
        self.connections.append(Connection(accepted))
        return self.connections[-1]

    async def answer(self, *parts: bytes) -> "Connection":
        """One connection: read a request, say `parts`."""
        connection = await self.accept()
        await connection.request()
        await connection.say(*parts)
        return connection

    @property
    def untouched(self) -> bool:
        """Nobody has knocked, not even unanswered."""
        try:
            waiting, _ = self._listening.accept()
        except BlockingIOError:
            return not self.connections
        waiting.close()
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listening.close()
        for connection in self.connections:
            connection.close()


class Connection:
    def __init__(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        self._socket = accepted
        self._read = b""

    async def request(self) -> tuple[str, dict[str, str], bytes]:
        """The next one: its first line, headers, body."""
        while b"\r\n\r\n" not in self._read:
            await self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0"))
        while len(self._read) < size:
            await self._more()
        body, self._read = self._read[:size], self._read[size:]
        return first, headers, body

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            await asyncio.get_running_loop().sock_sendall(self._socket, part)

    async def ended(self) -> bool:
        """Waits until the other end has closed."""
        try:
            return await asyncio.get_running_loop().sock_recv(self._socket, 1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._socket.close()

    def reset(self) -> None:
        """Break off with RST, as a process does that dies with unread data."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._socket.close()

    async def _more(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self._socket, 1 << 20)
        assert data, "the client closed the connection"
        self._read += data


def http(body: bytes = b"{}", *, status: str = "200 OK", **headers: str) -> bytes:
    """An answer with its length."""
    lines = {"content-type": "application/json", "content-length": str(len(body))}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    return f"HTTP/1.1 {status}\r\n{''.join(f'{name}: {value}' + chr(13) + chr(10) for name, value in lines.items())}\r\n".encode() + body
