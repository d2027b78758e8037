"""Gemini's stream, read chunk by chunk: each is an answer of its own form, to be put behind the ones before.

There is no terminal event. The chunk that tells a `finishReason` ends the answer, and usage comes with it or behind it.
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

import msgspec

from libs.contracts.decisions import Billing
from libs.contracts.deltas import Event
from libs.responses.sse import ServerSentEvent
from services.provider_worker.dialect import Call, Outcome, ProviderFailure
from services.provider_worker.dialects.gemini.answer import AnswerWriter
from services.provider_worker.dialects.gemini.errors import error_failure
from services.provider_worker.dialects.gemini.finish import failure
from services.provider_worker.dialects.gemini.wire import Chunk, decode


class GeminiReader:
    """Reads one streamed answer."""

    def __init__(self, call: Call) -> None:
        self.outcome: Outcome | None = None
        self._writer = AnswerWriter(call)
        self._started = False
        self._flowing = False
        """A chunk came that did not end the answer. Old models tell a finishReason with each chunk, so that one in the very
        first chunk proves nothing."""

    def feed(self, event: ServerSentEvent) -> list[Event]:
        """Canonical events for one chunk. Raises ProviderFailure for an error in the stream and for what is not a chunk."""
        if self.outcome is not None:
            return []
        try:
            chunk = decode(event.data)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            if event.data.strip() == b"[DONE]":
                return []
            raise ProviderFailure(f"Gemini's stream cannot be read: {error}", billing=self._billing) from None
        if chunk.error is not None:
            raise error_failure(chunk.error, self._billing)
        return self._read(chunk)

    def end(self) -> list[Event]:
        """The answer is whole when Gemini said why it stopped."""
        return self._finish() if self.outcome is None and self._writer.over else []

    def abandon(self) -> Outcome:
        """What there is so far."""
        return self._writer.abandoned(begun=self._started)

    @property
    def _billing(self) -> Billing:
        return "maybe" if self._started else "none"

    def _read(self, chunk: Chunk) -> list[Event]:
        writer = self._writer
        events = writer.take(chunk)
        if not self._started:
            self._started = True
            events = writer.builder.start(**({"model": writer.model} if writer.model else {})) + events
        if not writer.over:
            self._flowing = self._flowing or bool(chunk.candidates)
        elif chunk.usage_metadata is not None and (self._flowing or writer.blocked):
            return events + self._finish()
        return events

    def _finish(self) -> list[Event]:
        writer = self._writer
        broken = failure(writer.finish_reason, writer.complaint())
        if broken is not None and not writer.builder.output:
            raise broken
        events = writer.finish()
        self.outcome = writer.outcome()
        return events
