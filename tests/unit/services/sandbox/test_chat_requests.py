"""What OpenAI, DeepSeek and Mistral refuse in Chat Completions, and in which words."""

from typing import Any

import pytest

from services.sandbox.asked import Asked, Problem
from services.sandbox.chat import Chat
from services.sandbox.chat.deepseek import DEEPSEEK
from services.sandbox.chat.mistral import MISTRAL
from services.sandbox.chat.openai import OPENAI
from services.sandbox.dialect import Head

CHATS = {"openai": Chat(OPENAI), "deepseek": Chat(DEEPSEEK), "mistral": Chat(MISTRAL)}
MODELS = {"openai": "gpt-4o", "deepseek": "deepseek-v4-flash", "mistral": "mistral-small-latest"}
USER = {"role": "user", "content": "Hi"}
IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}
TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}


def read(provider: str, body: dict[str, Any]) -> Asked:
    return CHATS[provider].read({"model": MODELS[provider], "messages": [USER]} | body, Head())


def refusal(provider: str, body: dict[str, Any], status: int = 400) -> Any:
    with pytest.raises(Problem) as caught:
        read(provider, body)
    assert caught.value.status == status
    return CHATS[provider].error(caught.value)


def calling(*call_ids: str, **more: Any) -> dict[str, Any]:
    calls = [{"id": call_id, "type": "function", "function": {"name": "clock", "arguments": "{}"}} for call_id in call_ids]
    return {"role": "assistant", "content": "", "tool_calls": calls, **more}


def result(call_id: str, content: Any = "noon") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


