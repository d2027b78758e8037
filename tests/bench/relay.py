"""A bare relay in the router's shape: five processes over NATS that pass a request on and do nothing else.

It is the measure of the machine: no auth, no rules, no firewall, no ledger, so what the router costs above it is what the router
does. Run as `python -m tests.bench.relay run PROVIDER_URL`; prints the port it took.
"""

import asyncio
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
        name = uuid.uuid4().hex
        self._waiting[name] = asyncio.get_running_loop().create_future()
        await self._connection.publish("hop.0", body, f"answer.{name}")
        answer = await self._waiting.pop(name)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._connection = await nats.connect(self._bus)
        await self._connection.subscribe("answer.*", cb=self._answered)
        await send({"type": "lifespan.startup.complete"})
        await receive()

    async def _answered(self, message: Msg) -> None:
        self._waiting[message.subject.rpartition(".")[2]].set_result(message.data)


def run(provider: str) -> None:
    """Start all processes, say where the edge listens, and end with them."""
    bus_port, port = free_port(), free_port()
    bus = f"nats://127.0.0.1:{bus_port}"
    children = [subprocess.Popen([executable(), "-a", "127.0.0.1", "-p", str(bus_port)], stderr=subprocess.DEVNULL)]
    time.sleep(0.5)
    me = [sys.executable, "-m", "tests.bench.relay"]
    children += [subprocess.Popen([*me, "hop", bus, str(number)]) for number in range(HOPS)]
    children.append(subprocess.Popen([*me, "worker", bus, provider]))
    children.append(subprocess.Popen([*me, "edge", bus, str(port)]))
    time.sleep(3.0)
    print(f"listening on {port}", flush=True)
    try:
        children[-1].wait()
    finally:
        for child in children:
            child.terminate()


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
