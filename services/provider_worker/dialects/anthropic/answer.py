"""Anthropic's content blocks written into a Responses answer; the same writer serves whole and streamed messages."""

from typing import Any, Literal

import msgspec

from libs.contracts.deltas import Event
from libs.responses.builder import ResponseBuilder
from libs.responses.usage import usage_object
from services.provider_worker.dialect import Call, Outcome, Usage
from services.provider_worker.dialects.anthropic.history import ORIGIN
from services.provider_worker.dialects.anthropic.usage import NO_SPLIT, thinking_untold, tokens, usage_of
from services.provider_worker.dialects.anthropic.wire import Block, Delta, StopDetails, UsageSaid
from services.provider_worker.dialects.tool_names import original_names

Json = dict[str, Any]
Status = Literal["completed", "incomplete", "failed"]

# Stop reason → status and the reason for an incomplete answer.
# https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
_ENDS: dict[str, tuple[Status, str | None]] = {
    "end_turn": ("completed", None),
    "stop_sequence": ("completed", None),
    "tool_use": ("completed", None),
    "refusal": ("completed", None),
    "max_tokens": ("incomplete", "max_output_tokens"),
    "model_context_window_exceeded": ("incomplete", "max_output_tokens"),
    # The provider's own tool loop took a break; only server tools do this, and none are sent.
    "pause_turn": ("incomplete", "max_messages"),
}
_REFUSED = "The model declined to answer this request."
_encode = msgspec.json.Encoder().encode


class AnswerWriter:
    """Takes blocks in order, whole or in pieces, and says what the answer came to."""

    def __init__(self, call: Call) -> None:
        self.builder = ResponseBuilder(call.frame)
        self.provider_id = self.model = ""
        self.stop_reason: str | None = None
        self.stop_sequence: Any = None
        self.stop_details: StopDetails | None = None
        self._call = call
        self._tools: list[Json] = call.request.get("tools") or []
        self._names = original_names(self._tools)
        self._freeform = {tool["name"] for tool in self._tools if tool.get("type") == "custom"}
        self._open: dict[int, Block] = {}
        self._pieces: dict[int, list[str]] = {}
        self._cited_from: dict[int, int] = {}
        self._usage = UsageSaid()

    def begin_block(self, index: int, block: Block) -> list[Event]:
        """A block begins, perhaps with all it has to say."""
        self._open[index] = block
        self._pieces[index] = []
        if block.type == "text":
            self._cited_from[index] = self.builder.text_length
            events = self.builder.text(block.text)
            return events + self._cite(index, block.citations or [])
        if block.type in ("thinking", "redacted_thinking"):
            events = self.builder.reasoning_done() + self.builder.reasoning(block.thinking)
            self._pieces[index].append(block.thinking)
            return events
        if block.type == "tool_use":
            name = self._names.get(block.name, block.name)
            return self.builder.call(index, block.id, name, custom=name in self._freeform)
        return []

    def add_to_block(self, index: int, delta: Delta) -> list[Event]:
        """A piece of a block."""
        kind = delta.type
        if kind == "text_delta":
            return self.builder.text(delta.text)
        if kind == "input_json_delta":
            self._pieces[index].append(delta.partial_json)
            return self.builder.arguments(index, delta.partial_json)
        if kind == "thinking_delta":
            self._pieces[index].append(delta.thinking)
            return self.builder.reasoning(delta.thinking)
        if kind == "signature_delta":
            self._open[index].signature += delta.signature
        elif kind == "citations_delta" and delta.citation is not None:
            return self._cite(index, [delta.citation])
        return []

    def end_block(self, index: int) -> list[Event]:
        """The block is whole."""
        block = self._open.pop(index, None)
        if block is None:
            return []
        if block.type == "tool_use":
            # The input stands in the block itself when it came without pieces.
            whole = "" if any(self._pieces[index]) else bytes(block.input).decode()
            events = self.builder.arguments(index, whole if whole.strip() != "{}" else "")
            return events + self.builder.call_done(index)
        if block.type in ("thinking", "redacted_thinking"):
            return self.builder.reasoning_done(self._sealed(index, block))
        return []

    def tell_usage(self, said: UsageSaid | None) -> None:
        """Usage so far: each number told replaces the one before."""
        for name in UsageSaid.__struct_fields__:
            value = getattr(said, name, None)
            if value is not None:
                setattr(self._usage, name, value)

    def finish(self) -> list[Event]:
        """The message is over."""
        status, _ = self._end()
        refused: list[Event] = []
        if self.stop_reason == "refusal":
            refused = self.builder.refusal((self.stop_details and self.stop_details.explanation) or _REFUSED)
        return refused + self.builder.finish(whole=status == "completed")

    def outcome(self) -> Outcome:
        """What the answer came to."""
        status, reason = self._end()
        output = self.builder.output
        usage = usage_of(self._usage, output)
        response = self._response(output, usage) | {"status": status}
        if status == "incomplete":
            response["incomplete_details"] = {"reason": reason}
        if self.stop_reason == "stop_sequence" and isinstance(self.stop_sequence, str):
            # For clients of the Messages API; the Responses API has no field for it.
            response["stop_sequence"] = self.stop_sequence
        notes = [NO_SPLIT] if thinking_untold(self._usage, output) else []
        return Outcome(status=status, response=response, usage=usage, provider_response_id=self.provider_id, notes=notes)

    def abandoned(self) -> Outcome:
        """What there was of an answer that never ended."""
        self.builder.finish(whole=False)
        output, usage = self.builder.output, Usage(source="none")
        if self.provider_id:
            # The input was counted at the start; of the output, what was seen.
            self._usage.output_tokens = max(self._usage.output_tokens or 0, tokens(self.builder.chars))
            usage = msgspec.structs.replace(usage_of(self._usage, output), source="estimated")
        error = {"code": "server_error", "message": "The provider's stream ended before the answer was complete."}
        response = self._response(output, usage) | {"error": error}
        return Outcome(status="failed", response=response, usage=usage, provider_response_id=self.provider_id)

    def _response(self, output: list[Json], usage: Usage) -> Json:
        counted = None
        if usage.source != "none":
            counted = usage_object(
                input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cached_tokens=usage.cached_tokens,
                cache_write_tokens=usage.cache_write_tokens, reasoning_tokens=usage.reasoning_tokens,
            )
        return {"output": output, "usage": counted} | ({"model": self.model} if self.model else {})

    def _end(self) -> tuple[Status, str | None]:
        # A reason that is not known yet is no proof of a whole answer.
        return _ENDS.get(self.stop_reason or "", ("incomplete", None))

    def _sealed(self, index: int, block: Block) -> str | None:
        """The block as it came, for the next turn of the same model."""
        if block.type == "redacted_thinking":
            made: Json = {"type": block.type, "data": block.data}
        elif block.signature:
            made = {"type": block.type, "thinking": "".join(self._pieces[index]), "signature": block.signature}
        else:
            return None
        return self._call.envelopes.seal(ORIGIN, self._call.model, _encode(made))

    def _cite(self, index: int, citations: list[Json]) -> list[Event]:
        start, end = self._cited_from.get(index, 0), self.builder.text_length
        span = {"start_index": start, "end_index": end}
        return [
            event
            for citation in citations
            if citation.get("type") == "web_search_result_location" and isinstance(citation.get("url"), str)
            for event in self.builder.annotation(_url_citation(citation) | span)
        ]


def _url_citation(citation: Json) -> Json:
    title = citation.get("title")
    return {"type": "url_citation", "url": citation["url"], "title": title if isinstance(title, str) else ""}
