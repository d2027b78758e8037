"""A chat message written into a Responses answer; the same writer serves whole and streamed messages."""

from typing import Any, Literal

import msgspec

from libs.contracts.deltas import Event
from libs.responses.builder import ResponseBuilder
from libs.responses.usage import usage_object
from services.provider_worker.dialect import Call, Outcome, ProviderFailure, Usage
from services.provider_worker.dialects.chat import logprobs
from services.provider_worker.dialects.chat.calls import ToolCalls
from services.provider_worker.dialects.chat.output_format import wants_json
from services.provider_worker.dialects.chat.quirks import Quirks
from services.provider_worker.dialects.chat.replay import merged, sealed
from services.provider_worker.dialects.chat.usage import read_usage
from services.provider_worker.dialects.chat.wire import CallSaid, Delta, Part, UsageSaid

Json = dict[str, Any]
Status = Literal["completed", "incomplete", "failed"]

# Finish reason → status and the reason for an incomplete answer.
_ENDS: dict[str, tuple[Status, str | None]] = {
    "stop": ("completed", None),
    "tool_calls": ("completed", None),
    "function_call": ("completed", None),
    "eos": ("completed", None),  # Together
    "end_turn": ("completed", None),  # xAI
    "length": ("incomplete", "max_output_tokens"),
    "model_length": ("incomplete", "max_output_tokens"),  # Mistral: the context is full
    "content_filter": ("incomplete", "content_filter"),
}
# The server gave up; another one may do better. https://api-docs.deepseek.com/api/create-chat-completion,
# https://docs.mistral.ai/api/endpoint/chat, https://openrouter.ai/docs/api/reference/errors-and-debugging
_BROKEN = frozenset({"insufficient_system_resource", "aborted", "error"})


