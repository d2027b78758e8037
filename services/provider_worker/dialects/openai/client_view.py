"""OpenAI's items as the client gets them: under our ids, opaque state sealed, tools under the names that the client gave them."""

from typing import Any

from services.provider_worker.dialect import Call
from services.provider_worker.dialects.openai.item_ids import ItemIds
from services.provider_worker.dialects.tool_names import original_names

Json = dict[str, Any]

ORIGIN = "openai"
# What OpenAI says of these is about the call that we made; state is kept here, as the client asked for.
_OURS = ("store", "background", "previous_response_id", "conversation")


class ClientView:
    """For one answer. The same state is sealed once, so that the final response says what `output_item.done` said."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.ids = ItemIds(call.frame)
        self._names = original_names(call.request.get("tools") or [])
        self._sealed: dict[str, str] = {}

    def item(self, item: Json, index: int) -> None:
        """Changes the output item that stands at `index`, whole or just begun, in place."""
        self.ids.give(item, index)
        state = item.get("encrypted_content")
        if state and isinstance(state, str):
            item["encrypted_content"] = self._seal(state)
        self.named(item)

    def named(self, told: Json) -> None:
        """Puts the client's name for a tool into anything that names one."""
        name = told.get("name")
        if isinstance(name, str) and name in self._names:
            told["name"] = self._names[name]

    def response(self, response: Json) -> None:
        """Changes a response object in place."""
        for index, item in enumerate(response.get("output") or ()):
            self.item(item, index)
        for name in _OURS:
            response.pop(name, None)
        if self._names:
            # OpenAI echoes the tools under the names that it got; the frame has the client's.
            response.pop("tools", None)
            response.pop("tool_choice", None)

    def _seal(self, state: str) -> str:
        if state not in self._sealed:
            self._sealed[state] = self._call.envelopes.seal(ORIGIN, self._call.model, state.encode())
        return self._sealed[state]
