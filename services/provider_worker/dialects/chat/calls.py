"""Tool calls put together from their pieces, however a server cuts and numbers them."""

from typing import Any

from msgspec import Struct

from libs.contracts.deltas import Event
from libs.responses.builder import ResponseBuilder, fresh_id
from services.provider_worker.dialects.chat.tools import LONGEST_NAME
from services.provider_worker.dialects.chat.wire import CallSaid, FunctionSaid, arguments_text
from services.provider_worker.dialects.tool_names import original_names

Json = dict[str, Any]

_NOTHING = FunctionSaid()


class _Call(Struct):
    key: int
    id: str = ""
    name: str = ""
    opened: bool = False
    held: list[str] = []
    """Arguments that came before the name."""


class ToolCalls:
    """Opens each call when its name is whole: with its first argument, or with whatever comes after it."""

    def __init__(self, builder: ResponseBuilder, tools: list[Json], *, only_first: bool) -> None:
        self._builder, self._only_first = builder, only_first
        self._names = original_names(tools, LONGEST_NAME)
        self._freeform = {tool["name"] for tool in tools if tool.get("type") == "custom"}
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self.waiting = False
        """A call has been named and not been opened."""

    def take(self, said: CallSaid) -> list[Event]:
        """A whole call or a piece of one."""
        function = said.function or _NOTHING
        call = self._find(said, function.name or "")
        call.id = call.id or said.id or ""
        if function.name and not call.opened and function.name != call.name:
            # The whole name at once, the same again with each piece, or cut in two: all three are seen.
            call.name += function.name
        self.waiting = self.waiting or not call.opened
        text = arguments_text(function.arguments)
        if not text:
            return []
        if not call.name:
            call.held.append(text)
            return []
        events = [] if call.opened else self.open_waiting()
        return events + self._builder.arguments(call.key, text) if self._is_kept(call) else events

    def open_waiting(self) -> list[Event]:
        """Begins the calls that are only named so far, in the order they were first seen."""
        self.waiting = False
        events: list[Event] = []
        for call in self._calls:
            if call.name and not call.opened:
                call.opened = True
                events += self._open(call) if self._is_kept(call) else []
        return events

    def notes(self) -> list[str]:
        """What was left out."""
        named = [call for call in self._calls if call.name]
        notes = []
        if self._only_first and len(named) > 1:
            notes.append(f"{len(named) - 1} parallel calls were dropped: the request wants one at a time")
        if len(named) < len(self._calls):
            notes.append(f"{len(self._calls) - len(named)} calls without a name were dropped")
        return notes

    def _open(self, call: _Call) -> list[Event]:
        name = self._names.get(call.name, call.name)
        call_id = call.id or fresh_id("call")
        events = self._builder.call(call.key, call_id, name, custom=name in self._freeform)
        return events + self._builder.arguments(call.key, "".join(call.held))

    def _is_kept(self, call: _Call) -> bool:
        return not self._only_first or call is self._calls[0]

    def _find(self, said: CallSaid, name: str) -> _Call:
        known = self._by_index.get(said.index) if said.index is not None else self._without_index(said, name)
        # Gemini's chat API gives every call the index 0, and vLLM's parsers may draw a new id for each piece.
        if known is None or (name and said.id and known.id and said.id != known.id):
            known = _Call(key=len(self._calls))
            self._calls.append(known)
            if said.index is not None:
                self._by_index[said.index] = known
        return known

    def _without_index(self, said: CallSaid, name: str) -> _Call | None:
        if said.id:
            return next((call for call in self._calls if call.id == said.id), None)
        return self._calls[-1] if self._calls and not name else None
