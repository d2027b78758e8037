"""Runs a stage service: a FastStream application whose small HTTP side answers probes and scrapes."""

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvicorn
from faststream.asgi import AsgiFastStream, AsgiResponse, get

from libs.bus import logs, metrics
from libs.bus.service import Bus
from libs.bus.settings import BusSettings


def application(bus: Bus) -> AsgiFastStream:
    """The service as FastStream sees it: its broker, its lifecycle, its probes."""

    @get
    async def healthz(_: Any) -> AsgiResponse:
        return AsgiResponse(b'{"status":"ok"}', 200, {"content-type": "application/json"})

    @get
    async def readyz(_: Any) -> AsgiResponse:
        body = msgspec.json.encode({"ready": bus.connected, "service": bus.service, "instance": bus.instance})
        return AsgiResponse(body, 200 if bus.connected else 503, {"content-type": "application/json"})

    @get
    async def scrape(_: Any) -> AsgiResponse:
        body, kind = metrics.exposition()
        return AsgiResponse(body, 200, {"content-type": kind})

    return AsgiFastStream(
        bus.broker,
        asgi_routes=[("/healthz", healthz), ("/readyz", readyz), ("/metrics", scrape)],
        on_startup=[bus.connect],
        after_startup=[bus.start],
        on_shutdown=[bus.drain],
    )


def run(service: str, settings: BusSettings, build: Callable[[Bus], None]) -> None:
    """Run a service until SIGTERM or SIGINT, then drain it. `build` registers its stages, watches and handlers."""
    logs.configure(service, settings.instance, settings.log_level)
    bus = Bus(service, settings)
    build(bus)
    serve(application(bus), settings)


class Server(uvicorn.Server):
    """Lets WebSocket connections finish what they are at: uvicorn closes them before the application hears of the shutdown."""

    before_shutdown: Callable[[], Awaitable[None]] | None = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.before_shutdown is not None:
            for server in self.servers:
                server.close()
            await self.before_shutdown()
        await super().shutdown(sockets)


def serve(
    app: Any, settings: BusSettings, sockets: list[socket.socket] | None = None, *,
    websockets_up_to: int = 0, before_shutdown: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Run an ASGI application under uvloop. `websockets_up_to`: bytes of a frame, 0 for no WebSockets at all."""
    _yield_to_others()
    # Most objects of a request die young and without cycles; a full collection every 700 allocations is waste.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    config = uvicorn.Config(
        app, host=settings.ops_host, port=settings.ops_port, loop="uvloop", http="httptools", lifespan="on",
        ws="websockets-sansio" if websockets_up_to else "none", ws_max_size=websockets_up_to or 1,
        # Some clients answer a ping only while they read, so its answer is not waited for.
        ws_ping_interval=20.0, ws_ping_timeout=None, ws_per_message_deflate=False,
        log_config=None, access_log=False, server_header=False, date_header=False, proxy_headers=False, timeout_graceful_shutdown=60,
    )
    server = Server(config)
    server.before_shutdown = before_shutdown
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=sockets))


def _yield_to_others() -> None:
    """Under load, finish what is at hand before whoever was just sent a message runs: each turn then handles more of them.

    A request crosses nine processes; with the default policy each message preempts its sender. https://man7.org/linux/man-pages/man7/sched.7.html
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
