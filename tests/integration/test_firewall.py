"""Fail closed, on a real bus: no rule set, one that cannot be used, one that was removed, rules older than those that let a request in, scans
that take too long; and changes that every firewall knows within a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
import pytest
from msgspec import structs
from nats.aio.client import Client
from nats.js.kv import KeyValue

from libs.bus import metrics
from libs.bus.codec import decoder, encode
from libs.bus.service import Bus
from libs.bus.settings import BusSettings
from libs.contracts import subjects
from libs.contracts.decisions import Screening
from libs.contracts.deltas import DeltaMessage, Refused
from libs.contracts.message import Body
from libs.contracts.policies import FirewallRule, FirewallRules
from libs.contracts.requests import Screened, Trial
from services.firewall.app import build
from services.provider_worker.screening import Screens, Stopped
from tests.contracts.samples import ADMITTED, ROUTED
from tests.nats_server import NatsServer

_encode = msgspec.json.encode
_decode_delta = decoder(DeltaMessage).decode
_decode_screened = decoder(Screened).decode


@asynccontextmanager
async def firewall(server: NatsServer, number: int = 1) -> AsyncIterator[Bus]:
    bus = Bus("firewall", BusSettings(nats_url=server.url, instance=f"firewall-{number}"))
    build(bus)
    await bus.connect()
    await bus.start()
    yield bus
    await bus.drain(1.0)
    await bus.broker.stop()


class Asker:
    """Sends admitted requests and hears what became of them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waits: dict[str, asyncio.Future[Any]] = {}
        self._number = 0

    async def start(self) -> "Asker":
        await self._client.subscribe(subjects.delta("asker", "*"), cb=self._heard)
        await self._client.subscribe(subjects.SCREENED, cb=self._passed)
        await self._client.flush()
        return self

    async def ask(self, workspace: str, text: str, **fields: Any) -> Any:
        self._number += 1
        request_id = f"req_{workspace}_{self._number}"
        body = _encode({"input": text})
        message = structs.replace(
            ADMITTED, request_id=request_id, workspace=workspace, expires_at=time.time() + 30, deadline=time.time() + 60, edge="asker",
            body=Body(inline=body, size=len(body)), hops=[], facts=structs.replace(ADMITTED.facts, metadata={}),
            **({"preview": False, "trial": None} | fields),
        )
        self._waits[request_id] = asyncio.get_running_loop().create_future()
        await self._client.publish(subjects.admitted(workspace), encode(message), subjects.delta("asker", request_id))
        return await asyncio.wait_for(self._waits[request_id], 20)

    async def _heard(self, raw: Any) -> None:
        self._tell(_decode_delta(raw.data))

    async def _passed(self, raw: Any) -> None:
        self._tell(_decode_screened(raw.data))

    def _tell(self, message: Any) -> None:
        wait = self._waits.get(message.request_id)
        if wait is not None and not wait.done():
            wait.set_result(message)


def rules(pattern: str, *, action: Any = "block", kind: Any = "substring", scope: Any = "prompt") -> bytes:
    rule = FirewallRule(
        id=1, user_id=1, name="only", is_enabled=True, priority=0, scope=scope, type=kind, pattern=pattern, action=action,
        created_at="", updated_at="",
    )
    return _encode(FirewallRules(next_id=2, rules=[rule]))


@pytest.fixture
async def client(server: NatsServer) -> AsyncIterator[Client]:
    connection = await server.connect()
    yield connection
    await connection.close()


@pytest.fixture
async def bucket(client: Client) -> KeyValue:
    return await client.jetstream().key_value(subjects.POLICIES_BUCKET)


def refused(workspace: str) -> float:
    found: float = metrics.POLICY_REFUSED.labels(subjects.POLICIES_BUCKET, f"firewall.{workspace}")._value.get()
    return found


async def test_without_a_rule_set_nothing_passes(server: NatsServer, client: Client) -> None:
    async with firewall(server):
        answer = await (await Asker(client).start()).ask("unheard", "hello")
        assert isinstance(answer, Refused)
        assert (answer.error.status, answer.error.code) == (503, "firewall_unavailable")