class AnswerWriter:
    """Takes messages or their pieces, and says what the answer came to."""

    def __init__(self, call: Call, quirks: Quirks, provider: str, name: str) -> None:
        self.builder = ResponseBuilder(call.frame)
        self.provider_id = self.model = ""
        self.usage_said: UsageSaid | None = None
        self.finish_reason = ""
        self._call, self._quirks, self._provider, self._name = call, quirks, provider, name
        only_first = call.request.get("parallel_tool_calls") is False and not quirks.parallel_flag
        self._calls = ToolCalls(self.builder, call.request.get("tools") or [], only_first=only_first)
        self._blank = quirks.blank_json and wants_json(call.request)
        self._thinking = False
        self._thoughts: list[str] = []
        self._details: list[Json] = []
        self._signature = ""
        self._logprobs: list[Json] = []
        """Of tokens that no text has come for yet, such as parts of a character."""
        self._left_out: set[str] = set()

    def begin(self, provider_id: Any, model: Any) -> None:
        """What the server says of itself, as far as it is text."""
        self.provider_id = provider_id if isinstance(provider_id, str) else ""
        self.model = model if isinstance(model, str) else ""

    def take(self, said: Delta, scores: Any = None) -> list[Event]:
        """A message, whole or a piece. `scores`: log probabilities as the server tells them, of the text if there is any."""
        content, events = said.content, []
        if scores is not None and isinstance(content, str):
            self._logprobs += logprobs.read(scores)
        thought = said.reasoning_content or said.reasoning
        if thought and isinstance(thought, str):
            events += self._think(thought)
        if isinstance(said.reasoning_details, list) and said.reasoning_details and self._quirks.replay == "reasoning_details":
            self._details += said.reasoning_details
            events += self._think("")
        if content:
            events += self._text(content) if isinstance(content, str) else self._parts(content)
        if said.refusal and isinstance(said.refusal, str):
            events += self._other() + self.builder.refusal(said.refusal)
        for call in said.tool_calls or ():
            events += self._end_thinking() + self._calls.take(call)
        if said.function_call is not None:
            events += self._end_thinking() + self._calls.take(CallSaid(index=0, function=said.function_call))
        if isinstance(said.annotations, list):
            for annotation in said.annotations:
                events += self._annotate(annotation)
        return events

    def end(self, reason: str) -> None:
        """Why the server stopped. Raises ProviderFailure when it broke off."""
        if reason in _BROKEN:
            raise ProviderFailure(f"{self._name} broke off with {reason}", code="upstream_unavailable", billing="maybe")
        self.finish_reason = reason

    def finish(self) -> list[Event]:
        """The answer is over. Raises ProviderFailure for JSON that came as blanks."""
        status, _ = self._end()
        said = self._calls.waiting or any(item["type"] != "reasoning" for item in self.builder.output)
        if self._blank and status == "completed" and not said:
            raise ProviderFailure(f"{self._name} answered with blanks instead of JSON", billing="billed")
        return self.builder.text("", self._scored()) + self._other() + self.builder.finish(whole=status == "completed")

    def outcome(self) -> Outcome:
        """What the answer came to."""
        status, reason = self._end()
        usage = read_usage(self.usage_said, reasoning_apart=self._quirks.reasoning_apart)
        response = self._response(usage) | {"status": status}
        if status == "incomplete":
            response["incomplete_details"] = {"reason": reason}
        notes = [*(f"content of type {kind} was left out of the answer" for kind in sorted(self._left_out)), *self._calls.notes()]
        return Outcome(status=status, response=response, usage=usage, provider_response_id=self.provider_id, notes=notes)

    def abandoned(self, *, started: bool) -> Outcome:
        """What there was of an answer that never ended."""
        self._calls.open_waiting()
        self.builder.finish(whole=False)
        usage = Usage(source="none")
        if started:
            told = read_usage(self.usage_said, reasoning_apart=self._quirks.reasoning_apart)
            # About four characters to a token.
            seen = max(told.output_tokens, -(-self.builder.chars // 4))
            usage = msgspec.structs.replace(told, output_tokens=seen, source="estimated")
        error = {"code": "server_error", "message": "The provider's stream ended before the answer was complete."}
        response = self._response(usage) | {"error": error}
        return Outcome(status="failed", response=response, usage=usage, provider_response_id=self.provider_id)

    def _response(self, usage: Usage) -> Json:
        counted = None
        if usage.source != "none":
            counted = usage_object(
                input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cached_tokens=usage.cached_tokens,
                cache_write_tokens=usage.cache_write_tokens, reasoning_tokens=usage.reasoning_tokens,
            )
        return {"output": self.builder.output, "usage": counted} | ({"model": self.model} if self.model else {})

    def _end(self) -> tuple[Status, str | None]:
        # A reason that is not known yet is no proof of a whole answer.
        return _ENDS.get(self.finish_reason, ("incomplete", None))

    def _other(self) -> list[Event]:
        """Something other than reasoning or a call follows: both that wait for more have got all."""
        events = self._end_thinking() if self._thinking else []
        return events + self._calls.open_waiting() if self._calls.waiting else events

    def _text(self, text: str) -> list[Event]:
        if self._blank:
            # Blanks before JSON mean nothing, and may turn out to be the whole answer.
            text = text.lstrip()
            self._blank = not text
        if not text:
            return []
        events = self._other() if self._thinking or self._calls.waiting else []
        return events + self.builder.text(text, self._scored()) if events else self.builder.text(text, self._scored())

    def _scored(self) -> list[Json]:
        """The log probabilities for the text that goes out now."""
        scores, self._logprobs = self._logprobs, []
        return scores

    def _parts(self, parts: list[Part]) -> list[Event]:
        events: list[Event] = []
        for part in parts:
            if part.type == "text":
                events += self._text(part.text or "")
            elif part.type == "thinking":
                thinking = part.thinking or ()
                inner = thinking if isinstance(thinking, str) else "".join(piece.text or "" for piece in thinking)
                self._signature = part.signature or self._signature
                events += self._think(inner) if inner or part.signature else []
            else:
                self._left_out.add(part.type or "none")
        return events

    def _think(self, text: str) -> list[Event]:
        self._thinking = True
        self._thoughts.append(text)
        return self.builder.reasoning(text, raw=self._quirks.raw_reasoning)

    def _end_thinking(self) -> list[Event]:
        if not self._thinking:
            return []
        self._thinking = False
        kept = self._kept()
        self._thoughts, self._details, self._signature = [], [], ""
        state = sealed(kept, self._call.envelopes, self._provider, self._call.model) if kept else None
        return self.builder.reasoning_done(state)

    def _kept(self) -> str | list[Any]:
        """What of the reasoning goes back on the next turn."""
        replay, text = self._quirks.replay, "".join(self._thoughts)
        if replay == "reasoning_details":
            return merged(self._details)
        if replay == "thinking":
            chunk: Json = {"type": "thinking", "thinking": [{"type": "text", "text": text}], "closed": True}
            return [chunk | ({"signature": self._signature} if self._signature else {})]
        return text if replay else ""

    def _annotate(self, annotation: Any) -> list[Event]:
        cited = annotation.get("url_citation") if isinstance(annotation, dict) else None
        if not isinstance(cited, dict) or not isinstance(cited.get("url"), str):
            return []
        title, start, end = cited.get("title"), cited.get("start_index"), cited.get("end_index")
        return self.builder.annotation({
            "type": "url_citation", "url": cited["url"], "title": title if isinstance(title, str) else "",
            "start_index": start if type(start) is int else 0, "end_index": end if type(end) is int else self.builder.text_length,
        })
