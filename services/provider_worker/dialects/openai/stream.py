"""OpenAI's stream, passed through: only response objects get our fields, items get our ids, and calls are made whole."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from libs.contracts.deltas import Event
from libs.responses.sse import ServerSentEvent
from services.provider_worker.dialect import Call, Outcome, ProviderFailure, Usage
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.openai.answer import complete_calls, id_of, outcome_of
from services.provider_worker.dialects.openai.calls import Written
from services.provider_worker.dialects.openai.client_view import ClientView

Json = dict[str, Any]

_FRAMED = frozenset({"response.created", "response.in_progress", "response.queued"})
_ENDING = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_ARGUMENTS_DONE = "response.function_call_arguments.done"
_ITEM_ADDED, _ITEM_DONE = "response.output_item.added", "response.output_item.done"
# Safe on bytes: inside a JSON string the quotes would be escaped. Whole numbers are expected, any number is cut in one piece.
_NUMBER_BEHIND = re.compile(rb',\s*"sequence_number"\s*:\s*[-\d][-+.eE\d]*')
_NUMBER_AHEAD = re.compile(rb'"sequence_number"\s*:\s*[-\d][-+.eE\d]*\s*,\s*')
_encode = msgspec.json.Encoder().encode


class _Delta(Struct):
    """What a delta event says; every other field passes unread."""

    type: str = ""
    item_id: str = ""
    delta: str = ""


class _Kind(Struct):
    type: str = ""


_delta = msgspec.json.Decoder(_Delta).decode
_kind = msgspec.json.Decoder(_Kind).decode


class OpenAIReader:
    """Reads one streamed response."""

    def __init__(self, call: Call) -> None:
        self.outcome: Outcome | None = None
        self._frame = call.frame
        self._started = False
        self._written = Written()
        self._view = ClientView(call)
        self._ids = self._view.ids
        self._provider_id = ""
        self._special: dict[str, Callable[[Json], list[Event]]] = {
            _ITEM_ADDED: self._item_added, _ITEM_DONE: self._item_done, _ARGUMENTS_DONE: self._arguments_done,
            "response.output_text.done": self._text_done, "error": self._error,
        }

    def feed(self, event: ServerSentEvent) -> list[Event]:
        """Canonical events for one of OpenAI's. Raises ProviderFailure for an error in the stream and for what is not JSON."""
        data = event.data
        if self.outcome is not None or data.strip() == b"[DONE]":
            return []
        try:
            return self._read(event.event, data)
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            billing = "maybe" if self._started else "none"
            raise ProviderFailure(f"OpenAI's stream cannot be read: {error}", billing=billing) from None  # type: ignore[arg-type]

    def end(self) -> list[Event]:
        """Nothing is owed: only the terminal event says that a response is whole."""
        return []

    def abandon(self) -> Outcome:
        """The items that were whole and the text so far, as a failed response."""
        output = self._written.output()
        usage = Usage(output_tokens=-(-self._written.chars // 4), source="estimated") if self._started else Usage(source="none")
        error = {"code": "server_error", "message": "The provider's stream ended before the answer was complete."}
        response = {"output": output, "error": error}
        return Outcome(status="failed", response=response, usage=usage, provider_response_id=self._provider_id)

    def _read(self, kind: str, data: bytes) -> list[Event]:
        if not kind.startswith("response.") and kind != "error":
            # Some servers of this API send no `event:` lines.
            kind = _kind(data).type
        if kind.endswith(".delta"):
            return self._opened([self._pass_delta(kind, data)])
        if kind in _FRAMED or kind in _ENDING:
            response = msgspec.json.decode(data)["response"]
            return self._begin(kind, response) if kind in _FRAMED else self._end(response)
        special = self._special.get(kind)
        message = msgspec.json.decode(data)
        message.pop("sequence_number", None)
        if "item_id" in message:
            message["item_id"] = self._ids.of(message["item_id"])
        if special is None and "error" in message and not kind.startswith("response."):
            special = self._error
        if special is not None:
            return self._opened(special(message))
        # `keepalive` and the like: a type that no client knows breaks openai-node's stream helper.
        return self._opened([Event(kind, _encode(message))]) if kind.startswith("response.") else []

    def _pass_delta(self, kind: str, data: bytes) -> Event:
        said = _delta(data)
        self._written.delta(kind, self._ids.of(said.item_id), said.delta)
        return Event(kind, self._ids.changed(unnumbered(data), said.item_id))

    def _begin(self, kind: str, response: Json) -> list[Event]:
        self._started = True
        self._provider_id = id_of(response) or self._provider_id
        self._view.response(response)
        shown = self._frame.render(response, status=response.get("status") or "in_progress")
        return [_response_event(kind, shown)]

    def _opened(self, events: list[Event]) -> list[Event]:
        """A server that skips `response.created` gets it supplied: no client reads a stream without."""
        if self._started or not events:
            return events
        self._started = True
        shown = self._frame.render({}, status="in_progress")
        return [_response_event(kind, shown) for kind in ("response.created", "response.in_progress")] + events

    def _end(self, response: Json) -> list[Event]:
        self._provider_id = id_of(response) or self._provider_id
        self._view.response(response)
        outcome = outcome_of(response)
        events = self._opened(self._written.close_calls())
        if not response.get("output"):
            response["output"] = self._written.output()
        self.outcome = outcome
        return events

    def _item_added(self, message: Json) -> list[Event]:
        complete_open(message["item"])
        self._view.item(message["item"], message["output_index"])
        self._written.added(message["output_index"], message["item"])
        return [Event(_ITEM_ADDED, _encode(message))]

    def _item_done(self, message: Json) -> list[Event]:
        complete_calls([message["item"]])
        self._view.item(message["item"], message["output_index"])
        before = self._written.done(message["output_index"], message["item"])
        return [*before, Event(_ITEM_DONE, _encode(message))]

    def _arguments_done(self, message: Json) -> list[Event]:
        self._view.named(message)
        before = self._written.arguments_done(message)
        return [*before, Event(_ARGUMENTS_DONE, _encode(message))]

    def _text_done(self, message: Json) -> list[Event]:
        message.setdefault("logprobs", [])
        return [Event("response.output_text.done", _encode(message))]

    def _error(self, message: Json) -> list[Event]:
        """{"type": "error", "code", "message"}, or the same inside `error`."""
        said = provider_errors.said(_encode(message))
        means = provider_errors.meaning(_STATUS.get(said.code or said.type, _STATUS.get(said.type, 500)), said)
        raise ProviderFailure(
            f"OpenAI ended the stream with an error: {said.message}", code=means.code, fallback=means.fallback, param=said.param,
            billing="maybe" if self._started else "none", raw=said.raw,
        )


_STATUS = {
    "rate_limit_exceeded": 429, "rate_limit_error": 429, "insufficient_quota": 429, "invalid_request_error": 400,
    "invalid_prompt": 400, "context_length_exceeded": 400, "invalid_api_key": 401, "model_not_found": 404,
}


def complete_open(item: Json) -> None:
    """A call that has just been added is in progress and has no arguments yet; some servers leave that unsaid."""
    if item.get("type") == "function_call":
        item.setdefault("status", "in_progress")
        item.setdefault("arguments", "")


def unnumbered(data: bytes) -> bytes:
    """A flat event without its sequence number, every other byte as it came."""
    cut, found = _NUMBER_BEHIND.subn(b"", data, count=1)
    return cut if found else _NUMBER_AHEAD.sub(b"", data, count=1)


def _response_event(kind: str, response: Json) -> Event:
    return Event(kind, b'{"type":"%b","response":%b}' % (kind.encode(), _encode(response)))
