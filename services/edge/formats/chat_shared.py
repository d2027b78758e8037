"""What the choices of one streamed completion share: its id and time, its first frames and its last."""

from typing import Any

import msgspec

from services.edge.formats.chat_completion import failure, id_of, summed, usage_of

Json = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_ROLE = b'{"role":"assistant","content":null},"logprobs":null,"finish_reason":null}]'


class Shared:
    """For one completion. The first choice to begin names it."""

    def __init__(self, choices: int = 1, *, include_usage: bool = False) -> None:
        self._choices = self._running = choices
        self._include_usage = include_usage
        self._name: Json = {}
        self._opened = False
        self._usages: list[Json] = []
        self._error: Json | None = None

    def around(self, response: Json, index: int) -> tuple[bytes, bytes]:
        """What stands before the delta in a chunk of a choice, and what after its other fields."""
        before = b'data: %b,"choices":[{"index":%d,"delta":' % (_encode(self._head(response))[:-1], index)
        return before, b',"usage":null}\n\n' if self._include_usage else b"}\n\n"

    def opening(self, response: Json) -> bytes:
        """A chunk with the role for each choice, once: OpenAI's stream helper counts on choices to appear in their order."""
        if self._opened:
            return b""
        self._opened = True
        return b"".join(before + _ROLE + after for before, after in (self.around(response, index) for index in range(self._choices)))

    def ended(self, response: Json) -> bytes:
        """A choice is over. Behind the last: the tokens of all, if wanted, and the end; or the failure that one of them met with."""
        self._running -= 1
        self._usages.append(usage_of(response.get("usage")))
        if response.get("status") == "failed" and self._error is None:
            self._error = failure(response)[1]["error"]
        if self._running:
            return b""
        frames = b""
        if self._error is not None:
            frames = _frame({"error": self._error})
        elif self._include_usage:
            frames = _frame(self._head(response) | {"choices": [], "usage": summed(self._usages)})
        return frames + b"data: [DONE]\n\n"

    def _head(self, response: Json) -> Json:
        if not self._name:
            self._name = {"id": id_of(response), "object": "chat.completion.chunk", "created": response.get("created_at") or 0}
        return self._name | {"model": response.get("model") or "", "system_fingerprint": None}


def _frame(payload: Json) -> bytes:
    return b"data: %b\n\n" % _encode(payload)
