"""Anthropic's stream, read event by event."""

import msgspec

from libs.contracts.decisions import Billing
from libs.contracts.deltas import Event
from libs.responses.sse import ServerSentEvent
from services.provider_worker.dialect import Call, Outcome, ProviderFailure
from services.provider_worker.dialects.anthropic.answer import AnswerWriter
from services.provider_worker.dialects.anthropic.errors import error_failure
from services.provider_worker.dialects.anthropic.wire import StreamEvent, decode_event


class AnthropicReader:
    """Reads one streamed message. https://platform.claude.com/docs/en/build-with-claude/streaming"""

    def __init__(self, call: Call) -> None:
        self.outcome: Outcome | None = None
        self._writer = AnswerWriter(call)
        self._started = False

    def feed(self, event: ServerSentEvent) -> list[Event]:
        """Canonical events for one of Anthropic's. Raises ProviderFailure for an error event and for what is not JSON."""
        if self.outcome is not None:
            return []
        try:
            return self._read(decode_event(event.data))
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
            raise ProviderFailure(f"Anthropic's stream cannot be read: {error}", billing=self._billing) from None

    def end(self) -> list[Event]:
        """Nothing is owed: without `message_stop` the message is not known to be whole."""
        return []

    def abandon(self) -> Outcome:
        """What there is so far."""
        return self._writer.abandoned()

    @property
    def _billing(self) -> Billing:
        return "maybe" if self._started else "none"

    def _read(self, said: StreamEvent) -> list[Event]:
        kind, writer = said.type, self._writer
        if kind == "content_block_delta" and said.delta is not None:
            return self._opened(writer.add_to_block(said.index, said.delta))
        if kind == "content_block_start" and said.content_block is not None:
            return self._opened(writer.begin_block(said.index, said.content_block))
        if kind == "content_block_stop":
            return writer.end_block(said.index)
        if kind == "message_start":
            return self._start(said)
        if kind == "message_delta":
            return self._change(said)
        if kind == "message_stop":
            return self._stop()
        if kind == "error" or said.error is not None:
            raise error_failure(said.error, self._billing)
        # `ping`, and types that Anthropic may add: https://platform.claude.com/docs/en/api/versioning
        return []

    def _start(self, said: StreamEvent) -> list[Event]:
        if said.message is not None:
            self._writer.provider_id, self._writer.model = said.message.id, said.message.model
            self._writer.tell_usage(said.message.usage)
        return self._opened([])

    def _opened(self, events: list[Event]) -> list[Event]:
        if self._started:
            return events
        self._started = True
        model = {"model": self._writer.model} if self._writer.model else {}
        return self._writer.builder.start(**model) + events

    def _change(self, said: StreamEvent) -> list[Event]:
        if said.delta is not None:
            self._writer.stop_reason = said.delta.stop_reason or self._writer.stop_reason
            self._writer.stop_sequence = said.delta.stop_sequence or self._writer.stop_sequence
            self._writer.stop_details = said.delta.stop_details or self._writer.stop_details
        self._writer.tell_usage(said.usage)
        return []

    def _stop(self) -> list[Event]:
        events = self._opened(self._writer.finish())
        self.outcome = self._writer.outcome()
        return events
