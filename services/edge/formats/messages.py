"""Anthropic's Messages API: messages, their streams, and token counts.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from typing import Any

import msgspec
from msgspec import Struct

from libs.contracts.deltas import Event
from libs.contracts.errors import ErrorInfo
from services.edge.formats.format import Plain, one_line
from services.edge.formats.messages_message import ending, error_of, failed, message_of, opening, routing, usage_of
from services.edge.formats.messages_stream import Blocks, named

Json = dict[str, Any]

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Delta(Struct):
    """What the deltas of a Responses stream say, each kind some of it."""

    delta: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0


_delta = msgspec.json.Decoder(_Delta).decode


class _Anthropic(Plain):
    """What all of their answers have."""

    def error(self, error: ErrorInfo, request_id: str) -> bytes:
        return _encode(error_of(error.status, error.body(request_id)))

    def headers(self, request_id: str) -> dict[str, str]:
        return super().headers(request_id) | {"request-id": request_id}


class CountFormat(_Anthropic):
    """A token count."""

    def body(self, response: bytes) -> tuple[int, bytes]:
        return 200, _encode({"input_tokens": _decode(response)["input_tokens"]})


class MessagesFormat(_Anthropic):
    """A message. Before `message_start` the heartbeat is a comment, since a ping belongs to a message that has begun."""

    def __init__(self) -> None:
        self.heartbeat = Plain.heartbeat
        self._started = False
        self._blocks = Blocks()

    def body(self, response: bytes) -> tuple[int, bytes]:
        answer = _decode(response)
        status, body = failed(answer) if answer.get("status") == "failed" else (200, message_of(answer))
        return status, _encode(body)

    def write(self, events: list[Event]) -> bytes:
        return one_line(b"".join(map(self._write, events)))

    def _write(self, event: Event) -> bytes:
        match event.type:
            case (
                "response.output_text.delta" | "response.refusal.delta" | "response.function_call_arguments.delta"
                | "response.reasoning_summary_text.delta" | "response.reasoning_text.delta"
            ):
                return self._piece(event.type, _delta(event.data))
            case "response.output_text.annotation.added" | "response.content_part.done":
                return self._part(_decode(event.data))
            case "response.output_item.added":
                added = _decode(event.data)
                return self._blocks.added(added["output_index"], added["item"])
            case "response.output_item.done":
                done = _decode(event.data)
                return self._blocks.ended(done["output_index"], done["item"])
            case "response.created":
                return self._start(_decode(event.data)["response"])
            case "response.completed" | "response.incomplete" | "response.failed":
                return self._end(_decode(event.data)["response"])
        return b""

    def _start(self, response: Json) -> bytes:
        if self._started:
            return b""
        self._started, self.heartbeat = True, PING
        return named("message_start", {"message": opening(response)})

    def _piece(self, kind: str, said: _Delta) -> bytes:
        text = said.delta
        match kind:
            case "response.function_call_arguments.delta":
                return self._blocks.tell(said.output_index, lambda item: item.arguments(text))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                place = (kind, said.summary_index + said.content_index)
                return self._blocks.tell(said.output_index, lambda item: item.thinking(place, text))
        return self._blocks.tell(said.output_index, lambda item: item.text(said.content_index, text))

    def _part(self, said: Json) -> bytes:
        """A citation, or the end of a text."""
        index = said["content_index"]
        if "annotation" in said:
            return self._blocks.tell(said["output_index"], lambda item: item.citation(index, said["annotation"]))
        if said["part"].get("type") not in ("output_text", "refusal"):
            return b""
        return self._blocks.tell(said["output_index"], lambda item: item.end_part(index, said["part"]))

    def _end(self, response: Json) -> bytes:
        opened, rest = self._start(response), self._blocks.close()
        if response.get("status") == "failed":
            return opened + rest + named("error", failed(response)[1])
        usage = usage_of(response)
        # The service tier stands in a message's usage only.
        del usage["service_tier"]
        told = {"delta": ending(response), "usage": usage} | routing(response)
        return opened + rest + named("message_delta", told) + named("message_stop", {})
