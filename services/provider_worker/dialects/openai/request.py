"""The request body for OpenAI: everything the client sent, except what only this router understands."""

from typing import Any

import msgspec

from libs.vault.envelopes import is_envelope
from services.provider_worker.dialect import Call

Json = dict[str, Any]

# Ours, or resolved by us before the request gets here: the ids in them are not OpenAI's.
OURS = frozenset({
    "model", "stream", "router_mode", "router_model", "router_provider", "response_format", "provider", "previous_response_id",
    "conversation", "background", "background_options", "stream_options",
})
# `include_usage` belongs to the chat API; OpenAI refuses it here. Usage is always in the final event.
_OUR_STREAM_OPTIONS = frozenset({"format", "include_usage"})
_encode = msgspec.json.Encoder().encode


def body(call: Call) -> tuple[bytes, list[str]]:
    """The JSON to send, and what was left out of it, in words."""
    adapted: list[str] = []
    request: Json = {"model": call.model}
    request.update((name, value) for name, value in call.request.items() if name not in OURS)
    if isinstance(request.get("input"), list):
        request["input"] = _own_items(request["input"], adapted)
    if call.stream:
        request["stream"] = True
        options = {k: v for k, v in (call.request.get("stream_options") or {}).items() if k not in _OUR_STREAM_OPTIONS}
        if options:
            request["stream_options"] = options
    return _encode(request), adapted


def _own_items(items: list[Any], adapted: list[str]) -> list[Any]:
    """Without reasoning that another provider wrote: OpenAI can neither read nor look it up."""
    kept = [item for item in items if item.get("type") != "reasoning" or not is_envelope(item.get("encrypted_content"))]
    if len(kept) < len(items):
        adapted.append(f"{len(items) - len(kept)} reasoning items of another provider were left out")
    return kept
