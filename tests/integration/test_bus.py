"""The bus's parts on a real nats-server: watches survive a restart, large bodies travel, ledger rows are durable and not lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import ObjectNotFoundError

from libs.bus import topology
from libs.bus.claims import INLINE_LIMIT, Claims
from libs.bus.codec import decoder
from libs.bus.ledger import LedgerWriter
from libs.bus.watch import Watch
from libs.contracts import subjects
from libs.contracts.ledger import LedgerBatch, LedgerRow
from tests.nats_server import NatsServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    running = NatsServer(tmp_path / "nats")
    running.start()
    connection = await running.connect()
    await topology.declare(connection.jetstream())
    await connection.close()
    yield running
    running.stop()


async def happens(look: object, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not look():  # type: ignore[operator]
            await asyncio.sleep(0.02)


async def connected(server: NatsServer, **options: object) -> Client:
    return await server.connect(reconnect_time_wait=0.1, max_reconnect_attempts=-1, **options)


async def test_a_watch_follows_changes_deletes_and_a_restart_of_the_server(server: NatsServer) -> None:
    seen: dict[str, bytes] = {}

    def apply(key: str, value: bytes | None, revision: int) -> None:
        if value is None:
            seen.pop(key, None)
        else:
            seen[key] = value

    watch = Watch(subjects.POLICIES_BUCKET, "firewall.*", apply)

    async def again() -> None:
        await watch.start(connection.jetstream())

    connection = await connected(server, reconnected_cb=again)
    store = await connection.jetstream().key_value(subjects.POLICIES_BUCKET)
    await store.put("firewall.a", b"1")
    await store.put("routing.a", b"not mine")
    await watch.start(connection.jetstream())
    assert seen == {"firewall.a": b"1"}
    await store.put("firewall.a", b"2")
    await store.put("firewall.b", b"3")
    await happens(lambda: seen == {"firewall.a": b"2", "firewall.b": b"3"})
    await store.delete("firewall.b")
    await happens(lambda: seen == {"firewall.a": b"2"})

    server.kill()
    server.start()
    async with asyncio.timeout(20):
        # The client may not have noticed yet that its server is another one.
        while seen.get("firewall.a") != b"4":
            with contextlib.suppress(Exception):
                await store.put("firewall.a", b"4")
            await asyncio.sleep(0.05)
    await connection.close()


async def test_a_value_that_cannot_be_used_leaves_the_last_good_one_in_force(server: NatsServer) -> None:
    seen: list[bytes | None] = []

    def apply(key: str, value: bytes | None, revision: int) -> None:
        if value == b"bad":
            raise ValueError(value)
        seen.append(value)

    connection = await connected(server)
    store = await connection.jetstream().key_value(subjects.POLICIES_BUCKET)
    await store.put("firewall.a", b"good")
    watch = Watch(subjects.POLICIES_BUCKET, "firewall.*", apply)
    await watch.start(connection.jetstream())
    await store.put("firewall.a", b"bad")
    await store.put("firewall.a", b"better")
    await happens(lambda: seen == [b"good", b"better"])
    await connection.close()


async def test_bodies_travel_inline_or_by_claim(server: NatsServer) -> None:
    connection = await connected(server)
    claims = Claims(connection.jetstream())
    small, large = b"x" * INLINE_LIMIT, b"y" * (5 << 20)
    inline, claimed = await claims.stow(small), await claims.stow(large)
    assert inline.inline == small
    assert not inline.claim
    assert claimed.inline == b""
    assert claimed.size == len(large)
    assert await claims.fetch(inline) == small
    assert await claims.fetch(claimed) == large
    await claims.discard(claimed)
    with pytest.raises(ObjectNotFoundError):
        await claims.fetch(claimed)
    await connection.close()


def started(js: JetStreamContext, name: str, timeout: float) -> LedgerWriter:
    """A writer that publishes as a service's does."""

    async def publish(payload: bytes, message_id: str) -> None:
        await js.publish(subjects.ledger("test"), payload, timeout=timeout, headers={"Nats-Msg-Id": message_id})

    writer = LedgerWriter(publish, name)
    writer.start()
    return writer


async def rows_in_stream(connection: Client) -> list[bytes]:
    js = connection.jetstream()
    last = (await js.stream_info(subjects.LEDGER_STREAM)).state.last_seq
    batches = [await js.get_msg(subjects.LEDGER_STREAM, seq) for seq in range(1, last + 1)]
    return [row.json for batch in batches for row in decoder(LedgerBatch).decode(batch.data).rows]


async def test_ledger_rows_are_grouped_and_durable(server: NatsServer) -> None:
    connection = await connected(server)
    js = connection.jetstream()

    writer = started(js, "test-1", timeout=2.0)
    rows = [LedgerRow("requests", b"%d" % number) for number in range(500)]
    await asyncio.gather(*(writer.commit([row]) for row in rows))
    assert sorted(await rows_in_stream(connection), key=int) == [row.json for row in rows]
    assert (await js.stream_info(subjects.LEDGER_STREAM)).state.messages < 50
    await writer.drain()
    await connection.close()


async def test_rows_that_nobody_waits_for_go_with_the_next_or_soon(server: NatsServer) -> None:
    connection = await connected(server)
    js = connection.jetstream()

    writer = started(js, "test-4", timeout=2.0)
    writer.note([LedgerRow("deliveries", b"1")])
    await writer.commit([LedgerRow("requests", b"2")])
    assert sorted(await rows_in_stream(connection)) == [b"1", b"2"]
    writer.note([LedgerRow("deliveries", b"3")])
    async with asyncio.timeout(5):
        while len(await rows_in_stream(connection)) < 3:
            await asyncio.sleep(0.02)
    writer.note([LedgerRow("deliveries", b"4")])
    await writer.drain()
    assert len(await rows_in_stream(connection)) == 4
    await connection.close()


async def test_ledger_rows_outlive_an_outage_and_come_once(server: NatsServer) -> None:
    connection = await connected(server)
    js = connection.jetstream()

    writer = started(js, "test-2", timeout=0.5)
    futures = []
    for number in range(60):
        futures.append(writer.commit([LedgerRow("requests", b"%d" % number)]))
        if number in (20, 40):
            server.kill()
        if number in (30, 50):
            server.start()
        await asyncio.sleep(0.01)
    async with asyncio.timeout(20):
        await asyncio.gather(*futures)
    assert writer.failing_since is None
    assert sorted(await rows_in_stream(connection), key=int) == [b"%d" % number for number in range(60)]
    await writer.drain()
    await connection.close()


async def test_a_full_stream_refuses_rows_rather_than_dropping_old_ones(server: NatsServer) -> None:
    connection = await connected(server)
    js = connection.jetstream()
    info = await js.stream_info(subjects.LEDGER_STREAM)
    info.config.max_bytes = 64 * 1024
    await js.update_stream(info.config)

    writer = started(js, "test-3", timeout=2.0)
    for number in range(100):
        writer.commit([LedgerRow("requests", b"%03d" % number + b"x" * 4096)])
        await asyncio.sleep(0.006)
    await happens(lambda: writer.failing_since is not None)
    kept = [row[:3] for row in await rows_in_stream(connection)]
    assert kept == [b"%03d" % number for number in range(len(kept))]

    info.config.max_bytes = 16 << 20
    await js.update_stream(info.config)
    await writer.drain()
    assert writer.failing_since is None
    assert len(await rows_in_stream(connection)) == 100
    await connection.close()
