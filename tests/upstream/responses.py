"""OpenAI's Responses."""

from itertools import count

from tests.upstream.behaviour import Behaviour, Call
from tests.upstream.script import ARGUMENTS, Item, Json, Script, calls, named, pieces


def script(call: Call, behaviour: Behaviour) -> Script:
    tools = call.body.get("tools") or [{}]
    items = [
        _call(number, tools[0].get("name", "lookup")) if called else _message(number, behaviour.text)
        for number, called in enumerate(calls(behaviour))
    ]
    whole = _response(call.body["model"], items)
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    numbers = count()

    def sent(*events: Json) -> bytes:
        return named({**event, "sequence_number": next(numbers)} for event in events)

    opening = sent({"type": "response.created", "response": started}, {"type": "response.in_progress", "response": started})
    streamed = []
    for index, item in enumerate(items):
        before, deltas, after = (_streamed_call if item["type"] == "function_call" else _streamed_message)(index, item, behaviour.chunks)
        streamed.append(Item(sent(*before), [sent(delta) for delta in deltas], sent(*after)))
    return Script(whole, opening, streamed, sent({"type": "response.completed", "response": whole}))


def _response(model: str, items: list[Json]) -> Json:
    return {
        "id": "resp_up", "object": "response", "created_at": 1, "status": "completed", "model": model, "error": None,
        "incomplete_details": None, "metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "instructions": None, "temperature": 1.0, "top_p": 1.0, "output": items,
        "usage": {
            "input_tokens": 11, "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0}, "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 18,
        },
    }


def _message(number: int, text: str) -> Json:
    return {
        "id": "msg_up" if number == 0 else f"msg_up_{number}", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }


def _call(number: int, name: str) -> Json:
    return {
        "id": f"fc_up_{number}", "type": "function_call", "status": "completed", "call_id": f"call_up_{number}", "name": name,
        "arguments": ARGUMENTS,
    }


Events = tuple[list[Json], list[Json], list[Json]]


def _streamed_message(index: int, item: Json, chunks: int) -> Events:
    part = item["content"][0]
    at = {"item_id": item["id"], "output_index": index, "content_index": 0}
    begun = {**item, "status": "in_progress", "content": []}
    return (
        [
            {"type": "response.output_item.added", "output_index": index, "item": begun},
            {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        ],
        [{"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in pieces(part["text"], chunks)],
        [
            {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
            {"type": "response.output_item.done", "output_index": index, "item": item},
        ],
    )


def _streamed_call(index: int, item: Json, chunks: int) -> Events:
    at = {"item_id": item["id"], "output_index": index}
    begun = {**item, "status": "in_progress", "arguments": ""}
    return (
        [{"type": "response.output_item.added", "output_index": index, "item": begun}],
        [{"type": "response.function_call_arguments.delta", **at, "delta": piece} for piece in pieces(item["arguments"], chunks)],
        [
            {"type": "response.function_call_arguments.done", **at, "name": item["name"], "arguments": item["arguments"]},
            {"type": "response.output_item.done", "output_index": index, "item": item},
        ],
    )
