"""Writes Chat Completions as the chunks of a stream.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Iterator
from typing import Any

from services.sandbox import tokens
from services.sandbox.asked import Answer, Asked, Event, Usage
from services.sandbox.chat.provider import Provider
from services.sandbox.chat.write import base, calls, logprobs, numbered
from services.sandbox.dialect import until_failure


def events(
    request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage, fails_after: int | None, provider: Provider
) -> Iterator[Event]:
    """The chunks from the one with the role to the one with the usage, or to the provider's sign of failure."""
    wants_usage = bool((request.get("stream_options") or {}).get("include_usage"))
    chunks = _Chunks(asked, provider, wants_usage)
    unbroken = chunks.of(answer, provider.usage(usage))
    if isinstance(provider.breakdown, str):
        return until_failure(unbroken, fails_after, chunks.chunk({"content": ""}, provider.breakdown))
    return until_failure(unbroken, fails_after, Event("", provider.breakdown))


class _Chunks:
    """Chunks of one stream: they share an id and a time."""

    def __init__(self, asked: Asked, provider: Provider, wants_usage: bool) -> None:
        self._provider = provider
        self._base = base("chat.completion.chunk", asked, provider)
        self._own_usage = provider.usage_asked and wants_usage
        self._without = {"usage": None} if self._own_usage else {}

    def chunk(self, delta: dict[str, Any], finish: str | None = None, count: int = 0) -> Event:
        """A chunk with one choice, that carries `count` tokens."""
        choice = {"index": 0, "delta": delta} | logprobs(self._provider) | {"finish_reason": finish}
        return Event("", self._base | {"choices": [choice]} | self._without, count)

    def of(self, answer: Answer, usage: dict[str, Any]) -> Iterator[Event]:
        """The whole answer."""
        yield self._first(answer)
        for token in answer.thinking if self._provider.thoughts != "hidden" else []:
            yield self.chunk(self._thought(token), count=1)
        for token in answer.text:
            yield self.chunk(self._text(token, bool(answer.thinking)), count=1)
        for token in answer.refusal:
            yield self.chunk({"refusal": token} if self._provider.refuses else {"content": token}, count=1)
        if not self._provider.whole_calls:
            yield from self._calls(answer)
        last = self._last(answer)
        if self._provider.usage_asked:
            yield last
            if self._own_usage:
                yield Event("", self._base | {"choices": [], "usage": usage})
        else:
            yield Event("", last.data | {"usage": usage}, last.tokens)

    def _first(self, answer: Answer) -> Event:
        provider = self._provider
        said: dict[str, Any] = {"role": "assistant", "content": provider.silent if answer.calls else ""}
        if provider.refuses:
            said["refusal"] = None
        if provider.thoughts == "field" and answer.thinking:
            said |= {"content": None, "reasoning_content": ""}
        return self.chunk(said, count=len(answer.thinking) if provider.thoughts == "hidden" else 0)

    def _thought(self, token: str) -> dict[str, Any]:
        if self._provider.thoughts == "field":
            return {"content": None, "reasoning_content": token}
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": token}]}]}

    def _text(self, token: str, thinking: bool) -> dict[str, Any]:
        if thinking and self._provider.thoughts == "field":
            return {"content": token, "reasoning_content": None}
        if thinking and self._provider.thoughts == "parts":
            return {"content": [{"type": "text", "text": token}]}
        return {"content": token}

    def _calls(self, answer: Answer) -> Iterator[Event]:
        for call in numbered(calls(answer.calls, self._provider)):
            begun = call | {"function": call["function"] | {"arguments": ""}}
            yield self.chunk({"tool_calls": [begun]}, count=1)
            for token in tokens.split(call["function"]["arguments"]):
                yield self.chunk({"tool_calls": [{"index": call["index"], "function": {"arguments": token}}]}, count=1)

    def _last(self, answer: Answer) -> Event:
        finish = self._provider.finishes[answer.stop]
        if self._provider.whole_calls and answer.calls:
            made = numbered(calls(answer.calls, self._provider))
            count = sum(8 + len(tokens.split(call.arguments)) for call in answer.calls)
            return self.chunk({"content": "", "tool_calls": made}, finish, count)
        return self.chunk({} if self._provider.usage_asked else {"content": ""}, finish)
