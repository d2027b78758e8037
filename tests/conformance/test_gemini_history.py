"""What a conversation becomes at Gemini: turns, calls and their results, thought signatures, media."""

from typing import Any

import msgspec
import pytest

from services.provider_worker.dialects.gemini import Gemini
from tests.conformance.answers import ENVELOPES, call, stream_bytes, streamed
from tests.conformance.generate_content import CITIES, NEW, OLD, WEATHER, Json, build, kinds, refused, responses, roles, texts, upstream
from tests.conformance.messages import assistant, made_call, result, user

BYPASS = "skip_thought_signature_validator"


def reasoning(encrypted: str | None, *summary: str) -> Json:
    return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text} for text in summary], "encrypted_content": encrypted}


@pytest.mark.parametrize("role", ["system", "developer"])
def test_p2_p3_system_and_developer_are_hoisted(role: str) -> None:
    late = {"type": "message", "role": role, "content": "Late."}
    body, adapted = build({"instructions": "First.", "input": [late, user("Hi"), late, user("Again")]})
    assert texts(body["systemInstruction"]) == ["First.", "Late.", "Late."]
    assert roles(body) == ["user"]
    assert len(adapted) == 1
    assert "input[2]" in adapted[0]


def test_p4_items_in_every_form() -> None:
    parts = [{"type": "input_text", "text": "a"}, {"type": "text", "text": "b"}]
    body, _ = build({"input": [{"role": "user", "content": parts}, assistant("c"), user("d")]})
    assert [texts(turn) for turn in body["contents"]] == [["a", "b"], ["c"], ["d"]]


def test_p5_references_must_have_been_resolved_before() -> None:
    assert refused({"input": [{"type": "item_reference", "id": "msg_1"}]}).fallback


def test_p6_turns_are_merged_and_begin_and_end_with_the_user() -> None:
    body, adapted = build({"input": [assistant("Hello."), user("a"), user("b"), assistant("c"), assistant("d")]})
    assert roles(body) == ["user", "model", "user", "model", "user"]
    assert texts(body["contents"][2]) == ["a", "b"]
    assert len(adapted) == 2


def test_blank_texts_are_dropped_and_something_must_be_left() -> None:
    parts = [{"type": "input_text", "text": ""}, {"type": "input_text", "text": " \n"}, {"type": "input_text", "text": "x"}]
    body, _ = build({"input": [{"type": "message", "role": "user", "content": parts}, assistant(""), user("  ")]})
    assert body["contents"] == [{"role": "user", "parts": [{"text": "x"}]}]
    assert refused({"input": ""}).fallback
    body, adapted = build({"input": [{"type": "message", "role": "system", "content": "Say hello."}]})
    assert texts(body["contents"][0]) == ["Say hello."]
    assert adapted


def test_p23_ids_come_back_as_given_and_stay_apart() -> None:
    items = [made_call("c 0"), result("c 0", "one"), made_call("c 0"), result("c 0", "two")]
    body, _ = build({"input": [user("go"), *items], "tools": [WEATHER]})
    ids = [part["functionCall"]["id"] for turn in body["contents"] for part in turn["parts"] if "functionCall" in part]
    assert ids == ["c 0", "c 0_2"]
    assert [response["id"] for turn in body["contents"] for response in responses(turn)] == ids


def test_p23_models_before_gemini_3_are_told_no_ids() -> None:
    body, _ = build({"input": [user("go"), made_call("a"), result("a")], "tools": [WEATHER]}, OLD)
    assert body["contents"][1]["parts"] == [{"functionCall": {"name": "get_weather", "args": {}}}]
    assert responses(body["contents"][2]) == [{"name": "get_weather", "response": {"output": "ok"}}]


@pytest.mark.parametrize("arguments", ["", "  ", "{}"])
def test_p25_no_arguments_are_an_empty_object(arguments: str) -> None:
    body, _ = build({"input": [user("go"), made_call("c", arguments=arguments), result("c")], "tools": [WEATHER]})
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == {}


def test_p25_arguments_travel_as_they_are_written() -> None:
    text = '{"big": 123456789012345678901234567890, "exact": 1.10, "e": 1E400}'
    request = {"input": [user("go"), made_call("c", arguments=text), result("c")], "tools": [WEATHER]}
    assert text.encode() in upstream(request).content


