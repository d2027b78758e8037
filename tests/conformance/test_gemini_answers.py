"""What is peculiar to Gemini's answers."""

from typing import Any

import msgspec
import pytest

from libs.responses.sse import ServerSentEvent
from services.provider_worker.dialect import Call, Outcome, ProviderFailure
from services.provider_worker.dialects.gemini import Gemini
from tests.conformance.answers import (
    ENVELOPES,
    STREAMS,
    TOOLS,
    Grammar,
    call,
    check_event,
    check_outcome,
    feed,
    recorded,
    stream_bytes,
    streamed,
    whole_bytes,
)

Json = dict[str, Any]
DIALECT = Gemini()


def whole(parts: list[Json] | None = None, finish: str | None = "STOP", made: Call | None = None, **more: Any) -> Outcome:
    """A whole answer, read."""
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0} | more
    return DIALECT.read(msgspec.json.encode({"candidates": [candidate]}), made or call())


def kinds(outcome: Outcome) -> list[str]:
    return [item["type"] for item in outcome.response["output"]]


def chunk(text: str, **more: Any) -> bytes:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0} | more
    return b"data: %b\r\n\r\n" % msgspec.json.encode({"candidates": [candidate]})


def test_p57_thoughts_and_tool_prompts_are_counted_in() -> None:
    usage = DIALECT.read(whole_bytes("gemini", "tools"), call()).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.reasoning_tokens) == (472, 256, 58 + 113, 113)
    usage = DIALECT.read(whole_bytes("gemini", "grounded"), call()).usage
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (15 + 88, 21 + 40, "provider")


def test_p60_usage_is_cumulative_and_the_last_wins() -> None:
    _, outcome = streamed(DIALECT, stream_bytes("gemini", "text"))
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (9, 12 + 24)
    assert outcome.response["usage"]["total_tokens"] == 9 + 36


def test_usage_that_was_never_told_is_none() -> None:
    outcome = whole([{"text": "x"}])
    assert (outcome.usage.source, outcome.response["usage"]) == ("none", None)


@pytest.mark.parametrize(("finish", "status", "reason"), [
    ("STOP", "completed", None), ("MAX_TOKENS", "incomplete", "max_output_tokens"), ("CONTINUATION", "incomplete", "max_output_tokens"),
    *((reason, "incomplete", "content_filter") for reason in (
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY", "MODEL_ARMOR", "ESCALATION",
    )),
    ("FINISH_REASON_UNSPECIFIED", "incomplete", None), ("MOONLIGHT", "incomplete", None), (None, "incomplete", None),
])
def test_p49_finish_reasons(finish: str | None, status: str, reason: str | None) -> None:
    outcome = whole([{"text": "Some"}], finish)
    assert outcome.status == status
    assert (outcome.response.get("incomplete_details") or {}).get("reason") == reason
    check_outcome(outcome)


def test_p47_json_that_was_cut_off_is_incomplete() -> None:
    outcome = whole([{"text": '{"n": 1'}], "MAX_TOKENS", call({"input": "Hi", "text": {"format": {"type": "json_schema", "schema": {}}}}))
    assert (outcome.status, outcome.response["output"][0]["status"]) == ("incomplete", "incomplete")


def test_p49_stop_is_told_with_calls_too() -> None:
    outcome = DIALECT.read(whole_bytes("gemini", "tools"), call())
    assert outcome.status == "completed"
    assert kinds(outcome) == ["message", "reasoning", "function_call", "function_call"]


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE", "OTHER"])
def test_p49_an_answer_that_the_model_broke_is_tried_elsewhere(reason: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        whole([{"text": "Half"}], reason, finishMessage="It broke.")
    assert (caught.value.code, caught.value.fallback, caught.value.billing) == ("upstream_error", True, "billed")
    assert "It broke." in caught.value.message


def test_p49_a_broken_call_before_anything_was_said() -> None:
    with pytest.raises(ProviderFailure) as caught:
        streamed(DIALECT, stream_bytes("gemini", "broken_call"))
    assert caught.value.fallback
    assert "MALFORMED_FUNCTION_CALL" in caught.value.message


def test_p49_a_broken_call_after_something_was_said() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("gemini", "broken_call_late"))
    assert Grammar().check(events).output == outcome.response["output"]
    assert outcome.status == "failed"
    assert "MALFORMED_FUNCTION_CALL" in outcome.response["error"]["message"]
    assert (outcome.response["output"][0]["status"], outcome.usage.source) == ("incomplete", "provider")
    check_outcome(outcome)


