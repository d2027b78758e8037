"""A bare relay in the router's shape: five processes over NATS that pass a request on and do nothing else.

It is the measure of the machine: no auth, no rules, no firewall, no ledger, so what the router costs above it is what the router
does. Run as `python -m tests.bench.relay run PROVIDER_URL`; prints the port it took.
"""

import asyncio
import signal
import socket
import subprocess
import sys
import time
import uuid
from typing import Any

import aiohttp
import nats
import uvicorn
import uvloop
from nats.aio.msg import Msg

from tests.nats_server import executable, free_port

HOPS = 3
"""Processes between edge and worker."""


async def hop(bus: str, number: int) -> None:
    """Take from one subject, publish to the next."""
    connection = await nats.connect(bus)

    async def pass_on(message: Msg) -> None:
        await connection.publish(f"hop.{number + 1}", message.data, message.reply)

    await connection.subscribe(f"hop.{number}", queue="relay", cb=pass_on)
    await asyncio.Event().wait()


async def worker(bus: str, provider: str) -> None:
    """Call the provider and answer on the reply subject."""
    connection = await nats.connect(bus)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    tasks: set[asyncio.Task[None]] = set()

    async def call(message: Msg) -> None:
        async with session.post(provider, data=message.data, headers={"content-type": "application/json"}) as answer:
            await connection.publish(message.reply, await answer.read())

    async def take(message: Msg) -> None:
        task = asyncio.create_task(call(message))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    await connection.subscribe(f"hop.{HOPS}", queue="relay", cb=take)
    await asyncio.Event().wait()


class Edge:
    """A plain ASGI application; any path will do."""

    def __init__(self, bus: str) -> None:
        self._bus = bus
        self._waiting: dict[str, asyncio.Future[bytes]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = await self._asked(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _asked(self, body: bytes) -> bytes:
        """The worker's answer."""
        name, answer = uuid.uuid4().hex, asyncio.get_running_loop().create_future()
        self._waiting[name] = answer
        try:
            await self._connection.publish("hop.0", body, f"answer.{name}")
            return await answer
        finally:
            del self._waiting[name]

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._connection = await nats.connect(self._bus)
        await self._connection.subscribe("answer.*", cb=self._answered)
        await send({"type": "lifespan.startup.complete"})
        await receive()

    async def _answered(self, message: Msg) -> None:
        waiting = self._waiting.get(message.subject.rpartition(".")[2])
        if waiting is not None and not waiting.done():
            waiting.set_result(message.data)


def run(provider: str) -> None:
    """Start all processes, say where the edge listens, and end with them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    bus_port, port = free_port(), free_port()
    bus = f"nats://127.0.0.1:{bus_port}"
    children = [subprocess.Popen([executable(), "-a", "127.0.0.1", "-p", str(bus_port)], stderr=subprocess.DEVNULL)]
    try:
        _wait_for(bus_port)
        me = [sys.executable, "-m", "tests.bench.relay"]
        children += [subprocess.Popen([*me, "hop", bus, str(number)]) for number in range(HOPS)]
        children.append(subprocess.Popen([*me, "worker", bus, provider]))
        children.append(subprocess.Popen([*me, "edge", bus, str(port)]))
        _wait_for(port)
        # The hops say nothing when they have subscribed.
        time.sleep(2.0)
        print(f"listening on {port}", flush=True)
        children[-1].wait()
    finally:
        for child in reversed(children):
            child.kill()
        for child in children:
            child.wait()


def _wait_for(port: int, seconds: float = 20.0) -> None:
    """Until somebody listens there. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port} after {seconds:.0f} s")


def main() -> None:
    match sys.argv[1:]:
        case ["run", provider]:
            run(provider)
        case ["hop", bus, number]:
            uvloop.run(hop(bus, int(number)))
        case ["worker", bus, provider]:
            uvloop.run(worker(bus, provider))
        case ["edge", bus, port]:
            uvicorn.run(Edge(bus), port=int(port), log_level="warning", loop="uvloop", http="httptools", proxy_headers=False)


if __name__ == "__main__":
    main()
