"""What the operator asks for, and what is refused before anything starts."""

from pathlib import Path

import pytest

from services.supervisor.settings import ROOT, SERVICES, BadSetting, Settings, load, parse_scale


def settings(environ: dict[str, str], dotenv: Path = Path("absent")) -> Settings:
    return load(environ, dotenv)


def test_everything_has_a_default() -> None:
    found = settings({})
    assert (found.home, found.edge_url, found.nats_url) == (ROOT / "var", "http://127.0.0.1:8080", "")
    assert found.scale == dict.fromkeys(SERVICES, 1)


def test_the_environment_wins_over_dotenv_even_where_it_sets_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("TOKENROUTER_PORT=9001\nTOKENROUTER_HOST=127.0.0.2\nOPENAI_API_KEY=sk-fake\n")
    found = settings({"TOKENROUTER_PORT": "9002", "OPENAI_API_KEY": ""}, path)
    assert (found.port, found.host, found.sandbox) == (9002, "127.0.0.2", True)


def test_home_is_absolute_whatever_was_given(tmp_path: Path) -> None:
    assert settings({"TOKENROUTER_HOME": "elsewhere"}).home == ROOT / "elsewhere"
    assert settings({"TOKENROUTER_HOME": str(tmp_path)}).home == tmp_path


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "GEMINI_API_KEY", "DEEPSEEK_BASE_URL", "MISTRAL_API_KEY"]
)
def test_one_configured_provider_ends_the_sandbox(name: str) -> None:
    assert settings({}).sandbox
    assert not settings({name: "fake"}).sandbox


@pytest.mark.parametrize("name", ["OPENAI_API_KEY_2", "GROQ_API_KEY", "OLLAMA_BASE_URL", "VLLM_BASE_URL_9", "MY_LLM_API_KEY"])
def test_any_account_of_any_provider_ends_the_sandbox(name: str, tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text('[[provider]]\nid = "my-llm"\nbase_url = "http://llm.internal:8000/v1"\n')
    environ = {"TOKENROUTER_PROVIDERS_FILE": str(file)}
    assert settings(environ | {"OPENAI_API_KEY_10": "fake", "OPENAI_MODELS": "gpt-5"}).sandbox
    assert not settings(environ | {name: "fake"}).sandbox


def test_a_providers_file_that_cannot_be_used_is_named_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"TOKENROUTER_PROVIDERS_FILE: .*cannot be read"):
        settings({"TOKENROUTER_PROVIDERS_FILE": str(tmp_path / "absent.toml")})


@pytest.mark.parametrize(("host", "url"), [
    ("0.0.0.0", "http://127.0.0.1:8080"), ("::", "http://[::1]:8080"), ("192.0.2.1", "http://192.0.2.1:8080"),
])
def test_the_address_to_try_it_at(host: str, url: str) -> None:
    assert settings({"TOKENROUTER_HOST": host}).edge_url == url


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "80 80"])
def test_a_port_is_a_port(port: str) -> None:
    with pytest.raises(BadSetting, match="TOKENROUTER_PORT"):
        settings({"TOKENROUTER_PORT": port})


def test_scale_names_services_and_numbers() -> None:
    assert parse_scale("") == dict.fromkeys(SERVICES, 1)
    assert parse_scale(" provider-worker=3,edge=2\n") == dict.fromkeys(SERVICES, 1) | {"provider-worker": 3, "edge": 2}
    assert parse_scale("provider_worker=12")["provider-worker"] == 12


@pytest.mark.parametrize(("text", "named"), [
    ("nonsense=2", "no service 'nonsense'"), ("nats-server=2", "no service 'nats-server'"),
    ("edge", "edge needs a number"), ("edge=0", "edge needs a number"), ("edge=two", "edge needs a number"), ("edge=100", "edge"),
])
def test_scale_refuses_what_it_cannot_do(text: str, named: str) -> None:
    with pytest.raises(BadSetting, match=named):
        parse_scale(text)


def test_several_recorders_need_a_clickhouse_server() -> None:
    with pytest.raises(BadSetting, match="CLICKHOUSE_URL"):
        settings({"SCALE": "recorder=2"})
    assert settings({"SCALE": "recorder=2", "CLICKHOUSE_URL": "http://127.0.0.1:8123"}).scale["recorder"] == 2


def test_the_longest_wait_before_a_restart() -> None:
    assert settings({}).restart_delay == 10.0
    assert settings({"TOKENROUTER_RESTART_DELAY": "0.5"}).restart_delay == 0.5


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "1e3", "3601"])
def test_a_wait_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(BadSetting, match="TOKENROUTER_RESTART_DELAY"):
        settings({"TOKENROUTER_RESTART_DELAY": value})
