"""Readiness over a bare socket."""

import asyncio
import socket

import pytest

from services.supervisor import probe


async def answering(status: str, body: str) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.write(body.encode())
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


@pytest.mark.parametrize(("status", "body", "expected"), [
    ("200 OK", '{"ready": true, "instance": "edge-1-ab12"}', True),
    ("200 OK", '{"ready": true, "instance": "edge-2-cd34"}', False),
    ("200 OK", '{"ready": true}', True),
    ("200 OK", "ok", True),
    ("503 Service Unavailable", '{"ready": false, "instance": "edge-1-ab12"}', False),
    ("", "", False),
])
async def test_only_its_own_yes_counts(status: str, body: str, expected: bool) -> None:
    async with await answering(status, body) as server:
        assert await probe.ready("127.0.0.1", server.sockets[0].getsockname()[1], "edge-1-ab12") is expected


async def test_nobody_there_is_no() -> None:
    assert not await probe.ready("127.0.0.1", probe.free_port(), "edge-1-ab12")


def test_a_port_in_use_is_noticed_and_avoided() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert probe.taken("127.0.0.1", port)
        assert probe.free_port(wanted=port) != port
    assert probe.taken("127.0.0.1", port) is None
    assert probe.free_port(wanted=port) == port


def test_no_port_is_given_twice_though_nobody_listens_yet_nor_one_for_outgoing_connections() -> None:
    given = [probe.free_port() for _ in range(50)]
    assert len(set(given)) == 50
    assert max(given) < 32_768
