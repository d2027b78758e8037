"""What the catalog says of models' abilities."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses.tool import Tool

from libs.catalog import capabilities as catalog
from libs.catalog.capabilities import CAPABILITIES, TOOL_TYPES, capabilities, expanded, unknown
from libs.catalog.prices import listing
from libs.contracts.models import PROVIDERS
from services.provider_worker.dialects.anthropic.models import traits as claude

LIBS = Path(catalog.__file__).parent.parent
DATA: dict[str, Any] = tomllib.loads((LIBS / "catalog/capabilities.toml").read_text())
NOW = 1795000000.0


def listed(provider: str, list_id: str) -> list[str]:
    """The text models that the price list has for a provider."""
    models = next(one.models for one in get_snapshot().providers if one.id == list_id)
    return [model.id for model in models if listing(provider, model.id, NOW)]


@pytest.mark.parametrize(
    ("provider", "model", "can", "cannot"),
    [
        ("openai", "gpt-6.1-sol", "images files documents tools structured reasoning web_search shell computer tool_search", "audio local_shell"),
        ("openai", "gpt-5-mini", "images reasoning web_search mcp custom", "shell tool_search"),
        ("openai", "gpt-5.2", "shell apply_patch", "tool_search computer"),
        ("openai", "gpt-4o-mini-2024-07-18", "images files structured web_search_preview image_generation", "reasoning shell"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", "images structured", "reasoning"),
        ("openai", "gpt-4o-2024-05-13", "images tools", "structured"),
        ("openai", "gpt-4.1-nano", "images file_search", "web_search web_search_preview"),
        ("openai", "gpt-4-turbo", "images tools", "files structured"),
        ("openai", "gpt-4-0613", "tools", "images files structured"),
        ("openai", "gpt-3.5-turbo", "tools", "images files structured reasoning"),
        ("openai", "o1-mini", "reasoning", "images tools structured"),
        ("openai", "o3-mini", "tools structured reasoning", "images files"),
        ("openai", "o3", "images files reasoning web_search", "shell"),
        ("openai", "computer-use-preview", "computer_use_preview images", "computer"),
        ("openai", "gpt-audio-1.5", "audio tools", "images structured web_search"),
        ("anthropic", "claude-sonnet-4-5-20250929", "images files structured custom", "audio documents web_search file_ids"),
        ("anthropic", "claude-opus-4-1", "images files reasoning", "structured"),
        ("anthropic", "claude-3-5-sonnet-20241022", "images files", "structured reasoning"),
        ("anthropic", "claude-3-haiku-20240307", "images tools", "files structured"),
        ("gemini", "gemini-3.8-flash", "images files audio tools structured reasoning google_files", "documents file_ids web_search"),
        ("gemini", "gemma-3-27b-it", "images", "tools structured audio"),
        ("mistral", "mistral-small-2603", "images files documents tools structured reasoning", "audio web_search"),
        ("mistral", "mistral-small-latest", "images files", "audio"),
        ("mistral", "pixtral-large-latest", "images files", "reasoning"),
        ("mistral", "codestral-2508", "tools structured", "images files"),
        ("mistral", "open-mistral-nemo", "tools", "images files reasoning"),
        ("mistral", "voxtral-small-2507", "audio tools", "images"),
        ("deepseek", "deepseek-flash", "images tools structured reasoning", "files audio"),
        ("deepseek", "deepseek-v4-pro", "tools structured reasoning", "images files"),
        ("deepseek", "deepseek-chat", "tools structured", "images reasoning"),
        ("perplexity", "sonar-pro", "images structured", "tools"),
        ("my-vllm", "llama-3.3-70b", "images tools custom structured", "files web_search"),
        ("ollama", "llava:13b", "images tools", "files"), ("ollama", "llama3.2", "tools structured", "images"),
    ],
)
def test_what_vendors_document(provider: str, model: str, can: str, cannot: str) -> None:
    found = capabilities(provider, model)
    assert set(can.split()) <= found
    assert not set(cannot.split()) & found


@pytest.mark.parametrize("provider", ["openai", "mistral", "ollama", "my-vllm"])
@pytest.mark.parametrize("model", [
    "text-embedding-3-small", "mistral-embed", "Qwen/Qwen3-Embedding-8B", "BAAI/bge-m3", "nomic-embed-text", "all-minilm",
    "intfloat/multilingual-e5-large",
])
def test_embedding_models_are_known_by_their_names(provider: str, model: str) -> None:
    assert capabilities(provider, model) == {"embeddings"}


@pytest.mark.parametrize(("provider", "list_id"), [("openai", "openai"), ("anthropic", "anthropic"), ("gemini", "google"), ("groq", "groq")])
def test_nothing_else_is_taken_for_one(provider: str, list_id: str) -> None:
    assert not [model for model in listed(provider, list_id) if "embeddings" in capabilities(provider, model) and "embed" not in model]


@given(provider=st.sampled_from([*(one["id"] for one in DATA["provider"]), "my-own"]), model=st.text(max_size=40))
def test_every_model_can_something_known(provider: str, model: str) -> None:
    assert capabilities(provider, model) <= CAPABILITIES.keys() | TOOL_TYPES


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_providers_of_the_contract_are_listed(provider: str) -> None:
    assert provider in {one["id"] for one in DATA["provider"]}


def entries() -> Iterator[Any]:
    for provider in DATA["provider"]:
        for place, entry in enumerate(provider.get("models", ())):
            for glob in entry["match"]:
                yield pytest.param(provider, place, glob, id=f"{provider['id']}:{glob}")


@pytest.mark.parametrize(("provider", "place", "glob"), [*entries()])
def test_no_entry_hides_behind_an_earlier_one(provider: dict[str, Any], place: int, glob: str) -> None:
    example = glob.replace("*", "").replace("[1-3]", "2").replace("[01]", "1").replace("[2-9]", "7").replace("[5-9]", "6")
    entry = provider["models"][place]
    expected = (expanded(provider["has"]) | expanded(entry.get("has", []))) - expanded(entry.get("lacks", []))
    assert capabilities(provider["id"], example) == expected


def test_every_entry_names_its_source_and_the_file_its_date() -> None:
    blocks = [block for provider in DATA["provider"] for block in (provider, *provider.get("models", ()))]
    assert all(block["source"].startswith("https://") for block in blocks)
    assert catalog.AS_OF == DATA["as_of"] >= "2026-11"


def test_each_tool_type_of_the_openai_sdk_is_known() -> None:
    types = {kind for tool in get_args(get_args(Tool)[0]) for kind in get_args(tool.model_fields["type"].annotation)}
    assert types - {"function"} <= TOOL_TYPES
    assert types - {"function"} <= frozenset().union(*(capabilities("openai", model) for model in listed("openai", "openai")))


def test_structured_output_of_claude_is_what_the_dialect_does() -> None:
    models = listed("anthropic", "anthropic")
    assert len(models) > 20
    assert {model: "structured" in capabilities("anthropic", model) for model in models} == {
        model: claude(model).structured for model in models
    }


def test_unknown_names_are_told() -> None:
    assert unknown(["images", "web_search", "web", "telepathy"]) == ["telepathy"]
    assert expanded(["images", "freeform"]) == {"images", "custom"}


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("capabilities.toml", 'default = ["images", "tools", "structured", "freeform"]', 'default = ["telepathy"]', "telepathy"),
        ("capabilities.toml", 'has = ["audio"]', 'has = ["audio", "telepathy"]', "telepathy"),
        ("capabilities.toml", 'match = ["gpt-4.1-nano*"]', 'match = ["gpt-4.1-nano*"]\nlack = []', "lack"),
        ("models.toml", 'id = "gpt-4o"', 'id = "gpt-4o"\nreasoning = true', "reasoning"),
    ],
)
def test_a_typing_error_in_the_data_stops_the_import(tmp_path: Path, file: str, old: str, new: str, complaint: str) -> None:
    shutil.copytree(LIBS, tmp_path / "libs", ignore=shutil.ignore_patterns("__pycache__"))
    data = tmp_path / "libs/catalog" / file
    assert old in data.read_text()
    data.write_text(data.read_text().replace(old, new))
    done = subprocess.run(
        [sys.executable, "-c", f"import libs.catalog.{data.stem}"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    assert complaint in done.stderr.splitlines()[-1]
