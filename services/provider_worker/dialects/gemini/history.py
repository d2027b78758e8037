"""The conversation as Gemini wants it: turns of `user` and `model`, and the answers to all calls of a turn in the very next one."""

from collections import deque
from typing import Any

import msgspec

from libs.vault.envelopes import Envelopes
from services.provider_worker.dialects.gemini.content import parts, texts
from services.provider_worker.dialects.gemini.names import gemini_name
from services.provider_worker.dialects.gemini.refusal import cannot, malformed
from services.provider_worker.dialects.gemini.signature import Signed, excuse_unsigned, unseal

Json = dict[str, Any]

# Traces of another provider's built-in tools; what they found is in the messages that follow them.
_PASSED_OVER = frozenset({
    "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_list_tools", "mcp_call",
    "mcp_approval_request", "mcp_approval_response",
})
_CONTINUE: list[Json] = [{"text": "Continue."}]
_NO_RESULT = {"error": "This call was not answered."}
_check_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class History:
    """Reads canonical input items; `system` and `turns` are what Gemini gets.

    `modern`: calls carry ids and signatures, and their results may hold media.
    """

    def __init__(self, model: str, envelopes: Envelopes, adapted: list[str], *, modern: bool) -> None:
        self.system: list[Json] = []
        self.turns: list[Json] = []
        self._model, self._envelopes, self._adapted, self._modern = model, envelopes, adapted, modern
        self._waiting: dict[str, deque[Json]] = {}
        self._used_ids: set[str] = set()
        self._results: dict[int, list[Json]] = {}
        """By the identity of the call's part: its functionResponse, and media that stand beside it."""
        self._signatures: dict[str, str] = {}
        self._dropped_reasoning = 0
        self._passed_over: set[str] = set()

    def read(self, given: Any) -> "History":
        """Takes the request's `input`. Raises ProviderFailure for what cannot be expressed."""
        if isinstance(given, str):
            self._say("user", parts(given, "input", self._adapted))
        else:
            for index, item in enumerate(given or ()):
                self._item(item, f"input[{index}]")
        self._place_results()
        self._frame()
        if self._modern and (excused := excuse_unsigned(self.turns)):
            self._adapted.append(f"{excused} calls came without their thought signature; Gemini was asked not to look for it")
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
            self._reasoning(item, where)
        elif kind in _PASSED_OVER:
            self._passed_over.add(kind)
        else:
            raise cannot(f"an input item of type {kind}", f"{where}.type")

    def _message(self, item: Json, where: str) -> None:
        role, content, place = item.get("role"), item.get("content"), f"{where}.content"
        if role in ("system", "developer"):
            if self.turns:
                self._adapted.append(f"{where}: a {role} message in mid-conversation was moved to the top")
            self.system += texts(content, place)
        elif role == "assistant":
            self._say("model", texts(content, place))
        else:
            self._say("user", parts(content, place, self._adapted))

    def _call(self, item: Json, where: str) -> None:
        call_id = item.get("call_id") or item.get("id") or ""
        if item.get("type") == "custom_tool_call":
            given = msgspec.Raw(msgspec.json.encode({"input": item.get("input") or ""}))
        else:
            given = _arguments(item.get("arguments") or "", where)
        call: Json = {"name": gemini_name(item.get("name") or ""), "args": given}
        if self._modern:
            call = {"id": self._unique(call_id)} | call
        part: Json = {"functionCall": call}
        if call_id in self._signatures:
            part["thoughtSignature"] = self._signatures.pop(call_id)
        self._waiting.setdefault(call_id, deque()).append(part)
        self._say("model", [part])

    def _unique(self, call_id: str) -> str:
        """Some clients number their calls anew in each turn."""
        made, count = call_id, 1
        while made in self._used_ids:
            count += 1
            made = f"{call_id}_{count}"
        self._used_ids.add(made)
        return made

    def _result(self, item: Json, where: str) -> None:
        call_id = item.get("call_id") or ""
        waiting = self._waiting.get(call_id)
        if not waiting:
            raise malformed(f"{where} is the result of call {call_id!r}, but no such call stands before it", f"{where}.call_id")
        part, output = waiting.popleft(), item.get("output")
        said = [{"text": output}] if isinstance(output, str) else parts(output, f"{where}.output", self._adapted)
        text = "\n".join(piece["text"] for piece in said if "text" in piece)
        media = [piece for piece in said if "text" not in piece]
        answer = {"error" if item.get("is_error") is True else "output": text}
        self._results[id(part)] = self._response(part["functionCall"], answer, media, where)
        # A result ends the model's turn even when the results come call by call.
        if self.turns[-1]["role"] == "model":
            self.turns.append({"role": "user", "parts": []})

    def _response(self, call: Json, answer: Json, media: list[Json], where: str = "") -> list[Json]:
        made = {name: call[name] for name in ("id", "name") if name in call} | {"response": answer}
        if media and self._modern:
            return [{"functionResponse": made | {"parts": media}}]
        if media:
            self._adapted.append(f"{where}: the media in the result were put beside it: this model takes only text in results")
        return [{"functionResponse": made}, *media]

    def _reasoning(self, item: Json, where: str) -> None:
        """A signature goes back to the part it came with, and only to the model that wrote it."""
        signed = unseal(item.get("encrypted_content"), self._envelopes, self._model)
        if signed is None:
            self._dropped_reasoning += 1
        elif signed.on == "call":
            self._signatures[signed.call_id] = signed.signature
        elif signed.on == "thought":
            thought = "".join(part["text"] for part in texts(item.get("summary"), where))
            text = thought[max(0, len(thought) - signed.chars):]
            self._say("model", [{"text": text, "thought": True, "thoughtSignature": signed.signature}])
        else:
            self._sign_text(signed)

    def _sign_text(self, signed: Signed) -> None:
        """The signed part was the end of the message before, or a part without text behind it."""
        said = self.turns[-1]["parts"] if self.turns and self.turns[-1]["role"] == "model" else []
        text = said.pop()["text"] if signed.chars and said and said[-1].keys() == {"text"} else ""
        cut = max(0, len(text) - signed.chars)
        before = [{"text": text[:cut]}] if cut else []
        self._say("model", [*before, {"text": text[cut:], "thoughtSignature": signed.signature}])

    def _say(self, role: str, said: list[Json]) -> None:
        if not said:
            return
        if self.turns and self.turns[-1]["role"] == role:
            self.turns[-1]["parts"].extend(said)
        else:
            self.turns.append({"role": role, "parts": said})

    def _place_results(self) -> None:
        """As many answers as calls, in their order, first in the next turn; a call without a result gets one that says so."""
        given, self.turns = self.turns, []
        owed: list[Json] = []
        for turn in given:
            if turn["role"] == "user":
                turn["parts"][:0] = owed
                owed = []
            self._say(turn["role"], turn["parts"])
            if turn["role"] == "model":
                owed = [piece for part in self.turns[-1]["parts"] if "functionCall" in part for piece in self._owed(part)]
        self._say("user", owed)
        unanswered = sum(len(queue) for queue in self._waiting.values())
        if unanswered:
            self._adapted.append(f"{unanswered} calls had no result; each was answered with a note that it was not answered")

    def _owed(self, part: Json) -> list[Json]:
        return self._results.get(id(part)) or self._response(part["functionCall"], _NO_RESULT, [])

    def _frame(self) -> None:
        """User first, for a call must follow a user's turn; user last, for newer models refuse to go on from a turn of their own."""
        if not self.turns and self.system:
            self._adapted.append("there were only system messages; the last was sent as the user's")
            self._say("user", [self.system.pop()])
        if not self.turns:
            raise cannot("a request without any text", "input")
        if self.turns[0]["role"] == "model":
            self._adapted.append("the conversation began with the assistant; a user's turn was put before it")
            self.turns.insert(0, {"role": "user", "parts": _CONTINUE})
        if self.turns[-1]["role"] == "model":
            self._adapted.append("the conversation ended with the assistant; a user's turn was added")
            self.turns.append({"role": "user", "parts": _CONTINUE})

    def _note(self) -> None:
        if self._dropped_reasoning:
            self._adapted.append(f"{self._dropped_reasoning} reasoning items without a signature of this model were left out")
        if self._passed_over:
            self._adapted.append(f"left out of the history: {', '.join(sorted(self._passed_over))}")


def _arguments(text: str, where: str) -> msgspec.Raw:
    """The arguments as they are written, so that no number changes; Gemini wants an object."""
    stripped = text.strip()
    if not stripped:
        return msgspec.Raw(b"{}")
    try:
        _check_object(stripped)
    except msgspec.MsgspecError:
        raise malformed(f"{where}.arguments is not a JSON object", f"{where}.arguments") from None
    return msgspec.Raw(stripped.encode())
