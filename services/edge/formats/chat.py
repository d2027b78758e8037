"""OpenAI's Chat Completions API.

https://platform.openai.com/docs/api-reference/chat/object and …/chat-streaming
"""

from typing import Any

import msgspec
from msgspec import Struct

from libs.contracts.deltas import Event
from services.edge.formats.chat_completion import facts_of, finish_reason, service_tier, whole
from services.edge.formats.chat_message import CALLS, GAP, call_of, chosen_logprobs, late_parts
from services.edge.formats.chat_shared import Shared
from services.edge.formats.format import Plain, one_line

Json = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Delta(Struct):
    """What the deltas of a Responses stream say, each kind some of it."""

    delta: str = ""
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    logprobs: list[Json] | None = None


_delta = msgspec.json.Decoder(_Delta).decode


class ChatFormat(Plain):
    """One answer as one choice. Text, refusal, reasoning and calls are streamed as they come; what else belongs to the message comes
    in a chunk before the last, which carries `finish_reason` and the facts of routing."""

    def __init__(
        self, *, include_usage: bool = False, functions: bool = False, shared: Shared | None = None, index: int = 0
    ) -> None:
        """`functions`: the client knows legacy functions instead of tools. `shared`: by several choices of one completion."""
        self._shared = shared or Shared(include_usage=include_usage)
        self._functions, self._index = functions, index
        self._before = self._after = b""
        """What stands around a delta in a chunk."""
        self._text_item: int | None = None
        self._thought: tuple[str, int, int] | None = None
        self._calls: dict[int, tuple[int, bool]] = {}
        """Output index of a call → its own index, and whether it is one of a freeform tool."""
        self._refused = False

    @classmethod
    def of(cls, body: Json) -> "ChatFormat":
        """For the answer to a chat body."""
        return cls(include_usage=wants_usage(body), functions=knows_functions(body))

    def body(self, response: bytes) -> tuple[int, bytes]:
        return whole([_decode(response)], functions=self._functions)

    def write(self, events: list[Event]) -> bytes:
        return one_line(b"".join(map(self._write, events)))

    def _write(self, event: Event) -> bytes:
        match event.type:
            case "response.output_text.delta":
                return self._text(_delta(event.data))
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                return self._arguments(_delta(event.data))
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                return self._reasoning(event.type, _delta(event.data))
            case "response.refusal.delta":
                self._refused = True
                return self._said("refusal", _delta(event.data).delta)
            case "response.output_item.added":
                return self._item(_decode(event.data))
            case "response.created":
                return self._begin(_decode(event.data)["response"])
            case "response.completed" | "response.incomplete" | "response.failed":
                return self._end(_decode(event.data)["response"])
        return b""

    def _begin(self, response: Json) -> bytes:
        if self._before:
            return b""
        self._before, self._after = self._shared.around(response, self._index)
        return self._shared.opening(response)

    def _text(self, said: _Delta) -> bytes:
        if not said.delta:
            return b""
        text = said.delta
        if self._text_item not in (None, said.output_index):
            text = GAP + text
        self._text_item = said.output_index
        return self._said("content", text, _encode(chosen_logprobs(said.logprobs)) if said.logprobs else b"null")

    def _reasoning(self, kind: str, said: _Delta) -> bytes:
        if not said.delta:
            return b""
        piece = (kind, said.output_index, said.content_index + said.summary_index)
        text = said.delta if self._thought in (None, piece) else GAP + said.delta
        self._thought = piece
        return self._said("reasoning_content", text)

    def _item(self, added: Json) -> bytes:
        item, at = added["item"], added["output_index"]
        if item.get("type") not in CALLS or at in self._calls:
            return b""
        index = len(self._calls)
        self._calls[at] = (index, item["type"] == "custom_tool_call")
        return self._called(index, call_of(item))

    def _arguments(self, said: _Delta) -> bytes:
        index, custom = self._calls.get(said.output_index, (-1, False))
        if index < 0 or not said.delta:
            return b""
        return self._called(index, {"custom": {"input": said.delta}} if custom else {"function": {"arguments": said.delta}})

    def _called(self, index: int, call: Json) -> bytes:
        if not self._functions:
            return self._chunk(_encode({"tool_calls": [{"index": index} | call]}))
        return self._chunk(_encode({"function_call": call["function"]})) if index == 0 else b""

    def _end(self, response: Json) -> bytes:
        opening = self._begin(response)
        if response.get("status") == "failed":
            return opening + self._shared.ended(response)
        late = late_parts(response)
        # The whole answer says "" where nothing at all was said.
        said = self._text_item is not None or self._refused or self._calls
        last = self._chunk(
            b"{}" if said else b'{"content":""}',
            finish=_encode(finish_reason(response, functions=self._functions)),
            more=b"," + _encode(facts_of(response) | {"service_tier": service_tier(response)})[1:-1],
        )
        return opening + (self._chunk(_encode(late)) if late else b"") + last + self._shared.ended(response)

    def _said(self, field: str, text: str, logprobs: bytes = b"null") -> bytes:
        return self._chunk(b'{"%b":%b}' % (field.encode(), _encode(text)), logprobs=logprobs) if text else b""

    def _chunk(self, delta: bytes, *, logprobs: bytes = b"null", finish: bytes = b"null", more: bytes = b"") -> bytes:
        return b'%b%b,"logprobs":%b,"finish_reason":%b}]%b%b' % (self._before, delta, logprobs, finish, more, self._after)


def wants_usage(body: Json) -> bool:
    """`stream_options.include_usage`."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def knows_functions(body: Json) -> bool:
    """The legacy form of tools, which takes the legacy form of calls."""
    return bool(body.get("functions"))
