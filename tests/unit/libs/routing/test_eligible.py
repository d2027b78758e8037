"""Which models may serve a request, and why the others may not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from libs.catalog.capabilities import CAPABILITIES, TOOL_TYPES
from libs.catalog.models import Model, curated, embedders, find, offered
from libs.contracts.decisions import Target
from libs.contracts.health import OfferedModel
from libs.contracts.requests import RequestFacts
from libs.responses.canonical import canonical
from libs.responses.text import facts
from libs.routing.eligible import IMAGE_TOKENS, unfit

PNG = "data:image/png;base64,iVBORw0KGgo="
NEVER_ASKED = {"reasoning", "other_tools", "embeddings"}
"""An effort is adapted; unknown types of tools have no name of their own; embeddings are not a part of an answer."""
ANSWERING = frozenset(CAPABILITIES) - {"embeddings"}


def model(provider: str, name: str) -> Model:
    return find(provider, name) or offered(provider, OfferedModel(id=name))


def asked(**known: Any) -> RequestFacts:
    return RequestFacts(model="m", target=Target(), **known)


def facts_of(request: dict[str, Any]) -> RequestFacts:
    return asked(**facts(canonical(request)))


def says(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": list(parts)}]}


def fitting(request: dict[str, Any]) -> set[str]:
    """The providers with a curated model that may serve the request."""
    return {one.provider for one in curated() if unfit(one, facts_of(request)) is None}


EVERYONE = {"openai", "anthropic", "gemini", "mistral", "deepseek"}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}


def test_anyone_serves_text_and_functions() -> None:
    for request in ({"input": "hi"}, {"input": "hi", "tools": [FUNCTION]}, {"input": "hi", "text": {"format": {"type": "json_object"}}}):
        assert all(unfit(one, facts_of(request)) is None for one in curated())


@pytest.mark.parametrize("kind", [*sorted(TOOL_TYPES - {"custom", "computer_use_preview", "local_shell"}), "a_tool_of_next_year"])
def test_p28_built_in_tools_need_openai(kind: str) -> None:
    request = {"input": "hi", "tools": [{"type": kind}, FUNCTION]}
    assert fitting(request) == {"openai"}
    assert unfit(model("anthropic", "claude-haiku-4-5"), facts_of(request)) == f"tools of type {kind} exist only at openai"


def test_p28_and_a_model_at_openai_that_has_them() -> None:
    reason = unfit(model("openai", "gpt-4.1-nano"), facts_of({"input": "hi", "tools": [{"type": "web_search"}, {"type": "tool_search"}]}))
    assert reason == "tools of type tool_search, web_search are not among this model's tools"
    assert unfit(model("openai", "gpt-4.1-mini"), facts_of({"input": "hi", "tools": [{"type": "web_search"}]})) is None


def test_p29_freeform_tools_become_functions_elsewhere() -> None:
    assert fitting({"input": "hi", "tools": [{"type": "custom", "name": "c"}]}) == EVERYONE


def test_p33_images_need_a_model_that_sees() -> None:
    seen = facts_of(says({"type": "input_image", "image_url": PNG}))
    assert unfit(model("deepseek", "deepseek-v4-pro"), seen) == "images are not understood"
    assert unfit(model("mistral", "codestral-2508"), seen) == "images are not understood"
    assert unfit(model("mistral", "mistral-small-2603"), seen) is None
    assert unfit(model("openai", "o3-mini"), seen) == "images are not understood"
    assert unfit(model("ollama", "llama3.2"), seen) == "images are not understood"
    assert unfit(offered("ollama", OfferedModel(id="mine", has=("images",))), seen) is None
    assert unfit(offered("my-vllm", OfferedModel(id="mine", lacks=("images",))), seen) == "images are not understood"


def test_p35_images_in_a_tools_result_need_one_too() -> None:
    request = {"input": [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": PNG}]},
    ]}
    assert unfit(model("deepseek", "deepseek-v4-pro"), facts_of(request)) == "images are not understood"


def test_p34_files_need_a_model_that_reads_them() -> None:
    pdf = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
    assert fitting(says(pdf)) == EVERYONE - {"deepseek"}
    assert fitting(says({"type": "input_file", "filename": "sums.xlsx", "file_url": "https://example.com/sums.xlsx"})) == {"openai", "mistral"}


def test_p34_a_file_id_stays_with_its_provider() -> None:
    theirs = says({"type": "input_file", "file_id": "file-abc"})
    assert fitting(theirs) == {"openai"}
    assert unfit(model("gemini", "gemini-3.8-flash"), facts_of(theirs)) == "a file_id belongs to openai"
    assert fitting(says({"type": "input_image", "file_id": "file-abc"})) == {"openai"}
    assert fitting(says({"type": "input_file", "file_id": "files/abc"})) == {"gemini"}
    assert fitting(says({"type": "input_file", "file_url": "https://www.youtube.com/watch?v=abc"})) == {"gemini"}


def test_audio_needs_a_model_that_listens() -> None:
    heard = says({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}})
    assert fitting(heard) == {"gemini"}
    assert unfit(model("openai", "gpt-audio"), facts_of(heard)) is None


def test_p45_a_json_schema_needs_a_model_that_is_held_to_it() -> None:
    request = {"input": "hi", "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}}
    assert fitting(request) == EVERYONE
    assert unfit(model("anthropic", "claude-opus-4-1"), facts_of(request)) == "answers cannot be held to a JSON schema"
    assert unfit(model("anthropic", "claude-opus-4-1"), facts_of({"input": "hi", "text": {"format": {"type": "json_object"}}})) is None


def test_a_stored_prompt_needs_openai() -> None:
    assert fitting({"prompt": {"id": "pmpt_1"}}) == {"openai"}


def test_an_effort_excludes_nobody() -> None:
    assert all(unfit(one, facts_of({"input": "hi", "reasoning": {"effort": "high"}})) is None for one in curated())


def test_all_that_is_missing_is_said() -> None:
    request = says({"type": "input_image", "image_url": PNG}, {"type": "input_file", "file_id": "file-abc"}) | {"tools": [{"type": "mcp"}]}
    assert unfit(model("deepseek", "deepseek-v4-pro"), facts_of(request)) == (
        "images are not understood; files are not understood; a file_id belongs to openai; tools of type mcp exist only at openai"
    )


@pytest.mark.parametrize("ability", sorted(CAPABILITIES.keys() - NEVER_ASKED))
def test_each_ability_that_a_request_may_ask_for_has_its_reason(ability: str) -> None:
    given = {
        "images": {"images": 1}, "files": {"files": 1}, "documents": {"files": 1, "documents": 1}, "audio": {"audio": 1}, "tools": {"tools": 1},
        "structured": {"json_schema": True}, "file_ids": {"images": 1, "file_ids": 1}, "google_files": {"files": 1, "google_files": 1},
        "prompts": {"prompt_template": True},
    }[ability]
    gifted = structs.replace(curated()[0], can=ANSWERING)
    assert unfit(gifted, asked(**given)) is None
    assert unfit(structs.replace(gifted, can=gifted.can - {ability}), asked(**given))


@pytest.mark.parametrize("chosen", [*curated(), *embedders()], ids=lambda one: one.id)
def test_embeddings_come_from_embedding_models_and_nothing_else_does(chosen: Model) -> None:
    assert (unfit(chosen, asked(embeddings=True)) is None) is (chosen in embedders())
    assert (unfit(chosen, asked()) is None) is (chosen in curated())
    assert (unfit(chosen, asked(tools=1, images=1)) is None) <= (chosen in curated())


class TestContext:
    GPT_4O = model("openai", "gpt-4o")

    def test_what_does_not_fit_is_said_in_tokens(self) -> None:
        assert unfit(self.GPT_4O, asked(input_chars=4 * 128_000)) is None
        assert unfit(self.GPT_4O, asked(input_chars=4 * 210_000)) == "needs about 210000 tokens, has 128000"

    def test_the_answer_needs_its_place(self) -> None:
        assert unfit(self.GPT_4O, asked(input_chars=4 * 127_000, max_output_tokens=1000)) is None
        assert unfit(self.GPT_4O, asked(input_chars=4 * 127_000, max_output_tokens=1001))

    def test_p8_a_cap_above_what_a_model_can_write_is_no_reason(self) -> None:
        assert unfit(self.GPT_4O, asked(input_chars=4000, max_output_tokens=1_000_000)) is None
        assert self.GPT_4O.max_output == 16384
        assert unfit(self.GPT_4O, asked(input_chars=4 * (128_000 - 16_384), max_output_tokens=1_000_000)) is None
        assert unfit(self.GPT_4O, asked(input_chars=4 * (128_000 - 16_384 + 1), max_output_tokens=1_000_000))

    def test_images_count(self) -> None:
        assert unfit(self.GPT_4O, asked(images=128_000 // IMAGE_TOKENS)) is None
        assert unfit(self.GPT_4O, asked(images=128_000 // IMAGE_TOKENS + 1))

    def test_an_unknown_window_excludes_nothing(self) -> None:
        assert unfit(model("my-vllm", "llama"), asked(input_chars=10**9)) is None


counts = st.integers(min_value=0, max_value=3)
needs = st.fixed_dictionaries({
    "images": counts, "files": counts, "audio": counts, "json_schema": st.booleans(), "prompt_template": st.booleans(), "tools": counts,
    "input_chars": st.integers(min_value=0, max_value=6_000_000), "max_output_tokens": st.none() | st.integers(min_value=1, max_value=200_000),
})


@given(first=needs, second=needs, chosen=st.sampled_from(curated()))
def test_asking_for_more_never_opens_a_model(first: dict[str, Any], second: dict[str, Any], chosen: Model) -> None:
    more = {name: max(first[name] or 0, second[name] or 0) for name in first}
    if unfit(chosen, asked(**more)) is None:
        assert unfit(chosen, asked(**first)) is None
        assert unfit(chosen, asked(**second)) is None


@given(given_needs=needs, chosen=st.sampled_from(curated()))
def test_a_model_that_can_everything_lacks_only_room(given_needs: dict[str, Any], chosen: Model) -> None:
    able = structs.replace(chosen, can=ANSWERING | TOOL_TYPES)
    reason = unfit(able, asked(**given_needs))
    assert reason is None or reason.startswith("needs about ")
