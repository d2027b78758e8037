"""What a conversation becomes at Anthropic: turns, calls, results, thinking."""

import pytest

from services.provider_worker.dialects.anthropic import Anthropic
from tests.conformance.answers import ENVELOPES, call, stream_bytes, streamed
from tests.conformance.messages import CITIES, MIDDLE, NEW, OLD, WEATHER, assistant, build, kinds, made_call, refused, result, roles, user


@pytest.mark.parametrize("role", ["system", "developer"])
def test_p2_p3_system_and_developer_are_hoisted(role: str) -> None:
    late = {"type": "message", "role": role, "content": "Late."}
    body, adapted = build({"instructions": "First.", "input": [late, user("Hi"), late, user("Again")]})
    assert [block["text"] for block in body["system"]] == ["First.", "Late.", "Late."]
    assert roles(body) == ["user"]
    assert len(adapted) == 1
    assert "input[2]" in adapted[0]


def test_p6_p7_turns_are_merged_and_begin_and_end_with_the_user() -> None:
    body, adapted = build({"input": [assistant("Hello."), user("a"), user("b"), assistant("c"), assistant("d")]})
    assert roles(body) == ["user", "assistant", "user", "assistant", "user"]
    assert [block["text"] for block in body["messages"][2]["content"]] == ["a", "b"]
    assert len(adapted) == 2


def test_p7_blank_texts_are_dropped() -> None:
    parts = [{"type": "input_text", "text": ""}, {"type": "input_text", "text": " \n"}, {"type": "input_text", "text": "x"}]
    body, _ = build({"input": [{"type": "message", "role": "user", "content": parts}, assistant(""), user("  ")]})
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "x"}]}]


def test_only_system_messages_still_ask_something() -> None:
    body, adapted = build({"input": [{"type": "message", "role": "system", "content": "Say hello."}]})
    assert roles(body) == ["user"]
    assert body["messages"][0]["content"][0]["text"] == "Say hello."
    assert adapted
    assert refused({"input": ""}).fallback


def test_p23_ids_fit_the_alphabet_and_stay_apart() -> None:
    ids = ["call.1", "call_1", "call/1", "tr_call", "ünï"]
    items = [item for call_id in ids for item in (made_call(call_id), result(call_id))]
    body, _ = build({"input": [user("go"), *items], "tools": [WEATHER]})
    used = [block["id"] for turn in body["messages"] for block in turn["content"] if block["type"] == "tool_use"]
    answered = [block["tool_use_id"] for turn in body["messages"] for block in turn["content"] if block["type"] == "tool_result"]
    assert used == answered
    assert len(set(used)) == len(ids)
    assert all(set(tool_id) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") for tool_id in used)


def test_p23_an_id_used_twice_is_two_calls() -> None:
    items = [made_call("call_0"), result("call_0", "one"), made_call("call_0"), result("call_0", "two")]
    body, _ = build({"input": [user("go"), *items], "tools": [WEATHER]})
    assert [block["id"] for turn in body["messages"] for block in turn["content"] if block["type"] == "tool_use"] == ["call_0", "call_0_2"]
    assert body["messages"][4]["content"] == [{"type": "tool_result", "tool_use_id": "call_0_2", "content": "two"}]


@pytest.mark.parametrize("arguments", ["", "  ", "{}"])
def test_p25_no_arguments_are_an_empty_object(arguments: str) -> None:
    body, _ = build({"input": [user("go"), made_call("c", arguments=arguments), result("c")], "tools": [WEATHER]})
    assert body["messages"][1]["content"][0]["input"] == {}


def test_p25_arguments_travel_as_they_are_written() -> None:
    text = '{"big": 123456789012345678901234567890, "exact": 1.10, "e": 1E400}'
    request = {"input": [user("go"), made_call("c", arguments=text), result("c")], "tools": [WEATHER]}
    assert text.encode() in Anthropic().build(call(request, model=MIDDLE)).content


@pytest.mark.parametrize("arguments", ["[1]", "{", "7", '"x"'])
def test_p25_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    failure = refused({"input": [user("go"), made_call("c", arguments=arguments), result("c")]})
    assert (failure.param, failure.fallback) == ("input[1].arguments", True)


def test_p26_all_results_of_a_batch_stand_first_in_one_user_turn() -> None:
    items = [user("go"), made_call("a"), made_call("b"), user("meanwhile"), result("b", "B"), result("a", "A")]
    body, adapted = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "assistant", "user"]
    last = body["messages"][2]["content"]
    assert [block.get("tool_use_id", block.get("text")) for block in last] == ["a", "b", "meanwhile"]
    assert adapted == []


def test_p26_a_late_result_moves_to_its_call() -> None:
    items = [user("go"), made_call("a"), user("wait"), assistant("sure"), result("a", "A"), user("now?")]
    body, _ = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "assistant", "user", "assistant", "user"]
    assert kinds(body["messages"][2]) == ["tool_result", "text"]
    assert kinds(body["messages"][4]) == ["text"]


def test_p26_a_turn_that_held_only_a_late_result_disappears() -> None:
    items = [user("go"), made_call("a"), user("wait"), assistant("y"), result("a", "A"), assistant("z"), user("now?")]
    body, _ = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "assistant", "user", "assistant", "user"]
    assert [block["text"] for block in body["messages"][3]["content"]] == ["y", "z"]


