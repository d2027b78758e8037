"""The conversation as chat messages: an assistant's text and calls in one message, the results right after it."""

from collections import deque
from typing import Any

import msgspec
from msgspec import Struct

from services.provider_worker.dialects.chat.call_ids import CallIds
from services.provider_worker.dialects.chat.content import content_of, result_of, text_of
from services.provider_worker.dialects.chat.draft import Draft, malformed
from services.provider_worker.dialects.chat.replay import opened, replayed
from services.provider_worker.dialects.chat.tools import LONGEST_NAME
from services.provider_worker.dialects.tool_names import safe_name

Json = dict[str, Any]

# Traces of another provider's built-in tools; what they found is in the messages that follow them.
_PASSED_OVER = frozenset({
    "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_list_tools", "mcp_call",
    "mcp_approval_request", "mcp_approval_response",
})
_NO_RESULT = "This call was not answered."


class Assistant(Struct):
    """The assistant's part between two others'."""

    texts: list[str] = []
    calls: list[Json] = []
    thoughts: list[Any] = []


class History:
    """Reads canonical input items, and renders them as messages."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._turns: list[Json | Assistant] = []
        self._system: list[str] = []
        self._open: Assistant | None = None
        self._ids = CallIds(draft.quirks.call_ids)
        self._waiting: dict[str, deque[str]] = {}
        self._results: dict[str, tuple[str, list[Json]]] = {}
        self._lost_reasoning = 0
        self._passed_over: set[str] = set()

    def read(self) -> list[Json]:
        """The messages. Raises ProviderFailure for what cannot be expressed."""
        instructions, given = self._draft.request.get("instructions") or "", self._draft.request.get("input")
        if not isinstance(instructions, str):
            raise self._draft.cannot("instructions other than a string", "instructions")
        self._say_system("system", instructions)
        if isinstance(given, str):
            self._say_user(given)
        else:
            for index, item in enumerate(given or ()):
                self._item(item, f"input[{index}]")
        messages = self._rendered()
        self._note()
        return messages

    def _item(self, item: Json, where: str) -> None:
        kind = item.get("type") or "message"
        if kind == "message":
            self._message(item, where)
        elif kind in ("function_call", "custom_tool_call"):
            self._call(item)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._result(item, where)
        elif kind == "reasoning":
            self._reasoning(item)
        elif kind in _PASSED_OVER:
            self._passed_over.add(kind)
        else:
            raise self._draft.cannot(f"an input item of type {kind}", f"{where}.type")

    def _message(self, item: Json, where: str) -> None:
        role, content, place = item.get("role") or "user", item.get("content"), f"{where}.content"
        if role in ("system", "developer"):
            if self._turns and self._draft.quirks.system_first:
                self._draft.note(f"{where}: a {role} message in mid-conversation was moved to the top")
            self._say_system(role, text_of(content, place, self._draft))
        elif role == "assistant":
            if text := text_of(content, place, self._draft):
                self._assistant().texts.append(text)
        else:
            self._say_user(content_of(content, place, self._draft))

    def _say_system(self, role: str, text: str) -> None:
        if not text.strip():
            return
        if self._draft.quirks.system_first:
            self._system.append(text)
        else:
            self._turns.append({"role": role if self._draft.quirks.developer else "system", "content": text})
            self._open = None

    def _say_user(self, content: str | list[Json]) -> None:
        if content:
            self._turns.append({"role": "user", "content": content})
            self._open = None

    def _assistant(self) -> Assistant:
        if self._open is None:
            self._open = Assistant()
            self._turns.append(self._open)
        return self._open

    def _call(self, item: Json) -> None:
        call_id, name = str(item.get("call_id") or item.get("id") or ""), str(item.get("name") or "")
        arguments = (item.get("arguments") or "").strip() or "{}"
        if item.get("type") == "custom_tool_call":
            arguments = msgspec.json.encode({"input": item.get("input") or ""}).decode()
        tool_id = self._ids.assign(call_id)
        self._waiting.setdefault(call_id, deque()).append(tool_id)
        function = {"name": safe_name(name, LONGEST_NAME), "arguments": arguments}
        self._assistant().calls.append({"id": tool_id, "type": "function", "function": function})

    def _result(self, item: Json, where: str) -> None:
        call_id = str(item.get("call_id") or "")
        waiting = self._waiting.get(call_id)
        if not waiting:
            raise malformed(f"{where} is the result of call {call_id!r}, but no such call stands before it", f"{where}.call_id")
        text, others = result_of(item.get("output"), f"{where}.output", self._draft)
        if item.get("is_error") is True:
            self._draft.note(f"{where}: that the tool failed was put into words")
            text = f"Error: {text}"
        self._results[waiting.popleft()] = (text, others)
        # The result ends the assistant's turn, wherever it will stand.
        self._open = None

    def _reasoning(self, item: Json) -> None:
        thought = opened(item, self._draft)
        if thought is None:
            self._lost_reasoning += 1
        else:
            self._assistant().thoughts.append(thought)

    def _rendered(self) -> list[Json]:
        messages: list[Json] = [{"role": "system", "content": "\n\n".join(self._system)}] if self._system else []
        with_calls = _turns_with_calls(self._turns)
        for turn in self._turns:
            if isinstance(turn, dict):
                messages.append(turn)
            elif turn.texts or turn.calls:
                messages.append(replayed(_message(turn), turn.thoughts, self._draft, calls=id(turn) in with_calls))
                messages += self._answers(turn)
        return messages

    def _answers(self, turn: Assistant) -> list[Json]:
        """The results in the order of the calls; what a tool message cannot hold follows as the user's."""
        made, moved = [], []
        for call in turn.calls:
            text, others = self._results.get(call["id"]) or (_NO_RESULT, [])
            made.append({"role": "tool", "tool_call_id": call["id"], "content": text})
            if others:
                self._draft.note(f"images or files in the result of {call['function']['name']} were moved into a user message")
                moved += [{"type": "text", "text": f"From the result of {call['function']['name']}:"}, *others]
        return [*made, {"role": "user", "content": moved}] if moved else made

    def _note(self) -> None:
        unanswered = sum(len(queue) for queue in self._waiting.values())
        if unanswered:
            self._draft.note(f"{unanswered} calls had no result; each was answered with a note that it was not answered")
        if self._lost_reasoning:
            self._draft.note(f"{self._lost_reasoning} reasoning items were left out: {self._draft.name} cannot read them back")
        if self._passed_over:
            self._draft.note(f"left out of the history: {', '.join(sorted(self._passed_over))}")


def _message(turn: Assistant) -> Json:
    message: Json = {"role": "assistant", "content": "\n".join(turn.texts) or None}
    return message | {"tool_calls": turn.calls} if turn.calls else message


def _turns_with_calls(turns: list[Json | Assistant]) -> set[int]:
    """The identities of all assistant turns that stand with a tool call between the same two user messages."""
    found: set[int] = set()
    since: list[Assistant] = []
    for turn in [*turns, {"role": "user"}]:
        if isinstance(turn, Assistant):
            since.append(turn)
        elif turn["role"] == "user":
            if any(one.calls for one in since):
                found.update(map(id, since))
            since = []
    return found