def test_an_account_that_google_locked_is_a_bad_key() -> None:
    with pytest.raises(ProviderFailure) as caught:
        whole(None, "PUP_LIMITED_DISABLED")
    assert caught.value.code == "provider_key_invalid"


def test_p50_a_blocked_prompt_is_an_answer() -> None:
    for outcome in (streamed(DIALECT, stream_bytes("gemini", "prompt_blocked"))[1], DIALECT.read(whole_bytes("gemini", "prompt_blocked"), call())):
        assert (outcome.status, outcome.response["output"]) == ("incomplete", [])
        assert outcome.response["incomplete_details"] == {"reason": "content_filter"}
        assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (17, 0)
        assert outcome.notes == ["Gemini stopped with PROHIBITED_CONTENT"]


def test_p50_an_answer_without_content_is_no_crash() -> None:
    for parts in (None, []):
        assert whole(parts).response["output"] == []
    candidate = b'{"candidates":[{"finishReason":"STOP"}]}'
    assert DIALECT.read(candidate, call()).status == "completed"
    with pytest.raises(ProviderFailure):
        DIALECT.read(b'{"candidates":[],"usageMetadata":{"promptTokenCount":1}}', call())


def test_p22_only_the_first_call_is_kept_when_calls_may_not_be_parallel() -> None:
    made = call({"input": "Hi", "tools": TOOLS, "parallel_tool_calls": False})
    for outcome in (streamed(DIALECT, stream_bytes("gemini", "tools"), made=made)[1], DIALECT.read(whole_bytes("gemini", "tools"), made)):
        assert kinds(outcome) == ["message", "reasoning", "function_call"]
        assert len(outcome.notes) == 1
        assert "1 further call" in outcome.notes[0]


def test_p23_calls_without_ids_get_ours() -> None:
    calls = [{"functionCall": {"name": "list_cities"}}, {"functionCall": {"name": "list_cities", "args": None}}]
    items = whole(calls).response["output"]
    assert len({item["call_id"] for item in items}) == 2
    assert all(item["call_id"].startswith("call_") and item["arguments"] == "{}" for item in items)


@pytest.mark.parametrize("args", ['{ }', '{"a": 1.10,\n "b": 1E400, "c": "\\u00fc  x"}', "[1, 2]"])
def test_p25_arguments_are_as_gemini_wrote_them_without_its_blanks(args: str) -> None:
    body = b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":%b}}]},"finishReason":"STOP"}]}' % args.encode()
    [item] = DIALECT.read(body, call()).response["output"]
    assert item["arguments"] == args.replace("\n", "").replace(", ", ",").replace(": ", ":").replace("{ }", "{}")


def test_p65_whole_arguments_are_a_delta_and_a_done() -> None:
    events, _ = streamed(DIALECT, stream_bytes("gemini", "tools"))
    told = [event["type"].rpartition(".")[2] for event in events if "function_call_arguments" in event["type"]]
    assert told == ["delta", "done", "delta", "done"]


def test_p66_neighbouring_texts_are_one_part() -> None:
    [message] = whole([{"text": "One"}, {"text": ""}, {"text": ", two."}]).response["output"]
    assert [part["text"] for part in message["content"]] == ["One, two."]


def test_p38_thoughts_are_a_summary() -> None:
    outcome = DIALECT.read(whole_bytes("gemini", "thinking"), call())
    assert kinds(outcome) == ["reasoning", "message"]
    item = outcome.response["output"][0]
    assert item["summary"][0]["text"].startswith("**Multiplying**")
    assert "encrypted_content" not in item
    assert "content" not in item


def test_p40_p44_signatures_travel_sealed_before_their_call() -> None:
    outcome = DIALECT.read(whole_bytes("gemini", "tools"), call(model="gemini-3.8-flash"))
    item = outcome.response["output"][1]
    assert (item["type"], item["summary"]) == ("reasoning", [])
    sealed = ENVELOPES.open(item["encrypted_content"], "gemini", model="gemini-3.8-flash")
    assert sealed is not None
    assert b"EvcBCvQBAdHtim9kYr54" in sealed
    assert b"jm4owj31" in sealed


def test_p40_a_thought_and_the_signature_of_its_call_are_one_item() -> None:
    parts = [{"text": "Hm.", "thought": True}, {"functionCall": {"name": "f", "args": {}}, "thought_signature": "c2ln"}]
    outcome = whole(parts)
    assert kinds(outcome) == ["reasoning", "function_call"]
    assert outcome.response["output"][0]["summary"] == [{"type": "summary_text", "text": "Hm."}]
    assert outcome.response["output"][0]["encrypted_content"]


