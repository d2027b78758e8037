"""What is peculiar to OpenAI: nearly everything passes through untouched."""

from typing import Any

import msgspec
import pytest

from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects.openai import OpenAI
from services.provider_worker.dialects.openai.stream import unnumbered
from tests.conformance.answers import ENVELOPES, RESPONSE_ID, call, feed, stream_bytes, streamed, upstream_events, whole_bytes

Json = dict[str, Any]

DIALECT = OpenAI()


# What a response says of these is about our call; the frame shows what the client asked for.
NOT_OPENAIS = {"id", "created_at", "metadata", "store", "background", "previous_response_id", "conversation"}


@pytest.mark.parametrize("name", ["text", "tools", "reasoning", "web_search", "refusal"])
def test_events_differ_from_openais_in_number_ids_and_response_only(name: str) -> None:
    data = stream_bytes("openai", name)
    events, _ = streamed(DIALECT, data)
    sent = [msgspec.json.decode(event.data) for event in upstream_events(data)][:-1]
    ids = {theirs["item"]["id"]: ours["item"]["id"] for ours, theirs in zip(events, sent, strict=True) if "item" in theirs}
    for ours, theirs in zip(events, sent, strict=True):
        del theirs["sequence_number"]
        if "response" in theirs:
            kept = {field: value for field, value in theirs["response"].items() if value is not None and field not in NOT_OPENAIS}
            assert ours["response"].items() >= kept.items()
        else:
            assert _unsealed(ours) == _renamed(theirs, ids)


def _renamed(told: Any, ids: dict[str, str]) -> Any:
    """With our ids wherever OpenAI's stand."""
    if isinstance(told, dict):
        return {field: _renamed(value, ids) for field, value in told.items()}
    return [_renamed(value, ids) for value in told] if isinstance(told, list) else ids.get(told, told) if isinstance(told, str) else told


def _unsealed(event: Json) -> Json:
    opened = ENVELOPES.open(event.get("item", {}).get("encrypted_content"), "openai")
    return event if opened is None else event | {"item": event["item"] | {"encrypted_content": opened.decode()}}


def _sse(*events: Json) -> bytes:
    return b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in events)


def _text_item(item_id: str | None, deltas: list[bytes]) -> bytes:
    """A stream with one message, its deltas as the server writes them."""
    item: Json = {"type": "message", "role": "assistant", "status": "completed", "content": []} | ({"id": item_id} if item_id else {})
    added = _sse({"type": "response.output_item.added", "output_index": 0, "item": item})
    done = _sse({"type": "response.completed", "response": {"id": "r", "object": "response", "status": "completed", "output": [item]}})
    return added + b"".join(b"data: %b\n\n" % delta for delta in deltas) + done


@pytest.mark.parametrize(("theirs", "delta"), [
    ("msg_1", b'{"type":"response.output_text.delta","item_id":"msg_1","delta":"msg_1 \\"item_id\\":\\"msg_1\\"","n":1e400}'),
    ("msg_1", b'{"delta":"msg_1 \\"item_id\\":\\"msg_1\\"","n":1e400, "item_id" : "msg_1","type":"response.output_text.delta"}'),
    ('x"\\', b'{"type":"response.output_text.delta","item_id":"x\\"\\\\","delta":"x","n":1e400}'),
    ("1", b'{"type":"response.output_text.delta","item_id":"1","delta":"1","output_index":1,"n":1e400}'),
])
def test_only_the_item_id_of_a_delta_is_changed(theirs: str, delta: bytes) -> None:
    reader = DIALECT.reader(call())
    [*_, added, changed] = feed(reader, _text_item(theirs, [delta]))
    ours = msgspec.json.decode(added.data)["item"]["id"]
    assert ours == f"msg_tr{RESPONSE_ID.removeprefix('resp_')}00"
    encoded = msgspec.json.encode(theirs)
    for name in (b'"item_id":', b'"item_id" : '):
        delta = delta.replace(name + encoded, b'"item_id":"%b"' % ours.encode())
    assert changed.data == delta
    assert reader.outcome is not None
    assert reader.outcome.response["output"][0]["id"] == ours