@pytest.mark.parametrize("arguments", ["[1]", "{", "7", '"x"'])
def test_p25_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    failure = refused({"input": [user("go"), made_call("c", arguments=arguments), result("c")]})
    assert (failure.param, failure.fallback) == ("input[1].arguments", False)


@pytest.mark.parametrize("output", ["text", '{"json": 1}', ""])
def test_p26_results_are_objects(output: str) -> None:
    body, _ = build({"input": [user("go"), made_call("a"), result("a", output)], "tools": [WEATHER]})
    assert responses(body["contents"][2])[0]["response"] == {"output": output}
    body, _ = build({"input": [user("go"), made_call("a"), result("a", output, is_error=True)], "tools": [WEATHER]})
    assert responses(body["contents"][2])[0]["response"] == {"error": output}


def test_p26_all_results_of_a_batch_stand_first_in_one_user_turn() -> None:
    items = [user("go"), made_call("a"), made_call("b", "list_cities"), user("meanwhile"), result("b", "B"), result("a", "A")]
    body, _ = build({"input": items, "tools": [WEATHER, CITIES]})
    assert roles(body) == ["user", "model", "user"]
    assert kinds(body["contents"][2]) == ["functionResponse", "functionResponse", "text"]
    assert [(response["name"], response["response"]) for response in responses(body["contents"][2])] == [
        ("get_weather", {"output": "A"}), ("list_cities", {"output": "B"}),
    ]


def test_p26_a_late_result_moves_to_its_call() -> None:
    items = [user("go"), made_call("a"), user("wait"), assistant("y"), result("a", "A"), assistant("z"), user("now?")]
    body, _ = build({"input": items, "tools": [WEATHER]})
    assert roles(body) == ["user", "model", "user", "model", "user"]
    assert kinds(body["contents"][2]) == ["functionResponse", "text"]
    assert texts(body["contents"][3]) == ["y", "z"]


def test_p26_calls_one_after_another_stay_apart() -> None:
    body, _ = build({"input": [user("go"), made_call("a"), result("a"), made_call("b"), result("b")], "tools": [WEATHER]})
    assert roles(body) == ["user", "model", "user", "model", "user"]
    assert all(len(responses(turn)) == 1 for turn in body["contents"][2::2])


