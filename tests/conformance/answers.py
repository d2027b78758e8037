"""Runs recorded streams through a dialect, and says whether what comes out is a valid Responses stream."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from libs.contracts.deltas import Event
from libs.responses.frame import Frame
from libs.responses.sse import ServerSentEvent, SseParser
from libs.vault.envelopes import Envelopes
from services.provider_worker.dialect import Call, Dialect, Outcome, Reader
from services.provider_worker.dialects.anthropic import Anthropic
from services.provider_worker.dialects.chat import Chat
from services.provider_worker.dialects.chat.quirks import Quirks
from services.provider_worker.dialects.gemini import Gemini
from services.provider_worker.dialects.openai import OpenAI

Json = dict[str, Any]

STREAMS = Path(__file__).parent / "streams"
PROVIDERS_TOML = Path(__file__).parents[2] / "libs" / "catalog" / "providers.toml"
_events: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
_responses: TypeAdapter[Any] = TypeAdapter(Response)

ENVELOPES = Envelopes(bytes(32), "workspace")
RESPONSE_ID = "resp_" + "0123456789abcdef" * 2

_PROVIDERS = {entry["id"]: entry for entry in tomllib.loads(PROVIDERS_TOML.read_text())["provider"]}


def chat(provider: str, **quirks: Any) -> Chat:
    """The chat dialect as providers.toml has it, with other quirks where given."""
    entry = _PROVIDERS[provider]
    return Chat(provider, msgspec.convert(entry.get("chat", {}) | quirks, Quirks), entry["name"])


DIALECTS: dict[str, Dialect] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "chat": chat("openai"),
    "deepseek": chat("deepseek"),
    "mistral": chat("mistral"),
    "openrouter": chat("openrouter"),
}
"""Every dialect under test, by the name of its folder in `streams`."""

TOOLS: list[Json] = [
    {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"type": "function", "name": "list_cities", "parameters": {"type": "object", "properties": {}}},
]


def call(
    request: Json | None = None, *, model: str = "model-1", stream: bool = True, attempt: int = 1, **more: Any
) -> Call:
    """A call as the worker makes it; `request` is canonical."""
    request = {"input": "Hi", "tools": TOOLS} if request is None else request
    frame = Frame(
        request, response_id=RESPONSE_ID, request_id="req_ours", created_at=1763800001, model=model, metadata={"provider": "test"},
        attempt=attempt,
    )
    return Call(model=model, request=request, stream=stream, frame=frame, envelopes=ENVELOPES, **more)


def having(name: str) -> list[str]:
    """The dialects with a recorded stream of this name."""
    return [provider for provider in DIALECTS if (STREAMS / provider / f"{name}.sse").exists()]


def recorded(provider: str, suffix: str) -> list[str]:
    """Names of the provider's fixtures."""
    return sorted(path.stem for path in (STREAMS / provider).glob(f"*.{suffix}"))


def stream_bytes(provider: str, name: str) -> bytes:
    return (STREAMS / provider / f"{name}.sse").read_bytes()


def whole_bytes(provider: str, name: str) -> bytes:
    return (STREAMS / provider / f"{name}.json").read_bytes()


def upstream_events(data: bytes) -> list[ServerSentEvent]:
    return SseParser().feed(data)


def feed(reader: Reader, data: bytes, cuts: Iterable[int] = ()) -> list[Event]:
    """The canonical events for a stream that arrives in pieces."""
    parser, events, last = SseParser(), [], 0
    for cut in [*sorted(cuts), len(data)]:
        for event in parser.feed(data[last:cut]):
            events += reader.feed(event)
        last = cut
    return events


def streamed(dialect: Dialect, data: bytes, cuts: Iterable[int] = (), made: Call | None = None) -> tuple[list[Json], Outcome]:
    """Decoded events and the outcome of a stream that ends properly."""
    reader = dialect.reader(made or call())
    events = feed(reader, data, cuts)
    if reader.outcome is None:
        events += reader.end()
    assert reader.outcome is not None
    return [check_event(event, number) for number, event in enumerate(events)], reader.outcome


def check_event(event: Event, number: int) -> Json:
    """The event as the edge will send it, valid by OpenAI's own model."""
    message: Json = msgspec.json.decode(event.data)
    assert message["type"] == event.type
    assert "sequence_number" not in message
    if not event.type.startswith("response.future"):
        _events.validate_json(msgspec.json.encode(message | {"sequence_number": number}), strict=True)
    return message


