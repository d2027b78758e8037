"""The recorder dies, its disk fills up, its NATS server goes away: counts and sums stay exact."""

import asyncio
import random
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from nats.aio.client import Client

from libs.contracts import subjects
from services.recorder.migrate import read_migrations
from tests.nats_server import NatsServer, nats_server
from tests.recorder_process import RecorderProcess, eventually, publish, query, request

ROWS = 2000
ANY_TIME = 60.0


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path / "nats") as started:
        yield started


@pytest_asyncio.fixture
async def bus(server: NatsServer) -> AsyncIterator[Client]:
    connection = await server.connect(reconnect_time_wait=0.05, max_reconnect_attempts=-1, error_cb=_ignore)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def recorder(server: NatsServer, tmp_path: Path) -> AsyncIterator[RecorderProcess]:
    process = RecorderProcess(server.url, tmp_path / "home")
    yield process
    await asyncio.to_thread(process.kill)


async def _ignore(_: Exception) -> None:
    """The server goes away on purpose."""


async def _up(bus: Client) -> None:
    await eventually(bus, "SELECT 1", lambda result: result == "1\n")


async def _until(satisfied: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(ANY_TIME):
        while True:
            if await satisfied():
                return
            await asyncio.sleep(0.02)


async def _acknowledged(bus: Client) -> None:
    async def all_are() -> bool:
        info = await bus.jetstream().consumer_info(subjects.LEDGER_STREAM, "recorder")
        return not info.num_pending and not info.num_ack_pending

    await _until(all_are)


async def test_kill_9_at_any_moment_neither_loses_nor_doubles_a_row(bus: Client, recorder: RecorderProcess) -> None:
    recorder.start()
    await _up(bus)
    publishing = asyncio.create_task(_publish_all_twice(bus))
    kills = 0
    while not publishing.done() or kills < 4:
        # Not to pass a race but to hit many: anywhere in fetch, insert or acknowledgement.
        await asyncio.sleep(random.uniform(0.0, 0.8))
        recorder.kill()
        kills += 1
        recorder.start()
        await _up(bus)
    await publishing
    exact = f"{ROWS}\t{ROWS}\t{sum(range(ROWS))}\t0.2500002\n"
    sums = "SELECT count(), uniqExact(request_id), sum(input_tokens), sum(cost_usd) FROM requests"
    await eventually(bus, sums, lambda result: result == exact, timeout=ANY_TIME)
    await _acknowledged(bus)
    assert await query(bus, sums) == exact


async def _publish_all_twice(bus: Client) -> None:
    """Two copies of each row, the second one some messages later; about three seconds in all."""
    for start in range(0, ROWS, 20):
        rows = [request(f"req_{n:06d}", input_tokens=n) for n in range(start, start + 20)]
        again = [request(f"req_{n:06d}", input_tokens=n) for n in range(max(0, start - 100), max(0, start - 80))]
        await publish(bus, *rows)
        await publish(bus, *again)
        await asyncio.sleep(0.03)
    await publish(bus, *[request(f"req_{n:06d}", input_tokens=n) for n in range(ROWS - 100, ROWS)])


async def _ten_rows_in_hand(bus: Client, recorder: RecorderProcess) -> None:
    """One row is stored; ten more are with the recorder, whose disk is full."""
    recorder.start()
    await _up(bus)
    await publish(bus, request("req_before"))
    await eventually(bus, "SELECT count() FROM requests", lambda result: result == "1\n")
    await _acknowledged(bus)
    _fill_disk(recorder)
    await publish(bus, *[request(f"req_{n}") for n in range(10)])

    async def tried() -> bool:
        return recorder.metric("tokenrouter_recorder_retries_total") > 0

    await _until(tried)


def _fill_disk(recorder: RecorderProcess) -> None:
    """A file size limit of zero makes every write fail, as on a full disk."""
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def _free_disk(recorder: RecorderProcess) -> None:
    resource.prlimit(recorder.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def test_kill_9_before_the_insert_loses_nothing(bus: Client, recorder: RecorderProcess) -> None:
    await _ten_rows_in_hand(bus, recorder)
    recorder.kill()
    recorder.start()
    await eventually(bus, "SELECT count() FROM requests", lambda result: result == "11\n")


async def test_kill_9_between_insert_and_acknowledgement_doubles_nothing(
    bus: Client, server: NatsServer, recorder: RecorderProcess
) -> None:
    await _ten_rows_in_hand(bus, recorder)
    # With NATS gone the rows can be stored, but not acknowledged.
    await asyncio.to_thread(server.kill)
    _free_disk(recorder)

    async def stored() -> bool:
        return recorder.metric('tokenrouter_recorded_rows_total{table="requests"}') == 11

    await _until(stored)
    recorder.kill()
    await asyncio.to_thread(server.start)
    recorder.start()
    await _up(bus)

    async def delivered_again() -> bool:
        info = await bus.jetstream().consumer_info(subjects.LEDGER_STREAM, "recorder")
        return info.delivered is not None and info.delivered.consumer_seq > 2

    await _until(delivered_again)
    await _acknowledged(bus)
    assert await query(bus, "SELECT count(), sum(cost_usd) FROM requests") == "11\t0.0013750011\n"


async def test_rows_wait_while_the_disk_is_full(bus: Client, recorder: RecorderProcess) -> None:
    await _ten_rows_in_hand(bus, recorder)
    assert await query(bus, "SELECT count() FROM requests") == "1\n"
    _free_disk(recorder)
    await eventually(bus, "SELECT count() FROM requests", lambda result: result == "11\n")
    await _acknowledged(bus)
    assert (await bus.jetstream().stream_info(subjects.DEAD_STREAM)).state.messages == 0


async def test_a_recorder_told_to_stop_leaves_nothing_half_done(bus: Client, recorder: RecorderProcess) -> None:
    recorder.start()
    await _up(bus)
    for n in range(200):
        await publish(bus, request(f"req_{n}"))
    recorder.stop()
    info = await bus.jetstream().consumer_info(subjects.LEDGER_STREAM, "recorder")
    assert info.num_ack_pending == 0
    stored = 200 - (info.num_pending or 0)
    alone = await asyncio.to_thread(recorder.sql, "SELECT count() FROM requests")
    assert (alone.returncode, alone.stdout) == (0, f"{stored}\n")


async def test_it_goes_on_after_the_nats_server_came_back(bus: Client, server: NatsServer, recorder: RecorderProcess) -> None:
    recorder.start()
    await _up(bus)
    await publish(bus, request("req_before"))
    await eventually(bus, "SELECT count() FROM requests", lambda result: result == "1\n")
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)

    async def connected() -> bool:
        return bus.is_connected

    await _until(connected)
    await publish(bus, request("req_after"))
    await eventually(bus, "SELECT count() FROM requests", lambda result: result == "2\n")


async def test_rows_stay_in_the_stream_until_the_database_can_be_reached(
    bus: Client, server: NatsServer, recorder: RecorderProcess, tmp_path: Path
) -> None:
    away = RecorderProcess(server.url, tmp_path / "away", CLICKHOUSE_URL="http://127.0.0.1:1")
    away.start()
    try:
        for n in range(5):
            await publish(bus, request(f"req_{n}"))
    finally:
        await asyncio.to_thread(away.stop)
    recorder.start()
    await eventually(bus, "SELECT count() FROM requests", lambda result: result == "5\n")


@pytest.mark.parametrize(
    ("number", "checksum", "remedy"),
    [(9999, "0", "newer than this recorder"), (read_migrations()[0].number, "0", "restore it")],
)
async def test_a_database_with_another_history_is_not_touched(
    bus: Client, recorder: RecorderProcess, tmp_path: Path, number: int, checksum: str, remedy: str
) -> None:
    recorder.start()
    await _up(bus)
    recorder.stop()
    await asyncio.to_thread(_write_history, tmp_path / "home" / "clickhouse", number, checksum)
    refused = await asyncio.to_thread(_run_to_its_end, recorder)
    assert refused.returncode == 1
    assert remedy in refused.stderr


def _run_to_its_end(recorder: RecorderProcess) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.recorder"]
    return subprocess.run(command, env=recorder.environment, capture_output=True, text=True, timeout=30, check=False)


def _write_history(path: Path, number: int, checksum: str) -> None:
    """In a process of its own, because an embedded database belongs to one."""
    sql = f"INSERT INTO tokenrouter.schema_migrations (number, name, checksum) VALUES ({number}, 'other', '{checksum}')"
    code = f"import clickhouse_connect as c; c.get_client(interface='chdb', path={str(path)!r}).command({sql!r})"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
