"""The product's own five stream events, on request."""

from typing import Any

import msgspec

from libs.contracts.deltas import Event
from services.edge.formats.format import Plain, one_line

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class TokenRouterFormat(Plain):
    """`metadata`, `message.start`, `content.delta`*, `tool_call.delta`*, `usage`, `message.end`, `done`."""

    def __init__(self) -> None:
        self._opened = False
        self._started = False
        self._calls: dict[str, dict[str, Any]] = {}

    def write(self, events: list[Event]) -> bytes:
        return one_line(b"".join(self._write(event) for event in events))

    def _write(self, event: Event) -> bytes:
        match event.type:
            case "response.created":
                return self._metadata(_decode(event.data)["response"])
            case "response.output_text.delta" | "response.refusal.delta":
                return self._start() + _named("content.delta", {"delta": {"text": _decode(event.data)["delta"]}})
            case "response.output_item.added":
                return self._item(_decode(event.data))
            case "response.function_call_arguments.delta":
                return self._arguments(_decode(event.data))
            case "response.completed" | "response.incomplete" | "response.failed":
                return self._end(_decode(event.data)["response"])
        return b""

    def _metadata(self, response: dict[str, Any]) -> bytes:
        if self._opened:
            return b""
        self._opened = True
        metadata = response.get("metadata") or {}
        return _named(
            "metadata",
            {
                "provider": metadata.get("provider"),
                "model": response.get("model"),
                "routing_mode": metadata.get("routing_mode"),
                "request_id": response.get("request_id"),
            },
        )

    def _start(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        return _named("message.start", {"type": "message", "role": "assistant"})

    def _item(self, added: dict[str, Any]) -> bytes:
        item = added["item"]
        if item.get("type") != "function_call":
            return b""
        call = {"index": len(self._calls), "id": item.get("call_id"), "name": item.get("name")}
        self._calls[item.get("id", "")] = call
        return self._start() + _named("tool_call.delta", {**call, "arguments_delta": item.get("arguments") or ""})

    def _arguments(self, delta: dict[str, Any]) -> bytes:
        call = self._calls.get(delta.get("item_id", ""))
        return b"" if call is None else _named("tool_call.delta", {**call, "arguments_delta": delta["delta"]})

    def _end(self, response: dict[str, Any]) -> bytes:
        parts = [self._metadata(response)]
        if response["status"] == "failed":
            # Both SDKs raise on an error that stands under `error`; the rest of the grammar still follows.
            parts.append(_named("error", {"type": "error", "error": _failure(response)}))
        usage = response.get("usage") or {}
        counts = {name: usage.get(name, 0) for name in ("input_tokens", "output_tokens", "total_tokens")}
        parts += [self._start(), _named("usage", counts), _named("message.end", {"type": "message_end", "status": response["status"]})]
        return b"".join(parts) + b"event: done\ndata: null\n\n"


def _failure(response: dict[str, Any]) -> dict[str, Any]:
    known = (response.get("tokenrouter") or {}).get("error")
    if known:
        # What the router itself ended it for, a firewall rule for instance.
        return dict(known)
    error = response.get("error") or {}
    return {
        "type": "provider_error", "code": error.get("code"), "message": error.get("message"), "request_id": response.get("request_id"),
    }


def _named(event: str, payload: dict[str, Any]) -> bytes:
    """An event whose payload also carries its name, for readers that drop the SSE field."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), _encode({**payload, "event": event, "type": payload.get("type", event)}))