@pytest.mark.parametrize("value", [b"no json", b'{"rules": [{"id": 1}]}', rules("(", kind="regex")], ids=["garbage", "not rules", "does not compile"])
async def test_a_broken_set_leaves_the_last_good_one_in_force_and_alerts(
    server: NatsServer, client: Client, bucket: KeyValue, value: bytes, request: pytest.FixtureRequest
) -> None:
    workspace = f"broken{abs(hash(value)) % 1000}"
    await bucket.put(f"firewall.{workspace}", rules("secret"))
    async with firewall(server):
        asker = await Asker(client).start()
        assert isinstance(await asker.ask(workspace, "a secret"), Refused)
        await bucket.put(f"firewall.{workspace}", value)
        async with asyncio.timeout(5):
            while not refused(workspace):
                await asyncio.sleep(0.01)
        assert isinstance(await asker.ask(workspace, "a secret"), Refused)
        assert isinstance(await asker.ask(workspace, "nothing"), Screened)
        await bucket.put(f"firewall.{workspace}", rules("nothing"))
        async with asyncio.timeout(5):
            while refused(workspace):
                await asyncio.sleep(0.01)
        assert isinstance(await asker.ask(workspace, "nothing"), Refused)
    # One that starts and finds only a set that it cannot use has none.
    await bucket.put(f"firewall.{workspace}", value)
    async with firewall(server):
        answer = await (await Asker(client).start()).ask(workspace, "nothing")
        assert isinstance(answer, Refused)
        assert answer.error.code == "firewall_unavailable"


async def test_a_set_that_is_removed_stays_in_force(server: NatsServer, client: Client, bucket: KeyValue) -> None:
    await bucket.put("firewall.removed", rules("secret"))
    async with firewall(server):
        asker = await Asker(client).start()
        await bucket.delete("firewall.removed")
        async with asyncio.timeout(5):
            while not refused("removed"):
                await asyncio.sleep(0.01)
        assert isinstance(await asker.ask("removed", "a secret"), Refused)


async def test_a_change_is_known_to_every_firewall_within_a_second(server: NatsServer, client: Client, bucket: KeyValue) -> None:
    await bucket.put("firewall.soon", rules("old"))
    async with AsyncExitStack() as stack:
        for number in range(3):
            await stack.enter_async_context(firewall(server, number))
        asker = await Asker(client).start()
        assert isinstance(await asker.ask("soon", "new"), Screened)
        changed = time.monotonic()
        await bucket.put("firewall.soon", rules("new"))
        streak = 0
        # The queue group deals requests out at random, so a row of blocks means that all three know.
        while streak < 30:
            streak = streak + 1 if isinstance(await asker.ask("soon", "new"), Refused) else 0
            assert time.monotonic() - changed < 1.0 or streak


async def test_what_takes_too_long_does_not_pass_and_holds_nobody_up(server: NatsServer, client: Client, bucket: KeyValue) -> None:
    await bucket.put("firewall.slow", rules("(?:a+b|a)", kind="regex", action="mask"))
    async with firewall(server):
        asker = await Asker(client).start()
        stalls: list[float] = []

        async def tick() -> None:
            last = time.perf_counter()
            while True:
                await asyncio.sleep(0.002)
                now = time.perf_counter()
                stalls.append(now - last)
                last = now

        ticking = asyncio.create_task(tick())
        began = time.monotonic()
        evil = asyncio.create_task(asker.ask("slow", "a" * 400_000))
        quick = await asker.ask("slow", "nothing here")
        answer = await evil
        ticking.cancel()
        assert isinstance(quick, Screened)
        assert isinstance(answer, Refused) or answer.screening.trace[0].hits == 1000
        assert time.monotonic() - began < 5.0
        assert stalls


async def test_a_worker_behind_the_firewall_calls_nobody(bucket: KeyValue) -> None:
    screens = Screens()
    routed = structs.replace(ROUTED, workspace="behind", endpoint="responses", screening=Screening(revision=9))
    with pytest.raises(Stopped) as stopped:
        await screens.of(routed)
    assert stopped.value.error.code == "firewall_unavailable"
    screens.policies.apply("firewall.behind", rules("x", scope="response"), 8)
    waiting = asyncio.create_task(screens.of(routed))
    await asyncio.sleep(0)
    screens.policies.apply("firewall.behind", rules("y", scope="response"), 9)
    assert await waiting is not None
    screens.policies.apply("firewall.behind", rules("y"), 10)
    assert await screens.of(routed) is None


async def test_a_preview_of_drafts_is_answered_here(server: NatsServer, client: Client, bucket: KeyValue) -> None:
    await bucket.put("firewall.drafts", rules("live"))
    draft = msgspec.json.decode(rules("draft", action="mask"), type=FirewallRules).rules
    async with firewall(server):
        told = await (await Asker(client).start()).ask("drafts", "a draft, live", preview=True, trial=Trial(stage="firewall", firewall=draft))
        preview = msgspec.json.decode(told.preview)
        assert (preview["action"], preview["request"]["input"]) == ("mask", "a [redacted], live")
