"""Anthropic's Messages."""

import json

from tests.upstream.behaviour import Behaviour, Call
from tests.upstream.script import ARGUMENTS, Item, Json, Script, calls, named, pieces


def script(call: Call, behaviour: Behaviour) -> Script:
    tools = call.body.get("tools") or [{}]
    blocks: list[Json] = [
        {"type": "tool_use", "id": f"toolu_up_{number}", "name": tools[0].get("name", "lookup"), "input": json.loads(ARGUMENTS)}
        if called else {"type": "text", "text": behaviour.text}
        for number, called in enumerate(calls(behaviour))
    ]  # fmt: skip
    reason = "tool_use" if behaviour.call else "end_turn"
    whole = {
        "id": "msg_up", "type": "message", "role": "assistant", "model": call.body["model"], "stop_reason": reason,
        "stop_sequence": None, "content": blocks, "usage": {"input_tokens": 11, "output_tokens": 7},
    }  # fmt: skip
    started = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 11, "output_tokens": 1}}
    ended: list[Json] = [
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]
    items = [_streamed(index, block, behaviour.chunks) for index, block in enumerate(blocks)]
    return Script(whole, named([{"type": "message_start", "message": started}]), items, named(ended))


def _streamed(index: int, block: Json, chunks: int) -> Item:
    begun: Json = {"input": {}}
    kind, field, said = "input_json_delta", "partial_json", ARGUMENTS
    if block["type"] == "text":
        begun, kind, field, said = {"text": ""}, "text_delta", "text", block["text"]
    deltas = [{"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}} for piece in pieces(said, chunks)]
    return Item(
        named([{"type": "content_block_start", "index": index, "content_block": {**block, **begun}}]),
        [named([delta]) for delta in deltas],
        named([{"type": "content_block_stop", "index": index}]),
    )
