"""OpenAI's opaque state and ids: sealed on the way out, restored on the way in, left out where OpenAI could not know them."""

from typing import Any

import msgspec
import pytest
from msgspec import structs

from libs.responses.item_ids import item_id
from libs.vault.envelopes import Envelopes
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects.openai import OpenAI
from tests.conformance.answers import ENVELOPES, RESPONSE_ID, call, feed, stream_bytes, streamed, whole_bytes

Json = dict[str, Any]

DIALECT = OpenAI()


def build(items: list[Json]) -> tuple[list[Json], list[str]]:
    """The items as they are sent, and what was adapted."""
    upstream = DIALECT.build(call({"input": items}))
    return msgspec.json.decode(upstream.content)["input"], upstream.adapted


def ours(prefix: str) -> str:
    return item_id(prefix, RESPONSE_ID, 0)


def without_id(item: Json) -> Json:
    return {name: value for name, value in item.items() if name != "id"}


def state(item: Json) -> str:
    """What is sealed in an item."""
    opened = ENVELOPES.open(item["encrypted_content"], "openai", same_account=True)
    assert opened is not None
    return opened.decode()


def test_p41_p44_openais_state_is_sealed_and_comes_back_byte_for_byte() -> None:
    told = msgspec.json.decode(whole_bytes("openai", "reasoning"))["output"][0]
    events, outcome = streamed(DIALECT, stream_bytes("openai", "reasoning"), made=call(model="gpt-5-mini"))
    assert told["encrypted_content"].encode() not in msgspec.json.encode([events, outcome.response])
    begun, done = [event["item"] for event in events if event.get("item", {}).get("type") == "reasoning"]
    assert state(done) == told["encrypted_content"]
    assert state(begun) != state(done), "the state of an item that has just begun is not its last"
    assert outcome.response["output"][0] == done
    for item in (done, DIALECT.read(whole_bytes("openai", "reasoning"), call(stream=False)).response["output"][0]):
        sent, adapted = build([item, {"type": "message", "role": "user", "content": "Sure?"}])
        # The state is good for the id that OpenAI wrote it under, or for none.
        assert sent[0] == without_id(told)
        assert adapted == []


def test_p41_state_of_another_account_is_left_out() -> None:
    _, outcome = streamed(DIALECT, stream_bytes("openai", "reasoning"))
    items = [*outcome.response["output"], {"type": "message", "role": "user", "content": "Sure?"}]
    elsewhere = structs.replace(call({"input": items}), envelopes=Envelopes(bytes(32), "workspace", account="another"))
    upstream = DIALECT.build(elsewhere)
    sent = msgspec.json.decode(upstream.content)["input"]
    assert [item["type"] for item in sent] == ["message", "message"]
    assert "id" not in sent[0]
    assert len(upstream.adapted) == 1


def test_p43_ids_of_openais_whose_reasoning_was_left_out_are_left_out_too() -> None:
    foreign = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": ENVELOPES.seal("anthropic", "claude", b"{}")}
    said = {"type": "message", "role": "assistant", "content": "x", "id": "msg_68f0a1c2"}
    sent, adapted = build([foreign, said, {"type": "message", "role": "user", "content": "Sure?"}, said])
    # OpenAI would ask for the reasoning that belongs to the first one.
    assert [item.get("id") for item in sent] == [None, None, "msg_68f0a1c2"]
    assert len(adapted) == 2


