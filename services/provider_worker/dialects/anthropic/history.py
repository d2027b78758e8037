"""The conversation as Anthropic wants it: user first, turns alternating, tool results first in the turn after their calls."""

from collections import deque
from typing import Any

import msgspec

from libs.vault.envelopes import Envelopes
from services.provider_worker.dialects.anthropic.content import blocks, texts
from services.provider_worker.dialects.anthropic.names import safe_id
from services.provider_worker.dialects.anthropic.refusal import cannot, malformed
from services.provider_worker.dialects.tool_names import safe_name

Json = dict[str, Any]

ORIGIN = "anthropic"
# Traces of another provider's built-in tools; what they found is in the messages that follow them.
_PASSED_OVER = frozenset({
    "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_list_tools", "mcp_call",
    "mcp_approval_request", "mcp_approval_response",
})
_CONTINUE = "Continue."
_check_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NO_RESULT = "This call was not answered."


class History:
    """Reads canonical input items; `system` and `turns` are what Anthropic gets."""

    def __init__(self, model: str, envelopes: Envelopes, adapted: list[str]) -> None:
        self.system: list[str] = []
        self.turns: list[Json] = []
        self.tool_names: list[str] = []
        """Tools that the history calls, in order of first sight."""
        self._model, self._envelopes, self._adapted = model, envelopes, adapted
        self._waiting: dict[str, deque[str]] = {}
        self._used_ids: set[str] = set()
        self._results: dict[str, Json] = {}
        self._dropped_reasoning = 0
        self._passed_over: set[str] = set()

    def read(self, given: Any) -> "History":
        """Takes the request's `input`. Raises ProviderFailure for what cannot be expressed."""
        if isinstance(given, str):
            self._say("user", blocks(given, "input", self._adapted))
        else:
            for index, item in enumerate(given or ()):
                self._item(item, f"input[{index}]")
        self._place_results()
        self._frame()
        self._note()
        return self

    def _item(self, item: Json, where: str) -> None:
        kind = item.get("type") or "message"
        if kind == "message":
            self._message(item, where)
        elif kind in ("function_call", "custom_tool_call"):
            self._call(item, where)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._result(item, where)
        elif kind == "reasoning":
            self._reasoning(item)
        elif kind in _PASSED_OVER:
            self._passed_over.add(kind)
        else:
            raise cannot(f"an input item of type {kind}", f"{where}.type")

    def _message(self, item: Json, where: str) -> None:
        role, content, place = item.get("role"), item.get("content"), f"{where}.content"
        if role in ("system", "developer"):
            if self.turns:
                self._adapted.append(f"{where}: a {role} message in mid-conversation was moved to the top")
            self.system += ["\n".join(block["text"] for block in found)] if (found := texts(content, place)) else []
        elif role == "assistant":
            self._say("assistant", texts(content, place))
        else:
            self._say("user", blocks(content, place, self._adapted))

    def _call(self, item: Json, where: str) -> None:
        call_id, name = item.get("call_id") or item.get("id") or "", item.get("name") or ""
        if item.get("type") == "custom_tool_call":
            given = msgspec.Raw(msgspec.json.encode({"input": item.get("input") or ""}))
        else:
            given = _arguments(item.get("arguments") or "", where)
        tool_id = self._unique(safe_id(call_id))
        self._waiting.setdefault(call_id, deque()).append(tool_id)
        if name not in self.tool_names:
            self.tool_names.append(name)
        self._say("assistant", [{"type": "tool_use", "id": tool_id, "name": safe_name(name), "input": given}])

    def _unique(self, tool_id: str) -> str:
        """Anthropic wants ids unique in a conversation; some clients number their calls anew in each turn."""
        made, count = tool_id, 1
        while made in self._used_ids:
            count += 1
            made = f"{tool_id}_{count}"
        self._used_ids.add(made)
        return made

    def _result(self, item: Json, where: str) -> None:
        call_id = item.get("call_id") or ""
        waiting = self._waiting.get(call_id)
        if not waiting:
            raise malformed(f"{where} is the result of call {call_id!r}, but no such call stands before it", f"{where}.call_id")
        block: Json = {"type": "tool_result", "tool_use_id": waiting.popleft()}
        output = item.get("output")
        content = output if isinstance(output, str) else blocks(output, f"{where}.output", self._adapted)
        if content:
            block["content"] = content
        if item.get("is_error") is True:
            block["is_error"] = True
        self._results[block["tool_use_id"]] = block
        # Marks the place: a result ends the assistant's turn even when the results come call by call.
        self._say("user", [block])

    def _reasoning(self, item: Json) -> None:
        """Thinking goes back exactly as it came, and only to the model that wrote it."""
        thinking = self._envelopes.open(item.get("encrypted_content"), ORIGIN, model=self._model)
        if thinking is None:
            self._dropped_reasoning += 1
        else:
            self._say("assistant", [msgspec.Raw(thinking)])

    def _say(self, role: str, content: list[Any]) -> None:
        if not content:
            return
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["content"].extend(content)
        else:
            self.turns.append({"role": role, "content": list(content)})

    def _place_results(self) -> None:
        """Every call's result stands first in the very next turn; a call without one gets a result that says so."""
        if not self._used_ids:
            return
        placed: list[Json] = []
        for turn in _without_results(self.turns):
            if placed:
                turn["content"][:0] = self._owed(placed[-1])
            _append(placed, turn)
        if placed and (owed := self._owed(placed[-1])):
            placed.append({"role": "user", "content": owed})
        unanswered = sum(len(queue) for queue in self._waiting.values())
        if unanswered:
            self._adapted.append(f"{unanswered} calls had no result; each was answered with a note that it was not answered")
        self.turns = placed

    def _owed(self, turn: Json) -> list[Json]:
        """The results for the calls in an assistant's turn."""
        if turn["role"] != "assistant":
            return []
        ids = [block["id"] for block in turn["content"] if isinstance(block, dict) and block["type"] == "tool_use"]
        return [self._results.get(tool_id) or _missing(tool_id) for tool_id in ids]

    def _frame(self) -> None:
        """User first, user last: the API starts with a user's turn, and a last assistant turn would be taken as a prefill."""
        if not self.turns and self.system:
            self._adapted.append("there were only system messages; the last was sent as the user's")
            self._say("user", [{"type": "text", "text": self.system.pop()}])
        if not self.turns:
            raise cannot("a request without any text", "input")
        if self.turns[0]["role"] == "assistant":
            self._adapted.append("the conversation began with the assistant; a user's turn was put before it")
            self.turns.insert(0, {"role": "user", "content": [{"type": "text", "text": _CONTINUE}]})
        if self.turns[-1]["role"] == "assistant":
            self._adapted.append("the conversation ended with the assistant; a user's turn was added")
            self.turns.append({"role": "user", "content": [{"type": "text", "text": _CONTINUE}]})

    def _note(self) -> None:
        if self._dropped_reasoning:
            self._adapted.append(f"{self._dropped_reasoning} reasoning items of another provider or model were left out")
        if self._passed_over:
            self._adapted.append(f"left out of the history: {', '.join(sorted(self._passed_over))}")