def test_items_without_an_id_get_one_and_items_that_are_not_known_keep_theirs() -> None:
    reader = DIALECT.reader(call())
    feed(reader, _text_item(None, []))
    assert reader.outcome is not None
    assert reader.outcome.response["output"][0]["id"].startswith("msg_tr")
    program = {"type": "program", "id": "cm_1", "call_id": "c", "code": "x", "fingerprint": "opaque"}
    response = msgspec.json.decode(whole_bytes("openai", "text"))
    response["output"].insert(0, program)
    assert DIALECT.read(msgspec.json.encode(response), call()).response["output"][0] == program


def test_the_client_sees_whether_it_asked_us_to_store() -> None:
    made = call({"input": "Hi", "store": True, "background": True, "previous_response_id": "resp_before"})
    response = msgspec.json.decode(whole_bytes("openai", "text")) | {"store": False, "background": False}
    shown = made.frame.render(DIALECT.read(msgspec.json.encode(response), made).response)
    assert (shown["store"], shown["background"], shown["previous_response_id"]) == (True, True, "resp_before")


def test_p38_reasoning_summaries_are_openais() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("openai", "reasoning"))
    said = "".join(event["delta"] for event in events if event["type"] == "response.reasoning_summary_text.delta")
    assert said == outcome.response["output"][0]["summary"][0]["text"] == "**Multiplying**\n\n27 * 453 is 12231."


def test_p69_annotations_are_openais() -> None:
    _, outcome = streamed(DIALECT, stream_bytes("openai", "web_search"))
    sent = msgspec.json.decode(whole_bytes("openai", "web_search"))["output"]
    assert sent[-1]["content"][0]["annotations"]
    assert _renamed(sent, {item["id"]: ours["id"] for item, ours in zip(sent, outcome.response["output"], strict=True)}) == outcome.response["output"]


def test_p55_p56_p59_cached_and_written_tokens_are_part_of_the_input() -> None:
    response = msgspec.json.decode(whole_bytes("openai", "text"))
    response["usage"] |= {
        "input_tokens": 3000, "input_tokens_details": {"cached_tokens": 2048, "cache_write_tokens": 512},
        "output_tokens_details": {"reasoning_tokens": 7},
    }
    usage = DIALECT.read(msgspec.json.encode(response), call()).usage
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (3000, 2048, 512, 7)


def test_p61_an_abandoned_answer_is_estimated_by_what_was_seen() -> None:
    reader = DIALECT.reader(call())
    feed(reader, stream_bytes("openai", "cut_off"))
    outcome = reader.abandon()
    text = outcome.response["output"][0]["content"][0]["text"]
    assert (outcome.usage.source, outcome.usage.output_tokens) == ("estimated", -(-len(text) // 4))


def test_p29_p61_a_freeform_call_that_was_cut_keeps_its_half() -> None:
    events = [
        {"type": "response.created", "response": {"id": "r", "object": "response", "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {
            "type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "shell", "input": "",
        }},
        {"type": "response.custom_tool_call_input.delta", "item_id": "ctc_1", "output_index": 0, "delta": "ls -"},
    ]
    reader = DIALECT.reader(call())
    feed(reader, b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in events))
    outcome = reader.abandon()
    assert outcome.response["output"][0]["input"] == "ls -"
    assert (outcome.usage.source, outcome.usage.output_tokens) == ("estimated", 1)


def test_p81_p82_the_answer_has_our_id_and_openais_model() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("openai", "text"))
    assert events[0]["response"]["model"] == outcome.response["model"] == "gpt-5-mini-2025-08-07"
    assert events[0]["response"]["id"] == RESPONSE_ID
    assert events[0]["response"]["created_at"] == 1763800001
    assert outcome.provider_response_id == "resp_68f0a1c1b2a3948576"


def test_p65_half_told_calls_are_made_whole() -> None:
    events, outcome = streamed(DIALECT, stream_bytes("openai", "calls_half_told"))
    kinds = [event["type"] for event in events]
    delta, done = "response.function_call_arguments.delta", "response.function_call_arguments.done"
    assert (kinds.count(delta), kinds.count(done)) == (3, 2)
    assert [event["name"] for event in events if event["type"] == done] == ["get_weather", "list_cities"]
    assert outcome.usage.input_tokens == 9


