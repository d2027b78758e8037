"""Compaction that any provider can do and any provider can go on from: the conversation's own model sums it up, and the summary
travels as a sealed item. Pure.

OpenAI's compacted items are opaque to everybody else, so its own endpoint is not used: what one provider compacts, the next turn
may take to another. https://platform.openai.com/docs/api-reference/responses/compact
"""

from typing import Any

from libs.responses.frame import Frame
from libs.responses.input_items import as_items
from libs.vault.envelopes import Envelopes
from services.provider_worker.dialect import Outcome, ProviderFailure

Json = dict[str, Any]
ORIGIN = "tokenrouter"
_ORDER = (
    "Sum up the conversation above for yourself, so that you can go on from the summary and the user's own messages alone, which you will "
    "see again. Keep what was decided, found out and done, results of tools, names, numbers, open tasks and the user's wishes. "
    "Write only the summary."
)
_HEADING = "Summary of the conversation so far:\n\n"
_LEFT_OUT = ("tools", "tool_choice", "parallel_tool_calls", "max_tool_calls", "text")


def request_of(request: Json) -> Json:
    """The request that has a conversation summed up."""
    items = as_items(request.get("input"))
    kept = {name: value for name, value in request.items() if name not in _LEFT_OUT}
    return kept | {"input": [*items, _message("developer", _ORDER)]}


def compacted(outcome: Outcome, request: Json, frame: Frame, envelopes: Envelopes, model: str) -> Outcome:
    """The outcome with the user's messages and one compaction item as its output. Raises ProviderFailure without a summary."""
    if outcome.status == "failed":
        return outcome
    said = [
        part.get("text") or "" for item in outcome.response.get("output") or [] if item.get("type") == "message"
        for part in item.get("content") or [] if part.get("type") == "output_text"
    ]
    summary = "".join(said).strip()
    if not summary:
        raise ProviderFailure("the model wrote no summary", billing="billed")
    items = as_items(request.get("input"))
    users = [_whole(item, frame, index) for index, item in enumerate(items) if item.get("role") == "user"]
    sealed = envelopes.seal(ORIGIN, model, (_earlier(items, envelopes) + summary).encode())
    item = {"type": "compaction", "id": frame.item_id("cmp", len(items)), "encrypted_content": sealed}
    outcome.response = outcome.response | {"output": [*users, item]}
    return outcome


def opened(request: Json, envelopes: Envelopes) -> Json:
    """The request with our compaction items as the summaries they hold."""
    given = request.get("input")
    if not isinstance(given, list) or not any(item.get("type") == "compaction" for item in given):
        return request
    return request | {"input": [_opened(item, envelopes) for item in given]}


def _opened(item: Json, envelopes: Envelopes) -> Json:
    summary = envelopes.open(item.get("encrypted_content"), ORIGIN) if item.get("type") == "compaction" else None
    return item if summary is None else _message("developer", _HEADING + summary.decode())


def _earlier(items: list[Json], envelopes: Envelopes) -> str:
    """Summaries of earlier compactions stay part of the new one, word for word."""
    found = [envelopes.open(item.get("encrypted_content"), ORIGIN) for item in items if item.get("type") == "compaction"]
    return "".join(summary.decode() + "\n\n" for summary in found if summary is not None)


def _message(role: str, text: str) -> Json:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def _whole(item: Json, frame: Frame, index: int) -> Json:
    """A user's message with every field that a response's item has."""
    content = item.get("content")
    parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
    return {"id": frame.item_id("msg", index), "status": "completed", **item, "content": parts}