def test_p40_a_signed_text_is_followed_by_its_signature() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("gemini", "signed_text"))
    assert Grammar().check(events).output == outcome.response["output"]
    assert kinds(outcome) == ["message", "reasoning"]
    cut = whole([{"text": "It is", "thoughtSignature": "c2ln"}], "MAX_TOKENS")
    assert kinds(cut) == ["message"]
    assert cut.response["output"][0]["status"] == "incomplete"
    assert len(cut.notes) == 1


def test_p69_grounding_offsets_are_bytes() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("gemini", "grounded"))
    [part] = outcome.response["output"][0]["content"]
    spans = [(part["text"][note["start_index"]:note["end_index"]], note["title"]) for note in part["annotations"]]
    assert spans == [("Straße: Zürich läuft 3:2 voraus.", "nzz.ch"), ("Bern folgt — „knapp“.", "nzz.ch"), ("Bern folgt — „knapp“.", "srf.ch")]
    assert sum(event["type"] == "response.output_text.annotation.added" for event in events) == 3


@pytest.mark.parametrize("field", ["citationSources", "citations"])
def test_p69_recitations_are_citations_too(field: str) -> None:
    cited = {field: [
        {"startIndex": 3, "endIndex": 9, "uri": "https://example.com/a", "license": "mit"},
        {"startIndex": 3, "endIndex": 9, "uri": "https://example.com/a"},
        {"endIndex": 99, "uri": "https://example.com/b", "title": "B"}, {"endIndex": 3},
        {"startIndex": 5, "endIndex": 2, "uri": "https://example.com/c"},
    ]}
    outcome = whole([{"text": "Übe"}, {"text": "r uns."}], citationMetadata=cited)
    [part] = outcome.response["output"][0]["content"]
    notes = [(note["start_index"], note["end_index"], note["url"], note["title"]) for note in part["annotations"]]
    assert notes == [(2, 8, "https://example.com/a", ""), (0, 9, "https://example.com/b", "B")]
    check_outcome(outcome)


def test_p69_what_several_chunks_tell_is_cited_once() -> None:
    cited = {"citationSources": [{"endIndex": 3, "uri": "https://example.com/a"}]}
    reader = DIALECT.reader(call())
    feed(reader, chunk("Übe", citationMetadata=cited) + chunk("r.", citationMetadata=cited, finishReason="STOP"))
    reader.end()
    assert reader.outcome is not None
    [note] = reader.outcome.response["output"][0]["content"][0]["annotations"]
    assert (note["start_index"], note["end_index"]) == (0, 2)


def test_p69_citations_of_an_earlier_message_are_left_out_and_named() -> None:
    cited = {"citationSources": [{"endIndex": 3, "uri": "https://example.com/a"}, {"startIndex": 5, "endIndex": 8, "uri": "https://example.com/b"}]}
    parts = [{"text": "First"}, {"functionCall": {"name": "f"}}, {"text": "Then"}]
    outcome = whole(parts, citationMetadata=cited)
    [note] = outcome.response["output"][-1]["content"][0]["annotations"]
    assert (note["start_index"], note["end_index"]) == (0, 3)
    assert outcome.notes == ["1 citations were left out of the answer"]


@pytest.mark.parametrize("grounding", [
    {"groundingChunks": None, "groundingSupports": [{"segment": {"endIndex": 3}, "groundingChunkIndices": [0]}]},
    {"groundingChunks": [{}], "groundingSupports": [{"segment": {"endIndex": 3}, "groundingChunkIndices": [0, 7, -1]}]},
    {"groundingChunks": [{"web": {"uri": "https://x.example"}}], "groundingSupports": [{"groundingChunkIndices": [0]}, {}]},
])
def test_p69_grounding_that_points_nowhere_is_no_crash(grounding: Json) -> None:
    assert whole([{"text": "Some"}], groundingMetadata=grounding).response["output"][0]["content"][0]["annotations"] == []


def scored(*tokens: str) -> Json:
    chosen = [{"token": token, "tokenId": 1, "logProbability": -0.5} for token in tokens]
    return {"logprobsResult": {"chosenCandidates": chosen, "topCandidates": [{"candidates": [one, {"token": "x"}]} for one in chosen[:1]]}}


