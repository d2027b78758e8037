"""Every accepted form of a request becomes the canonical one."""

import timeit
from typing import Any

import msgspec
import pytest

from libs.contracts.errors import InvalidRequest
from libs.responses.canonical import canonical

Json = dict[str, Any]
SCHEMA: Json = {"type": "object", "properties": {}}


def items(given: list[Any]) -> Any:
    return canonical({"input": given})["input"]


def wrong(request: Json, param: str) -> str:
    with pytest.raises(InvalidRequest) as caught:
        canonical(request)
    assert caught.value.info.param == param
    assert caught.value.info.status == 400
    return caught.value.info.message


ORDINARY: Json = {
    "model": "auto:balance", "instructions": "Be kind. " * 30, "stream": True, "temperature": 0.7, "metadata": {"team": "a"},
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello world " * 80}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "fine"}]},
        {"type": "message", "role": "user", "content": "And now?"},
    ],
    "tools": [{"type": "function", "name": "f", "description": "d", "parameters": SCHEMA}],
    "text": {"format": {"type": "text"}}, "future_field": {"x": None},
}


def test_a_canonical_request_is_returned_itself() -> None:
    before = msgspec.json.encode(ORDINARY)
    assert canonical(ORDINARY) is ORDINARY
    assert msgspec.json.encode(ORDINARY) == before


