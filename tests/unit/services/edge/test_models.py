"""What /v1/models lists, and that the router knows every name in it."""

from collections.abc import AsyncIterator
from datetime import date
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from libs.bus.health import Registry
from libs.catalog.overrides import Tailor
from libs.catalog.workspaces import Workspaces
from libs.contracts.decisions import Ruling
from libs.contracts.health import Health, OfferedModel, ProviderAccount
from libs.contracts.models import MODES, PROVIDERS, parse_model
from libs.contracts.policies import ApiKey, ModelOverride, RoutingPolicy
from libs.contracts.reading import FAMILIES
from libs.contracts.requests import RequestFacts
from libs.routing.decide import decide
from libs.routing.snapshot import Snapshot
from services.edge.errors import EXCEPTION_HANDLERS
from services.edge.keys import Keys
from services.edge.models import ALIASES, CREATED, find_listed, listed, routes

NOW = 1_795_000_000.0
NONE: frozenset[str] = frozenset()
KEY = "tr_fake_key_for_models"
AUTHORIZED = {"authorization": f"Bearer {KEY}"}
Accounts = dict[str, list[ProviderAccount]]


def account(provider: str, *models: OfferedModel, configured: bool = True, **fields: Any) -> ProviderAccount:
    return ProviderAccount(provider=provider, configured=configured, has_key=configured, models=list(models), **fields)


def known(*configured: str) -> Accounts:
    """As workers say it: each known provider, whether there is a key for it or not."""
    return {provider: [account(provider, configured=provider in configured)] for provider in PROVIDERS}


def ids(accounts: Accounts, own_keys: frozenset[str] = NONE) -> list[str]:
    return [entry["id"] for entry in listed(accounts, own_keys, NOW)]


def entry(name: str, accounts: Accounts, own_keys: frozenset[str] = NONE) -> dict[str, Any]:
    found = [one for one in listed(accounts, own_keys, NOW) if one["id"] == name]
    assert len(found) == 1
    return found[0]


def test_the_aliases_come_first_and_are_there_without_any_provider() -> None:
    assert tuple(ids(known())) == ALIASES
    assert tuple(ids(known("openai"))[: len(ALIASES)]) == ALIASES
    assert {entry(alias, known())["mode"] for alias in ALIASES} == set(MODES)
    assert {entry(alias, known("openai"))["owned_by"] for alias in ALIASES} == {"tokenrouter"}


def test_an_alias_can_what_some_model_behind_it_can_and_has_no_price_of_its_own() -> None:
    auto = entry("auto:balanced", known("openai", "mistral"))
    assert {"images", "tools", "prompts"} <= set(auto["capabilities"])
    assert "prompts" not in entry("auto", known("mistral"))["capabilities"]
    assert entry("auto", known())["capabilities"] == []
    assert auto["pricing"]["inputCostPerToken"] is auto["context_window"] is None


def test_models_of_providers_without_a_key_are_left_out() -> None:
    accounts = known("openai", "anthropic")
    assert {"gpt-4o", "claude-haiku-4-5"} <= set(ids(accounts))
    assert not [name for name in ids(accounts) if name.startswith(("gemini", "mistral", "deepseek"))]


def test_a_key_from_the_client_brings_its_provider_in() -> None:
    accounts = known("openai")
    assert "deepseek-flash" not in ids(accounts)
    assert {"deepseek-flash", "gpt-4o"} <= set(ids(accounts, frozenset({"deepseek"})))
    assert tuple(ids({}, frozenset({"deepseek"}))) == ALIASES, "no worker could call it"


def test_what_is_known_of_a_model() -> None:
    found = entry("gpt-4o", known("openai"))
    assert found == {
        "id": "gpt-4o", "object": "model", "created": CREATED, "owned_by": "openai", "provider": "openai",
        "pricing": {
            "inputCostPerToken": 2.5e-06, "outputCostPerToken": 1e-05, "cachedInputCostPerToken": 1.25e-06, "cacheWriteCostPerToken": None,
            "tiers": [], "currency": "USD", "version": found["pricing"]["version"], "checked": found["pricing"]["checked"],
        },
        "context_window": 128000, "max_output_tokens": 16384, "capabilities": found["capabilities"], "quality": found["quality"],
        "quality_by_family": found["quality_by_family"], "overridden": [],
    }
    assert found["pricing"]["version"].startswith("genai-prices ")
    assert date.fromisoformat(found["pricing"]["checked"]) >= date(2026, 11, 10)
    assert found["capabilities"] == sorted(found["capabilities"])
    assert {"images", "tools"} <= set(found["capabilities"])


