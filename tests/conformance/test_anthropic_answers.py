"""What is peculiar to Anthropic's answers."""

import msgspec
import pytest

from services.provider_worker.dialects.anthropic import Anthropic
from tests.conformance.answers import ENVELOPES, call, check_outcome, feed, stream_bytes, streamed, whole_bytes

DIALECT = Anthropic()


def test_p55_anthropic_input_tokens_exclude_cache() -> None:
    _, outcome = streamed(DIALECT, stream_bytes("anthropic", "thinking"))
    usage = outcome.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens) == (14 + 2048 + 512, 2048, 512)
    assert outcome.response["usage"]["total_tokens"] == 14 + 2048 + 512 + 88


def test_p59_thinking_tokens_are_reported_apart() -> None:
    assert DIALECT.read(whole_bytes("anthropic", "thinking"), call()).usage.reasoning_tokens == 61
    assert DIALECT.read(whole_bytes("anthropic", "text"), call()).usage.reasoning_tokens == 0


def test_p59_thinking_that_is_not_told_apart_is_estimated_and_said_to_be() -> None:
    split = b'"output_tokens_details":{"thinking_tokens":61}'
    stream = stream_bytes("anthropic", "thinking")
    assert split in stream
    whole = msgspec.json.decode(whole_bytes("anthropic", "thinking"))
    del whole["usage"]["output_tokens_details"]
    _, outcome = streamed(DIALECT, stream.replace(b"," + split, b""))
    read = DIALECT.read(msgspec.json.encode(whole), call(stream=False))
    assert outcome.usage == read.usage
    visible = outcome.response["output"][-1]["content"][0]["text"]
    assert outcome.usage.reasoning_tokens == outcome.usage.output_tokens - -(-len(visible) // 4) > 0
    assert outcome.notes == read.notes
    assert "estimate" in outcome.notes[0]
    assert streamed(DIALECT, stream)[1].notes == []


def test_p56_tokens_written_to_the_cache_are_one_sum() -> None:
    whole = msgspec.json.decode(whole_bytes("anthropic", "thinking"))
    whole["usage"]["cache_creation"] = {"ephemeral_5m_input_tokens": 12, "ephemeral_1h_input_tokens": 500}
    assert DIALECT.read(msgspec.json.encode(whole), call()).usage.cache_write_tokens == 512


def test_p60_usage_in_the_stream_is_cumulative() -> None:
    _, outcome = streamed(DIALECT, stream_bytes("anthropic", "text"))
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (25, 19)


@pytest.mark.parametrize(("name", "status", "reason"), [
    ("context_exceeded", "incomplete", "max_output_tokens"), ("paused", "incomplete", "max_messages"),
    ("stop_sequence", "completed", None), ("tools", "completed", None),
])
def test_p48_stop_reasons(name: str, status: str, reason: str | None) -> None:
    outcome = DIALECT.read(whole_bytes("anthropic", name), call())
    assert outcome.status == status
    assert (outcome.response.get("incomplete_details") or {}).get("reason") == reason


def test_a_stop_reason_that_is_not_known_yet_is_not_completed() -> None:
    body = whole_bytes("anthropic", "text").replace(b'"end_turn"', b'"moonlight"')
    assert DIALECT.read(body, call()).status == "incomplete"


def test_p48_a_refusal_keeps_its_explanation() -> None:
    explained = DIALECT.read(whole_bytes("anthropic", "refusal"), call()).response["output"][0]["content"]
    assert [part["type"] for part in explained] == ["output_text", "refusal"]
    assert explained[1]["refusal"] == "The request asks for dangerous laboratory methods."
    silent = DIALECT.read(whole_bytes("anthropic", "refusal_empty"), call()).response["output"][0]["content"]
    assert [part["type"] for part in silent] == ["refusal"]


def test_p39_signatures_travel_in_a_tagged_envelope() -> None:
    _, outcome = streamed(DIALECT, stream_bytes("anthropic", "thinking_omitted"), made=call(model="claude-opus-5"))
    item = outcome.response["output"][0]
    assert (item["type"], item["summary"]) == ("reasoning", [])
    thinking = ENVELOPES.open(item["encrypted_content"], "anthropic", model="claude-opus-5")
    assert thinking is not None
    assert set(msgspec.json.decode(thinking)) == {"type", "thinking", "signature"}


def test_p69_web_citations_are_annotations_in_characters() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("anthropic", "citations"))
    [message] = outcome.response["output"]
    [part] = message["content"]
    spans = [part["text"][note["start_index"]:note["end_index"]] for note in part["annotations"]]
    assert part["text"] == "Born on April 30, 1916 in Petoskey."
    assert spans == ["April 30, 1916", " in Petoskey."]
    assert sum(event["type"] == "response.output_text.annotation.added" for event in events) == 2


def test_p66_neighbouring_text_blocks_are_one_part() -> None:
    [message] = DIALECT.read(whole_bytes("anthropic", "tool_cut"), call()).response["output"]
    assert [part["text"] for part in message["content"]] == ["Writing it. Now."]


def test_p38_thinking_is_shown_as_a_summary() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("anthropic", "thinking"))
    said = "".join(event["delta"] for event in events if event["type"] == "response.reasoning_summary_text.delta")
    assert said == outcome.response["output"][0]["summary"][0]["text"] == "27 * 453: first 27 * 400 = 10800, then 27 * 53 = 1431."
    assert not any("reasoning_text" in event["type"] for event in events)


def test_p10_a_stop_string_ends_a_whole_answer() -> None:
    whole = DIALECT.read(whole_bytes("anthropic", "stop_sequence"), call())
    for outcome in (whole, streamed(DIALECT, stream_bytes("anthropic", "stop_sequence"))[1]):
        [message] = outcome.response["output"]
        assert (outcome.status, message["status"]) == ("completed", "completed")
        assert check_outcome(outcome)["stop_sequence"] == "4"
    assert "stop_sequence" not in DIALECT.read(whole_bytes("anthropic", "text"), call()).response


def test_p81_p82_the_model_and_id_are_the_providers() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("anthropic", "text"))
    assert events[0]["response"]["model"] == outcome.response["model"] == "claude-sonnet-4-5-20250929"
    assert outcome.provider_response_id == "msg_014p7gG3wDgGV9EUtLvnow3U"


def test_p61_an_abandoned_answer_knows_its_input() -> None:
    reader = DIALECT.reader(call())
    feed(reader, stream_bytes("anthropic", "cut_off"))
    usage = reader.abandon().usage
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (10, 3, "estimated")


def test_a_call_that_was_cut_keeps_its_half() -> None:
    stream = stream_bytes("anthropic", "tools")
    reader = DIALECT.reader(call())
    feed(reader, stream[: stream.index(b"Francisco")].rpartition(b"event:")[0])
    item = reader.abandon().response["output"][-1]
    assert (item["type"], item["status"], item["arguments"]) == ("function_call", "incomplete", '{"city": "San')
