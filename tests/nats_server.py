"""A real nats-server with JetStream for tests: free port, its own store folder, restartable in place."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client

from libs.bus import topology
from services.supervisor.probe import free_port


def executable() -> str:
    """The nats-server of the environment that runs the tests."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    assert found, "nats-server is not installed"
    return found


class NatsServer:
    """`config` is an optional configuration file; port and store folder are set here in any case."""

    def __init__(self, store: Path, config: Path | None = None, port: int = 0) -> None:
        self.store = store
        self.port = port or free_port()
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start on the same port and store as before; returns when it accepts connections."""
        arguments = [executable(), "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.store)]
        if self._config is not None:
            arguments += ["-c", str(self._config)]
        self.store.mkdir(parents=True, exist_ok=True)
        log = (self.store / "nats-server.log").open("ab")
        with log:
            self._process = subprocess.Popen(arguments, stdout=log, stderr=log)
        deadline = time.monotonic() + 10.0
        while not self._accepts():
            assert self._process.poll() is None, (self.store / "nats-server.log").read_text()
            assert time.monotonic() < deadline, "nats-server did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop gracefully."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """Stop as a crash would."""
        self._end(subprocess.Popen.kill)

    async def connect(self, **options: Any) -> Client:
        return await nats.connect(self.url, **options)

    def _accepts(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def _end(self, how: Any) -> None:
        if self._process is not None:
            how(self._process)
            self._process.wait(timeout=20)
            self._process = None


@asynccontextmanager
async def nats_server(store: Path, config: Path | None = None) -> AsyncIterator[NatsServer]:
    """A running server whose streams and buckets are declared."""
    server = NatsServer(store, config)
    await asyncio.to_thread(server.start)
    try:
        connection = await server.connect()
        await topology.declare(connection.jetstream())
        await connection.close()
        yield server
    finally:
        await asyncio.to_thread(server.stop)
