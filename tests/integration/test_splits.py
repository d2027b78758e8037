"""A weighted split over three routers that share the work on a real bus."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs
from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.bus import topology
from libs.bus.codec import decoder, encode
from libs.contracts import subjects
from libs.contracts.decisions import Ruling, Share, Target
from libs.contracts.health import Health, ProviderAccount
from libs.contracts.message import Body
from libs.contracts.requests import RequestFacts, Routed, Ruled
from tests.contracts.samples import RULED
from tests.nats_server import NatsServer, free_port

ROOT = Path(__file__).parent.parent.parent
REQUESTS = 10_000
AT_ONCE = 250
ROUTERS = 3
SPLIT = [Share(weight=70, model="gpt-4o"), Share(weight=25, model="claude-haiku-4-5"), Share(weight=5, provider="mistral")]
_decode = decoder(Routed).decode


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Client]:
    server = NatsServer(tmp_path / "nats")
    server.start()
    connection = await server.connect()
    await topology.declare(connection.jetstream())
    routers = [router(server, number, tmp_path) for number in range(ROUTERS)]
    yield connection
    for process in routers:
        process.terminate()
    for process in routers:
        process.wait(timeout=30)
    await connection.close()
    server.stop()


def router(server: NatsServer, number: int, home: Path) -> subprocess.Popen[bytes]:
    settings = {
        "NATS_URL": server.url, "TOKENROUTER_HOME": str(home), "TOKENROUTER_OPS_PORT": str(free_port()), "TOKENROUTER_INSTANCE": f"router-{number}",
    }
    return subprocess.Popen([sys.executable, "-m", "services.router"], cwd=ROOT, env=os.environ | settings, stderr=subprocess.DEVNULL)


def ruled(request_id: str) -> Ruled:
    return structs.replace(
        RULED, request_id=request_id, preview=False, delivered=None, deadline=2e9, expires_at=2e9, provider_keys={}, hops=[], keeping=None,
        facts=RequestFacts(model="auto", target=Target()), body=Body(inline=b'{"input":"hello"}', size=17),
        ruling=Ruling(revision=1, split=SPLIT, split_by=1),
    )


async def test_ten_thousand_requests_over_three_routers_keep_to_the_weights_within_one_percent(connection: Client) -> None:
    ways: Counter[str] = Counter()
    by_router: Counter[str] = Counter()
    room = asyncio.Semaphore(AT_ONCE)

    async def routed(raw: Msg) -> None:
        message = _decode(raw.data)
        by_router[message.hops[-1].instance] += 1
        if message.request_id != "first":
            ways[message.decision.candidates[0].provider] += 1
            room.release()

    await connection.subscribe(subjects.routed("*", "*"), cb=routed)
    providers = [ProviderAccount(provider=name, has_key=True, configured=True) for name in ("openai", "anthropic", "mistral")]
    beat = Health(service="provider-worker", instance="provider-worker-1", at=1.0, providers=providers)

    async def alive() -> None:
        while True:
            await connection.publish(subjects.health("provider-worker", "provider-worker-1"), encode(beat))
            await asyncio.sleep(0.5)

    beating = asyncio.create_task(alive())
    async with asyncio.timeout(100):
        while len(by_router) < ROUTERS:
            # Until a router has heard of the worker, it lets requests pass unanswered.
            await connection.publish(subjects.ruled("default"), encode(ruled("first")))
            await asyncio.sleep(0.05)
        for number in range(REQUESTS):
            await room.acquire()
            await connection.publish(subjects.ruled("default"), encode(ruled(f"req_{number}")))
        while ways.total() < REQUESTS:
            await asyncio.sleep(0.02)
    beating.cancel()
    assert ways.total() == REQUESTS
    assert len(by_router) == ROUTERS
    for provider, weight in (("openai", 0.70), ("anthropic", 0.25), ("mistral", 0.05)):
        assert abs(ways[provider] / REQUESTS - weight) < 0.01, ways
