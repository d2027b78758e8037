"""What several modules share: the sandbox, once for all of them, since it keeps nothing that a test could find but its counts
and the prefixes it has seen; and a recorder on a bus, once for each module."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from nats.aio.client import Client

from libs.bus import topology
from tests.nats_server import NatsServer
from tests.recorder_process import RecorderProcess, eventually
from tests.sandbox_process import sandbox


@pytest.fixture(scope="package")
def sandbox_url() -> Iterator[str]:
    with sandbox() as url:
        yield url


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    started = NatsServer(tmp_path_factory.mktemp("nats"))
    started.start()
    asyncio.run(_declare(started))
    yield started
    started.stop()


async def _declare(server: NatsServer) -> None:
    connection = await server.connect()
    await topology.declare(connection.jetstream())
    await connection.close()


@pytest.fixture(scope="module")
def recorder(server: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderProcess]:
    process = RecorderProcess(server.url, tmp_path_factory.mktemp("home"))
    process.start()
    yield process
    process.stop()


@pytest_asyncio.fixture
async def bus(server: NatsServer, recorder: RecorderProcess) -> AsyncIterator[Client]:
    connection = await server.connect()
    await eventually(connection, "SELECT 1", lambda result: result == "1\n")
    yield connection
    await connection.close()