def check_outcome(outcome: Outcome, made: Call | None = None) -> Json:
    """The final response as the worker renders it, valid by OpenAI's own model and with every field of it."""
    shown = (made or call()).frame.render(outcome.response, status=outcome.status)
    data = msgspec.json.encode(shown)
    _responses.validate_json(data, strict=True)
    assert set(Response.model_fields) <= set(shown)
    assert shown["id"] == RESPONSE_ID
    assert shown["metadata"] == {"provider": "test"}
    return msgspec.json.decode(data)  # type: ignore[no-any-return]


def opened(value: Any) -> Any:
    """The same JSON with the sealed state inside opened: sealing the same state twice gives different strings."""
    if isinstance(value, dict):
        return {name: _unsealed(inner) if name == "encrypted_content" else opened(inner) for name, inner in value.items()}
    return [opened(inner) for inner in value] if isinstance(value, list) else value


def _unsealed(text: Any) -> Any:
    found = [content for origin in DIALECTS if (content := ENVELOPES.open(text, origin)) is not None]
    return found[0] if found else text


def comparable(output: list[Json]) -> list[Json]:
    """Items with their state opened, and with arguments read: their blanks may differ."""
    bare: list[Json] = opened(output)
    return [item | {"arguments": msgspec.json.decode(item["arguments"])} if "arguments" in item else item for item in bare]


_CLOSERS = {
    "response.output_text.delta": ("response.output_text.done", "text"),
    "response.refusal.delta": ("response.refusal.done", "refusal"),
    "response.reasoning_summary_text.delta": ("response.reasoning_summary_text.done", "text"),
    "response.reasoning_text.delta": ("response.reasoning_text.done", "text"),
    "response.function_call_arguments.delta": ("response.function_call_arguments.done", "arguments"),
    "response.custom_tool_call_input.delta": ("response.custom_tool_call_input.done", "input"),
}
_PARTS = {
    "response.content_part.added": "response.content_part.done",
    "response.reasoning_summary_part.added": "response.reasoning_summary_part.done",
}


class Grammar:
    """Walks a stream and fails at the first event that is out of order."""

    def __init__(self) -> None:
        self._done: dict[int, Json] = {}
        self._items: dict[int, Json] = {}
        self._parts: dict[Any, Json] = {}
        self._texts: dict[Any, str] = {}

    @property
    def output(self) -> list[Json]:
        """The finished items by their index."""
        return [self._done[index] for index in sorted(self._done)]

    def check(self, events: list[Json]) -> "Grammar":
        assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
        for event in events[2:]:
            self._step(event, event["type"])
        assert not self._items, "items left open"
        assert not self._parts, "parts left open"
        assert not self._texts, "texts left open"
        return self

    def _step(self, event: Json, kind: str) -> None:
        assert kind not in ("response.created", "response.in_progress")
        if kind == "response.output_item.added":
            assert event["output_index"] == len(self._items) + len(self._done), "indexes count up"
            self._items[event["output_index"]] = event["item"]
        elif kind == "response.output_item.done":
            opened = self._items.pop(event["output_index"])
            assert opened["id"] == event["item"]["id"]
            assert not any(key[0] == opened["id"] for key in (*self._parts, *self._texts)), "closed before its parts"
            self._done[event["output_index"]] = event["item"]
        elif kind in _PARTS:
            self._at_item(event)
            self._parts[_place(event)] = event["part"]
        elif kind in _PARTS.values():
            assert self._parts.pop(_place(event))["type"] == event["part"]["type"]
        elif kind in _CLOSERS:
            self._at_item(event)
            if "arguments" not in kind and "custom" not in kind:
                assert _place(event) in self._parts, "a delta outside any part"
            self._texts[_place(event)] = self._texts.get(_place(event), "") + event["delta"]
        else:
            self._close_text(event, kind)

    def _close_text(self, event: Json, kind: str) -> None:
        for closer, field in _CLOSERS.values():
            if kind == closer:
                assert self._texts.pop(_place(event), "") == event[field], "the deltas do not add up"
        if kind == "response.function_call_arguments.done":
            assert event["name"] == self._items[event["output_index"]]["name"]

    def _at_item(self, event: Json) -> None:
        assert self._items[event["output_index"]]["id"] == event["item_id"]


def _place(event: Json) -> tuple[str, int]:
    return event["item_id"], event.get("content_index", event.get("summary_index", 0))