def test_p65_a_call_that_is_only_deltas_is_closed() -> None:
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f"}},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": "{}"},
        {"type": "response.completed", "response": {"id": "r", "object": "response", "status": "completed", "output": []}},
    ]
    made, outcome = streamed(DIALECT, b"".join(b"data: %b\n\n" % msgspec.json.encode(event) for event in events))
    assert [event["type"] for event in made][-2:] == ["response.function_call_arguments.done", "response.output_item.done"]
    [item] = outcome.response["output"]
    assert (item["arguments"], item["status"]) == ("{}", "completed")


def test_a_server_without_created_gets_one() -> None:
    events, _ = streamed(DIALECT, stream_bytes("openai", "no_created"))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]


def test_p68_a_bare_error_object_in_the_stream() -> None:
    with pytest.raises(ProviderFailure) as caught:
        feed(DIALECT.reader(call()), b'data: {"error":{"message":"No credit.","type":"insufficient_quota","code":"insufficient_quota"}}\n\n')
    assert (caught.value.code, caught.value.fallback) == ("insufficient_quota", True)


def test_unknown_events_pass() -> None:
    events, _ = streamed(DIALECT, stream_bytes("openai", "unknown_events"))
    assert events[2]["shape"] == {"new": [1, 2, 3]}
    assert events[3]["big"] == 12345678901234567890123


def test_a_failed_response_that_is_the_servers_fault_may_fall_back() -> None:
    for act in (
        lambda: DIALECT.read(whole_bytes("openai", "failed"), call()), lambda: feed(DIALECT.reader(call()), stream_bytes("openai", "failed"))
    ):
        with pytest.raises(ProviderFailure) as caught:
            act()
        assert (caught.value.code, caught.value.fallback, caught.value.billing) == ("upstream_unavailable", True, "maybe")


def test_a_failed_response_that_is_the_requests_fault_is_shown() -> None:
    outcome = DIALECT.read(whole_bytes("openai", "failed_policy"), call())
    assert outcome.status == "failed"
    assert outcome.response["error"]["code"] == "image_content_policy_violation"


@pytest.mark.parametrize("status", ["queued", "in_progress", None, "whatever"])
def test_a_response_that_is_not_over_is_no_answer(status: str | None) -> None:
    body = msgspec.json.encode({"object": "response", "id": "r", "status": status, "output": []})
    with pytest.raises(ProviderFailure):
        DIALECT.read(body, call())


def test_usage_keeps_what_else_openai_counts() -> None:
    response = msgspec.json.decode(whole_bytes("openai", "text"))
    del response["usage"]["input_tokens_details"]["cache_write_tokens"]
    response["usage"]["input_tokens_details"]["audio_tokens"] = 3
    usage = DIALECT.read(msgspec.json.encode(response), call()).response["usage"]
    assert usage["input_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 3, "cache_write_tokens": 0}


@pytest.mark.parametrize(("data", "expected"), [
    (b'{"type":"x","sequence_number":12,"delta":"a"}', b'{"type":"x","delta":"a"}'),
    (b'{"sequence_number": 12, "type":"x"}', b'{"type":"x"}'),
    (b'{"type":"x", "sequence_number" : 12}', b'{"type":"x"}'),
    (b'{"type":"x","sequence_number":7.5,"delta":"a"}', b'{"type":"x","delta":"a"}'),
    (b'{"sequence_number":-1e3,"type":"x"}', b'{"type":"x"}'),
    (b'{"type":"x","delta":"\\"sequence_number\\":5,"}', b'{"type":"x","delta":"\\"sequence_number\\":5,"}'),
    (b'{"type":"x","delta":",\\"sequence_number\\":5","sequence_number":6}', b'{"type":"x","delta":",\\"sequence_number\\":5"}'),
])
def test_only_the_sequence_number_is_cut_from_a_delta(data: bytes, expected: bytes) -> None:
    assert unnumbered(data) == expected
