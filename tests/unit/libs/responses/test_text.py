"""Which strings of a request a firewall sees, and what the router counts."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(("given", "seen"), [
    ("a secret", ["a secret"]), (["a secret", "b", "secrets"], ["a secret", "b", "secrets"]), ([1, 2], []), ([[1, 2], [3]], []),
])
def test_what_embeddings_are_wanted_of_is_seen_and_masked(given: Any, seen: list[str]) -> None:
    request = {"model": "text-embedding-3-small", "input": given, "user": "secret", "encoding_format": "base64"}
    assert [text for _, text in texts(request)] == seen
    assert user_text(request) == "\n".join(seen)
    masked = rewrite(request, lambda text: text.replace("secret", "[x]"))
    expected = [text.replace("secret", "[x]") for text in seen]
    assert masked == (request | {"input": expected[0] if isinstance(given, str) else expected} if seen else request)


def test_facts_fit_the_contract() -> None:
    counted = RequestFacts(model="m", target=Target(), **facts(REQUEST | {"max_output_tokens": 9, "tools": [
        {"type": "function", "name": "f"}, {"type": "web_search"}, {"type": "custom", "name": "c"},
    ]}))
    assert (counted.images, counted.files, counted.audio) == (2, 2, 1)
    assert (counted.tools, counted.builtin_tools) == (3, ["web_search", "custom"])
    assert counted.structured
    assert counted.json_schema
    assert counted.prompt_template
    assert counted.max_output_tokens == 9


def test_input_chars_counts_text_and_tool_definitions() -> None:
    assert facts({"input": "12345", "instructions": "123"})["input_chars"] == 8
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "12345"}]}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    assert facts({"input": [message, call, {"type": "function_call_output", "call_id": "c", "output": "1234"}]})["input_chars"] == 11
    assert facts({"input": "", "tools": [{"type": "x"}]})["input_chars"] == len('[{"type":"x"}]')
    assert not facts({"input": "", "text": {"format": {"type": "text"}}})["structured"]


def fact(name: str, *parts: Json, **fields: Any) -> Any:
    return facts({"input": [{"type": "message", "role": "user", "content": list(parts)}]} | fields)[name]


def test_media_in_tool_results_count() -> None:
    image = {"type": "input_image", "image_url": data_url("image/png", b"x")}
    file = {"type": "input_file", "file_url": "https://example.com/a.pdf"}
    counted = facts({"input": [
        {"type": "function_call_output", "call_id": "c", "output": [image, file, {"type": "input_text", "text": "12345"}]},
        {"type": "custom_tool_call_output", "call_id": "d", "output": [image]},
        {"type": "computer_call_output", "call_id": "e", "output": {"type": "computer_screenshot", "image_url": "https://example.com/e.png"}},
    ]})
    assert (counted["images"], counted["files"], counted["input_chars"]) == (3, 1, 5)


@pytest.mark.parametrize(
    ("part", "stored", "at_google"),
    [
        ({"type": "input_image", "file_id": "file-abc"}, 1, 0),
        ({"type": "input_file", "file_id": "file-abc"}, 1, 0),
        ({"type": "input_file", "file_id": "files/abc"}, 0, 1),
        ({"type": "input_file", "file_url": "gs://bucket/a.pdf"}, 0, 1),
        ({"type": "input_file", "file_url": "https://generativelanguage.googleapis.com/v1beta/files/abc"}, 0, 1),
        ({"type": "input_file", "file_url": "https://youtu.be/abc"}, 0, 1),
        ({"type": "input_file", "file_url": "https://example.com/files/abc"}, 0, 0),
        ({"type": "input_image", "image_url": "https://example.com/a.png"}, 0, 0),
        ({"type": "input_file", "file_id": None, "file_data": "QQ=="}, 0, 0),
    ],
)
def test_files_in_a_providers_storage_are_told_apart(part: Json, stored: int, at_google: int) -> None:
    assert (fact("file_ids", part), fact("google_files", part)) == (stored, at_google)


@pytest.mark.parametrize(
    ("part", "is_document"),
    [
        ({"filename": "a.docx", "file_data": "UEsDBA=="}, True), ({"filename": "SUMS.XLSX", "file_url": "https://example.com/1"}, True),
        ({"file_url": "https://example.com/a.pptx?token=1"}, True), ({"file_data": data_url("application/msword", b"x")}, True),
        ({"file_data": data_url("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"x")}, True),
        ({"filename": "a.pdf", "file_data": data_url("application/pdf", b"x")}, False), ({"filename": "a.csv", "file_data": "YSxi"}, False),
        ({"filename": "notes.docx.txt", "file_data": data_url("text/plain", b"x")}, False), ({"file_url": "https://example.com/a?b=c.docx"}, False),
        ({"file_url": 5, "filename": ["a.docx"], "file_data": {}}, False),
    ],
)
def test_documents_are_files_that_are_neither_pdf_nor_text(part: Json, is_document: bool) -> None:
    part = {"type": "input_file"} | part
    assert (fact("documents", part), fact("files", part)) == (int(is_document), 1)


def test_the_text_of_text_files_counts() -> None:
    text = "word " * 1000
    counted: int = fact("input_chars", {"type": "input_file", "filename": "a.txt", "file_data": data_url("text/plain", text.encode())})
    assert abs(counted - len(text)) < 50
    assert fact("input_chars", {"type": "input_file", "file_data": data_url("application/pdf", text.encode())}) == 0


@pytest.mark.parametrize(("reasoning", "effort"), [(None, ""), ({}, ""), ({"effort": None}, ""), ({"effort": "xhigh"}, "xhigh"), ({"effort": 5}, "")])
def test_the_effort_is_told(reasoning: Any, effort: str) -> None:
    assert fact("effort", reasoning=reasoning) == effort


@pytest.mark.parametrize(("kind", "structured", "json_schema"), [("text", False, False), ("json_object", True, False), ("json_schema", True, True)])
def test_json_mode_and_schemas_are_told_apart(kind: str, structured: bool, json_schema: bool) -> None:
    counted = facts({"input": "", "text": {"format": {"type": kind, "name": "n", "schema": {}}}})
    assert (counted["structured"], counted["json_schema"]) == (structured, json_schema)


def test_a_stored_prompt_is_told() -> None:
    assert facts({"prompt": {"id": "pmpt_1"}})["prompt_template"]
    assert not facts({"input": "", "prompt": None})["prompt_template"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["input_image", "input_file", "message", "files/a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "content", "output", "summary", "text", "file_id", "file_data", "filename", "file_url", "image_url"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)


@given(items=st.lists(st.dictionaries(st.sampled_from(["type", "content", "output", "summary", "arguments"]), json_values, max_size=4), max_size=3))
def test_items_of_any_shape_are_counted_and_fit_the_contract(items: list[Json]) -> None:
    counted = RequestFacts(model="m", target=Target(), **facts({"input": items}))
    assert msgspec.json.decode(msgspec.json.encode(counted), type=RequestFacts) == counted
