"""Which dialect speaks to which model."""

from pathlib import Path

import pytest

from libs.catalog.providers import BadProviders, Profile, builtin, load
from services.provider_worker.app import builder
from services.provider_worker.dialects.anthropic import Anthropic
from services.provider_worker.dialects.chat import Chat
from services.provider_worker.dialects.gemini import Gemini
from services.provider_worker.dialects.openai import OpenAI
from services.provider_worker.providers import Providers
from services.provider_worker.settings import WorkerSettings

KNOWN = Providers(builtin())


@pytest.mark.parametrize(("provider", "model", "dialect"), [
    ("openai", "gpt-5", OpenAI), ("anthropic", "claude-x", Anthropic), ("gemini", "gemini-4", Gemini), ("mistral", "mistral-large", Chat),
    ("deepseek", "deepseek-chat", Chat), ("ollama", "llama", Chat),
])
def test_each_provider_speaks_its_dialect(provider: str, model: str, dialect: type) -> None:
    assert type(KNOWN.dialect(provider, model)) is dialect


@pytest.mark.parametrize("model", [
    "gpt-audio", "gpt-audio-mini", "gpt-4o-search-preview", "gpt-4o-mini-audio-preview-2024-12-17", "gpt-5-search-api",
])
def test_models_that_only_have_chat_completions_get_them(model: str) -> None:
    assert isinstance(KNOWN.dialect("openai", model), Chat)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4o-mini", "gpt-5-search", "my-gpt-audio", "gpt-3.5-turbo"])
def test_all_others_get_responses(model: str) -> None:
    assert isinstance(KNOWN.dialect("openai", model), OpenAI)


SAID = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
CALLED = {"type": "custom_tool_call", "call_id": "c", "name": "sh", "input": "ls"}
GIVEN = {"type": "custom_tool_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "a"}]}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}
STOPS = {"input": "Hi", "stop": ["END"]}


def chosen(request: dict[str, object], model: str = "gpt-4.1", **more: bool) -> type:
    return type(KNOWN.dialect("openai", model, request, **more))


@pytest.mark.parametrize("asked", [
    {"stop": ["END"]}, {"seed": 0}, {"logit_bias": {"1": 5}}, {"presence_penalty": -1}, {"frequency_penalty": 0.5},
    {"seed": 1, "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "sh"}], "tool_choice": {"type": "function", "name": "f"}},
    {"seed": 1, "input": [SAID, {"type": "reasoning", "summary": []}, CALLED, GIVEN], "instructions": "Be brief."},
])
def test_p10_p11_what_responses_cannot_express_goes_to_chat_completions(asked: dict[str, object]) -> None:
    assert chosen({"input": "Hi"} | asked) is Chat
    assert chosen({"input": "Hi"} | asked, reasoning=True) is OpenAI, "models that reason take it in neither API"
    assert type(KNOWN.dialect("anthropic", "claude-x", {"input": "Hi"} | asked)) is Anthropic


@pytest.mark.parametrize("request_", [
    {"input": "Hi"}, {"input": "Hi", "stop": [], "logit_bias": {}, "presence_penalty": 0, "seed": None},
    {"input": "Hi", "top_logprobs": 3, "include": ["message.output_text.logprobs"]},
    STOPS | {"tools": [{"type": "web_search"}]}, STOPS | {"tool_choice": {"type": "mcp"}}, STOPS | {"prompt": {"id": "pmpt_1"}},
    STOPS | {"input": [{"type": "item_reference", "id": "msg_1"}]}, STOPS | {"input": [{"type": "web_search_call", "id": "ws_1"}]},
    STOPS | {"input": [SAID | {"content": [{"type": "input_file", "file_id": "file-1"}]}]},
    STOPS | {"input": [CALLED, GIVEN | {"output": [IMAGE | {"file_id": "file-1"}]}]}, STOPS | {"instructions": [SAID]},
])
def test_all_other_requests_stay_with_responses(request_: dict[str, object]) -> None:
    assert chosen(request_) is OpenAI


def test_an_openai_provider_without_chat_completions_keeps_to_responses() -> None:
    profile = Profile(id="my-llm", base_url="http://llm.internal/v1", dialect="openai")
    assert type(Providers({"my-llm": profile}).dialect("my-llm", "m", STOPS)) is OpenAI


def test_where_a_provider_lives_is_known_whatever_the_environment_says() -> None:
    assert KNOWN.base_url("openai") == "https://api.openai.com/v1"


@pytest.mark.parametrize(("chat", "named"), [
    ({"no_such_quirk": True}, "no_such_quirk"), ({"max_stops": "four"}, "max_stops"), ({"inline": ["input_video"]}, "inline"),
])
def test_unknown_quirks_are_named_with_their_provider(chat: dict[str, object], named: str) -> None:
    profile = Profile(id="my-llm", base_url="http://llm.internal/v1", chat=chat)
    with pytest.raises(BadProviders, match=f"provider my-llm: .*{named}"):
        Providers({"my-llm": profile})


@pytest.mark.parametrize(("text", "named"), [
    ('[[provider]]\nid = "my-llm"\nbase_url = "http://x/v1"\n[provider.chat]\nfast = true\n', "provider my-llm: .*fast"),
    ('[[provider]]\nid = "My LLM"\nbase_url = "http://x/v1"\n', "must be lower-case"),
])
def test_a_worker_does_not_start_with_a_file_it_cannot_use(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "providers.toml"
    file.write_text(text)
    with pytest.raises(SystemExit, match=f"bad setting: .*{named}"):
        builder(WorkerSettings(providers_file=str(file)), {})


def test_a_few_lines_of_data_make_a_provider(tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text('[[provider]]\nid = "my-llm"\nbase_url = "http://llm.internal/v1"\n[provider.chat]\npath = "/v9/chat"\n')
    dialect = Providers(load(str(file))).dialect("my-llm", "anything")
    assert isinstance(dialect, Chat)
