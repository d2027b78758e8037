"""Messages as canonical input items: what was said, calls, their results, and thinking, each in its place."""

from typing import Any

import msgspec

from libs.contracts.errors import InvalidRequest
from services.edge.formats.messages_thinking import reasoning_of
from services.edge.ingress.messages_fields import expect, member, named
from services.edge.ingress.messages_parts import parts_of, text_part

Json = dict[str, Any]

_ROLES = frozenset({"user", "assistant", "system"})
# Traces of tools that Anthropic's servers ran, and marks for them; what was found is in the text that follows.
_PASSED_OVER = frozenset({
    "server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result", "tool_search_tool_result", "advisor_tool_result", "mcp_tool_use", "mcp_tool_result",
    "mcp_tool_listing", "fallback",
})
_encode = msgspec.json.Encoder().encode


def items_of(messages: list[Any]) -> list[Json]:
    """The items. Raises InvalidRequest."""
    reader = _Reader()
    for index, message in enumerate(messages):
        reader.read(message, f"messages.{index}")
    if not reader.items:
        raise InvalidRequest("messages hold nothing that could be answered.", param="messages")
    return reader.items


def text_of(block: Any, where: str) -> str:
    """The text of a block that may be nothing else. Raises InvalidRequest."""
    given: Json = expect(dict, block, "a text block", where)
    if given.get("type") != "text":
        raise InvalidRequest(f"{where}.type must be text.", param=f"{where}.type")
    return member(str, given, "text", "a string", where)


class _Reader:
    """Reads message after message."""

    def __init__(self) -> None:
        self.items: list[Json] = []
        self._calls: set[str] = set()
        self._said: list[Json] = []
        """Parts of the message that is being read."""

    def read(self, given: Any, where: str) -> None:
        message: Json = expect(dict, given, 'an object such as {"role": "user", "content": "…"}', where)
        role, content = message.get("role"), message.get("content")
        if not isinstance(role, str) or role not in _ROLES:
            raise InvalidRequest(f"{where}.role must be user or assistant.", param=f"{where}.role")
        if isinstance(content, str):
            if content:
                self.items.append({"type": "message", "role": role, "content": content})
            return
        blocks: list[Any] = expect(list, content, "a string or an array of blocks", f"{where}.content")
        for index, block in enumerate(blocks):
            self._block(block, role, f"{where}.content.{index}")
        self._flush(role)

    def _block(self, given: Any, role: str, where: str) -> None:
        block: Json = expect(dict, given, 'an object such as {"type": "text", "text": "…"}', where)
        kind = named(block, "type", where)
        if kind == "text" or kind == "compaction":
            self._say(block, role, where)
        elif role == "user" and kind == "tool_result":
            self._put(role, self._result(block, where))
        elif role == "user":
            self._said += parts_of(block, where)
        elif role == "assistant" and kind == "tool_use":
            self._put(role, self._call(block, where))
        elif role == "assistant" and kind in ("thinking", "redacted_thinking"):
            self._put(role, reasoning_of(block))
        elif role != "assistant" or kind not in _PASSED_OVER:
            raise InvalidRequest(f"{where}: a message of the role {role} cannot hold {kind}.", param=f"{where}.type")

    def _say(self, block: Json, role: str, where: str) -> None:
        """A text; what a compacted conversation came to is one too."""
        text = block.get("content") or "" if block["type"] == "compaction" else block.get("text")
        if said := expect(str, text, "a string", f"{where}.text"):
            self._said.append(text_part(said, role))

    def _put(self, role: str, item: Json | None) -> None:
        """An item of its own, behind what was said before it; None for thinking that is not ours."""
        if item is not None:
            self._flush(role)
            self.items.append(item)

    def _flush(self, role: str) -> None:
        if self._said:
            self.items.append({"type": "message", "role": role, "content": self._said})
            self._said = []

    def _call(self, block: Json, where: str) -> Json:
        call_id, name = named(block, "id", where), named(block, "name", where)
        given: Json = member(dict, block, "input", "an object", where)
        self._calls.add(call_id)
        return {"type": "function_call", "call_id": call_id, "name": name, "arguments": _encode(given).decode()}

    def _result(self, block: Json, where: str) -> Json:
        call_id = named(block, "tool_use_id", where)
        if call_id not in self._calls:
            raise InvalidRequest(f"{where}.tool_use_id: no tool_use before it has the id {call_id!r}.", param=f"{where}.tool_use_id")
        made: Json = {"type": "function_call_output", "call_id": call_id, "output": _output(block.get("content"), where)}
        if block.get("is_error") is not None and expect(bool, block["is_error"], "true or false", f"{where}.is_error"):
            made["is_error"] = True
        return made


def _output(content: Any, where: str) -> str | list[Json]:
    if content is None or isinstance(content, str):
        return content or ""
    blocks: list[Any] = expect(list, content, "a string or an array of blocks", f"{where}.content")
    parts: list[Json] = []
    for index, block in enumerate(blocks):
        place = f"{where}.content.{index}"
        parts += parts_of(expect(dict, block, 'an object such as {"type": "text", "text": "…"}', place), place)
    if all(part["type"] == "input_text" for part in parts) and len(parts) < 2:
        return parts[0]["text"] if parts else ""
    return parts