def test_quality_by_family_names_its_sources() -> None:
    found = entry("gpt-5", known("openai"))
    families = found["quality_by_family"]
    assert list(families) == list(FAMILIES)
    assert found["quality"] == pytest.approx(sum(one["quality"] for one in families.values()) / len(FAMILIES), abs=0.001)
    assert families["science"] == {
        "quality": 0.893, "figure": "GPQA Diamond, % solved: 87.3", "source": "Artificial Analysis: GPQA Diamond", "date": "2026-02-23",
        "url": "https://artificialanalysis.ai/evaluations/gpqa-diamond",
    }
    estimate = families["knowledge"]
    assert (estimate["source"], estimate["figure"], estimate["url"]) == ("editorial estimate, 2026-11", None, None)
    unknown = entry("phi", {"ollama": [account("ollama", OfferedModel(id="phi"))]})["quality_by_family"]
    assert {one["source"] for one in unknown.values()} == {"a default, since nobody has looked at this model"}


def test_above_a_threshold_all_rates_are_told() -> None:
    pricing = entry("claude-sonnet-4-5", known("anthropic"))["pricing"]
    assert (pricing["inputCostPerToken"], pricing["cacheWriteCostPerToken"]) == (3e-06, 3.75e-06)
    assert pricing["tiers"] == [{
        "aboveInputTokens": 200000, "inputCostPerToken": 6e-06, "outputCostPerToken": 2.25e-05, "cachedInputCostPerToken": 6e-07,
        "cacheWriteCostPerToken": 7.5e-06,
    }]


def test_a_policy_hides_what_it_denies_and_shows_its_own_word() -> None:
    policy = RoutingPolicy(
        deny=["anthropic/*", "*/gpt-4o-mini"],
        models={"openai/gpt-4o": ModelOverride(input_usd_per_mtok="1", quality_by_family={"code": 1.0}, context_window=5000)},
    )
    names = {one["id"]: one for one in listed(known("openai", "anthropic"), NONE, NOW, Tailor(policy))}
    assert {"gpt-4o", "gpt-4.1"} <= set(names)
    assert not {"gpt-4o-mini", "claude-haiku-4-5"} & set(names)
    told = names["gpt-4o"]
    assert told["overridden"] == ["price", "quality", "context_window"]
    assert (told["pricing"]["inputCostPerToken"], told["pricing"]["outputCostPerToken"]) == (1e-06, 1e-05)
    assert (told["pricing"]["version"], told["pricing"]["checked"], told["context_window"]) == ("workspace", None, 5000)
    assert told["quality_by_family"]["code"] | {"figure": ""} == {
        "quality": 1.0, "figure": "", "source": "the workspace's policy", "date": None, "url": None,
    }
    for name in ("gpt-4o-mini", "openai/gpt-4o-mini", "claude-haiku-4-5", "anthropic/claude-opus-4-1"):
        assert find_listed(name, known("openai", "anthropic"), NONE, NOW, Tailor(policy)) is None
    only = Tailor(RoutingPolicy(allow=["mistral/*"]))
    assert {one["owned_by"] for one in listed(known("openai", "mistral"), NONE, NOW, only)} == {"tokenrouter", "mistral"}


def test_a_price_that_is_not_known_is_null_and_a_free_model_costs_nothing() -> None:
    accounts = {"ollama": [account(
        "ollama", OfferedModel(id="llava:13b"), OfferedModel(id="phi", input_usd_per_mtok="0", output_usd_per_mtok="0"),
    )]}
    unknown, free = entry("llava:13b", accounts)["pricing"], entry("phi", accounts)["pricing"]
    assert [unknown[name] for name in ("inputCostPerToken", "outputCostPerToken", "cachedInputCostPerToken", "version")] == [None] * 4
    assert (free["inputCostPerToken"], free["outputCostPerToken"], free["cachedInputCostPerToken"]) == (0.0, 0.0, None)
    assert free["version"] == "settings"
    assert (unknown["tiers"], unknown["checked"]) == (None, None)


def test_the_settings_word_goes_over_the_catalog() -> None:
    told = OfferedModel(id="gpt-4o", context_window=9000, max_output=100, lacks=("images",), input_usd_per_mtok="1", quality=0.1)
    found = entry("gpt-4o", {"openai": [account("openai", told)]})
    assert (found["context_window"], found["max_output_tokens"], found["quality"]) == (9000, 100, 0.1)
    assert "images" not in found["capabilities"]
    assert found["pricing"]["inputCostPerToken"] == 1e-06


