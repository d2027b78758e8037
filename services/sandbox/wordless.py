"""APIs of a provider that answer without words: vectors, or a number."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from services.sandbox.asked import Answer, Asked, Event, Problem, Usage
from services.sandbox.dialect import Dialect, Head
from services.sandbox.framing import Framing

Json = dict[str, Any]


class Wordless(Struct, frozen=True):
    """One such API, never streamed."""

    provider: Dialect
    """The provider's API for answers, whose errors, headers and list of models are this one's too."""
    reads: Callable[[Json, Head], Asked]
    """As in Dialect; what it returns has `words` off."""
    writes: Callable[[Json, Asked, Usage], Json]
    """The reply."""

    def read(self, request: Json, head: Head) -> Asked:
        return self.reads(request, head)

    def whole(self, request: Json, asked: Asked, answer: Answer, usage: Usage) -> Json:
        return self.writes(request, asked, usage)

    def events(self, request: Json, asked: Asked, answer: Answer, usage: Usage, fails_after: int | None) -> Iterator[Event]:
        return iter(())

    def framing(self, head: Head) -> Framing:
        return self.provider.framing(head)

    def error(self, problem: Problem) -> Json:
        return self.provider.error(problem)

    def headers(self, status: int) -> dict[str, str]:
        return self.provider.headers(status)

    def listing(self) -> Json:
        return self.provider.listing()