def test_p41_a_compacted_conversation_goes_back_whole_or_not_at_all() -> None:
    response = msgspec.json.decode(whole_bytes("openai", "text"))
    response["output"].insert(0, {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAAABo"})
    item = DIALECT.read(msgspec.json.encode(response), call()).response["output"][0]
    assert build([item])[0] == [{"type": "compaction", "encrypted_content": "gAAAAABo"}]
    with pytest.raises(ProviderFailure) as caught:
        build([item | {"encrypted_content": ENVELOPES.seal("anthropic", "claude", b"{}")}])
    assert (caught.value.code, caught.value.param) == ("invalid_request", "input[0]")


def test_p41_reasoning_that_was_cut_off_has_no_state() -> None:
    stream = stream_bytes("openai", "reasoning")
    reader = DIALECT.reader(call())
    feed(reader, stream[: stream.index(b"event: response.reasoning_summary_text.done")])
    [item] = reader.abandon().response["output"]
    assert item["encrypted_content"] is None
    assert item["summary"][0]["text"].startswith("**Multiplying**")


def test_p41_state_that_openai_refuses_may_be_left_out_elsewhere() -> None:
    refused = {"error": {"message": "The encrypted content gAAA could not be verified.", "code": "invalid_encrypted_content"}}
    assert DIALECT.failure(400, {}, msgspec.json.encode(refused)).fallback
    lost = {"error": {"message": "Item with id 'rs_1' not found.", "type": "invalid_request_error", "param": "input", "code": None}}
    failure = DIALECT.failure(404, {}, msgspec.json.encode(lost))
    assert (failure.code, failure.fallback) == ("invalid_request", True)


def test_p43_reasoning_of_others_is_left_out() -> None:
    own = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABo"}
    foreign = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": ENVELOPES.seal("anthropic", "claude", b"{}")}
    open_words = {"type": "reasoning", "id": ours("rs"), "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    sent, adapted = build([own, foreign, open_words, {"type": "message", "role": "user", "content": "Hi"}])
    assert [item.get("id") for item in sent] == ["rs_1", None]
    assert adapted == ["2 reasoning items of another provider or account were left out"]


@pytest.mark.parametrize(("item", "kept"), [
    ({"type": "message", "role": "assistant", "content": "x", "id": "msg_68f0a1c2"}, True),
    ({"type": "function_call", "call_id": "c", "name": "z", "arguments": "{}", "id": "fc_68f0a1c2"}, True),
    ({"type": "web_search_call", "status": "completed", "id": "ws_68f0a1c2"}, True),
    ({"type": "message", "role": "assistant", "content": "x", "id": "chatcmpl-1"}, False),
    ({"type": "message", "role": "assistant", "content": "x", "id": "msg_" + "1" * 61}, False),
    ({"type": "function_call", "call_id": "c", "name": "z", "arguments": "{}", "id": "call_1"}, False),
])
def test_p43_item_ids_that_are_not_openais_are_left_out(item: Json, kept: bool) -> None:
    sent, adapted = build([{"type": "message", "role": "user", "content": "Hi"}, item])
    assert sent[1] == (item if kept else without_id(item))
    assert len(adapted) == (0 if kept else 1)


@pytest.mark.parametrize(("item", "kept"), [
    ({"type": "message", "role": "assistant", "content": "x", "id": ours("msg")}, False),
    ({"type": "message", "role": "user", "content": "x", "id": f"msg_tr{RESPONSE_ID.removeprefix('resp_')}i0"}, False),
    ({"type": "custom_tool_call", "call_id": "c", "name": "shell", "input": "", "id": ours("ctc")}, False),
    ({"type": "function_call_output", "call_id": "c", "output": "x", "id": ours("fco")}, False),
    ({"type": "web_search_call", "status": "completed", "id": ours("ws")}, False),
    ({"type": "mcp_call", "server_label": "docs", "name": "read", "arguments": "{}", "id": ours("mcp")}, True),
    ({"type": "mcp_approval_request", "server_label": "docs", "name": "read", "arguments": "{}", "id": ours("mcpr")}, True),
    ({"type": "mcp_approval_response", "approval_request_id": ours("mcpr"), "approve": True, "id": ours("item")}, False),
    ({"type": "image_generation_call", "status": "completed", "result": "AAAA", "id": ours("ig")}, True),
])
def test_p43_ids_of_ours_go_along_only_where_openai_wants_one(item: Json, kept: bool) -> None:
    assert build([item]) == ([item if kept else without_id(item)], [])


@pytest.mark.parametrize("name", ["reasoning", "tools", "web_search"])
def test_p43_an_answer_goes_back_as_its_own_history_without_a_note(name: str) -> None:
    _, outcome = streamed(DIALECT, stream_bytes("openai", name))
    items = outcome.response["output"]
    sent, adapted = build([*items, {"type": "message", "role": "user", "content": "Sure?"}])
    assert [item["type"] for item in sent[:-1]] == [item["type"] for item in items]
    assert all("id" not in item for item in sent)
    assert adapted == []


def test_p5_a_reference_to_what_is_not_stored_is_refused() -> None:
    assert build([{"type": "item_reference", "id": "msg_68f0a1c2"}])[0][0]["id"] == "msg_68f0a1c2"
    with pytest.raises(ProviderFailure) as caught:
        build([{"type": "item_reference", "id": ours("msg")}])
    assert (caught.value.code, caught.value.fallback, caught.value.param) == ("invalid_request", False, "input[0].id")
