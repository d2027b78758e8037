"""The message that a response's output comes to in the chat API.

An answer is one message there. Texts of several messages are put together, and so are thoughts; calls follow the text.
"""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

GAP = "\n\n"
"""Between the texts of two messages, and between two pieces of reasoning."""
CALLS = frozenset({"function_call", "custom_tool_call"})


def message_of(response: Json, *, functions: bool) -> Json:
    """The whole message. `functions`: the client knows legacy functions, of which a message calls one, instead of tools."""
    output = response.get("output") or []
    calls = [call_of(item) for item in output if item.get("type") in CALLS]
    refusal, text = "".join(_refusals(output)), GAP.join(filter(None, map(_said, output)))
    # OpenAI's is null beside a call, and empty when nothing at all was said.
    content = text or (None if calls or refusal else "")
    message: Json = {"role": "assistant", "content": content, "refusal": refusal or None, "annotations": _annotations(output)}
    if thoughts := GAP.join(_thoughts(output)):
        message["reasoning_content"] = thoughts
    if details := _details(output):
        message["reasoning_details"] = details
    if functions and calls:
        message["function_call"] = calls[0].get("function")
    elif calls:
        message["tool_calls"] = calls
    return message


def late_parts(response: Json) -> Json:
    """Those of the message's fields that a stream tells at its end, as a delta: lists that SDKs can only take in one piece."""
    output = response.get("output") or []
    found = {"annotations": _annotations(output), "reasoning_details": _details(output)}
    return {name: entries for name, entries in found.items() if entries}


def logprobs_of(response: Json) -> Json | None:
    """The log probabilities of the whole text, when there are any."""
    given = [entry for part in _texts(response.get("output") or []) for entry in part.get("logprobs") or ()]
    return chosen_logprobs(given) if given else None


def chosen_logprobs(entries: list[Json]) -> Json:
    """The log probabilities of one delta."""
    return {"content": [_logprob(entry) for entry in entries], "refusal": None}


def _logprob(entry: Json) -> Json:
    """OpenAI's deltas leave out the bytes."""
    likely = entry.get("top_logprobs") or ()
    return {
        "token": entry.get("token"), "logprob": entry.get("logprob"), "bytes": entry.get("bytes"),
        "top_logprobs": [{"token": one.get("token"), "logprob": one.get("logprob"), "bytes": one.get("bytes")} for one in likely],
    }


def _said(item: Json) -> str:
    return "".join(part.get("text") or "" for part in _texts([item]))


def _texts(output: list[Json]) -> Iterator[Json]:
    for item in output:
        if item.get("type") == "message":
            yield from (part for part in item.get("content") or () if part.get("type") == "output_text")


def _refusals(output: list[Json]) -> Iterator[str]:
    for item in output:
        if item.get("type") == "message":
            yield from (part.get("refusal") or "" for part in item.get("content") or () if part.get("type") == "refusal")


def _thoughts(output: list[Json]) -> Iterator[str]:
    for item in output:
        if item.get("type") == "reasoning":
            pieces = [*(item.get("summary") or ()), *(item.get("content") or ())]
            yield from (piece["text"] for piece in pieces if piece.get("text"))


def call_of(item: Json) -> Json:
    """A call, as it stands or has just begun."""
    if item["type"] == "custom_tool_call":
        custom = {"name": item.get("name"), "input": item.get("input") or ""}
        return {"id": item.get("call_id"), "type": "custom", "custom": custom}
    function = {"name": item.get("name"), "arguments": item.get("arguments") or ""}
    return {"id": item.get("call_id"), "type": "function", "function": function}


def _annotations(output: list[Json]) -> list[Json]:
    """Citations of web pages, the only kind there is, with their places in the whole text."""
    made: list[Json] = []
    start = 0
    for item in output:
        if not _said(item):
            continue
        start += len(GAP) if start else 0
        for part in _texts([item]):
            notes = [note for note in part.get("annotations") or () if note.get("type") == "url_citation"]
            made += [{"type": "url_citation", "url_citation": _citation(note, start)} for note in notes]
            start += len(part.get("text") or "")
    return made


def _citation(note: Json, start: int) -> Json:
    first, last = note.get("start_index") or 0, note.get("end_index") or 0
    return {"start_index": start + first, "end_index": start + last, "title": note.get("title") or "", "url": note.get("url") or ""}


def _details(output: list[Json]) -> list[Json]:
    """The sealed thoughts, for the client to send back with the message, in the form that OpenRouter made known.

    `index` is the place among the items that the message comes back as (chat_reasoning.py puts them there again): its text
    where it began, each call, each thought. It only grows, so SDKs that put lists together by it keep every entry.
    """
    made: list[Json] = []
    place, said = 0, False
    for item in output:
        kind, state = item.get("type"), item.get("encrypted_content")
        if kind == "reasoning" and state:
            summary = "".join(piece.get("text") or "" for piece in item.get("summary") or ())
            detail = {"type": "reasoning.encrypted", "id": item.get("id"), "index": place, "data": state}
            made.append(detail | {"summary": summary} if summary else detail)
        elif kind == "message" and not said and (_said(item) or any(_refusals([item]))):
            said = True
        elif kind not in CALLS:
            continue
        place += 1
    return made