PDF: Json = {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0x"}}
IMAGE: Json = {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}


def test_p35_images_in_results() -> None:
    request = {"input": [user("go"), made_call("a"), result("a", [{"type": "input_text", "text": "see"}, IMAGE])], "tools": [WEATHER]}
    body, _ = build(request)
    [response] = responses(body["contents"][2])
    assert response["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]
    assert response["response"] == {"output": "see"}
    body, adapted = build(request, OLD)
    assert kinds(body["contents"][2]) == ["functionResponse", "inlineData"]
    assert len(adapted) == 1


def test_p27_a_call_without_result_is_answered_and_named() -> None:
    body, adapted = build({"input": [user("go"), made_call("a"), made_call("b"), result("a")], "tools": [WEATHER]}, OLD)
    assert [set(response["response"]) for response in responses(body["contents"][2])] == [{"output"}, {"error"}]
    assert len(adapted) == 1
    body, _ = build({"input": [user("go"), made_call("a"), assistant("x"), user("y")], "tools": [WEATHER]}, OLD)
    assert roles(body) == ["user", "model", "user"]
    assert kinds(body["contents"][2]) == ["functionResponse", "text"]


def test_p27_a_result_without_call_is_refused() -> None:
    failure = refused({"input": [user("go"), result("lost")]})
    assert (failure.fallback, failure.param) == (False, "input[1].call_id")
    refused({"input": [user("go"), result("a"), made_call("a")]})


def test_p28_traces_of_built_in_tools_are_left_out_and_named() -> None:
    body, adapted = build({"input": [user("a"), {"type": "web_search_call", "id": "ws_1", "status": "completed"}, assistant("b"), user("c")]})
    assert roles(body) == ["user", "model", "user"]
    assert adapted == ["left out of the history: web_search_call"]
    assert refused({"input": [{"type": "computer_call", "call_id": "x"}]}).fallback


def after(name: str, *more: Json, model: str = NEW, tools: bool = True) -> tuple[Json, list[str]]:
    """The turn that follows a recorded answer."""
    made = call(model=model)
    _, outcome = streamed(Gemini(), stream_bytes("gemini", name), made=made)
    return build({"input": [user("First"), *outcome.response["output"], *more]} | ({"tools": [WEATHER, CITIES]} if tools else {}), model)


def test_p40_a_calls_signature_returns_on_its_part_byte_for_byte() -> None:
    body, adapted = after("tools", result("k2p81xqv", "Bern"), result("jm4owj31", "sunny"))
    assert roles(body) == ["user", "model", "user"]
    assert body["contents"][1]["parts"] == [
        {"text": "I'll look both up."},
        {
            "functionCall": {"id": "jm4owj31", "name": "get_weather", "args": {"city": "San Francisco, CA", "station": 9007199254740993123}},
            "thoughtSignature": "EvcBCvQBAdHtim9kYr54//sgdGhvdWdodCBvZiB3ZWF0aGVyIGFuZCBvZiBjaXRpZXM=",
        },
        {"functionCall": {"id": "k2p81xqv", "name": "list_cities", "args": {}}},
    ]
    assert [response["id"] for response in responses(body["contents"][2])] == ["jm4owj31", "k2p81xqv"]
    assert adapted == []


def test_p40_a_signature_on_an_empty_part_returns_on_an_empty_part() -> None:
    body, adapted = after("signed_text", user("Sure?"), tools=False)
    assert body["contents"][1]["parts"] == [
        {"text": "It is sunny."}, {"text": "", "thoughtSignature": "EjQKMgEMOdbHJChLX75QUCJjyYlm+/0="},
    ]
    assert adapted == []


@pytest.mark.parametrize(("parts", "expected"), [
    ([{"text": "Whole.", "thoughtSignature": "c2ln"}], [{"text": "Whole.", "thoughtSignature": "c2ln"}]),
    ([{"text": "Plain, "}, {"text": "sïgned.", "thought_signature": "c2ln"}], [{"text": "Plain, "}, {"text": "sïgned.", "thoughtSignature": "c2ln"}]),
    (
        [{"text": "One.", "thoughtSignature": "c2ln"}, {"text": "Two.", "thoughtSignature": "c2ln"}],
        [{"text": "One.", "thoughtSignature": "c2ln"}, {"text": "Two.", "thoughtSignature": "c2ln"}],
    ),
    (
        [{"text": "Seen. ", "thought": True}, {"text": "Hm.", "thought": True, "thoughtSignature": "c2ln"}, {"text": "So."}],
        [{"text": "Hm.", "thought": True, "thoughtSignature": "c2ln"}, {"text": "So."}],
    ),
    ([{"text": "", "thoughtSignature": "c2ln"}, {"text": "Late."}], [{"text": "", "thoughtSignature": "c2ln"}, {"text": "Late."}]),
])
def test_p40_signatures_wherever_they_hang(parts: list[Json], expected: list[Json]) -> None:
    whole = msgspec.json.encode({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}]})
    output = Gemini().read(whole, call(model=NEW)).response["output"]
    body, adapted = build({"input": [user("a"), *output, user("b")]})
    assert body["contents"][1]["parts"] == expected
    assert adapted == []


def test_p43_a_call_of_another_provider_is_excused_where_gemini_looks() -> None:
    older = [user("x"), made_call("o"), result("o"), assistant("done")]
    steps = [user("go"), made_call("a"), made_call("b"), result("a"), result("b"), made_call("c"), result("c")]
    body, adapted = build({"input": [*older, *steps], "tools": [WEATHER]})
    signed = {
        part["functionCall"]["id"]: part.get("thoughtSignature") for turn in body["contents"] for part in turn["parts"] if "functionCall" in part
    }
    assert signed == {"o": None, "a": BYPASS, "b": None, "c": BYPASS}
    assert len(adapted) == 1
    body, adapted = build({"input": steps, "tools": [WEATHER]}, OLD)
    assert BYPASS not in str(body)
    assert adapted == []


