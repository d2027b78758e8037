"""Routing rules in force in several rules services at a time, on a real bus."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.bus import topology
from libs.bus.codec import decoder, encode
from libs.contracts import subjects
from libs.contracts.deltas import Refused
from libs.contracts.policies import RoutingRule, RoutingRules
from libs.contracts.requests import Ruled
from tests.contracts.samples import SCREENED
from tests.nats_server import NatsServer, free_port

ROOT = Path(__file__).parent.parent.parent
REPLICAS = 3
ASKED = structs.replace(SCREENED, preview=False, delivered=None, trial=None, deadline=2e9, expires_at=2e9, provider_keys={}, hops=[], keeping=None)
_decode = decoder(Ruled).decode
_decode_refused = decoder(Refused).decode


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Client]:
    server = NatsServer(tmp_path / "nats")
    server.start()
    connection = await server.connect()
    await topology.declare(connection.jetstream())
    replicas = [replica(server, number, tmp_path) for number in range(REPLICAS)]
    yield connection
    for process in replicas:
        process.terminate()
    for process in replicas:
        process.wait(timeout=30)
    await connection.close()
    server.stop()


def replica(server: NatsServer, number: int, home: Path) -> subprocess.Popen[bytes]:
    settings = {
        "NATS_URL": server.url, "TOKENROUTER_HOME": str(home), "TOKENROUTER_OPS_PORT": str(free_port()), "TOKENROUTER_INSTANCE": f"rules-{number}",
    }
    return subprocess.Popen([sys.executable, "-m", "services.rules"], cwd=ROOT, env=os.environ | settings, stderr=subprocess.DEVNULL)


def rules(action: dict[str, Any]) -> bytes:
    one = RoutingRule(
        id=1, user_id=1, name="a rule", is_enabled=True, priority=0, match_json={}, action_json=action, created_at="", updated_at="",
    )
    return msgspec.json.encode(RoutingRules(next_id=2, rules=[one]))


async def test_a_change_reaches_every_replica_and_none_goes_back(connection: Client) -> None:
    said: dict[str, list[str | None]] = {}

    async def ruled(raw: Msg) -> None:
        message = _decode(raw.data)
        said.setdefault(message.hops[-1].instance, []).append(message.ruling.target.model)

    await connection.subscribe(subjects.ruled("*"), cb=ruled)
    store = await connection.jetstream().key_value(subjects.POLICIES_BUCKET)

    async def until_all_say(model: str | None) -> None:
        async with asyncio.timeout(60):
            while len(said) < REPLICAS or any(heard[-1] != model for heard in said.values()):
                await connection.publish(subjects.screened(ASKED.workspace), encode(ASKED))
                await asyncio.sleep(0.01)

    await until_all_say(None)
    for model in ("gpt-4o", "gpt-5", "claude-haiku-4-5"):
        await store.put(f"routing.{ASKED.workspace}", rules({"set_model": model}))
        await until_all_say(model)
    await store.delete(f"routing.{ASKED.workspace}")
    await until_all_say(None)
    for heard in said.values():
        changes = [model for model, before in zip(heard, [object(), *heard], strict=False) if model != before]
        assert changes == [None, "gpt-4o", "gpt-5", "claude-haiku-4-5", None]


async def test_what_cannot_be_used_leaves_the_last_good_rules_in_force(connection: Client) -> None:
    said: dict[tuple[str, str], str | None] = {}
    refused: list[Refused] = []

    async def ruled(raw: Msg) -> None:
        message = _decode(raw.data)
        said[message.workspace, message.hops[-1].instance] = message.ruling.target.model

    async def answered(raw: Msg) -> None:
        refused.append(_decode_refused(raw.data))

    await connection.subscribe(subjects.ruled("*"), cb=ruled)
    await connection.subscribe("answers", cb=answered)
    store = await connection.jetstream().key_value(subjects.POLICIES_BUCKET)

    async def until_all_say(workspace: str, model: str | None) -> None:
        asked = encode(structs.replace(ASKED, workspace=workspace))
        async with asyncio.timeout(60):
            while [heard for (name, _), heard in said.items() if name == workspace] != [model] * REPLICAS:
                await connection.publish(subjects.screened(workspace), asked, reply="answers")
                await asyncio.sleep(0.01)

    await store.put(f"routing.{ASKED.workspace}", rules({"set_model": "gpt-4o"}))
    await until_all_say(ASKED.workspace, "gpt-4o")
    broken = rules({}).replace(b'"match_json":{}', b'"match_json":{"nonsense":1}')
    await store.put(f"routing.{ASKED.workspace}", broken)
    await store.put("routing.never-good", broken)
    await store.put("routing.other", rules({"set_model": "gpt-5"}))
    # Whoever knows the last of these changes has seen those before it.
    await until_all_say("other", "gpt-5")
    said.clear()
    await until_all_say(ASKED.workspace, "gpt-4o")
    asked = structs.replace(ASKED, workspace="never-good", preview=True)
    await connection.publish(subjects.screened("never-good"), encode(asked), reply="answers")
    async with asyncio.timeout(60):
        while not refused:
            await asyncio.sleep(0.01)
    assert (refused[0].stage, refused[0].error.status, refused[0].error.code) == ("rules", 503, "service_unavailable")
