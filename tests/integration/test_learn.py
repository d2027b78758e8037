"""Learning from feedback with a real recorder: the ledger's ratings become a KV value, where a policy asks for it and nowhere else."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.js.kv import KeyValue

from libs.catalog.models import find
from libs.contracts import subjects
from libs.contracts.ledger import LedgerRow
from libs.contracts.policies import Learned, RoutingPolicy
from libs.contracts.reading import FAMILIES
from services.recorder.learn import read
from tests.nats_server import NatsServer
from tests.recorder_process import ROOT, RecorderProcess, eventually, feedback, publish, request

DAY = 86_400.0
GOOD, BAD = "openai/gpt-5-mini", "mistral/mistral-large-4"


@pytest.fixture(scope="module")
def recorder(server: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderProcess]:
    process = RecorderProcess(server.url, tmp_path_factory.mktemp("home"), TOKENROUTER_LEARNING_INTERVAL="0.2", TOKENROUTER_RECORD_INTERVAL="0.02")
    process.start()
    yield process
    process.stop()


@pytest_asyncio.fixture
async def policies(bus: Client) -> AsyncIterator[KeyValue]:
    yield await bus.jetstream().key_value(subjects.POLICIES_BUCKET)


def numbered(number: int) -> str:
    return f"req_00000000-0000-4000-8000-{number:012}"


def rated(number: int, workspace: str, model: str, score: float, **columns: Any) -> list[LedgerRow]:
    """A request of today, and what was said of its answer."""
    own, created = numbered(number), time.time() - DAY
    reading = {"version": "1", "families": {"code": 1.0}, "difficulty": 0.5, "output_tokens": 100, "sure": 1.0}
    known: dict[str, Any] = {"candidate": model, "task_family": "code", "reading": reading, "expected_quality": 0.8} | columns
    return [
        request(own, workspace, created_at=created, **known),
        feedback(own, score, workspace, created_at=created, at=created + 60, feedback_id=f"fb_{number}"),
    ]


async def taught(bus: Client, workspace: str, rows: list[LedgerRow]) -> None:
    """The rows, readable in the ledger."""
    await publish(bus, *rows)
    for table in ("requests", "feedback"):
        count = len([row for row in rows if row.table == table])
        await eventually(bus, f"SELECT count() FROM {table} WHERE workspace = '{workspace}'", f"{count}\n".__eq__)


async def learned(bucket: KeyValue, workspace: str) -> Learned:
    async with asyncio.timeout(10):
        while (found := await read(bucket, workspace)) is None:
            await asyncio.sleep(0.02)
    return found


def command(recorder: RecorderProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.recorder.learn_cli", *arguments], cwd=ROOT, env=os.environ | recorder.environment, capture_output=True,
        text=True, timeout=60, check=False,
    )


def crowd(workspace: str) -> list[LedgerRow]:
    good = [row for number in range(40) for row in rated(number, workspace, GOOD, 0.9)]
    return [*good, *(row for number in range(40, 80) for row in rated(number, workspace, BAD, 0.3))]


async def test_ratings_become_quality_where_the_policy_says_so(bus: Client, policies: KeyValue) -> None:
    await taught(bus, "on", crowd("on"))
    await taught(bus, "off", crowd("off"))
    await policies.put("policy.off", msgspec.json.encode(RoutingPolicy(learning=False)))
    await policies.put("policy.broken", b"{")
    await policies.put("policy.on", msgspec.json.encode(RoutingPolicy(learning=True)))
    found = await learned(policies, "on")
    assert found.ratings == 80
    code = {model: families["code"] for model, families in found.models.items()}
    assert set(code) == {GOOD, BAD}
    assert code[BAD].posterior < code[BAD].prior
    assert code[GOOD].posterior > code[GOOD].prior
    catalog = find("openai", "gpt-5-mini")
    assert catalog is not None
    assert code[GOOD].prior == pytest.approx(catalog.families[FAMILIES.index("code")], abs=1e-4)
    # Once a later look has begun, the one that found this has been at all the others.
    await policies.put("policy.later", msgspec.json.encode(RoutingPolicy(learning=True)))
    assert (await learned(policies, "later")).models == {}
    assert await read(policies, "off") is None
    assert await read(policies, "broken") is None


async def test_what_teaches_nothing_is_left_out(bus: Client, policies: KeyValue) -> None:
    left_out: list[dict[str, Any]] = [
        {"sandbox": True}, {"status": "failed"}, {"endpoint": "embeddings"}, {"candidate": ""},
        {"candidate": "nobody/knows", "expected_quality": None},
    ]
    rows = [row for number, columns in enumerate(left_out) for row in rated(number, "some", GOOD, 0.0, **columns)]
    lost = feedback(numbered(99), 0.0, "some", created_at=time.time())
    late = rated(10, "some", GOOD, 0.0)
    late[1] = feedback(numbered(10), 0.0, "some", created_at=time.time() - 400 * DAY, at=time.time() - 390 * DAY)
    await taught(bus, "some", [*rows, lost, *late, *rated(11, "some", GOOD, 1.0)])
    await policies.put("policy.some", msgspec.json.encode(RoutingPolicy(learning=True)))
    found = await learned(policies, "some")
    assert (found.ratings, found.models) == (1, {})


async def test_several_opinions_on_one_answer_are_one_rating(bus: Client, policies: KeyValue) -> None:
    rows = [row for number in range(30) for row in rated(number, "keys", GOOD, 0.0)]
    created = [msgspec.json.decode(row.json)["created_at"] for row in rows if row.table == "requests"]
    rows += [feedback(numbered(number), 1.0, "keys", created_at=at, at=at + 1, api_key_id="key_2") for number, at in enumerate(created)]
    await taught(bus, "keys", rows)
    await policies.put("policy.keys", msgspec.json.encode(RoutingPolicy(learning=True)))
    found = await learned(policies, "keys")
    assert (found.ratings, found.models[GOOD]["code"].ratings) == (30, 30)
    # Their mean is 0.5, where 0.8 was expected.
    assert -0.15 < found.models[GOOD]["code"].posterior - found.models[GOOD]["code"].prior < -0.05


async def test_by_hand_it_is_shown_then_applied_then_dropped(bus: Client, policies: KeyValue, recorder: RecorderProcess) -> None:
    await taught(bus, "hand", crowd("hand"))
    shown = await asyncio.to_thread(command, recorder, "hand")
    assert shown.returncode == 0, shown.stderr
    assert "80 rated answers" in shown.stdout
    assert BAD in shown.stdout
    assert "learning off" in shown.stdout
    assert await read(policies, "hand") is None
    applied = await asyncio.to_thread(command, recorder, "hand", "--apply")
    assert applied.returncode == 0, applied.stderr
    found = await read(policies, "hand")
    assert found is not None
    assert set(found.models) == {GOOD, BAD}
    dropped = await asyncio.to_thread(command, recorder, "hand", "--drop")
    assert dropped.returncode == 0, dropped.stderr
    assert await read(policies, "hand") is None


async def test_by_hand_without_a_router_it_says_so(recorder: RecorderProcess) -> None:
    environment = recorder.environment | {"NATS_URL": "nats://127.0.0.1:1"}
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "services.recorder.learn_cli", "default"], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=60, check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "NATS_URL" in done.stderr
    wrong = await asyncio.to_thread(command, recorder, "a.b")
    assert wrong.returncode == 1
