"""OpenAI's items as the client gets them: opaque state sealed, tools under the names that the client gave them."""

from typing import Any

from services.provider_worker.dialect import Call
from services.provider_worker.dialects.tool_names import original_names

Json = dict[str, Any]

ORIGIN = "openai"


class ClientView:
    """For one answer. The same state is sealed once, so that the final response says what `output_item.done` said."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._names = original_names(call.request.get("tools") or [])
        self._sealed: dict[str, str] = {}

    def item(self, item: Json) -> None:
        """Changes an output item, whole or just begun, in place."""
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
        for item in response.get("output") or ():
            self.item(item)
        if self._names:
            # OpenAI echoes the tools under the names that it got; the frame has the client's.
            response.pop("tools", None)
            response.pop("tool_choice", None)

    def _seal(self, state: str) -> str:
        if state not in self._sealed:
            self._sealed[state] = self._call.envelopes.seal(ORIGIN, self._call.model, state.encode())
        return self._sealed[state]
