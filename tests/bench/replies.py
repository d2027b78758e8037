"""The bytes the mock provider answers with, made once at its start: an OpenAI Response, whole and as a stream."""

from typing import Any

import msgspec

DELTA_TEXT = " tokens"
MODEL = "gpt-4.1-mini-2025-04-14"
NUMBER = b"%012d"
_HOLE = "0" * 12
"""Where a reply's number goes; it never changes the length."""
ITEM = f"msg_{_HOLE}"


def whole() -> bytes:
    """A complete HTTP reply with a hole for its number."""
    body = msgspec.json.encode(response("completed", [message("Measured and found to be fast.")], usage(512, 8)))
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    head += f"x-request-id: req_{_HOLE}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def error(status: int, reason: str) -> bytes:
    """A complete HTTP error reply in OpenAI's form."""
    body = msgspec.json.encode({"error": {"message": reason, "type": "invalid_request_error", "param": None, "code": None}})
    head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def stream(chunks: int) -> tuple[bytes, list[bytes], bytes]:
    """What is sent at once, each delta, and what ends the stream; chunked HTTP framing included."""
    text = DELTA_TEXT * chunks
    item, part = message(text), {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    at = {"item_id": ITEM, "output_index": 0, "content_index": 0}
    opening: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": response("in_progress", [], None)}),
        ("response.in_progress", {"response": response("in_progress", [], None)}),
        ("response.output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "content": []}}),
        ("response.content_part.added", at | {"part": part | {"text": ""}}),
    ]
    closing: list[tuple[str, dict[str, Any]]] = [
        ("response.output_text.done", at | {"text": text, "logprobs": []}),
        ("response.content_part.done", at | {"part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": response("completed", [item], usage(512, chunks))}),
    ]
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    head += f"x-request-id: req_{_HOLE}\r\ntransfer-encoding: chunked\r\n\r\n"
    deltas = [
        _framed("response.output_text.delta", at | {"delta": DELTA_TEXT, "logprobs": []}, len(opening) + i) for i in range(chunks)
    ]
    first = b"".join(_framed(kind, fields, i) for i, (kind, fields) in enumerate(opening))
    last = b"".join(_framed(kind, fields, len(opening) + chunks + i) for i, (kind, fields) in enumerate(closing))
    return head.encode() + first, deltas, last + b"0\r\n\r\n"


def response(status: str, output: list[dict[str, Any]], used: dict[str, Any] | None) -> dict[str, Any]:
    """A Response object with every field of OpenAI's type."""
    return {
        "id": f"resp_{_HOLE}", "object": "response", "created_at": 1760000000, "status": status, "background": False,
        "completed_at": 1760000001 if used else None, "error": None, "incomplete_details": None, "instructions": None,
        "max_output_tokens": None, "max_tool_calls": None, "model": MODEL, "output": output, "parallel_tool_calls": True,
        "previous_response_id": None, "prompt_cache_key": None, "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None, "service_tier": "default", "store": True, "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto", "tools": [], "top_logprobs": 0,
        "top_p": 1.0, "truncation": "disabled", "usage": used, "user": None, "metadata": {},
    }  # fmt: skip


def message(text: str) -> dict[str, Any]:
    """An assistant message item."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"id": ITEM, "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def usage(read: int, written: int) -> dict[str, Any]:
    """Token counts."""
    return {
        "input_tokens": read, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": written, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": read + written,
    }  # fmt: skip


def _framed(kind: str, fields: dict[str, Any], number: int) -> bytes:
    data = msgspec.json.encode({"type": kind, "sequence_number": number} | fields)
    event = b"event: %b\ndata: %b\n\n" % (kind.encode(), data)
    return b"%x\r\n%b\r\n" % (len(event), event)
