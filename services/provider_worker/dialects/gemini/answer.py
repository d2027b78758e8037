"""Gemini's parts written into a Responses answer; the same writer serves whole and streamed answers."""

from typing import Any

import msgspec

from libs.contracts.deltas import Event
from libs.responses.builder import ResponseBuilder, fresh_id
from libs.responses.usage import usage_object
from services.provider_worker.dialect import Call, Outcome, Usage
from services.provider_worker.dialects.gemini import logprobs
from services.provider_worker.dialects.gemini.finish import Status, status
from services.provider_worker.dialects.gemini.grounding import annotations
from services.provider_worker.dialects.gemini.names import client_names
from services.provider_worker.dialects.gemini.signature import Signed, seal
from services.provider_worker.dialects.gemini.wire import Candidate, Chunk, FunctionCall, Part, UsageSaid

Json = dict[str, Any]

_LOST = "The provider's stream ended before the answer was complete."
_compact = msgspec.json.format


class AnswerWriter:
    """Takes chunks in order, one for a whole answer, and says what the answer came to."""

    def __init__(self, call: Call) -> None:
        self.builder = ResponseBuilder(call.frame)
        self.provider_id = self.model = self.finish_reason = self.blocked = ""
        self.finish_message = ""
        self._call = call
        tools: list[Json] = call.request.get("tools") or []
        self._names = client_names(tools)
        self._freeform = {tool["name"] for tool in tools if tool.get("type") == "custom"}
        self._single = call.request.get("parallel_tool_calls") is False
        self._calls = self._dropped = 0
        self._pieces: list[str] = []
        self._unplaced: Signed | None = None
        self._logprobs: list[Json] = []
        """Of text that is still to come."""
        self._sources: list[Candidate] = []
        self._usage = UsageSaid()
        self._left_out: dict[str, int] = {}

    @property
    def over(self) -> bool:
        """Gemini said why it stopped, or why it did not begin."""
        return bool(self.finish_reason or self.blocked)

    @property
    def _end(self) -> tuple[Status, str | None]:
        return status(self.finish_reason, blocked=bool(self.blocked))

    def take(self, chunk: Chunk) -> list[Event]:
        """A piece of the answer, or all of it."""
        self.provider_id = self.provider_id or chunk.response_id or ""
        self.model = self.model or chunk.model_version or ""
        if chunk.usage_metadata is not None:
            self._tell_usage(chunk.usage_metadata)
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason:
            self.blocked = feedback.block_reason
            self.finish_message = feedback.block_reason_message or ""
        # More than one candidate is never asked for.
        return self._candidate(chunk.candidates[0]) if chunk.candidates else []

    def finish(self) -> list[Event]:
        """The answer is over."""
        whole = self._end[0] == "completed"
        events = self.builder.text("", self._scored()) + self._cite()
        if whole:
            events += self._place_signature()
        return events + self.builder.finish(whole=whole)

    def outcome(self) -> Outcome:
        """What the answer came to."""
        ended, reason = self._end
        usage = self.usage()
        response = self._response(usage) | {"status": ended}
        if ended == "incomplete":
            response["incomplete_details"] = {"reason": reason}
        elif ended == "failed":
            response["error"] = {"code": "server_error", "message": self.complaint()}
        return Outcome(
            status=ended, response=response, usage=usage, provider_response_id=self.provider_id, notes=self._notes(ended)
        )

    def abandoned(self, *, begun: bool) -> Outcome:
        """What there was of an answer that never ended."""
        self.builder.finish(whole=False)
        usage = Usage(source="none")
        if begun:
            # Gemini counts as it goes; of what it had not counted, about four characters are a token.
            told = self.usage()
            seen = max(told.output_tokens, -(-self.builder.chars // 4))
            usage = msgspec.structs.replace(told, output_tokens=seen, source="estimated")
        response = self._response(usage) | {"error": {"code": "server_error", "message": _LOST}}
        return Outcome(
            status="failed", response=response, usage=usage, provider_response_id=self.provider_id, notes=self._notes("failed")
        )

    def complaint(self) -> str:
        """Why Gemini stopped, in words."""
        return f"Gemini stopped with {self.finish_reason or self.blocked}{f': {text}' if (text := self.finish_message) else ''}"

    def usage(self) -> Usage:
        """Gemini counts thoughts apart from the answer, and what its own tools read apart from the prompt; OpenAI counts them in."""
        said = self._usage
        thoughts, written = said.thoughts_token_count or 0, said.candidates_token_count or 0
        return Usage(
            input_tokens=(said.prompt_token_count or 0) + (said.tool_use_prompt_token_count or 0), output_tokens=written + thoughts,
            cached_tokens=said.cached_content_token_count or 0, reasoning_tokens=thoughts,
            source="provider" if said.prompt_token_count is not None or said.candidates_token_count is not None else "none",
        )

    def _tell_usage(self, said: UsageSaid) -> None:
        for name in UsageSaid.__struct_fields__:
            value = getattr(said, name)
            if value is not None and value >= 0:
                setattr(self._usage, name, value)

    def _candidate(self, candidate: Candidate) -> list[Event]:
        if candidate.finish_reason is not None:
            self.finish_reason, self.finish_message = candidate.finish_reason, candidate.finish_message or ""
        if candidate.grounding_metadata is not None or candidate.citation_metadata is not None:
            self._sources.append(candidate)
        if candidate.logprobs_result is not None:
            self._logprobs += logprobs.read(candidate.logprobs_result)
        if candidate.content is None or not candidate.content.parts:
            return []
        parts = candidate.content.parts
        return self._part(parts[0]) if len(parts) == 1 else [event for part in parts for event in self._part(part)]

    def _part(self, part: Part) -> list[Event]:
        if part.function_call is not None:
            return self._function_call(part.function_call, part.signature)
        if part.thought:
            return self._thought(part.text or "", part.signature)
        if part.text is not None or part.signature:
            return self._text(part.text or "", part.signature)
        self._leave_out("images" if part.inline_data is not None else "parts of a type that Responses has no item for")
        return []

    def _text(self, text: str, signature: str) -> list[Event]:
        events = self._place_signature() if self._unplaced is not None else []
        if signature:
            self._unplaced = Signed(signature, "text", chars=len(text))
        self._pieces.append(text)
        made = self.builder.text(text, self._scored() if text else ())
        return events + made if events else made

    def _scored(self) -> list[Json]:
        """The log probabilities for the text that goes out now."""
        scores, self._logprobs = self._logprobs, []
        return scores

    def _thought(self, text: str, signature: str) -> list[Event]:
        events = self._place_signature() + self.builder.reasoning(text)
        if signature:
            events += self.builder.reasoning_done(self._sealed(Signed(signature, "thought", chars=len(text))))
        return events

    def _function_call(self, said: FunctionCall, signature: str) -> list[Event]:
        """A call always comes whole."""
        if self._single and self._calls:
            self._dropped += 1
            return []
        events = self._place_signature()
        call_id = said.id or fresh_id("call")
        if signature:
            sealed = self._sealed(Signed(signature, "call", call_id=call_id))
            events += self.builder.reasoning() + self.builder.reasoning_done(sealed)
        self._calls += 1
        name = self._names.get(said.name, said.name)
        events += self.builder.call(self._calls, call_id, name, custom=name in self._freeform)
        return events + self.builder.arguments(self._calls, _arguments(said.args)) + self.builder.call_done(self._calls)

    def _place_signature(self) -> list[Event]:
        """A text's signature stands in an item of its own behind the message: what came before it is with the client already."""
        signed, self._unplaced = self._unplaced, None
        if signed is None:
            return []
        return self.builder.reasoning() + self.builder.reasoning_done(self._sealed(signed))

    def _sealed(self, signed: Signed) -> str:
        return seal(signed, self._call.envelopes, self._call.model)

    def _cite(self) -> list[Event]:
        """Annotations for the message that is open; the offsets count from the beginning of all text."""
        text = "".join(self._pieces) if self._sources else ""
        begin = len(text) - self.builder.text_length
        events: list[Event] = []
        for note in annotations(text, self._sources):
            if note["start_index"] < begin:
                self._leave_out("citations")
                continue
            span = {"start_index": note["start_index"] - begin, "end_index": note["end_index"] - begin}
            events += self.builder.annotation(note | span)
        return events

    def _leave_out(self, kind: str) -> None:
        self._left_out[kind] = self._left_out.get(kind, 0) + 1

    def _response(self, usage: Usage) -> Json:
        counted = None
        if usage.source != "none":
            counted = usage_object(
                input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cached_tokens=usage.cached_tokens,
                reasoning_tokens=usage.reasoning_tokens,
            )
        return {"output": self.builder.output, "usage": counted} | ({"model": self.model} if self.model else {})

    def _notes(self, ended: Status) -> list[str]:
        notes = [f"{count} {kind} were left out of the answer" for kind, count in self._left_out.items()]
        if self._dropped:
            notes.append(f"{self._dropped} further calls were left out: parallel_tool_calls is false, which Gemini does not know")
        if ended == "incomplete" and self.over and self.finish_reason != "MAX_TOKENS":
            notes.append(self.complaint())
        if self._unplaced is not None:
            notes.append("the thought signature of a text that was cut off was left out")
        return notes


def _arguments(args: msgspec.Raw) -> str:
    """As Gemini wrote them, without the blanks of its pretty print; "" for none."""
    text = _compact(bytes(args) or b"null", indent=-1).decode()
    return "" if text in ("null", "{}") else text
