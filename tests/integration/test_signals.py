"""From a worker's call to every router's decision: over a real nats-server, and for a router that starts late from the real ledger."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from nats.aio.client import Client

from libs.bus.health import Registry
from libs.bus.service import Bus
from libs.bus.settings import BusSettings
from libs.contracts.decisions import Candidate
from libs.contracts.ledger import LedgerRow
from services.provider_worker.dialect import ProviderFailure, Usage
from services.provider_worker.telemetry import Telemetry
from services.router.handlers import Router
from services.router.settings import RouterSettings
from services.router.signals import Signals
from services.router.warm import Warming
from tests.nats_server import NatsServer
from tests.recorder_process import RecorderProcess, attempt, eventually, publish

HALF_LIFE = 300.0
ONE = Candidate(provider="openai", account="2", model="gpt-5")


@asynccontextmanager
async def started(service: str, server: NatsServer, number: int) -> AsyncIterator[Bus]:
    bus = Bus(service, BusSettings(nats_url=server.url, instance=f"{service}-{number}"))
    await bus.connect()
    await bus.start()
    yield bus
    await bus.drain(1.0)
    await bus.broker.stop()


async def test_what_a_worker_learns_is_in_every_router_within_a_second(server: NatsServer) -> None:
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(started("provider-worker", server, 1))
        routers = []
        for number in range(3):
            bus = await stack.enter_async_context(started("router", server, number))
            routers.append(Router(bus, Registry(), RouterSettings(nats_url=server.url)))
            await routers[-1].listen(bus.connection)
            await bus.connection.flush()
        telemetry = Telemetry(worker)
        telemetry.start()
        stack.callback(telemetry._running.cancel)

        at = time.monotonic()
        await telemetry.answered(ONE, probe=False)
        telemetry.began(ONE, 0.5)
        telemetry.wrote(ONE, 100, 2.0)
        telemetry.limited(ONE, {"x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "30s"})
        telemetry.cached(ONE, "main:p", Usage(input_tokens=4000), time.time())
        await telemetry.failed(ONE, ProviderFailure("x"))

        def known(router: Router) -> bool:
            signal, now = router.signals.of("openai", "2", "gpt-5", time.time()), time.time()
            return bool(signal.observed and signal.failing and signal.requests_left and router.signals.cached("main:p", now))

        async with asyncio.timeout(1.0 - (time.monotonic() - at)):
            while not all(known(router) for router in routers):
                await asyncio.sleep(0.01)
        for router in routers:
            signal = router.signals.of("openai", "2", "gpt-5", time.time())
            assert (signal.ttft_s, signal.tokens_per_s, signal.requests_left) == (0.5, 50.0, 9)
            assert signal.failing == pytest.approx(1 / 4, abs=0.01)
            assert [(one.account, one.tokens) for one in router.signals.cached("main:p", time.time())] == [("2", 4000)]


def ended(number: int, provider: str, ago: float, **columns: object) -> LedgerRow:
    """An attempt that ended so many seconds ago; the provider keeps tests apart."""
    row: dict[str, Any] = {"latency_ms": 1000.0, "ttft_ms": 100.0, "output_tokens": 90, "model": "gpt-5"} | columns
    at = time.time() - ago - row["latency_ms"] / 1000
    return attempt(
        f"req_{provider}_{number}", workspace="signals", created_at=at, started_at=at, provider=provider, account="2", **row
    )


async def recorded(bus: Client, provider: str, *rows: LedgerRow) -> None:
    await publish(bus, *rows)
    await eventually(bus, f"SELECT count() FROM attempts WHERE provider = '{provider}'", f"{len(rows)}\n".__eq__)


async def warmed(bus: Client) -> Signals:
    signals = Signals(HALF_LIFE, lambda provider, model: (1.0, 50.0))
    warming = Warming(signals, time.time())
    await warming.listen(bus)
    assert warming.task is not None
    assert not warming.task.done()
    await asyncio.wait_for(warming.task, 20)
    return signals


async def test_a_router_that_starts_knows_the_last_minutes_newest_counting_most(bus: Client) -> None:
    await recorded(
        bus, "aged", ended(1, "aged", 0), ended(2, "aged", HALF_LIFE, ttft_ms=400.0, output_tokens=60),
        ended(3, "aged", 3600.0, ttft_ms=900.0),
    )
    signal = (await warmed(bus)).of("aged", "2", "gpt-5", time.time())
    assert signal.observed == pytest.approx(1.5, abs=0.1)
    assert signal.ttft_s == pytest.approx((0.1 + 0.5 * 0.4) / 1.5, rel=0.05)
    assert signal.tokens_per_s == pytest.approx((90 + 0.5 * 60) / (0.9 + 0.5 * 0.6), rel=0.05)
    assert signal.failing == 0.0


async def test_what_failed_and_what_came_whole_is_known_too_and_what_is_no_answer_is_not(bus: Client) -> None:
    failed = {"status": "failed", "ttft_ms": None, "output_tokens": 0}
    await recorded(
        bus, "mixed",
        *(ended(number, "mixed", 0, error_code="upstream_error", **failed) for number in range(3)),
        ended(3, "mixed", 0, error_code="rate_limit_exceeded", **failed), ended(4, "mixed", 0, error_code="upstream_error", own_key=True, **failed),
        # The catalog says 1 s and 50 tokens a second: 3 s for 100. It took 6.
        ended(5, "mixed", 0, ttft_ms=None, latency_ms=6000.0, output_tokens=100), ended(6, "mixed", 0, ttft_ms=None, output_tokens=0),
        ended(7, "mixed", 0, model="gpt-5-2025-08-07"),
    )
    signals = await warmed(bus)
    signal = signals.of("mixed", "2", "gpt-5", time.time())
    assert signal.observed == pytest.approx(2.0, abs=0.1)
    assert signal.failing == pytest.approx(3 / (3 + 3 + 2), abs=0.02)
    assert signals.of("mixed", "2", "gpt-5-2025-08-07", time.time()).ttft_s == pytest.approx(0.1, rel=0.05)


async def test_without_a_recorder_a_router_asks_again_and_gives_up_in_the_end(
    bus: Client, recorder: RecorderProcess, caplog: pytest.LogCaptureFixture
) -> None:
    await recorded(bus, "late", ended(1, "late", 0))
    signals = Signals(HALF_LIFE)
    recorder.stop()
    try:
        hasty, patient = Warming(signals, time.time(), tries_for=0.05, pause=0.01), Warming(signals, time.time(), pause=0.05)
        for warming in (hasty, patient):
            await warming.listen(bus)
        assert hasty.task is not None
        assert patient.task is not None
        with caplog.at_level(logging.WARNING, "tokenrouter.warm"):
            assert await asyncio.wait_for(hasty.task, 5) == 0
        assert [record.getMessage() for record in caplog.records] == ["signals not warmed"]
        assert not patient.task.done()
        assert signals.of("late", "2", "gpt-5", time.time()).observed == 0
    finally:
        recorder.start()
    assert await asyncio.wait_for(patient.task, 20) > 0
    assert signals.of("late", "2", "gpt-5", time.time()).ttft_s == pytest.approx(0.1, rel=0.05)
