"""What of a request is taken for the task."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.classifier.prompt import WHOLE, Prompt, prompt_of

HARD = "Prove that every group of order 15 is cyclic, and give all automorphisms of it."


def message(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def text(value: str) -> dict[str, str]:
    return {"type": "input_text", "text": value}


def read(given: Any, **fields: Any) -> Prompt:
    return prompt_of(json.dumps({"model": "auto", "input": given, **fields}).encode())


def test_a_string_is_the_task() -> None:
    assert read("What is a monad?").text == "What is a monad?"


@pytest.mark.parametrize("last", ["and now in French", "continue", "yes please", "Why?", "Can you write that more formally?", "shorter"])
def test_a_turn_that_carries_on_is_read_with_what_it_carries_on(last: str) -> None:
    given = read([message("user", HARD), message("assistant", "By Sylow's theorems it is."), message("user", last)])
    assert given.text == f"{HARD}\n{last}"
    assert given.turns == 2


def test_several_turns_that_carry_on_lead_back_to_the_task() -> None:
    given = read([message("user", HARD), message("user", "go on"), message("assistant", "…"), message("user", "and in French")])
    assert given.text.startswith(HARD)


def test_a_turn_that_stands_alone_is_the_whole_task() -> None:
    alone = "Which rivers flow through the city of Lyon in France?"
    assert read([message("user", HARD), message("assistant", "It is."), message("user", alone)]).text == alone


def test_results_of_tools_and_answers_are_not_the_task() -> None:
    items = [
        message("user", "Which of our servers is the slowest today?"),
        {"type": "function_call", "call_id": "c1", "name": "servers", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "int main() { return 0; }" * 500},
        message("assistant", [{"type": "output_text", "text": "Let me look further.", "annotations": []}]),
        {"type": "function_call_output", "call_id": "c2", "output": [text("def f(): pass")]},
    ]
    assert read(items).text == "Which of our servers is the slowest today?"


def test_a_pasted_document_counts_little_beside_the_question() -> None:
    document = "The tenant shall pay the rent in advance. " * 400
    given = read([message("user", [text(document), text("Which clause speaks of damages?")])])
    assert given.text.endswith("Which clause speaks of damages?")
    assert len(given.text) < 400
    assert given.chars > len(document)


def test_of_a_long_text_the_beginning_and_the_end_are_read() -> None:
    given = read("Review this: " + "x = 1\n" * 60_000 + "What is wrong with it?")
    assert given.text.startswith("Review this: x = 1")
    assert given.text.endswith("What is wrong with it?")
    assert len(given.text) <= WHOLE + 1


def test_instructions_come_from_the_field_and_from_system_and_developer_messages() -> None:
    given = read([message("system", "Be brief."), message("developer", "Answer in Dutch."), message("user", "Hi there")], instructions="You sell.")
    assert given.instructions == "You sell.\nBe brief.\nAnswer in Dutch."
    assert given.text == "Hi there"


def test_without_a_user_the_instructions_are_the_task() -> None:
    assert read([message("developer", "Write a haiku about rain.")]).text == "Write a haiku about rain."


def test_tools_and_images_are_counted() -> None:
    tools = [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}}, {"type": "web_search"}]
    parts = [text("What is in this picture?"), {"type": "input_image", "image_url": "https://example.com/cat.png", "detail": "auto"}]
    given = read([message("user", parts)], tools=tools)
    assert given.tools == ("get_weather", "web_search")
    assert given.tools_chars == sum(len(json.dumps(tool)) for tool in tools)
    assert given.images == 1


def test_the_prefix_stays_the_same_over_the_turns_of_a_conversation() -> None:
    opening = [message("user", "Here is the report. " * 300)]
    first = read(opening, instructions="You are an analyst.").prefix
    later = read([*opening, message("assistant", "Thanks."), message("user", "Sum it up.")], instructions="You are an analyst.").prefix
    assert first
    assert first == later


def test_the_prefix_tells_conversations_apart() -> None:
    long = "Here is the report. " * 300
    names = {
        read(long).prefix, read(long + "!").prefix, read(long, instructions="Be brief.").prefix, read(long, prompt_cache_key="team-a").prefix,
        read(long, tools=[{"type": "web_search"}]).prefix,
    }  # fmt: skip
    assert len(names) == 5


def test_a_short_conversation_has_no_prefix() -> None:
    assert read("What is a monad?").prefix == ""


@pytest.mark.parametrize("body", [b"", b"[]", b'{"input": 3}', b'{"input": [{"role": "user", "content": {"a": 1}}]}', b"\xff"])
def test_what_cannot_be_read_is_an_empty_prompt(body: bytes) -> None:
    assert prompt_of(body) == Prompt()


@given(st.text(max_size=200))
def test_any_text_can_be_read(words: str) -> None:
    assert read(words).text.strip() == words.strip()