def thinks_before_last_call(turns: list[Json]) -> bool:
    """Whether the assistant turn that the last results answer begins with its thinking; True when there is no such turn."""
    last = next((turn for turn in reversed(turns) if turn["role"] == "assistant"), None)
    if last is None or not any(isinstance(block, dict) and block["type"] == "tool_use" for block in last["content"]):
        return True
    return isinstance(last["content"][0], msgspec.Raw)


def _arguments(text: str, where: str) -> msgspec.Raw:
    """The arguments as they are written, so that no number changes; Anthropic wants an object."""
    stripped = text.strip()
    if not stripped:
        return msgspec.Raw(b"{}")
    try:
        _check_object(stripped)
    except msgspec.MsgspecError:
        raise cannot("arguments that are not a JSON object", f"{where}.arguments") from None
    return msgspec.Raw(stripped.encode())


def _missing(tool_id: str) -> Json:
    return {"type": "tool_result", "tool_use_id": tool_id, "content": _NO_RESULT, "is_error": True}


def _without_results(turns: list[Json]) -> list[Json]:
    """The turns with the tool results taken out. A turn left empty stays as a boundary until the results are placed."""
    return [turn | {"content": [block for block in turn["content"] if not _is_result(block)]} for turn in turns]


def _append(turns: list[Json], turn: Json) -> None:
    if not turn["content"]:
        return
    if turns and turns[-1]["role"] == turn["role"]:
        turns[-1]["content"].extend(turn["content"])
    else:
        turns.append(turn)


def _is_result(block: Any) -> bool:
    return isinstance(block, dict) and block["type"] == "tool_result"
