"""Asks a port whether somebody is there and ready; without an HTTP library, which would double this process."""

import asyncio
import json
import os
import socket
from itertools import count


async def ready(host: str, port: int, instance: str) -> bool:
    """Whether `/readyz` says yes. Edges share a port: an answer that names another instance does not count."""
    try:
        async with asyncio.timeout(2.0):
            status, body = await _get(host, port, "/readyz")
    except (OSError, TimeoutError, ValueError):
        return False
    return status == 200 and _instance(body) in (None, instance)


async def speaks_nats(host: str, port: int) -> bool:
    """Whether a NATS server greets. Ours does so only once JetStream runs."""
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return (await reader.read(5)) == b"INFO "
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


_PORTS = range(10_240, 32_768)
"""Below those that Linux and macOS give to outgoing connections: one of these could take a port between the look and the start."""
_numbers = count(os.getpid() * 64)
"""Processes begin at different places and go on from there, so that two that start at a time do not choose the same."""


def free_port(host: str = "127.0.0.1", wanted: int = 0) -> int:
    """A port nobody listens on: `wanted` if it is free."""
    if wanted and taken(host, wanted) is None:
        return wanted
    for _ in _PORTS:
        port = _PORTS[next(_numbers) % len(_PORTS)]
        if taken(host, port) is None:
            return port
    raise OSError(f"no free port on {host}")


def taken(host: str, port: int) -> str | None:
    """Why `port` cannot be listened on, None when it can."""
    try:
        with _socket(host) as probe:
            probe.bind((host, port))
    except OSError as error:
        return error.strerror or str(error)
    return None


def _socket(host: str) -> socket.socket:
    probe = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe


async def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(65536)
        while chunk := await reader.read(65536):
            answer += chunk
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]) if b" " in head else 0, body


def _instance(body: bytes) -> str | None:
    try:
        found = json.loads(body)["instance"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(found)
