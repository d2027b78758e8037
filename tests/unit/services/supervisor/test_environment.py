"""No service sees another's secrets."""

from pathlib import Path

import pytest

from services.supervisor.environment import USERS, Nats, for_service
from services.supervisor.settings import SERVICES, Settings, load

PASSWORDS = {user: f"fake-{user}" for user in USERS}
NATS = Nats("nats://127.0.0.1:4222", PASSWORDS)
ALL = (*SERVICES, "bootstrap", "sandbox")

# Variable → who may see it.
SECRETS = {
    "OPENAI_API_KEY": {"provider-worker"},
    "ANTHROPIC_API_KEY": {"provider-worker"},
    "OPENAI_BASE_URL": {"provider-worker"},
    "MISTRAL_MODELS": {"provider-worker"},
    "OPENAI_API_KEY_2": {"provider-worker"},
    "ANTHROPIC_BASE_URL_9": {"provider-worker"},
    "GROQ_API_KEY": {"provider-worker"},
    "OPENROUTER_API_KEY_3": {"provider-worker"},
    "XAI_MODELS": {"provider-worker"},
    "VLLM_BASE_URL": {"provider-worker"},
    "OLLAMA_API_KEY": {"provider-worker"},
    "MY_LLM_API_KEY": set(),
    "GROQUOLOGY": set(),
    "HTTPS_PROXY": {"provider-worker"},
    "TOKENROUTER_VAULT_KEY": {"provider-worker", "bootstrap"},
    "TOKENROUTER_API_KEY": {"bootstrap"},
    "CLICKHOUSE_URL": {"recorder"},
    "AWS_SECRET_ACCESS_KEY": set(),
    "NATS_PASSWORD_EDGE": set(),
    "DATABASE_URL": set(),
}


def settings(**environ: str) -> Settings:
    return load(environ, Path("absent"))


@pytest.mark.parametrize(("name", "owners"), SECRETS.items())
def test_a_secret_reaches_its_owners_alone(name: str, owners: set[str]) -> None:
    found = settings(**{name: "fake-secret"})
    assert {service for service in ALL if name in for_service(service, found, NATS)} == owners


def test_the_providers_of_the_operators_file_have_variables_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text('[[provider]]\nid = "my-llm"\nbase_url = "http://llm.internal:8000/v1"\n')
    found = settings(TOKENROUTER_PROVIDERS_FILE=str(file), MY_LLM_API_KEY="sk-fake", MY_LLM_BASE_URL_2="http://other.internal/v1", MY_KEY="fake")
    seen = {service: for_service(service, found, NATS) for service in ALL}
    assert {service for service in ALL if "MY_LLM_API_KEY" in seen[service]} == {"provider-worker"}
    assert {service for service in ALL if "MY_LLM_BASE_URL_2" in seen[service]} == {"provider-worker"}
    assert not any("MY_KEY" in environ for environ in seen.values())
    assert all(environ["TOKENROUTER_PROVIDERS_FILE"] == str(file) for environ in seen.values())


def test_what_every_service_needs_reaches_every_service() -> None:
    found = settings(PATH="/bin", LANG="C.UTF-8", LC_ALL="C.UTF-8", TOKENROUTER_LOG_LEVEL="debug", TOKENROUTER_HOME="/srv/x")
    for service in ALL:
        environ = for_service(service, found, NATS)
        assert environ.items() >= {"PATH": "/bin", "TOKENROUTER_LOG_LEVEL": "debug", "TOKENROUTER_HOME": "/srv/x"}.items()


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_its_own_nats_user(service: str) -> None:
    environ = for_service(service, settings(NATS_USER="ignored", NATS_PASSWORD="fake"), NATS)
    assert (environ["NATS_USER"], environ["NATS_PASSWORD"]) == (service, f"fake-{service}")
    assert not any(f"fake-{other}" in environ.values() for other in USERS if other != service)


@pytest.mark.parametrize(("given", "expected"), [
    ({}, {}),
    ({"NATS_USER": "u", "NATS_PASSWORD": "fake"}, {"NATS_USER": "u", "NATS_PASSWORD": "fake"}),
    (
        {"NATS_USER": "u", "NATS_PASSWORD": "fake", "NATS_PASSWORD_PROVIDER_WORKER": "fake2"},
        {"NATS_USER": "provider-worker", "NATS_PASSWORD": "fake2"},
    ),
])
def test_a_given_server_is_used_with_the_given_credentials(given: dict[str, str], expected: dict[str, str]) -> None:
    url = "nats://user:fake@nats.example:4222"
    environ = for_service("provider-worker", settings(NATS_URL=url, **given), Nats(url, {}))
    assert {name: value for name, value in environ.items() if name.startswith("NATS_")} == {"NATS_URL": url} | expected
