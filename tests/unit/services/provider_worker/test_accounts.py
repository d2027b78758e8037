"""Which accounts the environment makes, where they live, and with which key they are called."""

from typing import Any

import pytest
from msgspec import structs

from libs.catalog.providers import Profile, builtin
from libs.contracts.decisions import Candidate
from libs.contracts.health import OfferedModel
from libs.contracts.models import PROVIDERS
from libs.vault.seal import context, generate, public_key, seal
from services.provider_worker.accounts import OWN, Account, Accounts, configured
from services.provider_worker.app import builder
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects.chat import Chat
from services.provider_worker.dialects.openai import OpenAI
from services.provider_worker.providers import Providers
from services.provider_worker.settings import WorkerSettings
from tests.contracts.samples import ROUTED

VAULT_KEY = generate()
MY_LLM = Profile(id="my-llm", base_url="http://llm.internal:8000/v1/", models=[OfferedModel(id="qwen", context_window=32768)])


def made(environ: dict[str, str], *more: Profile, sandbox: bool = False) -> dict[tuple[str, str], Account]:
    found = configured(environ, [*builtin().values(), *more], sandbox=sandbox)
    return {(account.provider, account.name): account for account in found}


def accounts(environ: dict[str, str], *more: Profile, sandbox: bool = False) -> Accounts:
    profiles = builtin() | {profile.id: profile for profile in more}
    return Accounts(configured(environ, profiles.values(), sandbox=sandbox), Providers(profiles), VAULT_KEY)


def test_without_settings_the_providers_of_the_contract_wait_for_keys_of_clients() -> None:
    found = made({})
    assert set(found) == {(provider, "default") for provider in PROVIDERS}
    assert not any(account.configured or account.key for account in found.values())
    assert found["anthropic", "default"].base_url == "https://api.anthropic.com"


@pytest.mark.parametrize("provider", builtin())
def test_a_key_configures_any_known_provider(provider: str) -> None:
    found = made({f"{provider.upper()}_API_KEY": " sk-fake "})[provider, "default"]
    assert (found.key, found.configured, found.rank) == ("sk-fake", True, 0)
    assert found.base_url == builtin()[provider].base_url


def test_a_base_url_alone_configures_a_server_without_keys() -> None:
    found = made({"OLLAMA_BASE_URL": "http://127.0.0.1:11435/v1/"})["ollama", "default"]
    assert (found.base_url, found.key, found.configured) == ("http://127.0.0.1:11435/v1", "", True)


def test_a_name_with_dashes_has_variables_with_underscores() -> None:
    found = made({"MY_LLM_API_KEY": "sk-fake"}, MY_LLM)["my-llm", "default"]
    assert (found.key, found.base_url) == ("sk-fake", "http://llm.internal:8000/v1")
    assert found.models == (MY_LLM.models[0],)
    assert ("my-llm", "default") not in made({}, MY_LLM)


def test_a_server_without_keys_in_the_operators_file_needs_no_variables() -> None:
    found = made({}, structs.replace(MY_LLM, keyless=True))
    assert found["my-llm", "default"].configured
    assert ("my-llm", "2") not in found
    assert not any(provider in ("ollama", "vllm") for provider, _ in found)


def test_p75_further_accounts_are_tried_in_the_order_of_their_numbers() -> None:
    environ = {"OPENAI_API_KEY": "sk-fake-1", "OPENAI_API_KEY_2": "sk-fake-2", "OPENAI_API_KEY_9": "sk-fake-9", "OPENAI_API_KEY_10": "sk-fake-x"}
    found = [(account.name, account.rank, account.key) for (provider, _), account in made(environ).items() if provider == "openai"]
    assert found == [("default", 0, "sk-fake-1"), ("2", 1, "sk-fake-2"), ("9", 8, "sk-fake-9")]


def test_p75_further_accounts_live_where_the_first_does_unless_they_say_otherwise() -> None:
    found = made({
        "OPENAI_BASE_URL": "https://proxy.example/v1/", "OPENAI_API_KEY": "sk-fake-1", "OPENAI_API_KEY_2": "sk-fake-2",
        "OPENAI_API_KEY_3": "sk-fake-3", "OPENAI_BASE_URL_3": "https://third.example/v1", "OPENAI_BASE_URL_4": "https://fourth.example/v1",
    })
    urls = {name: account.base_url for (provider, name), account in found.items() if provider == "openai"}
    assert urls == {
        "default": "https://proxy.example/v1", "2": "https://proxy.example/v1", "3": "https://third.example/v1", "4": "https://fourth.example/v1",
    }
    assert found["openai", "4"].key == ""