ONE, TWO = "aaaaaaaa1", "aaaaaaaa2"
THOUGHT = {"reasoning_content": ""}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": []}, "empty array"),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, "Supported values are: 'system', 'assistant'"),
        ({"messages": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}, "Supported values are: 'file', 'image_url'"),
        ({"messages": [{"role": "system", "content": IMAGE["content"]}, USER]}, "Invalid value: 'image_url'"),
        ({"messages": [USER, calling(ONE, TWO), result(ONE), USER]}, f"did not have response messages: {TWO}"),
        ({"messages": [USER, calling(ONE), result(ONE), result(TWO)]}, "must be a response to a preceeding message with 'tool_calls'"),
        ({"messages": [USER, result(ONE)]}, "must be a response to a preceeding message with 'tool_calls'"),
        ({"thinking": {"type": "disabled"}}, "Unrecognized request argument supplied: thinking"),
        ({"temperature": 2.5}, "'temperature'"),
        ({"model": "gpt-5", "temperature": 0.5}, "Only the default (1) value is supported."),
        ({"model": "o3", "max_tokens": 5}, "Use 'max_completion_tokens' instead."),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"tools": [{"type": "function", "name": "clock"}]}, "'tools[0].function'"),
        ({"tools": [{"type": "function", "function": {"name": "a.b"}}]}, "does not match pattern"),
        ({"tools": [TOOL], "tool_choice": "any"}, "'none', 'auto', and 'required'"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "no function named 'x'"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        ({"response_format": {"type": "xml"}}, "Invalid value: 'xml'"),
    ],
)
def test_openai(body: dict[str, Any], said: str) -> None:
    error = refusal("openai", body)["error"]
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"type": "object", "properties": {}}, "In context=(), 'additionalProperties' is required"),
        ({"type": "object", "properties": {"a": {}}, "required": [], "additionalProperties": False}, "Missing 'a'."),
        (
            {
                "type": "object", "required": ["a"], "additionalProperties": False,
                "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}},
            },
            "In context=('properties', 'a', 'items'), 'additionalProperties'",
        ),
        ({"allOf": [{}]}, "'allOf' is not permitted"),
    ],
)  # fmt: skip
def test_p20_openai_holds_strict_functions_to_strict_schemas(parameters: dict[str, Any], said: str) -> None:
    function = {"name": "f", "parameters": parameters}
    error = refusal("openai", {"tools": [{"type": "function", "function": function | {"strict": True}}]})["error"]
    assert said in error["message"]
    assert (error["param"], error["code"]) == ("tools[0].function.parameters", "invalid_function_parameters")
    assert read("openai", {"tools": [{"type": "function", "function": function}]}).tools


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": [{"role": "developer", "content": "Hi"}]}, "unknown variant `developer`, expected one of `system`, `user`"),
        ({"model": "deepseek-v4-pro", "messages": [IMAGE]}, "messages[0]: unknown variant `image_url`, expected `text`"),
        ({"messages": [IMAGE | {"role": "system"}]}, "messages[0]: unknown variant `image_url`, expected `text`"),
        ({"messages": [USER, calling(ONE, **THOUGHT), result(ONE, [{"type": "text", "text": "noon"}])]}, "invalid type: sequence, expected a string"),
        ({"messages": [USER, calling(ONE, TWO, **THOUGHT), result(ONE)]}, "insufficient tool messages following tool_calls message"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}, "This response_format type is unavailable now"),
        ({"response_format": {"type": "json_object"}}, "Prompt must contain the word 'json'"),
        ({"tools": [TOOL], "tool_choice": "required"}, "Thinking mode does not support this tool_choice"),
        ({"model": "deepseek-nonsense"}, "Model Not Exist"),
    ],
)
def test_deepseek(body: dict[str, Any], said: str) -> None:
    error = refusal("deepseek", body)["error"]
    assert said in error["message"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_request_error")


def test_p42_deepseek_wants_its_reasoning_back_while_it_thinks() -> None:
    turns = [USER, calling(ONE), result(ONE)]
    assert "must be passed back" in refusal("deepseek", {"messages": turns})["error"]["message"]
    assert read("deepseek", {"messages": [USER, calling(ONE, **THOUGHT), result(ONE)]}).thinking
    assert not read("deepseek", {"messages": turns, "thinking": {"type": "disabled"}}).thinking
    assert not read("deepseek", {"messages": turns, "model": "deepseek-chat"}).thinking


@pytest.mark.parametrize("model", ["deepseek-flash", "deepseek-v4-flash"])
def test_deepseek_flash_sees_what_a_user_shows(model: str) -> None:
    assert read("deepseek", {"model": model, "messages": [IMAGE]}).images == 1


def test_deepseek_ignores_what_it_does_not_know() -> None:
    assert read("deepseek", {"parallel_tool_calls": False, "store": True}).parallel


@pytest.mark.parametrize(
    ("messages", "said", "kind"),
    [
        ([USER, calling(ONE), result(ONE), USER], "Unexpected role 'user' after role 'tool'", "invalid_request_message_order"),
        ([USER, result(ONE)], "Unexpected role 'tool' after role 'user'", "invalid_request_message_order"),
        ([USER, calling(ONE), result(TWO)], f"Unexpected tool call id {TWO} in tool results", "invalid_request_message_order"),
        ([USER, calling(ONE, TWO), result(ONE)], "Not the same number of function calls and responses", "invalid_request_message_order"),
        ([USER, {"role": "assistant", "content": "Hi"}], "Expected last role User or Tool", "invalid_request_message_order"),
        ([USER, {"role": "assistant", "content": ""}, USER], "must have either content or tool_calls", "invalid_request_assistant_message"),
        ([USER, calling("call_1"), result("call_1")], "Tool call id was call_1 but must be a-z, A-Z, 0-9", "invalid_function_call"),
    ],
)
def test_mistral_conversations(messages: list[Any], said: str, kind: str) -> None:
    told = refusal("mistral", {"messages": messages})
    assert said in told["message"]
    assert (told["object"], told["type"]) == ("error", kind)


@pytest.mark.parametrize(
    ("body", "at", "kind"),
    [
        ({"stream_options": {"include_usage": True}}, ["stream_options"], "extra_forbidden"),
        ({"max_completion_tokens": 5}, ["max_completion_tokens"], "extra_forbidden"),
        ({"messages": [{"role": "user", "content": "Hi", "name": "Al"}]}, ["messages", 0, "user", "name"], "extra_forbidden"),
        ({"messages": [{"role": "developer", "content": "Hi"}]}, ["messages", 0], "union_tag_invalid"),
        ({"messages": None}, ["messages"], "missing"),
        ({"temperature": 1.6}, ["temperature"], "less_than_equal"),
        ({"tool_choice": "some"}, ["tool_choice"], "enum"),
        ({"response_format": {"type": "xml"}}, ["response_format", "type"], "enum"),
    ],
)
def test_p77_mistral_validation_is_422_with_a_list(body: dict[str, Any], at: list[str | int], kind: str) -> None:
    (detail,) = refusal("mistral", body, 422)["detail"]
    assert (detail["loc"], detail["type"]) == (["body", *at], kind)
    assert detail["msg"]


@pytest.mark.parametrize("provider", ["openai", "mistral"])
def test_pictures_and_schemas_pass_where_they_are_known(provider: str) -> None:
    output = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    asked = read(provider, {"messages": [IMAGE], "response_format": output, "tools": [TOOL], "parallel_tool_calls": False})
    assert (asked.images, asked.schema, asked.parallel) == (1, {"type": "object"}, False)


def test_mistral_may_be_given_the_beginning_of_its_answer() -> None:
    assert read("mistral", {"messages": [USER, {"role": "assistant", "content": "Once", "prefix": True}]}).text == "Hi"
