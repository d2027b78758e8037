"""The known providers, and what an operator's file adds to them."""

from pathlib import Path

import pytest

from libs.catalog.providers import BadProviders, builtin, load, variable_prefix
from libs.contracts.models import PROVIDERS


def loaded(tmp_path: Path, text: str) -> dict[str, object]:
    file = tmp_path / "providers.toml"
    file.write_text(text)
    return dict(load(str(file)))


def test_the_providers_of_the_contract_are_known() -> None:
    assert set(PROVIDERS) <= set(builtin())
    assert load("") == builtin()


def test_servers_at_home_need_no_key_and_all_others_do() -> None:
    for profile in builtin().values():
        assert profile.keyless == profile.base_url.startswith("http://127.0.0.1:"), profile.id


def test_no_two_providers_share_variables() -> None:
    assert len({profile.prefix for profile in builtin().values()}) == len(builtin())
    assert variable_prefix("my-llm-2") == "MY_LLM_2"


def test_a_file_adds_providers(tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text("""
[[provider]]
id = "my-llm"
base_url = "http://llm.internal:8000/v1"
keyless = true
chat = { system_first = true }
models = [{ id = "qwen", context_window = 32768, has = ["tools"], input_usd_per_mtok = "0.5" }]
""")
    found = load(str(file))["my-llm"]
    assert (found.dialect, found.prefix, found.keyless, found.chat) == ("chat", "MY_LLM", True, {"system_first": True})
    assert (found.models[0].id, found.models[0].input_usd_per_mtok) == ("qwen", "0.5")
    assert set(load(str(file))) == {*builtin(), "my-llm"}


def test_a_file_goes_over_a_known_provider_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text('[[provider]]\nid = "groq"\ndialect = "openai"\nbase_url = "https://groq.example/v1"\n')
    found = load(str(file))
    assert (found["groq"].dialect, found["groq"].base_url, found["groq"].chat) == ("openai", "https://groq.example/v1", {})
    assert {name: profile for name, profile in found.items() if name != "groq"} == {
        name: profile for name, profile in builtin().items() if name != "groq"
    }
    assert builtin()["groq"].dialect == "chat"


ONE = '[[provider]]\nid = "x"\nbase_url = "http://x/v1"\n'


@pytest.mark.parametrize(("text", "named"), [
    ("[[provider]", "providers.toml"), ('[[provider]]\nid = "x"\n', "base_url"), (ONE + 'colour = "red"\n', "colour"),
    (ONE + 'dialect = "soap"\n', "soap"), (ONE + "keyless = 1\n", "keyless"), (ONE.replace('"x"', '"Open AI"'), "'Open AI' must be"),
    (ONE.replace('"x"', '""'), "must be"), (ONE.replace('"x"', '"2fast"'), "must be"), (ONE.replace("http:", "ftp:"), "base_url of x must begin"),
    (ONE + 'models = [{ id = "m", has = ["telepathy"] }]\n', "unknown capabilities: telepathy"),
    (ONE + 'models = [{ id = "m", lacks = ["telepathy"] }]\n', "x has models"), (ONE + 'models = [{ id = "m", quality = 2.0 }]\n', "quality"),
    (ONE + 'models = [{ id = "m", input_usd_per_mtok = "cheap" }]\n', "input_usd_per_mtok"), ("providers = []\n", "providers"),
])
def test_a_file_that_cannot_be_used_names_the_place(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadProviders) as caught:
        loaded(tmp_path, text)
    assert named in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_file_that_is_not_there_or_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(BadProviders, match="cannot be read: No such file"):
        load(str(tmp_path / "absent.toml"))
    with pytest.raises(BadProviders, match="cannot be read: Is a directory"):
        load(str(tmp_path))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadProviders, match=r"binary\.toml"):
        load(str(tmp_path / "binary.toml"))
