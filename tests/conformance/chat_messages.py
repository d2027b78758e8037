"""Canonical requests put to servers of the chat API, and answers of theirs, for the tests of what becomes of them."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParams
from pydantic import TypeAdapter

from services.provider_worker.dialect import Call, Dialect, Outcome, ProviderFailure, Upstream
from services.provider_worker.dialects.chat import Chat
from services.provider_worker.dialects.chat.quirks import Quirks
from tests.conformance.answers import call, check_event, check_outcome, feed

Json = dict[str, Any]

_params: TypeAdapter[Any] = TypeAdapter(CompletionCreateParams)
PLAIN = Chat("plain", Quirks(), "Plain")


def upstream(request: Json, dialect: Dialect = PLAIN, *, model: str = "model-1", stream: bool = False, **more: Any) -> Upstream:
    return dialect.build(call({"input": "Hi"} | request, model=model, stream=stream, **more))


def build(request: Json, dialect: Dialect = PLAIN, **more: Any) -> tuple[Json, list[str]]:
    """The body, valid by OpenAI's own types, and what was adapted."""
    sent = upstream(request, dialect, **more)
    body = msgspec.json.decode(sent.content)
    _exhaust(_params.validate_python(body))
    return body, sent.adapted


def refused(request: Json, dialect: Dialect = PLAIN, **more: Any) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        build(request, dialect, **more)
    assert caught.value.code == "invalid_request"
    return caught.value


def _exhaust(value: Any) -> None:
    """Pydantic validates an iterable only when somebody walks it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, Iterable) and not isinstance(value, str) else ()
    for one in inner:
        _exhaust(one)


def chunk(delta: Json | None = None, finish: str | None = None, **more: Any) -> Json:
    """A chunk with one choice, or with none."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices} | more


def piece(index: int | None = None, call_id: str | None = None, name: str | None = None, arguments: Any = None) -> Json:
    """A delta with one piece of one tool call; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    outer = {key: value for key, value in (("index", index), ("id", call_id)) if value is not None}
    return {"tool_calls": [outer | {"function": function}]}


def sse(*events: Json | bytes, done: bool = True) -> bytes:
    """A stream of these events; bytes are taken for data as they stand."""
    data = [event if isinstance(event, bytes) else msgspec.json.encode(event) for event in events]
    return b"".join(b"data: %b\n\n" % one for one in [*data, *([b"[DONE]"] if done else [])])


def answered(*events: Json | bytes, dialect: Dialect = PLAIN, made: Call | None = None, done: bool = True) -> Outcome:
    """The outcome of a stream that ends properly; every event of it is valid by OpenAI's own types."""
    made = made or call()
    reader = dialect.reader(made)
    sent = feed(reader, sse(*events, done=done))
    if reader.outcome is None:
        sent += reader.end()
    for number, event in enumerate(sent):
        check_event(event, number)
    assert reader.outcome is not None
    check_outcome(reader.outcome, made)
    return reader.outcome


def calls_of(outcome: Outcome) -> list[tuple[str, str, str]]:
    """Id, name and arguments of the calls in an answer."""
    items = [item for item in outcome.response["output"] if item["type"] == "function_call"]
    return [(item["call_id"], item["name"], item["arguments"]) for item in items]


def text_of(outcome: Outcome) -> str:
    return "".join(part["text"] for item in outcome.response["output"] if item["type"] == "message" for part in item["content"])


def failing(dialect: Dialect, *events: Json | bytes, made: Call | None = None) -> ProviderFailure:
    """The failure that a stream ends with."""
    with pytest.raises(ProviderFailure) as caught:
        feed(dialect.reader(made or call()), sse(*events))
    return caught.value
