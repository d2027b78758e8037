"""Writes OpenAI Responses: whole, as stream events, errors and the list of models.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

import time
from collections.abc import Iterator
from typing import Any

from services.sandbox import ids, models, tokens
from services.sandbox.asked import Answer, Asked, Event, Problem, Usage
from services.sandbox.dialect import Head, retry_after, until_failure
from services.sandbox.framing import NAMED, Framing

_ECHOED = (
    "instructions", "max_output_tokens", "max_tool_calls", "parallel_tool_calls", "previous_response_id", "prompt_cache_key",
    "reasoning", "safety_identifier", "store", "temperature", "text", "tool_choice", "top_logprobs", "top_p", "truncation",
    "user", "metadata", "background",
)  # fmt: skip
_DEFAULTS: dict[str, Any] = {
    "parallel_tool_calls": True, "reasoning": {"effort": None, "summary": None}, "store": True, "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto", "top_logprobs": 0, "top_p": 1.0,
    "truncation": "disabled", "metadata": {}, "background": False,
}  # fmt: skip
_ERROR_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"), 429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", "server_error"), 503: ("server_error", "server_is_overloaded"),
    529: ("server_error", "server_is_overloaded"),
}  # fmt: skip
_BEGUN: dict[str, dict[str, Any]] = {"message": {"content": []}, "function_call": {"arguments": ""}, "reasoning": {"summary": []}}


def whole(request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage) -> dict[str, Any]:
    """A Response that is done."""
    return _Response(request, asked, answer, usage).ended([item for item, _ in _items(request, answer)])


def events(request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage, fails_after: int | None) -> Iterator[Event]:
    """The stream from `response.created` to `response.completed` or `.incomplete`, or to `.failed` after so many tokens."""
    response = _Response(request, asked, answer, usage)
    failure = Event("response.failed", {"response": response.failed()})
    for number, event in enumerate(until_failure(_unnumbered(request, answer, response), fails_after, failure)):
        yield Event(event.name, {"type": event.name, "sequence_number": number} | event.data, event.tokens)


def error(problem: Problem) -> dict[str, Any]:
    """The body of an HTTP error."""
    kind, code = _ERROR_TYPES.get(problem.status, ("invalid_request_error", None))
    said = {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code or code}
    return {"error": said}


def headers(status: int) -> dict[str, str]:
    """Of every reply."""
    return {"x-request-id": ids.letters("req_"), "openai-version": "2020-10-01"} | retry_after(status)


def framing(head: Head) -> Framing:
    """Events with names."""
    return NAMED


def listing() -> dict[str, Any]:
    """Some of the models that are known."""
    known = [{"id": name, "object": "model", "created": 1760000000, "owned_by": "sandbox"} for name in models.OPENAI_LISTED]
    return {"object": "list", "data": known}


class _Response:
    """The response object at each point of its life."""

    def __init__(self, request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage) -> None:
        echoed = {name: request[name] for name in _ECHOED if request.get(name) is not None}
        self.base: dict[str, Any] = dict.fromkeys(_ECHOED) | _DEFAULTS | echoed | {
            "id": ids.hexadecimal("resp"), "object": "response", "created_at": int(time.time()), "status": "in_progress",
            "completed_at": None, "error": None, "incomplete_details": None, "model": f"{asked.model}-sandbox", "output": [],
            "service_tier": "default", "usage": None, "presence_penalty": 0.0, "frequency_penalty": 0.0,
            "tools": [_echoed_tool(tool) for tool in request.get("tools") or []],
        }  # fmt: skip
        if not self.base["text"].get("format"):
            self.base["text"] = self.base["text"] | {"format": {"type": "text"}}
        self._cut = answer.stop == "max_tokens"
        self._usage = usage

    def failed(self) -> dict[str, Any]:
        reason = {"code": "server_error", "message": "The model failed to go on. [sandbox]"}
        return self.base | {"error": reason, "status": "failed"}

    def ended(self, output: list[dict[str, Any]]) -> dict[str, Any]:
        said: dict[str, Any] = {"output": output, "usage": _usage(self._usage)}
        said |= {"status": "completed", "completed_at": int(time.time())}
        if self._cut:
            said |= {"status": "incomplete", "completed_at": None, "incomplete_details": {"reason": "max_output_tokens"}}
        return self.base | said


def _echoed_tool(tool: dict[str, Any]) -> dict[str, Any]:
    return {"strict": True, "description": None, "parameters": None} | tool if tool.get("type") == "function" else tool


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.read,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_written},
        "output_tokens": usage.written, "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": usage.read + usage.written,
    }  # fmt: skip


def _items(request: dict[str, Any], answer: Answer) -> list[tuple[dict[str, Any], list[str]]]:
    """Each output item, done, with the tokens it is streamed in."""
    status = "incomplete" if answer.stop == "max_tokens" else "completed"
    items: list[tuple[dict[str, Any], list[str]]] = []
    if answer.thinking:
        items.append((_reasoning(request, answer), answer.thinking))
    for kind, field, said in (("output_text", "text", answer.text), ("refusal", "refusal", answer.refusal)):
        if said:
            part: dict[str, Any] = {"type": kind, field: "".join(said)}
            if kind == "output_text":
                part |= {"annotations": [], "logprobs": []}
            item = {"id": ids.hexadecimal("msg"), "type": "message", "status": status, "role": "assistant", "content": [part]}
            items.append((item, said))
    for call in answer.calls:
        named = {"call_id": ids.letters("call_"), "name": call.name, "arguments": call.arguments}
        called = {"id": ids.hexadecimal("fc"), "type": "function_call", "status": "completed"} | named
        items.append((called, tokens.split(call.arguments)))
    return items


def _reasoning(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    item: dict[str, Any] = {"id": ids.hexadecimal("rs"), "type": "reasoning", "summary": []}
    if (request.get("reasoning") or {}).get("summary"):
        item["summary"] = [{"type": "summary_text", "text": "".join(answer.thinking)}]
    if "reasoning.encrypted_content" in (request.get("include") or []):
        item["encrypted_content"] = ids.letters("gAAAA")
    return item


def _unnumbered(request: dict[str, Any], answer: Answer, response: _Response) -> Iterator[Event]:
    yield Event("response.created", {"response": response.base})
    yield Event("response.in_progress", {"response": response.base})
    done = []
    for index, (item, said) in enumerate(_items(request, answer)):
        yield Event("response.output_item.added", {"output_index": index, "item": _begun(item)})
        yield from _STREAMED[item["type"]](item, said, {"item_id": item["id"], "output_index": index})
        unseen = len(said) if item.get("summary") == [] else 0
        yield Event("response.output_item.done", {"output_index": index, "item": item}, unseen)
        done.append(item)
    ended = response.ended(done)
    yield Event(f"response.{ended['status']}", {"response": ended})


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    return item | _BEGUN[item["type"]] | ({"status": "in_progress"} if "status" in item else {})


def _message(item: dict[str, Any], said: list[str], at: dict[str, Any]) -> Iterator[Event]:
    at = at | {"content_index": 0}
    part = item["content"][0]
    kind, field = part["type"], "text" if part["type"] == "output_text" else "refusal"
    extra: dict[str, Any] = {"logprobs": []} if kind == "output_text" else {}
    yield Event("response.content_part.added", at | {"part": part | {field: ""}})
    for token in said:
        yield Event(f"response.{kind}.delta", at | {"delta": token} | extra, 1)
    yield Event(f"response.{kind}.done", at | {field: part[field]} | extra)
    yield Event("response.content_part.done", at | {"part": part})


def _call(item: dict[str, Any], said: list[str], at: dict[str, Any]) -> Iterator[Event]:
    for token in said:
        yield Event("response.function_call_arguments.delta", at | {"delta": token}, 1)
    yield Event("response.function_call_arguments.done", at | {"name": item["name"], "arguments": item["arguments"]})


def _thought(item: dict[str, Any], said: list[str], at: dict[str, Any]) -> Iterator[Event]:
    if not item["summary"]:
        return
    at = at | {"summary_index": 0}
    part = item["summary"][0]
    yield Event("response.reasoning_summary_part.added", at | {"part": part | {"text": ""}})
    for token in said:
        yield Event("response.reasoning_summary_text.delta", at | {"delta": token}, 1)
    yield Event("response.reasoning_summary_text.done", at | {"text": part["text"]})
    yield Event("response.reasoning_summary_part.done", at | {"part": part})


_STREAMED = {"message": _message, "function_call": _call, "reasoning": _thought}
