"""Chat Completions, as several providers speak it; what differs between them is data."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from services.sandbox.asked import Answer, Asked, Event, Problem, Usage
from services.sandbox.chat import read, stream, write
from services.sandbox.chat.provider import Provider
from services.sandbox.dialect import Head, retry_after
from services.sandbox.framing import Framing


class Chat(Struct, frozen=True):
    """The dialect of one provider."""

    provider: Provider

    def read(self, request: dict[str, Any], head: Head) -> Asked:
        return read.read(request, self.provider)

    def whole(self, request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage) -> dict[str, Any]:
        return write.whole(asked, answer, usage, self.provider)

    def events(self, request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage, fails_after: int | None) -> Iterator[Event]:
        return stream.events(request, asked, answer, usage, fails_after, self.provider)

    def framing(self, head: Head) -> Framing:
        return self.provider.framing

    def error(self, problem: Problem) -> dict[str, Any]:
        return self.provider.error(problem)

    def headers(self, status: int) -> dict[str, str]:
        return self.provider.headers() | retry_after(status)

    def listing(self) -> dict[str, Any]:
        return {"object": "list", "data": [self.provider.card(name) for name in self.provider.listed]}
