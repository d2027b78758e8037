"""Stored state on a real nats-server: what was written is read at once, changes do not overwrite each other, deletion erases."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from libs.contracts import subjects
from libs.contracts.deltas import Event
from libs.contracts.state import StoredResponse, response_id_of
from libs.responses.item_ids import response_id_in
from libs.state.conversations import Conversations
from libs.state.responses import Responses, input_items, output_items, packed, unpacked
from libs.state.store import BATCH, INLINE_LIMIT, Conflict, Store
from tests.nats_server import nats_server

LARGE = os.urandom(INLINE_LIMIT + 1)
WORKSPACE = "fake-workspace"


def subject(name: object) -> str:
    return subjects.stored_response(WORKSPACE, f"resp_{name}")


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Client]:
    async with nats_server(tmp_path / "nats") as server:
        connected = await server.connect()
        yield connected
        await connected.close()


@pytest.fixture
def store(connection: Client) -> Store:
    return another(connection)


def another(connection: Client) -> Store:
    return Store(connection, connection.jetstream(), subjects.STATE_STREAM, subjects.STATE_BODIES_BUCKET)


async def bytes_kept(connection: Client) -> int:
    info = await connection.jetstream().stream_info(f"OBJ_{subjects.STATE_BODIES_BUCKET}")
    return info.state.bytes


def message(text: str) -> dict[str, object]:
    return {"type": "message", "role": "user", "content": text}


def stored(number: int, **fields: object) -> StoredResponse:
    known = {"created_at": 1.0, "status": "completed", "response": b"{}"} | fields
    return StoredResponse(request_id=f"req_00000000-0000-4000-8000-{number:012x}", **known)  # type: ignore[arg-type]


async def test_what_one_process_writes_another_reads_at_once(connection: Client, store: Store) -> None:
    reader = another(connection)
    for number in range(50):
        revision = await store.put(subject("a"), b"%d" % number)
        value = await reader.get(subject("a"))
        assert value is not None
        assert (value.data, value.revision) == (b"%d" % number, revision)
    assert await reader.get(subject("b")) is None


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01looks like a claim", LARGE[:INLINE_LIMIT], LARGE, LARGE * 4])
async def test_a_value_of_any_size_comes_back(store: Store, data: bytes) -> None:
    await store.put(subject("a"), data)
    value = await store.get(subject("a"))
    assert value is not None
    assert value.data == data
    assert await store.get_many([subject("a")]) == {subject("a"): data}


@pytest.mark.parametrize("data", [b"small", LARGE])
async def test_a_change_on_an_old_revision_is_refused_and_leaves_nothing(connection: Client, store: Store, data: bytes) -> None:
    first = await store.put(subject("a"), b"first", expect=0)
    second = await store.put(subject("a"), b"second", expect=first)
    empty = await bytes_kept(connection)
    for expected in (0, first, second + 5):
        with pytest.raises(Conflict):
            await store.put(subject("a"), data, expect=expected)
    value = await store.get(subject("a"))
    assert value is not None
    assert value.data == b"second"
    assert await bytes_kept(connection) < empty + 2000


async def test_of_many_who_change_at_once_one_wins(connection: Client, store: Store) -> None:
    revision = await store.put(subject("a"), b"")
    tries = [another(connection).put(subject("a"), b"%d" % number, expect=revision) for number in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, int) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 19


async def test_get_many_leaves_out_what_is_missing(store: Store) -> None:
    count = BATCH + 40
    there = {subject(number): b"%d" % number for number in range(0, count, 2)} | {subject("large"): LARGE}
    for name, data in there.items():
        await store.put(name, data)
    assert await store.get_many([*(subject(number) for number in range(count)), subject("large"), subject("large")]) == there
    assert await store.get_many([subject("missing")]) == {}
    assert await store.get_many([]) == {}


@pytest.mark.parametrize("data", [b"fake secret text", LARGE])
async def test_delete_erases_the_bytes(connection: Client, store: Store, data: bytes) -> None:
    before = await bytes_kept(connection)
    revision = await store.put(subject("a"), data)
    assert await store.delete(subject("a"))
    assert not await store.delete(subject("a"))
    assert await store.get(subject("a")) is None
    with pytest.raises(NotFoundError):
        await connection.jetstream().get_msg(subjects.STATE_STREAM, revision)
    assert await bytes_kept(connection) < before + 2000
    await store.put(subject("a"), b"new", expect=0)


async def test_the_bytes_of_a_replaced_value_are_erased(connection: Client, store: Store) -> None:
    revision = await store.put(subject("a"), LARGE)
    one = await bytes_kept(connection)
    revision = await store.put(subject("a"), LARGE, expect=revision)
    assert await bytes_kept(connection) < one + 2000
    await store.put(subject("a"), b"small", expect=revision)
    assert await bytes_kept(connection) < len(LARGE)


async def test_a_delete_removes_what_is_written_while_it_runs(connection: Client, store: Store) -> None:
    for round_ in range(20):
        name = subject(round_)
        await store.put(name, b"first")
        deleted, _ = await asyncio.gather(store.delete(name), another(connection).put(name, b"second"))
        assert deleted
        # Either the write came after the delete, or the delete took it too; never an error.
        value = await store.get(name)
        assert value is None or value.data == b"second"


async def test_reading_while_it_is_replaced_never_misses(connection: Client, store: Store) -> None:
    revision = await store.put(subject("a"), LARGE)
    over = asyncio.Event()

    async def read() -> None:
        reader = another(connection)
        while not over.is_set():
            assert await reader.get(subject("a")) is not None

    reading = asyncio.create_task(read())
    for _ in range(20):
        revision = await store.put(subject("a"), LARGE, expect=revision)
    over.set()
    await reading


async def test_purge_removes_what_matches(store: Store) -> None:
    for conversation in ("conv_a", "conv_b"):
        for number in range(3):
            await store.put(subjects.turn(WORKSPACE, conversation, number), b"x")
    await store.purge(subjects.turn(WORKSPACE, "conv_a", "*"))
    assert await store.subjects(subjects.turn(WORKSPACE, "*", "*")) == [subjects.turn(WORKSPACE, "conv_b", number) for number in range(3)]


async def test_a_response_belongs_to_its_workspace(store: Store) -> None:
    responses = Responses(store)
    one = stored(1, input=msgspec.json.encode([message("hi")]), response=b'{"output":[{"id":"msg_fake"}]}')
    await responses.put(WORKSPACE, one)
    assert await responses.get(WORKSPACE, one.response_id) == one
    assert await responses.get("fake-other", one.response_id) is None
    assert output_items(one) == [{"id": "msg_fake"}]
    (item,) = input_items(one)
    assert response_id_in(item["id"]) == response_id_of(one.request_id)
    assert not await responses.delete("fake-other", one.response_id)
    assert await responses.delete(WORKSPACE, one.response_id)
    assert await responses.get(WORKSPACE, one.response_id) is None


async def test_a_chain_is_whole_or_none(store: Store) -> None:
    responses = Responses(store)
    chain = [stored(0)]
    for number in range(1, 5):
        chain.append(stored(number, ancestors=[earlier.response_id for earlier in chain]))
    for one in chain:
        await responses.put(WORKSPACE, one)
    assert await responses.chain(WORKSPACE, chain[-1]) == chain
    assert await responses.chain(WORKSPACE, chain[0]) == chain[:1]
    await responses.delete(WORKSPACE, chain[2].response_id)
    assert await responses.chain(WORKSPACE, chain[-1]) is None


async def test_what_is_only_for_repetitions_expires(connection: Client, store: Store) -> None:
    kept, passing = stored(1), stored(2, store=False)
    for one in (kept, passing):
        await Responses(store).put(WORKSPACE, one)
    lives = []
    for one in (kept, passing):
        raw = await connection.jetstream().get_last_msg(subjects.STATE_STREAM, subjects.stored_response(WORKSPACE, one.response_id))
        lives.append((raw.headers or {}).get("Nats-TTL"))
    assert lives == [None, "86400s"]


def test_events_come_back_as_they_were_packed() -> None:
    events = [Event("response.output_text.delta", b'{"delta":"%d"}' % number) for number in range(1000)]
    assert unpacked(packed(events)) == events
    assert len(packed(events)) < 1000 * 10
    assert unpacked(b"") == []
    assert packed([Event("response.output_text.delta", LARGE * 5)]) == b""


async def test_a_conversation_keeps_its_items_in_order(store: Store) -> None:
    conversations = Conversations(store)
    made = await conversations.create(WORKSPACE, {"topic": "fake"}, [message("0")])
    assert await conversations.get(WORKSPACE, made.id) == made
    for number in range(1, 6):
        await conversations.append(WORKSPACE, made.id, [message(str(number))])
    head = await conversations.get(WORKSPACE, made.id)
    assert head is not None
    items = await conversations.items(WORKSPACE, head)
    assert [item["content"] for item in items] == ["0", "1", "2", "3", "4", "5"]
    assert len({item["id"] for item in items}) == 6
    changed = await conversations.update(WORKSPACE, made.id, {"topic": "other"})
    assert changed is not None
    assert (changed.metadata, changed.turns) == ({"topic": "other"}, 6)


async def test_nothing_is_lost_when_many_append_at_once(connection: Client, store: Store) -> None:
    made = await Conversations(store).create(WORKSPACE, {}, [])
    appended = await asyncio.gather(*(
        Conversations(another(connection)).append(WORKSPACE, made.id, [message(f"{number}a"), message(f"{number}b")]) for number in range(12)
    ))
    head = await Conversations(store).get(WORKSPACE, made.id)
    assert head is not None
    items = await Conversations(store).items(WORKSPACE, head)
    assert sorted(item["content"] for item in items) == sorted(f"{number}{half}" for number in range(12) for half in "ab")
    assert {item["id"] for item in items} == {item["id"] for some in appended for item in some or ()}
    # What came together stands together.
    assert all(first["content"][:-1] == second["content"][:-1] for first, second in zip(items[::2], items[1::2], strict=True))


async def test_an_append_that_died_before_it_counted_is_counted_or_finished(store: Store) -> None:
    conversations = Conversations(store)
    made = await conversations.create(WORKSPACE, {}, [])
    first = [message("first") | {"id": "msg_first"}]
    await store.put(subjects.turn(WORKSPACE, made.id, 0), msgspec.json.encode({"items": first}), expect=0)
    await conversations.append(WORKSPACE, made.id, first)
    second = [message("second") | {"id": "msg_second"}]
    await store.put(subjects.turn(WORKSPACE, made.id, 1), msgspec.json.encode({"items": second}), expect=0)
    await conversations.append(WORKSPACE, made.id, [message("third")])
    head = await conversations.get(WORKSPACE, made.id)
    assert head is not None
    assert [item["content"] for item in await conversations.items(WORKSPACE, head)] == ["first", "second", "third"]


async def test_a_deleted_conversation_leaves_nothing_behind(connection: Client, store: Store) -> None:
    conversations = Conversations(store)
    made = await conversations.create(WORKSPACE, {}, [message("x" * len(LARGE))])
    await conversations.append(WORKSPACE, made.id, [message("y")])
    assert not await conversations.delete("fake-other", made.id)
    assert await conversations.delete(WORKSPACE, made.id)
    assert not await conversations.delete(WORKSPACE, made.id)
    assert await conversations.append(WORKSPACE, made.id, [message("late")]) is None
    assert await conversations.update(WORKSPACE, made.id, {}) is None
    assert await store.subjects(subjects.STATE) == []
    assert await bytes_kept(connection) < 2000


async def test_a_deleted_item_is_gone_and_others_stay(connection: Client, store: Store) -> None:
    conversations = Conversations(store)
    made = await conversations.create(WORKSPACE, {}, [message(str(number)) | {"id": f"msg_{number}"} for number in range(8)])
    done = await asyncio.gather(*(
        Conversations(another(connection)).delete_item(WORKSPACE, made, f"msg_{number}") for number in range(0, 8, 2)
    ))
    assert all(done)
    assert not await conversations.delete_item(WORKSPACE, made, "msg_0")
    assert [item["id"] for item in await conversations.items(WORKSPACE, made)] == ["msg_1", "msg_3", "msg_5", "msg_7"]


@pytest.mark.parametrize("hostile", ["*", ">", "conv_*", "conv_a.b", "conv_", "conv_a b", "conv_" + "a" * 65, "resp_a", ""])
async def test_an_id_that_is_not_ours_names_nothing(store: Store, hostile: str) -> None:
    conversations = Conversations(store)
    await conversations.create(WORKSPACE, {}, [])
    assert await conversations.get(WORKSPACE, hostile) is None
    assert await conversations.update(WORKSPACE, hostile, {}) is None
    assert await conversations.append(WORKSPACE, hostile, [message("x")]) is None
    assert not await conversations.delete(WORKSPACE, hostile)