def test_p75_a_second_account_alone_leaves_the_first_to_keys_of_clients() -> None:
    found = made({"OPENAI_API_KEY_2": "sk-fake", "GROQ_API_KEY_2": "sk-fake"})
    assert (found["openai", "default"].configured, found["openai", "2"].configured) == (False, True)
    assert ("groq", "default") not in found
    assert found["groq", "2"].rank == 1


@pytest.mark.parametrize(("provider", "given", "used"), [
    ("anthropic", "https://a.example/v1/", "https://a.example"), ("mistral", "https://m.example/v1", "https://m.example"),
    ("openai", "https://o.example/v1", "https://o.example/v1"), ("deepseek", "https://d.example/v1", "https://d.example/v1"),
])
def test_a_version_that_the_path_has_anyway_is_no_part_of_a_base_url(provider: str, given: str, used: str) -> None:
    assert made({f"{provider.upper()}_BASE_URL": given})[provider, "default"].base_url == used


@pytest.mark.parametrize("given", ["https://g.example", "https://g.example/", "https://g.example/v1beta", "https://g.example/v1beta/", "https://g.example/v1"])
def test_geminis_version_is_no_part_of_its_base_url(given: str) -> None:
    assert made({"GEMINI_BASE_URL": given})["gemini", "default"].base_url == "https://g.example"
    assert made({"OPENAI_BASE_URL": "https://o.example/v1"})["openai", "default"].base_url == "https://o.example/v1"


def test_models_are_listed_for_one_account_or_for_all_and_keep_what_is_known_of_them() -> None:
    found = made({
        "MY_LLM_API_KEY": "sk-fake", "MY_LLM_MODELS": "qwen, other ,,", "MY_LLM_API_KEY_2": "sk-fake-2", "MY_LLM_API_KEY_3": "sk-fake-3",
        "MY_LLM_MODELS_3": "third",
    }, MY_LLM)
    assert found["my-llm", "default"].models == (MY_LLM.models[0], OfferedModel(id="other"))
    assert found["my-llm", "2"].models == found["my-llm", "default"].models
    assert [model.id for model in found["my-llm", "3"].models] == ["third"]


def test_p75_accounts_with_a_weight_share_the_place_of_the_first_of_them() -> None:
    found = accounts({
        "OPENAI_API_KEY": "sk-fake-1", "OPENAI_API_KEY_2": "sk-fake-2", "OPENAI_WEIGHT_2": "3", "OPENAI_API_KEY_3": "sk-fake-3",
        "OPENAI_API_KEY_4": "sk-fake-4", "OPENAI_WEIGHT_4": " 0.5 ", "OPENAI_WEIGHT_5": "9", "GROQ_API_KEY": "sk-fake", "GROQ_API_KEY_2": "sk-fake",
    }).announced()
    assert [(one.account, one.rank, one.weight) for one in found if one.provider == "openai"] == [
        ("default", 0, 1.0), ("2", 1, 3.0), ("3", 2, 1.0), ("4", 1, 0.5),
    ]
    assert [(one.account, one.rank, one.weight) for one in found if one.provider == "groq"] == [("default", 0, 1.0), ("2", 1, 1.0)]


def test_each_account_says_for_itself_where_it_computes_and_what_it_keeps() -> None:
    found = accounts({
        "OPENAI_API_KEY": "sk-fake-1", "OPENAI_REGION": " EU ", "OPENAI_KEEPS_DATA": "False", "OPENAI_API_KEY_2": "sk-fake-2",
        "OPENAI_API_KEY_3": "sk-fake-3", "OPENAI_REGION_3": "us-east-1", "OPENAI_KEEPS_DATA_3": "true",
    }).announced()
    keeps = builtin()["openai"].keeps_data
    assert [(one.account, one.region, one.keeps_data) for one in found if one.provider == "openai"] == [
        ("default", "eu", False), ("2", "", keeps), ("3", "us-east-1", True),
    ]


@pytest.mark.parametrize("keeps", [True, False])
def test_without_a_word_of_the_operator_a_provider_keeps_what_its_profile_says(keeps: bool) -> None:
    found = made({"MY_LLM_API_KEY": "sk-fake"}, structs.replace(MY_LLM, keeps_data=keeps))
    assert found["my-llm", "default"].keeps_data is keeps


