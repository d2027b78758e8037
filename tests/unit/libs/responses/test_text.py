"""Which strings of a request a firewall sees, and what the router counts."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from libs.contracts.decisions import Target
from libs.contracts.requests import RequestFacts
from libs.responses.text import facts, metadata_texts, replaced, rewrite, texts, user_text

Json = dict[str, Any]


def data_url(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{b64encode(data).decode()}"


REQUEST: Json = {
    "model": "secret", "instructions": "secret 1", "user": "secret", "metadata": {"note": "secret m"},
    "input": [
        {"type": "message", "id": "msg_secret", "role": "user", "content": [
            {"type": "input_text", "text": "secret 2"},
            {"type": "input_image", "image_url": data_url("image/png", b"secret"), "detail": "auto"},
            {"type": "input_image", "image_url": "https://example.com/secret3"},
            {"type": "input_file", "filename": "secret 4.txt", "file_data": data_url("text/plain", b"secret 5")},
            {"type": "input_file", "file_data": data_url("application/pdf", b"secret")},
            {"type": "input_audio", "input_audio": {"data": "secret", "format": "mp3"}},
        ]},
        {"type": "message", "role": "assistant", "content": "secret 6"},
        {"type": "reasoning", "id": "rs_secret", "summary": [{"type": "summary_text", "text": "secret 7"}], "encrypted_content": "secret"},
        {"type": "function_call", "call_id": "secret", "name": "secret", "arguments": '{"k":"secret 8"}'},
        {"type": "function_call_output", "call_id": "secret", "output": "secret 9"},
        {"type": "function_call_output", "call_id": "x", "output": [{"type": "input_text", "text": "secret 10"}]},
        {"type": "mcp_call", "id": "secret", "output": "secret 11", "arguments": "{}"},
        {"type": "image_generation_call", "id": "ig", "result": "secret"},
    ],
    "tools": [{"type": "function", "name": "secret", "description": "secret 12", "parameters": {
        "type": "object", "properties": {"id": {"type": "string", "description": "secret 13", "enum": ["secret 14"]}},
    }}],
    "text": {"format": {"type": "json_schema", "name": "secret", "schema": {"description": "secret 15"}}},
    "prompt": {"id": "secret", "variables": {"who": "secret 16"}},
}


def test_every_string_that_can_carry_text_is_seen_and_no_other() -> None:
    seen = [text for _, text in texts(REQUEST) if "secret" in text]
    assert sorted(seen, key=lambda text: int("".join(filter(str.isdigit, text)))) == [
        "secret 1", "secret 2", "https://example.com/secret3", "secret 4.txt", "secret 5", "secret 6", "secret 7", '{"k":"secret 8"}',
        *(f"secret {number}" for number in range(9, 17)),
    ]


def test_a_text_that_looks_like_a_data_url_is_still_text() -> None:
    request = {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "data:secret"}]}]}
    assert [text for _, text in texts(request)] == ["data:secret"]


def with_file(data: str) -> Json:
    return {"input": [{"type": "message", "role": "user", "content": [{"type": "input_file", "file_data": data}]}]}


@pytest.mark.parametrize("url", ["data:text/plain;base64,%%%", "data:text/plain;base64,/w==", "data:text/plain,a secret"])
def test_a_text_file_that_cannot_be_decoded_is_seen_as_it_is(url: str) -> None:
    assert [text for _, text in texts(with_file(url))] == [url]


@pytest.mark.parametrize(("mime", "seen"), [("", True), ("data:application/json;base64,", True), ("data:text/csv;charset=utf-8;base64,", True),
                                           ("data:application/pdf;base64,", False)])
def test_text_files_are_seen_and_written_back_in_their_own_form(mime: str, seen: bool) -> None:
    request = with_file(mime + b64encode(b"a secret").decode())
    assert [text for _, text in texts(request)] == (["a secret"] if seen else [])
    masked = rewrite(request, lambda text: text.replace("secret", "[x]"))
    assert masked == (with_file(mime + b64encode(b"a [x]").decode()) if seen else request)


def test_binary_files_are_not_seen() -> None:
    assert list(texts(with_file(b64encode(b"\x89PNG\xff").decode()))) == []


def test_metadata_is_apart() -> None:
    assert list(metadata_texts(REQUEST)) == [(("metadata", "note"), "secret m")]
    assert list(metadata_texts({"metadata": None})) == []


def test_rewriting_changes_what_is_seen_and_nothing_else() -> None:
    before = msgspec.json.encode(REQUEST)
    masked = rewrite(REQUEST, lambda text: text.replace("secret", "[x]"))
    assert msgspec.json.encode(REQUEST) == before
    assert not any("secret" in text for _, text in texts(masked))
    assert masked["input"][0]["content"][3]["file_data"] == data_url("text/plain", b"[x] 5")
    assert masked["input"][0]["content"][1] == REQUEST["input"][0]["content"][1]
    assert masked["input"][3] == {"type": "function_call", "call_id": "secret", "name": "secret", "arguments": '{"k":"[x] 8"}'}
    assert masked["metadata"] == REQUEST["metadata"]
    assert masked["input"][7] is REQUEST["input"][7]


def test_rewriting_nothing_returns_the_request_itself() -> None:
    assert rewrite(REQUEST, lambda text: text) is REQUEST


def test_single_places_can_be_replaced() -> None:
    [(path, text)] = texts({"input": "a secret"})
    assert (path, text) == (("input",), "a secret")
    assert replaced({"input": "a secret"}, {path: "b"}) == {"input": "b"}


def test_user_text_is_what_users_said() -> None:
    assert user_text({"input": "plain"}) == "plain"
    assert user_text(REQUEST | {"input": [*REQUEST["input"], {"type": "message", "role": "user", "content": "More."}]}) == "secret 2\nMore."
    assert user_text({}) == ""


def test_facts_fit_the_contract() -> None:
    counted = RequestFacts(model="m", target=Target(), **facts(REQUEST | {"max_output_tokens": 9, "tools": [
        {"type": "function", "name": "f"}, {"type": "web_search"}, {"type": "custom", "name": "c"},
    ]}))
    assert (counted.images, counted.files, counted.audio) == (2, 2, 1)
    assert (counted.tools, counted.builtin_tools) == (3, ["web_search", "custom"])
    assert counted.structured
    assert counted.max_output_tokens == 9


def test_input_chars_counts_text_and_tool_definitions() -> None:
    assert facts({"input": "12345", "instructions": "123"})["input_chars"] == 8
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "12345"}]}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    assert facts({"input": [message, call, {"type": "function_call_output", "call_id": "c", "output": "1234"}]})["input_chars"] == 11
    assert facts({"input": "", "tools": [{"type": "x"}]})["input_chars"] == len('[{"type":"x"}]')
    assert not facts({"input": "", "text": {"format": {"type": "text"}}})["structured"]
