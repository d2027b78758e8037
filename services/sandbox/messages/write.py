"""Writes Anthropic messages: whole, as stream events, errors and the list of models.

https://docs.anthropic.com/en/docs/build-with-claude/streaming
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from services.sandbox import ids, models, tokens
from services.sandbox.asked import Answer, Asked, Event, Problem, Usage
from services.sandbox.dialect import Head, retry_after, until_failure
from services.sandbox.framing import NAMED, Framing

_STOPS = {
    "end": "end_turn", "max_tokens": "max_tokens", "stop_sequence": "stop_sequence", "tools": "tool_use", "refusal": "refusal",
}  # fmt: skip
_RELEASED = "2026-01-01T00:00:00Z"
_BEGUN: dict[str, dict[str, Any]] = {
    "text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}},
}  # fmt: skip
_ERROR_TYPES = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large",
    429: "rate_limit_error", 500: "api_error", 503: "api_error", 529: "overloaded_error",
}  # fmt: skip


def whole(request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage) -> dict[str, Any]:
    """A message that is done."""
    return _message(asked, _usage(usage, usage.written)) | _stop(answer) | {"content": [block for block, _ in _blocks(answer)]}


def events(request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage, fails_after: int | None) -> Iterator[Event]:
    """The stream from `message_start` to `message_stop`, or to an error after so many tokens."""
    overloaded = _event("error", error={"type": "overloaded_error", "message": "Overloaded. [sandbox]"})
    return until_failure(_unbroken(asked, answer, usage), fails_after, overloaded)


def _unbroken(asked: Asked, answer: Answer, usage: Usage) -> Iterator[Event]:
    yield _event("message_start", message=_message(asked, _usage(usage, 1)))
    for index, (block, said) in enumerate(_blocks(answer)):
        yield _event("content_block_start", index=index, content_block=_begun(block))
        if index == 0:
            yield _event("ping")
        for token in said:
            yield Event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": _delta(block, token)}, 1)
        if block["type"] == "thinking":
            yield _event("content_block_delta", index=index, delta={"type": "signature_delta", "signature": block["signature"]})
        yield _event("content_block_stop", index=index)
    yield _event("message_delta", delta=_stop(answer), usage=_usage(usage, usage.written))
    yield _event("message_stop")


def error(problem: Problem) -> dict[str, Any]:
    """The body of an HTTP error."""
    said = {"type": _ERROR_TYPES.get(problem.status, "invalid_request_error"), "message": problem.message}
    return {"type": "error", "error": said, "request_id": ids.letters("req_01")}


def headers(status: int) -> dict[str, str]:
    """Of every reply."""
    return {"request-id": ids.letters("req_01")} | retry_after(status)


def framing(head: Head) -> Framing:
    """Events with names."""
    return NAMED


def listing() -> dict[str, Any]:
    """Some of the models that are known."""
    known = [
        {"type": "model", "id": name, "display_name": f"{name} (sandbox)", "created_at": _RELEASED, "lifecycle": "active"}
        for name in models.ANTHROPIC_LISTED
    ]
    return {"data": known, "has_more": False, "first_id": known[0]["id"], "last_id": known[-1]["id"]}


def _event(name: str, **fields: Any) -> Event:
    return Event(name, {"type": name} | fields)


def _message(asked: Asked, usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": ids.letters("msg_01"), "type": "message", "role": "assistant", "model": f"{asked.model}-sandbox", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip


def _stop(answer: Answer) -> dict[str, Any]:
    return {"stop_reason": _STOPS[answer.stop], "stop_sequence": answer.stopped_by}


def _usage(usage: Usage, written: int) -> dict[str, Any]:
    # Anthropic counts cached tokens beside the input, OpenAI within it.
    return {
        "input_tokens": usage.read - usage.cached - usage.cache_written, "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage.cached, "output_tokens": written, "service_tier": "standard",
    }  # fmt: skip


def _blocks(answer: Answer) -> list[tuple[dict[str, Any], list[str]]]:
    """Each content block, done, with the tokens it is streamed in."""
    blocks: list[tuple[dict[str, Any], list[str]]] = []
    if answer.thinking:
        thought = {"type": "thinking", "thinking": "".join(answer.thinking), "signature": ids.letters("Erc")}
        blocks.append((thought, answer.thinking))
    said = answer.text or answer.refusal
    if said:
        blocks.append(({"type": "text", "text": "".join(said), "citations": None}, said))
    for call in answer.calls:
        use = {"type": "tool_use", "id": ids.letters("toolu_01"), "name": call.name, "input": msgspec.json.decode(call.arguments)}
        blocks.append((use, ["", *tokens.split(call.arguments)]))
    return blocks


def _begun(block: dict[str, Any]) -> dict[str, Any]:
    return block | _BEGUN[block["type"]]


def _delta(block: dict[str, Any], token: str) -> dict[str, Any]:
    match block["type"]:
        case "text":
            return {"type": "text_delta", "text": token}
        case "thinking":
            return {"type": "thinking_delta", "thinking": token}
    return {"type": "input_json_delta", "partial_json": token}