def test_p26_calls_one_after_another_stay_apart() -> None:
    items = [user("go"), made_call("a"), result("a"), made_call("b"), result("b")]
    body, _ = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "assistant", "user", "assistant", "user"]


def test_p27_a_call_without_result_is_answered_and_named() -> None:
    body, adapted = build({"input": [user("go"), made_call("a"), made_call("b"), result("a")], "tools": [WEATHER]})
    blocks = body["messages"][2]["content"]
    assert [block["tool_use_id"] for block in blocks] == ["a", "b"]
    assert blocks[1]["is_error"] is True
    assert len(adapted) == 1
    body, _ = build({"input": [user("go"), made_call("a"), assistant("x"), user("y")], "tools": [WEATHER]})
    assert kinds(body["messages"][2]) == ["tool_result", "text"]


def test_p27_a_result_without_call_is_refused() -> None:
    failure = refused({"input": [user("go"), result("lost")]})
    assert (failure.fallback, failure.param) == (False, "input[1].call_id")
    refused({"input": [user("go"), result("a"), made_call("a")]})


def test_history_with_tools_needs_definitions() -> None:
    body, adapted = build({"input": [user("go"), made_call("a"), result("a"), user("thanks")]})
    assert body["tools"] == [{"name": "get_weather", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}
    assert len(adapted) == 1


def test_p4_every_form_of_content_is_read() -> None:
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}, {"type": "refusal", "refusal": "no"}]}
    parts = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "c"}]}
    body, _ = build({"input": [user("a"), said, parts]})
    assert [[block["text"] for block in turn["content"]] for turn in body["messages"]] == [["a"], ["b", "no"], ["c"]]


def test_p5_references_are_not_ours_to_resolve_yet() -> None:
    failure = refused({"input": [user("a"), {"type": "item_reference", "id": "msg_1"}]})
    assert (failure.param, failure.fallback) == ("input[1].type", True)


def test_p28_traces_of_built_in_tools_are_left_out_and_named() -> None:
    body, adapted = build({"input": [user("a"), {"type": "web_search_call", "id": "ws_1", "status": "completed"}, assistant("b"), user("c")]})
    assert roles(body) == ["user", "assistant", "user"]
    assert adapted == ["left out of the history: web_search_call"]
    assert refused({"input": [{"type": "computer_call", "call_id": "x"}]}).fallback


def test_p39_p44_thinking_goes_back_byte_for_byte_and_in_order() -> None:
    _, outcome = streamed(Anthropic(), stream_bytes("anthropic", "thinking"), made=call(model=MIDDLE))
    history = [user("27 * 453?"), *outcome.response["output"], user("Sure?")]
    body, adapted = build({"input": history})
    turn = body["messages"][1]["content"]
    assert kinds(body["messages"][1]) == ["thinking", "redacted_thinking", "text"]
    assert turn[0] == {
        "type": "thinking", "thinking": "27 * 453: first 27 * 400 = 10800, then 27 * 53 = 1431.",
        "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds7Gj0OlG4zN3mDz3xSbqVZ1Z2eZHkyXk6w==",
    }
    assert turn[1]["data"] == "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP"
    assert adapted == []


@pytest.mark.parametrize("content", [
    None, "gAAAAABforeign", "tr1.%%%", ENVELOPES.seal("gemini", MIDDLE, b"{}"), ENVELOPES.seal("anthropic", "claude-other", b"{}"),
], ids=["none", "elsewhere", "not sealed", "another provider", "another model"])
def test_p43_foreign_reasoning_is_left_out_and_named(content: str | None) -> None:
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": content}
    body, adapted = build({"input": [user("a"), item, assistant("b"), user("c")]})
    assert kinds(body["messages"][1]) == ["text"]
    assert len(adapted) == 1


def test_p43_a_step_without_its_thinking_is_taken_without_thinking() -> None:
    request = {"input": [user("go"), made_call("a"), result("a")], "tools": [WEATHER], "reasoning": {"effort": "high"}}
    body, adapted = build(request, OLD)
    assert "thinking" not in body
    assert len(adapted) == 1
    assert build(request, NEW)[0]["thinking"] == {"type": "adaptive"}
    thought = {"type": "reasoning", "encrypted_content": ENVELOPES.seal("anthropic", OLD, b'{"type":"thinking","thinking":"t","signature":"s"}')}
    body, _ = build(request | {"input": [user("go"), thought, made_call("a"), result("a")]}, OLD)
    assert body["thinking"]["type"] == "enabled"


def test_multi_turn_with_tools_round_trips() -> None:
    _, outcome = streamed(Anthropic(), stream_bytes("anthropic", "tools"))
    output = outcome.response["output"]
    calls = [item for item in output if item["type"] == "function_call"]
    history = [user("Weather?"), *output, *(result(item["call_id"], "sunny") for item in calls)]
    body, adapted = build({"input": history, "tools": [WEATHER, CITIES]})
    assert roles(body) == ["user", "assistant", "user"]
    assert kinds(body["messages"][1]) == ["text", "tool_use", "tool_use"]
    assert body["messages"][1]["content"][1]["input"]["station"] == 9007199254740993123
    assert [block["tool_use_id"] for block in body["messages"][2]["content"]] == [item["call_id"] for item in calls]
    assert adapted == []
