"""Each kind of waiting has its own limit, and an attempt knows which of them is over."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from msgspec import structs

from libs.catalog.providers import builtin
from libs.contracts.decisions import Candidate
from libs.contracts.message import Body
from libs.contracts.requests import RequestFacts, Routed
from services.provider_worker.accounts import Accounts, configured
from services.provider_worker.attempt import Attempt, Tools
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.egress import Guard
from services.provider_worker.fetch import Fetcher
from services.provider_worker.providers import Providers
from services.provider_worker.settings import WorkerSettings
from services.provider_worker.telemetry import Telemetry
from tests.conformance.answers import stream_bytes
from tests.contracts.samples import ROUTED
from tests.unit.services.provider_worker.bus import Published, screens

SETTINGS = WorkerSettings(first_byte_timeout=300.0, idle_timeout=120.0, vault_key="")
BODY = b'{"input":"Hi","stream":true}'


class Provider(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
    """Says what it is given to say, and otherwise nothing."""

    def __init__(self) -> None:
        self.called, self.read = asyncio.Event(), asyncio.Event()
        self.says: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.called.set()
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            part = await self.says.get()
            yield part
            # Asked for the next part: this one has been dealt with.
            self.read.set()

    async def say(self, part: bytes) -> None:
        self.read.clear()
        self.says.put_nowait(part)
        await asyncio.wait_for(self.read.wait(), 5)


@asynccontextmanager
async def waiting(**changes: Any) -> AsyncIterator[tuple[Attempt, Provider, Routed]]:
    """An attempt that has called its provider and waits."""
    now = time.time()
    decision = structs.replace(ROUTED.decision, candidates=[Candidate(provider="openai", model="gpt-5")], chosen=0)
    fresh: dict[str, Any] = {
        "created_at": now, "deadline": now + 900, "expires_at": now + 60, "not_before": 0.0, "patience": None, "delivered": None,
        "facts": RequestFacts(model="gpt-5", target=ROUTED.facts.target), "body": Body(inline=BODY, size=len(BODY)),
    }
    message = structs.replace(ROUTED, decision=decision, **(fresh | changes))
    bus, provider = Published(), Provider()
    accounts = Accounts(configured({"OPENAI_API_KEY": "sk-fake"}, builtin().values(), sandbox=False), Providers(builtin()), "")
    attempt = Attempt(Tools(bus, SETTINGS, accounts, provider, Fetcher(Guard()), Telemetry(bus), screens()), message, "delta.edge-1.req_1")
    task = asyncio.create_task(attempt.run())
    try:
        await asyncio.wait_for(provider.called.wait(), 5)
        yield attempt, provider, message
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def events() -> list[bytes]:
    """A recorded stream, one event each."""
    return [part + b"\n\n" for part in stream_bytes("openai", "text").split(b"\n\n") if part]


def timed_out(failure: ProviderFailure | None, words: str) -> ProviderFailure:
    assert failure is not None
    assert (failure.code, failure.billing) == ("upstream_timeout", "maybe")
    assert words in failure.message
    return failure


async def test_p79_before_the_first_byte_the_long_limit_holds() -> None:
    async with waiting() as (attempt, _, _):
        now = time.time()
        assert attempt.overdue(now + 299) is None
        assert timed_out(attempt.overdue(now + 301), "did not begin to answer for 300 seconds").fallback


async def test_p79_between_events_the_idle_limit_holds_and_begins_anew_with_each() -> None:
    async with waiting() as (attempt, provider, _):
        for part in events()[:4]:
            await provider.say(part)
            now = time.time()
            assert attempt.overdue(now + 119) is None
            assert timed_out(attempt.overdue(now + 121), "the provider fell silent for 120 seconds").fallback


async def test_p79_a_keep_alive_is_no_answer_but_a_sign_of_life() -> None:
    async with waiting(patience=5.0) as (attempt, provider, _):
        await provider.say(b": keep-alive\n\n")
        assert attempt.overdue(time.time() + 4) is None
        timed_out(attempt.overdue(time.time() + 6), "no answer began within 5 seconds")


async def test_p79_patience_ends_before_the_first_byte_only() -> None:
    async with waiting(patience=5.0) as (attempt, provider, _):
        now = time.time()
        assert attempt.overdue(now + 4) is None
        assert timed_out(attempt.overdue(now + 6), "no answer began within 5 seconds").fallback
        await provider.say(events()[0])
        assert attempt.overdue(time.time() + 6) is None


@pytest.mark.parametrize("spoken", [0, 3])
async def test_p79_the_requests_deadline_is_the_last_and_nobody_else_is_tried(spoken: int) -> None:
    async with waiting(deadline=time.time() + 50) as (attempt, provider, message):
        for part in events()[:spoken]:
            await provider.say(part)
        assert attempt.overdue(message.deadline - 0.1) is None
        assert not timed_out(attempt.overdue(message.deadline + 0.1), "the request's deadline passed").fallback


async def test_p79_an_attempt_that_has_not_called_yet_is_bound_by_the_deadline_alone() -> None:
    now = time.time()
    message = structs.replace(ROUTED, deadline=now + 1000, patience=1.0)
    bus = Published()
    attempt = Attempt(Tools(bus, SETTINGS, None, Provider(), None, Telemetry(bus), screens()), message, "reply")  # type: ignore[arg-type]
    assert attempt.overdue(now + 999) is None
    assert attempt.overdue(now + 1001) is not None