def test_several_accounts_that_share_a_list_show_it_once() -> None:
    accounts = {"groq": [account("groq", OfferedModel(id="llama", max_output=1)), account("groq", OfferedModel(id="llama"), account="2")]}
    assert ids(accounts)[len(ALIASES) :] == ["llama"]
    assert entry("llama", accounts)["max_output_tokens"] == 1


def test_an_id_at_several_providers_stands_for_all_and_for_each() -> None:
    accounts = {
        "groq": [account("groq", OfferedModel(id="llama-3.3", context_window=10))],
        "cerebras": [account("cerebras", OfferedModel(id="llama-3.3", context_window=20))],
    }
    assert ids(accounts)[len(ALIASES) :] == ["llama-3.3", "cerebras/llama-3.3", "groq/llama-3.3"]
    assert [entry(name, accounts)["owned_by"] for name in ("llama-3.3", "cerebras/llama-3.3", "groq/llama-3.3")] == [
        "cerebras", "cerebras", "groq",
    ]
    assert entry("groq/llama-3.3", accounts)["context_window"] == 10


@pytest.mark.parametrize(("provider", "model"), [
    ("groq", "openai/gpt-oss-120b"), ("openrouter", "groq/llama-3.3"), ("openrouter", "openrouter/auto"),
])
def test_an_id_that_would_be_read_as_another_providers_carries_its_own(provider: str, model: str) -> None:
    accounts = {"groq": [account("groq")]} | {provider: [account(provider, OfferedModel(id=model))]}
    assert ids(accounts)[len(ALIASES) :] == [f"{provider}/{model}"]


def test_a_slash_that_names_no_provider_stays() -> None:
    accounts = {"together": [account("together", OfferedModel(id="deepseek-ai/deepseek-v4-pro"))]}
    assert ids(accounts)[len(ALIASES) :] == ["deepseek-ai/deepseek-v4-pro"]


def test_the_sandbox_is_told_unless_the_clients_own_key_goes_around_it() -> None:
    accounts = {"openai": [account("openai", sandbox=True)]}
    assert entry("gpt-4o", accounts)["sandbox"] is True
    assert "sandbox" not in entry("gpt-4o", accounts, frozenset({"openai"}))
    assert "sandbox" not in entry("gpt-4o", known("openai"))


MODEL_IDS = st.sampled_from(["llama-3.3", "llava:13b", "openai/gpt-oss-120b", "groq/x", "gpt-4o", "org/model", "openrouter/auto", "ft:gpt:a::b"])
FLEETS = st.dictionaries(
    st.sampled_from([*PROVIDERS, "groq", "openrouter", "my-llm"]),
    st.tuples(st.booleans(), st.lists(MODEL_IDS, unique=True, max_size=4)),
)


@given(fleet=FLEETS, own=st.frozensets(st.sampled_from(PROVIDERS)))
def test_every_name_is_listed_once_and_routed_to_the_model_it_describes(
    fleet: dict[str, tuple[bool, list[str]]], own: frozenset[str]
) -> None:
    accounts = {
        provider: [account(provider, *(OfferedModel(id=one) for one in models), configured=configured)]
        for provider, (configured, models) in fleet.items()
    }
    found = listed(accounts, own, NOW)
    assert len({one["id"] for one in found}) == len(found)
    for one in found[len(ALIASES) :]:
        facts = RequestFacts(model=one["id"], target=parse_model(one["id"]))
        candidates = decide("req_1", facts, Ruling(revision=0), Snapshot(accounts=accounts, own_keys=own)).candidates
        reached = {(candidate.provider, candidate.model) for candidate in candidates}
        assert one["provider"] in {provider for provider, _ in reached}
        assert {model for _, model in reached} <= {one["id"], one["id"].removeprefix(f"{one['provider']}/")}
        assert find_listed(one["id"], accounts, own, NOW) == one


@pytest.mark.parametrize(("name", "provider"), [
    ("openai/gpt-4o", "openai"), ("openai:gpt-4o", "openai"), ("gpt-4o:quality", "openai"), ("gpt-4o-2024-08-06", "openai"),
    ("google/gemini-3.8-flash", "gemini"), ("auto:fast", None), ("openai/auto", "openai"), ("groq/llama", "groq"), ("groq/auto", "groq"),
])
def test_what_a_request_may_ask_for_is_found_under_that_name(name: str, provider: str | None) -> None:
    found = find_listed(name, known("openai", "gemini") | {"groq": [account("groq", OfferedModel(id="llama"))]}, NONE, NOW)
    assert found is not None
    assert (found["id"], found["provider"]) == (name, provider)


