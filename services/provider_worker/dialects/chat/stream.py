"""A streamed chat completion, read chunk by chunk."""

import msgspec

from libs.contracts.decisions import Billing
from libs.contracts.deltas import Event
from libs.responses.sse import ServerSentEvent
from services.provider_worker.dialect import Call, Outcome, ProviderFailure
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.chat.answer import AnswerWriter
from services.provider_worker.dialects.chat.errors import error_failure
from services.provider_worker.dialects.chat.quirks import Quirks
from services.provider_worker.dialects.chat.wire import Choice, Chunk, decode


class ChatReader:
    """Reads one streamed answer. https://platform.openai.com/docs/api-reference/chat-streaming"""

    def __init__(self, call: Call, quirks: Quirks, provider: str, name: str) -> None:
        self.outcome: Outcome | None = None
        self._name = name
        self._writer = AnswerWriter(call, quirks, provider, name)
        self._started = False
        self._last = b""

    def feed(self, event: ServerSentEvent) -> list[Event]:
        """Canonical events for one chunk. Raises ProviderFailure for an error in the stream and for what is not JSON."""
        if self.outcome is not None:
            return []
        data = event.data
        if data[:1] != b"{":
            data = data.strip()
            if data == b"[DONE]":
                return self._done()
            if not data:
                return []
        try:
            chunk = decode(data)
            if chunk.error is not None or chunk.object == "error" or event.event == "error":
                raise error_failure(self._name, provider_errors.said(data), self._billing)
            return self._read(chunk, data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ProviderFailure(f"{self._name}'s stream cannot be read: {error}", billing=self._billing) from None

    def end(self) -> list[Event]:
        """The connection was closed: an answer that told why it stopped is whole, only its last line is missing."""
        return self._done() if self.outcome is None else []

    def abandon(self) -> Outcome:
        """What there is so far."""
        return self._writer.abandoned(started=self._started)

    @property
    def _billing(self) -> Billing:
        return "maybe" if self._started else "none"

    def _read(self, chunk: Chunk, data: bytes) -> list[Event]:
        writer = self._writer
        if chunk.usage is not None:
            writer.usage_said = chunk.usage
        if chunk.x_groq is not None:
            writer.usage_said = chunk.x_groq.usage or writer.usage_said
            if chunk.x_groq.error is not None:
                raise error_failure(self._name, provider_errors.Said(message=str(chunk.x_groq.error)), self._billing)
        # Some servers send their last chunk twice.
        if not chunk.choices or data == self._last:
            return []
        events = [] if self._started else self._start(chunk)
        for choice in chunk.choices:
            if not choice.index:
                events += self._choose(choice, data)
        return events

    def _start(self, chunk: Chunk) -> list[Event]:
        self._started = True
        self._writer.begin(chunk.id, chunk.model)
        return self._writer.builder.start(**({"model": self._writer.model} if self._writer.model else {}))

    def _choose(self, choice: Choice, data: bytes) -> list[Event]:
        if choice.error is not None:
            said = provider_errors.said(msgspec.json.encode({"error": choice.error}))
            raise error_failure(self._name, said, self._billing)
        said_now = choice.delta or choice.message
        events = self._writer.take(said_now, choice.logprobs) if said_now is not None else []
        if choice.finish_reason:
            self._last = data
            self._writer.end(choice.finish_reason)
        return events

    def _done(self) -> list[Event]:
        """Without a finish reason nothing says that the answer is whole."""
        if not self._writer.finish_reason:
            return []
        events = self._writer.finish()
        self.outcome = self._writer.outcome()
        return events