@pytest.mark.parametrize(("name", "value", "words"), [
    ("OPENAI_WEIGHT", "0", "number above 0"), ("OPENAI_WEIGHT_2", "-1", "number above 0"), ("OPENAI_WEIGHT", "much", "number above 0"),
    ("OPENAI_WEIGHT", "inf", "number above 0"), ("OPENAI_WEIGHT", "nan", "number above 0"), ("OPENAI_REGION", "e u", "a name such as eu"),
    ("OPENAI_REGION_9", "-", "a name such as eu"), ("OPENAI_KEEPS_DATA", "no", "true or false"), ("OPENAI_KEEPS_DATA_2", "0", "true or false"),
])
def test_a_variable_that_cannot_be_used_stops_the_worker_and_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(SystemExit, match=f"bad setting: {name} must be .*{words}.*{value}"):
        builder(WorkerSettings(), {"OPENAI_API_KEY": "sk-fake", name: value})


def test_what_is_announced_holds_no_key() -> None:
    said = accounts({"OPENAI_API_KEY": "sk-fake-1", "OPENAI_BASE_URL_2": "https://second.example/v1"}).announced()
    first, second = (one for one in said if one.provider == "openai")
    assert (first.account, first.has_key, first.configured, first.rank) == ("default", True, True, 0)
    assert (second.account, second.has_key, second.configured, second.rank) == ("2", False, True, 1)
    assert "sk-fake" not in repr(said)
    assert [(one.has_key, one.configured) for one in said if one.provider == "gemini"] == [(False, False)]


def own(key: bytes, provider: str = "openai") -> tuple[Any, Candidate]:
    return structs.replace(ROUTED, provider_keys={provider: key}), Candidate(provider=provider, account=OWN, model="m")


def sealed(secret: str, provider: str = "openai", workspace: str = ROUTED.workspace) -> bytes:
    return seal(secret, public_key(VAULT_KEY), context(workspace, provider, ROUTED.request_id))


def test_an_account_is_chosen_by_its_name() -> None:
    known = accounts({"OPENAI_API_KEY": "sk-fake-1", "OPENAI_API_KEY_2": "sk-fake-2"})
    assert known.choose(ROUTED, Candidate(provider="openai", account="2", model="m")).key == "sk-fake-2"
    with pytest.raises(ProviderFailure, match="no account '3'") as caught:
        known.choose(ROUTED, Candidate(provider="openai", account="3", model="m"))
    assert (caught.value.code, caught.value.fallback) == ("provider_key_invalid", True)


def test_a_clients_key_goes_to_the_operators_address() -> None:
    known = accounts({"OPENAI_BASE_URL": "https://proxy.example/v1", "OPENAI_API_KEY": "sk-fake-1"})
    chosen = known.choose(*own(sealed("sk-fake-own")))
    assert (chosen.key, chosen.base_url, chosen.name) == ("sk-fake-own", "https://proxy.example/v1", OWN)


def test_a_clients_key_never_reaches_the_sandbox() -> None:
    known = accounts({"OPENAI_BASE_URL": "http://127.0.0.1:9/openai/v1"}, sandbox=True)
    assert known.choose(ROUTED, Candidate(provider="openai", model="m")).base_url == "http://127.0.0.1:9/openai/v1"
    chosen = known.choose(*own(sealed("sk-fake-own")))
    assert (chosen.key, chosen.base_url, chosen.sandbox) == ("sk-fake-own", "https://api.openai.com/v1", False)


@pytest.mark.parametrize(
    "key", [b"", b"\x00rubbish", sealed("sk-fake", "gemini"), sealed("sk-fake", workspace="other")],
    ids=["none", "rubbish", "another provider", "another workspace"],
)
def test_a_key_sealed_to_another_place_cannot_be_used(key: bytes) -> None:
    with pytest.raises(ProviderFailure, match="cannot be opened") as caught:
        accounts({}).choose(*own(key))
    assert caught.value.code == "provider_key_invalid"


def test_a_key_that_was_not_sent_cannot_be_used() -> None:
    message, _ = own(sealed("sk-fake"))
    with pytest.raises(ProviderFailure, match="cannot be opened"):
        accounts({}).choose(message, Candidate(provider="gemini", account=OWN, model="m"))


def test_p44_state_is_sealed_for_one_workspace_and_one_account() -> None:
    known = accounts({})
    text = known.envelopes("blue", "default").seal("openai", "m", b"state")
    assert known.envelopes("blue", "default").open(text, "openai", same_account=True) == b"state"
    assert known.envelopes("blue", "2").open(text, "openai", same_account=True) is None
    assert known.envelopes("red", "default").open(text, "openai") is None


@pytest.mark.parametrize(("reasoning", "dialect"), [(False, Chat), (True, OpenAI)])
def test_the_request_and_the_model_decide_on_the_api(reasoning: bool, dialect: type) -> None:
    candidate = Candidate(provider="openai", model="gpt-x", reasoning=reasoning)
    assert type(accounts({}).dialect(candidate, {"input": "Hi", "seed": 1})) is dialect
    assert type(accounts({}).dialect(candidate)) is OpenAI
