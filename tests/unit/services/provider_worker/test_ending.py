"""However an attempt ends, it ends once, and its rows say what happened."""

import asyncio
import time
from typing import Any

import msgspec
import pytest
from msgspec import structs

from libs.bus.codec import encode
from libs.catalog.providers import builtin
from libs.contracts.decisions import Candidate
from libs.contracts.deltas import Completed
from libs.contracts.ledger import LedgerRow
from libs.contracts.message import Body
from libs.contracts.requests import Cancelled, Delivered, RequestFacts, Routed
from services.provider_worker.accounts import Accounts, configured
from services.provider_worker.attempt import Tools
from services.provider_worker.egress import Guard
from services.provider_worker.fetch import Fetcher
from services.provider_worker.handlers import Worker
from services.provider_worker.providers import Providers
from services.provider_worker.telemetry import Telemetry
from tests.conformance.answers import stream_bytes
from tests.contracts.samples import ROUTED
from tests.unit.services.provider_worker.bus import Published, screens
from tests.unit.services.provider_worker.test_overdue import BODY, SETTINGS, Provider, events


class Recorded(Published):
    """A bus whose ledger takes rows, and says that they are durable when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, dict[str, Any]]] = []
        self.committed, self.durable = asyncio.Event(), asyncio.Event()

    def commit(self, rows: list[LedgerRow]) -> asyncio.Future[None]:
        self.rows += [(row.table, msgspec.json.decode(row.json)) for row in rows]
        self.committed.set()
        return asyncio.ensure_future(self._durable())

    async def _durable(self) -> None:
        await self.durable.wait()

    def table(self, name: str) -> list[dict[str, Any]]:
        return [row for table, row in self.rows if table == name]


class Raw:
    """A message as it comes from NATS."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def routed(**changes: Any) -> Routed:
    now = time.time()
    decision = structs.replace(ROUTED.decision, candidates=[Candidate(provider="openai", model="gpt-5")], chosen=0)
    fresh: dict[str, Any] = {
        "created_at": now, "deadline": now + 900, "expires_at": now + 60, "not_before": 0.0, "patience": None, "delivered": None, "keeping": None,
        "decision": decision, "facts": RequestFacts(model="gpt-5", target=ROUTED.facts.target), "body": Body(inline=BODY, size=len(BODY)),
    }
    return structs.replace(ROUTED, **(fresh | changes))


def worker(bus: Recorded, provider: Provider) -> Worker:
    accounts = Accounts(configured({"OPENAI_API_KEY": "sk-fake"}, builtin().values(), sandbox=False), Providers(builtin()), "")
    return Worker(Tools(bus, SETTINGS, accounts, provider, Fetcher(Guard()), Telemetry(bus), screens()), None)  # type: ignore[arg-type]


async def cancel(one: Worker, message: Routed) -> None:
    told = Cancelled(request_id=message.request_id, dispatch=message.dispatch, reason="client disconnected")
    await one._cancel(Raw(encode(told)))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["completed", "failed"])
async def test_a_client_that_leaves_while_the_last_words_are_written_does_not_end_it_twice(status: str) -> None:
    bus, provider, message = Recorded(), Provider(), routed()
    one = worker(bus, provider)
    handled = asyncio.create_task(one.handle(message, "delta.edge-1.req_1", 0.0))
    for part in events()[:-1] if status == "completed" else events()[:6]:
        await provider.say(part)
    provider.says.put_nowait(events()[-1] if status == "completed" else b"data: nonsense\n\n")
    await asyncio.wait_for(bus.committed.wait(), 5)
    await cancel(one, message)
    bus.durable.set()
    await asyncio.wait_for(handled, 5)
    assert [row["status"] for row in bus.table("requests")] == [status]
    assert [row["status"] for row in bus.table("attempts")] == [status]
    assert isinstance(bus.sent[-1][1], Completed)


async def test_a_cancellation_at_the_deadline_is_a_timeout_on_record() -> None:
    bus, provider, message = Recorded(), Provider(), routed(not_before=time.time() + 60, deadline=time.time() - 1)
    bus.durable.set()
    one = worker(bus, provider)
    handled = asyncio.create_task(one.handle(message, "delta.edge-1.req_1", 0.0))
    await asyncio.sleep(0)
    await cancel(one, message)
    await asyncio.wait_for(handled, 5)
    assert [(row["status"], row["http_status"], row["error_code"]) for row in bus.table("requests")] == [("failed", 504, "upstream_timeout")]


async def test_a_call_that_was_never_made_is_not_billed() -> None:
    bus, provider = Recorded(), Provider()
    message = routed(
        not_before=time.time() + 60,
        delivered=Delivered(items=Body(inline=b"[]", size=2), count=1, by=["openai/gpt-4o"], output_tokens=4, cost_usd="0.01", first_at=1795000001.0),
    )
    one = worker(bus, provider)
    handled = asyncio.create_task(one.handle(message, "delta.edge-1.req_1", 0.0))
    await asyncio.sleep(0)
    await cancel(one, message)
    await asyncio.wait_for(handled, 5)
    assert not provider.called.is_set()
    assert [(row["status"], row["billing"]) for row in bus.table("attempts")] == [("cancelled", "none")]
    [request] = bus.table("requests")
    assert (request["status"], request["output_tokens"], request["cost_usd"]) == ("cancelled", 4, "0.01")
    assert request["ttft_ms"] == pytest.approx((1795000001.0 - message.created_at) * 1000)


async def test_a_response_that_cannot_be_stowed_leaves_one_story_on_record() -> None:
    bus, provider, message = Recorded(), Provider(), routed()
    bus.durable.set()
    stow, calls = bus.store.stow, []

    async def broken_once(data: bytes) -> Body:
        calls.append(data)
        if len(calls) == 1:
            raise TimeoutError
        return await stow(data)

    bus.store.stow = broken_once  # type: ignore[method-assign]
    provider.says.put_nowait(stream_bytes("openai", "text"))
    await asyncio.wait_for(worker(bus, provider).handle(message, "delta.edge-1.req_1", 0.0), 5)
    assert len({row["status"] for row in bus.table("attempts")}) == 1
    assert len(bus.table("requests")) <= 1


async def test_what_breaks_before_the_call_says_nothing_about_the_provider() -> None:
    bus, provider = Recorded(), Provider()
    bus.durable.set()
    message = routed(body=Body(claim="gone", size=1 << 20))
    await asyncio.wait_for(worker(bus, provider).handle(message, "delta.edge-1.req_1", 0.0), 5)
    assert not provider.called.is_set()
    assert not [subject for subject, _ in bus.sent if ".telemetry." in subject]