@pytest.mark.parametrize("name", [
    "", "no-such-model", "claude-haiku-4-5", "anthropic/claude-haiku-4-5", "openai/claude-haiku-4-5", "auto:sideways", "anthropic/auto",
    "openai/", "/", "x" * 100_000,
])
def test_what_nobody_has_is_not_found(name: str) -> None:
    assert find_listed(name, known("openai"), NONE, NOW) is None


@given(name=st.text(max_size=300))
def test_no_name_breaks_the_search(name: str) -> None:
    find_listed(name, known(*PROVIDERS), NONE, NOW)


@pytest.fixture
def workspaces() -> Workspaces:
    return Workspaces()


@pytest.fixture
def app(workspaces: Workspaces) -> Litestar:
    keys, registry = Keys(), Registry()
    keyed = ApiKey(id="key_1", workspace="main", name="test", created_at=NOW)
    keys.apply(sha256(KEY.encode()).hexdigest(), msgspec.json.encode(keyed), 1)
    providers = [one for its in known("openai", "anthropic").values() for one in its]
    registry.note(Health(service="provider-worker", instance="w-1", at=NOW, providers=providers))
    edge: Any = SimpleNamespace(keys=keys, registry=registry)
    handlers = routes(edge, workspaces, ["/v1/models", "/models"])
    return Litestar(handlers, exception_handlers=EXCEPTION_HANDLERS, openapi_config=None, logging_config=None)


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge", headers=AUTHORIZED) as connected:
        yield connected


async def test_the_official_sdk_reads_the_list_strictly(app: Litestar) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        sdk = openai.AsyncOpenAI(api_key=KEY, base_url="http://edge/v1", http_client=http, _strict_response_validation=True, max_retries=0)
        names = {model.id: model async for model in sdk.models.list()}
        assert {"auto", "auto:balanced", "gpt-4o", "claude-haiku-4-5"} <= set(names)
        for name in ("auto:balanced", "gpt-4o", "anthropic/claude-haiku-4-5"):
            one = await sdk.models.retrieve(name)
            assert (one.id, one.object, one.created) == (name, "model", CREATED)
        with pytest.raises(openai.NotFoundError) as missing:
            await sdk.models.retrieve("openai/no-such-model")
    assert missing.value.code == "model_not_found"


@pytest.mark.parametrize("path", ["/v1/models", "/models"])
async def test_the_list_and_an_entry_over_http(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["object"]) == (200, "list")
    assert (await client.get(f"{path}/openai/gpt-4o")).json()["id"] == "openai/gpt-4o"
    assert (await client.get(f"{path}/gpt-4o:latency")).json()["id"] == "gpt-4o:latency"


async def test_a_key_in_a_header_adds_models(client: httpx.AsyncClient) -> None:
    without = (await client.get("/v1/models")).json()["data"]
    more = (await client.get("/v1/models", headers={"X-Mistral-Key": "fake-mistral-key"})).json()["data"]
    assert {one["owned_by"] for one in more} - {one["owned_by"] for one in without} == {"mistral"}


async def test_the_list_is_the_workspaces_own(client: httpx.AsyncClient, workspaces: Workspaces) -> None:
    for workspace in ("main", "other"):
        workspaces.apply(f"policy.{workspace}", msgspec.json.encode(RoutingPolicy(deny=[f"{'openai' if workspace == 'main' else '*'}/*"])), 1)
    assert {one["owned_by"] for one in (await client.get("/v1/models")).json()["data"]} == {"tokenrouter", "anthropic"}
    denied = await client.get("/v1/models/gpt-4o")
    assert denied.status_code == 404
    assert "denies" in denied.json()["error"]["message"]
    workspaces.apply("policy.main", None, 2)
    assert (await client.get("/v1/models/gpt-4o")).status_code == 200


async def test_an_unknown_model_is_a_404_in_our_shape(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/models/mistral/none-such")
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"], error["param"]) == (404, "not_found_error", "model_not_found", "model")
    assert "mistral/none-such" in error["message"]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-4o"])
@pytest.mark.parametrize("header", ["", "Bearer tr_wrong"])
async def test_nobody_reads_without_a_key(client: httpx.AsyncClient, path: str, header: str) -> None:
    answer = await client.get(path, headers={"authorization": header})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