def test_log_probabilities_come_with_the_text() -> None:
    entry = {"token": "Hi", "bytes": [72, 105], "logprob": -0.5}
    told = [entry | {"top_logprobs": [entry]}, {"token": "!", "bytes": [33], "logprob": -0.5, "top_logprobs": []}]
    outcome = whole([{"text": "Hi!"}], **scored("Hi", "!"))
    assert check_outcome(outcome)["output"][0]["content"][0]["logprobs"] == told
    reader = DIALECT.reader(call())
    events = feed(reader, chunk("Hi", **scored("Hi")) + chunk("!") + chunk("", finishReason="STOP", **scored("!"))) + reader.end()
    deltas = [msgspec.json.decode(event.data)["logprobs"] for event in events if event.type == "response.output_text.delta"]
    assert deltas == [told[:1], []]
    assert reader.outcome is not None
    text = reader.outcome.response["output"][0]["content"][0]
    assert [one["token"] for one in text["logprobs"]] == ["Hi", "!"]
    for number, event in enumerate(events):
        check_event(event, number)


@pytest.mark.parametrize("said", [None, {}, {"chosenCandidates": None}, {"chosenCandidates": [{}, {"token": "x"}], "topCandidates": [{}]}])
def test_log_probabilities_that_say_nothing_are_none(said: Json | None) -> None:
    assert whole([{"text": "Hi"}], logprobsResult=said).response["output"][0]["content"][0]["logprobs"] == []


def test_images_are_left_out_and_named() -> None:
    parts = [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, {"text": "A cat."}, {"executableCode": {"code": "1"}}]
    outcome = whole(parts)
    assert kinds(outcome) == ["message"]
    assert len(outcome.notes) == 2
    assert "1 images" in outcome.notes[0]


def test_p81_p82_the_model_and_id_are_the_providers() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("gemini", "text"))
    assert events[0]["response"]["model"] == outcome.response["model"] == "gemini-3.8-flash"
    assert outcome.provider_response_id == "x2MiafHmIuqgxN8P0YGh6Aw"


def test_p61_an_abandoned_answer_knows_its_input() -> None:
    reader = DIALECT.reader(call())
    feed(reader, stream_bytes("gemini", "cut_off"))
    usage = reader.abandon().usage
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (10, 4, "estimated")


@pytest.mark.parametrize("name", ["text", "tools", "thinking", "max_tokens", "safety", "prompt_blocked", "grounded"])
def test_an_answer_is_over_with_its_last_chunk(name: str) -> None:
    reader = DIALECT.reader(call())
    feed(reader, stream_bytes("gemini", name))
    assert reader.outcome is not None
    assert reader.end() == []


@pytest.mark.parametrize("name", ["usage_late", "stop_on_each"])
def test_no_answer_is_over_before_its_last_chunk(name: str) -> None:
    reader = DIALECT.reader(call())
    chunks = stream_bytes("gemini", name).split(b"\n\n")
    for data in chunks[:-2]:
        feed(reader, data + b"\n\n")
        assert reader.outcome is None


def test_a_stream_that_was_closed_after_its_finish_reason_is_whole() -> None:
    reader = DIALECT.reader(call())
    feed(reader, chunk("Done.", finishReason="STOP") + b"data: [DONE]\n\n")
    assert reader.outcome is None
    reader.end()
    assert reader.outcome is not None
    assert reader.outcome.status == "completed"


def test_p52_a_stream_that_was_closed_without_one_is_not() -> None:
    reader = DIALECT.reader(call())
    feed(reader, chunk("Half"))
    assert reader.end() == []
    assert reader.outcome is None


def test_p67_a_stream_without_sse_is_a_failure() -> None:
    reader = DIALECT.reader(call())
    with pytest.raises(ProviderFailure):
        reader.feed(ServerSentEvent("message", b'[{"candidates":[]}]'))
    assert feed(DIALECT.reader(call()), b'[{"candidates": [\n{}]}\n,\r\n{}]') == []


def test_a_stream_of_many_small_chunks_is_valid_to_the_last() -> None:
    reader = DIALECT.reader(call())
    events = feed(reader, chunk("x") * 2000)
    assert len(events) == 2000 + 4
    check_event(events[-1], len(events))
    assert reader.abandon().response["output"][0]["content"][0]["text"] == "x" * 2000


def test_every_whole_answer_has_its_stream() -> None:
    assert {path.stem for path in (STREAMS / "gemini").iterdir()} == set(recorded("gemini", "sse"))
