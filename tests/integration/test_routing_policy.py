"""The routes on a workspace's routing policy over a real nats-server, and what a router sees of them."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from nats.aio.client import Client

from libs.bus.health import Registry
from libs.bus.watch import Watch
from libs.catalog.models import find
from libs.catalog.workspaces import Workspaces
from libs.contracts import subjects
from libs.contracts.health import Health, OfferedModel, ProviderAccount
from libs.contracts.policies import Learned, LearnedQuality
from services.edge.errors import EXCEPTION_HANDLERS
from services.edge.routing_policy import PolicyBook, routes
from tests.nats_server import NatsServer

LEARNED = Learned(
    at="2026-11-24T00:00:00Z", since="2026-11-01T00:00:00Z", ratings=40,
    models={"openai/gpt-4o": {"code": LearnedQuality(prior=0.7, posterior=0.4, ratings=40)}},
)
DEFAULTS: dict[str, Any] = {
    "allow": [], "deny": [], "regions": [], "data_collection": "allow", "weights": {}, "exploration": None, "classify": True, "models": {},
    "learning": False,
}


@pytest.fixture
async def connection(server: NatsServer) -> AsyncIterator[Client]:
    connection = await server.connect()
    yield connection
    await connection.close()


@pytest.fixture
async def client(connection: Client) -> AsyncIterator[httpx.AsyncClient]:
    """The workspace is what the header says."""
    registry = Registry()
    registry.note(Health(service="provider-worker", instance="w-1", at=0.0, providers=[
        ProviderAccount(provider="openai", configured=True, region="eu"),
        ProviderAccount(provider="my-vllm", configured=True, models=[OfferedModel(id="llama")]),
    ]))
    edge: Any = SimpleNamespace(
        bus=SimpleNamespace(connected=True, js=connection.jetstream()), registry=registry,
        caller=lambda request: SimpleNamespace(workspace=request.headers["workspace"]),
    )
    app = Litestar(routes(PolicyBook(edge), ["/p"]), exception_handlers=EXCEPTION_HANDLERS, openapi_config=None, logging_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as connected:
        yield connected


async def call(client: httpx.AsyncClient, method: str, workspace: str, body: Any = None, path: str = "/p", status: int = 200) -> Any:
    answer = await client.request(method, path, json=body, headers={"workspace": workspace})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_written_merged_read_and_back_to_the_defaults(client: httpx.AsyncClient) -> None:
    nothing = {"policy": DEFAULTS, "revision": 0, "learned": None, "warnings": []}
    assert await call(client, "GET", "a") == {"data": nothing}
    written = (await call(client, "PUT", "a", {"deny": ["openai/*"], "exploration": 0.1}))["data"]
    assert written["policy"] == DEFAULTS | {"deny": ["openai/*"], "exploration": 0.1}
    assert written["revision"] > 0
    merged = (await call(client, "PATCH", "a", {"allow": ["my-vllm/*"], "exploration": None}))["data"]
    assert merged["policy"] == DEFAULTS | {"deny": ["openai/*"], "allow": ["my-vllm/*"]}
    assert merged["revision"] > written["revision"]
    assert await call(client, "GET", "a") == {"data": merged}
    assert await call(client, "GET", "b") == {"data": nothing}
    assert (await call(client, "PUT", "a", {}))["data"]["policy"] == DEFAULTS
    assert await call(client, "DELETE", "a") == {"success": True}
    assert await call(client, "GET", "a") == {"data": nothing}
    assert (await call(client, "PATCH", "a", {"learning": True}))["data"]["policy"]["learning"] is True
    await call(client, "DELETE", "a")
    assert await call(client, "DELETE", "a") == {"success": True}


async def test_a_wrong_field_is_named_and_changes_nothing(client: httpx.AsyncClient) -> None:
    before = await call(client, "PUT", "a", {"deny": ["openai/*"]})
    for method in ("PUT", "PATCH"):
        error = (await call(client, method, "a", {"allow": [], "weights": {"cost": {"cost": -1, "quality": 0, "latency": 0}}}, status=422))["error"]
        assert (error["type"], error["code"], error["param"]) == ("validation_error", "validation_failed", "weights.cost.cost")
    assert await call(client, "GET", "a") == before
    await call(client, "DELETE", "a")


async def test_what_may_be_a_slip_is_told_and_taken(client: httpx.AsyncClient) -> None:
    told = (await call(client, "PUT", "a", {"models": {"openai/gpt-99": {}, "my-vllm/llama": {}}, "regions": ["eu", "us"]}))["data"]
    assert [one.split(":")[0] for one in told["warnings"]] == ["models", "regions"]
    assert set(told["policy"]["models"]) == {"openai/gpt-99", "my-vllm/llama"}
    await call(client, "DELETE", "a")


async def test_edits_at_the_same_time_are_all_kept(client: httpx.AsyncClient) -> None:
    fields: list[dict[str, Any]] = [{"deny": ["openai/*"]}, {"allow": ["*"]}, {"regions": ["eu"]}, {"classify": False}, {"learning": True}]
    await asyncio.gather(*(call(client, "PATCH", "a", one) for one in fields))
    policy = (await call(client, "GET", "a"))["data"]["policy"]
    assert policy == DEFAULTS | {name: value for one in fields for name, value in one.items()}
    await call(client, "DELETE", "a")


async def test_what_was_learned_is_shown_and_can_be_forgotten(client: httpx.AsyncClient, connection: Client) -> None:
    bucket = await connection.jetstream().key_value(subjects.POLICIES_BUCKET)
    await bucket.put("learned.a", msgspec.json.encode(LEARNED))
    shown = (await call(client, "GET", "a"))["data"]["learned"]
    assert shown == {"in_force": False, **msgspec.to_builtins(LEARNED)}
    assert (await call(client, "PATCH", "a", {"learning": True}))["data"]["learned"]["in_force"] is True
    assert await call(client, "DELETE", "a", path="/p/learned") == {"success": True}
    assert (await call(client, "GET", "a"))["data"] | {"revision": 0} == {
        "policy": DEFAULTS | {"learning": True}, "revision": 0, "learned": None, "warnings": [],
    }
    await call(client, "DELETE", "a")


async def test_a_router_that_watches_knows_a_model_as_the_workspace_does(client: httpx.AsyncClient, connection: Client) -> None:
    known = find("openai", "gpt-4o")
    assert known is not None
    seen, workspaces = asyncio.Queue[str](), Workspaces()

    def apply(key: str, value: bytes | None, revision: int) -> None:
        workspaces.apply(key, value, revision)
        seen.put_nowait(key)

    async with asyncio.timeout(10.0):
        for kind in ("policy", "learned"):
            await Watch(subjects.POLICIES_BUCKET, f"{kind}.*", apply).start(connection.jetstream())
        bucket = await connection.jetstream().key_value(subjects.POLICIES_BUCKET)
        await bucket.put("learned.c", msgspec.json.encode(LEARNED))
        told = await call(client, "PUT", "c", {"learning": True, "models": {"openai/gpt-4o": {"input_usd_per_mtok": "1"}}, "deny": ["openai/o3"]})
        while workspaces.of("c").revision != told["data"]["revision"] or workspaces.of("c").learned is None:
            await seen.get()
        model = workspaces.of("c").tailor(known)
        assert model.families[0] == pytest.approx(known.families[0] - 0.3)
        assert (model.usd_per_input_token, model.overridden) == (pytest.approx(1e-6), ("quality", "price"))
        await call(client, "DELETE", "c")
        while workspaces.of("c").revision:
            await seen.get()
        assert workspaces.of("c").tailor(known) is known
        await call(client, "DELETE", "c", path="/p/learned")