@pytest.mark.parametrize("content", [
    None, "gAAAAABforeign", "tr1.%%%", ENVELOPES.seal("anthropic", NEW, b"{}"), ENVELOPES.seal("gemini", "gemini-other", b'["s","call","c",0]'),
    ENVELOPES.seal("gemini", NEW, b"[7]"), ENVELOPES.seal("gemini", NEW, b"\xff"),
], ids=["none", "elsewhere", "not sealed", "another provider", "another model", "not ours", "not JSON"])
def test_p43_foreign_reasoning_is_left_out_and_named(content: str | None) -> None:
    body, adapted = build({"input": [user("a"), reasoning(content, "s"), assistant("b"), user("c")]})
    assert body["contents"][1]["parts"] == [{"text": "b"}]
    assert len(adapted) == 1


def test_p40_a_signature_whose_text_was_changed_does_no_harm() -> None:
    sealed = ENVELOPES.seal("gemini", NEW, b'["c2ln","text","",50]')
    body, _ = build({"input": [user("a"), assistant("Cut."), reasoning(sealed), user("b")]})
    assert body["contents"][1]["parts"] == [{"text": "Cut.", "thoughtSignature": "c2ln"}]


@pytest.mark.parametrize(("part", "expected"), [
    ({"type": "input_image", "image_url": "data:image/JPG;base64,AAAA"}, {"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}}),
    ({"type": "input_image", "image_url": "https://www.youtube.com/watch?v=x"}, {"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}}),
    ({"type": "input_image", "image_url": "gs://bucket/a.png"}, {"fileData": {"fileUri": "gs://bucket/a.png", "mimeType": "image/png"}}),
    (
        {"type": "input_file", "file_url": "https://generativelanguage.googleapis.com/v1beta/files/abc", "filename": "a.pdf"},
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc", "mimeType": "application/pdf"}},
    ),
    ({"type": "input_file", "file_id": "files/abc"}, {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}),
    ({"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0x"}, PDF),
    ({"type": "input_file", "file_data": "JVBERi0x"}, PDF),
    ({"type": "input_file", "file_data": "data:text/csv;charset=utf-8;base64,YSxi"}, {"inlineData": {"mimeType": "text/csv", "data": "YSxi"}}),
    ({"type": "input_file", "file_data": "data:application/json;base64,e30="}, {"inlineData": {"mimeType": "text/plain", "data": "e30="}}),
    ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}, {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}}),
])
def test_p31_p34_media(part: Json, expected: Json) -> None:
    body, adapted = build({"input": [{"type": "message", "role": "user", "content": [part]}]})
    assert body["contents"][0]["parts"] == [expected]
    assert adapted == []


def test_p31_detail_has_no_twin() -> None:
    parts = [{"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": detail} for detail in ("auto", "low", "high")]
    assert len(build({"input": [{"type": "message", "role": "user", "content": parts}]})[1]) == 1


@pytest.mark.parametrize(("part", "fallback"), [
    ({"type": "input_image", "file_id": "file-openai"}, True), ({"type": "input_image", "image_url": "https://example.com/a.png"}, True),
    ({"type": "input_image", "image_url": "data:image/gif;base64,AAAA"}, True), ({"type": "input_image", "image_url": "data:image/png,AAAA"}, False),
    ({"type": "input_file", "file_id": "file-openai"}, True), ({"type": "input_file", "file_data": "data:application/zip;base64,AAAA"}, True),
    ({"type": "input_file", "file_url": "https://evil.example/?https://youtu.be/x"}, True),
    ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "midi"}}, True), ({"type": "hologram"}, True),
])
def test_p32_media_that_cannot_be_sent_is_refused(part: Json, fallback: bool) -> None:
    failure = refused({"input": [{"type": "message", "role": "user", "content": [part]}]})
    assert failure.fallback is fallback
    assert failure.param is not None
    assert failure.param.startswith("input[0].content[0]")


def test_p29_calls_of_a_freeform_tool_in_the_history() -> None:
    items: list[Any] = [
        user("go"), {"type": "custom_tool_call", "call_id": "c", "name": "shell", "input": "ls -l"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "files"},
    ]
    body, _ = build({"input": items, "tools": [{"type": "custom", "name": "shell"}]})
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == {"input": "ls -l"}
    assert responses(body["contents"][2])[0]["response"] == {"output": "files"}