@pytest.mark.parametrize("request_", [
    {"input": "Hi"}, {"input": [], "model": "m"}, {"previous_response_id": "resp_1"}, {"prompt": {"id": "pmpt_1"}},
    {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]},
    {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
    {"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "x"}]}]},
    {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}, {"type": "item_of_tomorrow", "x": 1}]},
    {"input": [{"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "https://x", "detail": "low"}]}]},
    {"input": "x", "tools": [{"type": "web_search"}, {"type": "custom", "name": "c"}], "tool_choice": "required"},
    {"input": "x", "tool_choice": {"type": "function", "name": "f"}},
    {"input": "x", "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}},
    {"input": "x", "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}, "verbosity": "low"}},
    {"input": "x", "unknown": None},
])
def test_other_canonical_requests_too(request_: Json) -> None:
    assert canonical(request_) is request_


def test_the_clients_object_is_never_changed() -> None:
    request = {
        "input": [{"role": "user", "content": [{"type": "text", "text": "a"}]}, {"type": "text", "text": "b"}], "metadata": None,
        "tools": [{"type": "function", "function": {"name": "f"}}], "response_format": {"type": "json_object"},
    }
    before = msgspec.json.encode(request)
    canonical(request)
    assert msgspec.json.encode(request) == before


def test_explicit_nulls_mean_absent() -> None:
    # As LlamaIndex sends them.
    request = {"input": "Hi", "previous_response_id": None, "metadata": None, "user": None, "include": None, "tools": None, "vendor": None}
    assert canonical(request) == {"input": "Hi", "vendor": None}
    assert canonical({"input": "Hi", "text": {"format": None, "verbosity": "low"}}) == {"input": "Hi", "text": {"verbosity": "low"}}


def test_p4_messages_get_their_type() -> None:
    assert items([{"role": "user", "content": "Hi", "name": "ada"}]) == [{"type": "message", "role": "user", "content": "Hi", "name": "ada"}]


def test_p4_chat_parts_are_renamed_by_role() -> None:
    given = [{"role": role, "content": [{"type": "text", "text": "x"}]} for role in ("user", "assistant", "developer")]
    assert [item["content"][0]["type"] for item in items(given)] == ["input_text", "output_text", "input_text"]


def test_parts_without_a_role_are_one_user_message() -> None:
    given = [
        {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "high"}},
        {"type": "image_url", "image_url": "https://x/b.png"}, {"type": "image_file", "image_file": {"file_id": "file_1"}},
        {"type": "image_file", "file_id": "file_2"}, {"type": "input_file", "file_data": "data:x"},
    ]
    [message] = items(given)
    assert (message["type"], message["role"]) == ("message", "user")
    assert message["content"] == [
        {"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": "https://x/a.png", "detail": "high"},
        {"type": "input_image", "image_url": "https://x/b.png", "detail": "auto"},
        {"type": "input_image", "file_id": "file_1", "detail": "auto"}, {"type": "input_image", "file_id": "file_2", "detail": "auto"},
        {"type": "input_file", "file_data": "data:x"},
    ]


def test_runs_of_parts_stay_apart_around_messages() -> None:
    made = items([{"type": "text", "text": "a"}, {"role": "assistant", "content": "b"}, {"type": "text", "text": "c"}])
    assert [item["role"] for item in made] == ["user", "assistant", "user"]


def test_nested_images_and_files_inside_messages() -> None:
    content = [{"type": "input_image", "image_url": {"url": "https://x"}}, {"type": "file", "file": {"filename": "a.pdf", "file_data": "d"}}]
    [message] = items([{"role": "user", "content": content}])
    assert message["content"][0] == {"type": "input_image", "image_url": "https://x", "detail": "auto"}
    assert message["content"][1] == {"type": "input_file", "filename": "a.pdf", "file_data": "d"}


@pytest.mark.parametrize("given", [
    {"type": "function_result", "tool_call_id": "c", "output": "x"}, {"type": "tool_result", "tool_call_id": "c", "output": "x"},
    {"type": "function_call_output", "tool_call_id": "c", "output": "x"}, {"tool_call_id": "c", "output": "x"},
    {"type": "tool_result", "tool_use_id": "c", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "x"},
    {"call_id": "c", "output": "x"},
])
def test_every_form_of_a_tool_result(given: Json) -> None:
    assert items([given]) == [{"type": "function_call_output", "call_id": "c", "output": "x"}]


@pytest.mark.parametrize(("output", "expected"), [
    ({"temp": 21}, '{"temp":21}'), (7, "7"), (None, ""), ([1, 2], "[1,2]"), ([], "[]"),
    ([{"type": "text", "text": "x"}], [{"type": "input_text", "text": "x"}]),
])
def test_results_of_other_kinds_are_text_or_parts(output: Any, expected: Any) -> None:
    assert items([{"type": "function_call_output", "call_id": "c", "output": output}])[0]["output"] == expected


def test_chat_calls_become_items() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    made = items([{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "x"}])
    assert [item["type"] for item in made] == ["function_call", "function_call_output"]
    assert made[0] == {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
    both = items([{"role": "assistant", "content": "Let me see.", "tool_calls": [call]}])
    assert [item["type"] for item in both] == ["message", "function_call"]


def test_arguments_that_are_an_object_become_text() -> None:
    assert items([{"type": "function_call", "call_id": "c", "name": "f", "arguments": {"n": 2**70}}])[0]["arguments"] == f'{{"n":{2**70}}}'


def test_p15_nested_tools_are_flat_and_not_strict() -> None:
    nested = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
    flat = {"type": "function", "name": "g", "parameters": SCHEMA}
    made = canonical({"input": "x", "tools": [nested, flat]})["tools"]
    assert made[0] == {"type": "function", "strict": False, "name": "f", "description": "d", "parameters": SCHEMA}
    assert made[1] is flat
    assert canonical({"input": "x", "tools": [{"function": {"name": "f", "strict": True}}]})["tools"][0]["strict"] is True


@pytest.mark.parametrize(("choice", "expected"), [
    ({"type": "function", "function": {"name": "f"}}, {"type": "function", "name": "f"}),
    ({"type": "custom", "custom": {"name": "f"}}, {"type": "custom", "name": "f"}),
    ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}},
     {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}),
])
def test_nested_tool_choice(choice: Json, expected: Json) -> None:
    assert canonical({"input": "x", "tool_choice": choice})["tool_choice"] == expected


@pytest.mark.parametrize("fields", [
    {"text": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}, "verbosity": "low"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}, "text": {"verbosity": "low"}},
    {"text": {"format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}, "verbosity": "low"}},
])
def test_every_form_of_the_output_format(fields: Json) -> None:
    made = canonical({"input": "x"} | fields)
    wanted = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    assert made == {"input": "x", "text": {"format": wanted, "verbosity": "low"}}


@pytest.mark.parametrize("fields", [{"text": {"type": "json_object"}}, {"response_format": {"type": "json_object"}}])
def test_json_mode(fields: Json) -> None:
    assert canonical({"input": "x"} | fields) == {"input": "x", "text": {"format": {"type": "json_object"}}}


@pytest.mark.parametrize(("request_", "param"), [
    ({}, "input"), ({"input": None}, "input"), ({"input": 7}, "input"), ({"input": {}}, "input"),
    ({"input": ["hello"]}, "input[0]"), ({"input": [{}]}, "input[0].type"), ({"input": [{"type": 7}]}, "input[0].type"),
    ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"), ({"input": [{"type": "message", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"), ({"input": [{"role": "user", "content": 7}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "hologram"}]}]}, "input[0].content[1].type"),
    ({"input": [{"role": "user", "content": [{"type": "text"}]}]}, "input[0].content[0].text"),
    ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
    ({"input": [{"type": "image_url"}]}, "input[0].image_url"), ({"input": [{"type": "image_file"}]}, "input[0].image_file.file_id"),
    ({"input": [{"role": "user", "content": [{"type": "file"}]}]}, "input[0].content[0].file"),
    ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
    ({"input": [{"type": "function_call", "call_id": "c"}]}, "input[0].name"),
    ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
    ({"input": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}, "input[0].tool_calls[0].function"),
    ({"input": "x", "tools": ["f"]}, "tools[0]"), ({"input": "x", "tools": [{}]}, "tools[0].type"),
    ({"input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
    ({"input": "x", "tools": [{"type": "function", "name": "f", "parameters": "{}"}]}, "tools[0].parameters"),
    ({"input": "x", "tool_choice": "maybe"}, "tool_choice"), ({"input": "x", "tool_choice": {}}, "tool_choice.type"),
    ({"input": "x", "tool_choice": {"type": "function"}}, "tool_choice.name"),
    ({"input": "x", "tool_choice": {"type": "allowed_tools", "tools": ["f"]}}, "tool_choice.tools"),
    ({"input": "x", "text": {"type": "yaml"}}, "text.type"), ({"input": "x", "text": {"format": "json"}}, "text.format.type"),
    ({"input": "x", "response_format": {"type": "json_schema"}}, "response_format.schema"),
    ({"input": "x", "response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.schema"),
    ({"input": "x", "response_format": {"type": "text"}, "text": {"format": {"type": "text"}}}, "response_format"),
    ({"input": "x", "stream": "yes"}, "stream"), ({"input": "x", "stream": 1}, "stream"), ({"input": "x", "temperature": True}, "temperature"),
    ({"input": "x", "max_output_tokens": 1.5}, "max_output_tokens"), ({"input": "x", "model": 4}, "model"),
    ({"input": "x", "metadata": {"a": 1}}, "metadata.a"), ({"input": "x", "metadata": {"a": "b" * 513}}, "metadata.a"),
    ({"input": "x", "metadata": {str(n): "" for n in range(17)}}, "metadata"), ({"input": "x", "metadata": []}, "metadata"),
    ({"input": [{"role": ["user"], "content": "x"}]}, "input"), ({"input": [{"role": "user", "content": [{"type": {}}]}]}, "input"),
    ({"input": "x", "text": {"format": {"type": []}}}, "text"),
])
def test_what_is_malformed_is_named(request_: Json, param: str) -> None:
    assert wrong(request_, param).endswith(".")


def test_canonical_is_idempotent() -> None:
    once = canonical({
        "input": [{"type": "text", "text": "a"}, {"role": "tool", "tool_call_id": "c", "content": "x"}, {"role": "user", "content": "b"}],
        "tools": [{"function": {"name": "f"}}], "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}, "store": None,
    })
    assert canonical(once) is once


def test_an_ordinary_request_costs_next_to_nothing() -> None:
    # 6 µs on the reference machine; the bound only catches a change of kind.
    assert min(timeit.repeat(lambda: canonical(ORDINARY), number=1000, repeat=5)) / 1000 < 100e-6
