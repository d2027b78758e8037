"""What a dialect is: one provider's words for requests, answers, errors and the list of models."""

from collections.abc import Iterator
from typing import Any, Protocol

from msgspec import Struct

from services.sandbox.asked import Answer, Asked, Event, Problem, Usage
from services.sandbox.framing import Framing


class Head(Struct, frozen=True, kw_only=True):
    """What a request says outside its body."""

    path: dict[str, str] = {}
    """The named parts of the path."""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    """By lower-case name."""


class Dialect(Protocol):
    """One provider API."""

    def read(self, request: dict[str, Any], head: Head) -> Asked:
        """What is asked for. Raises Problem where the provider would refuse."""
        ...

    def whole(self, request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage) -> dict[str, Any]:
        """The answer, not streamed."""
        ...

    def events(self, request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage, fails_after: int | None) -> Iterator[Event]:
        """The stream to its end, or to the provider's own sign of failure after so many tokens."""
        ...

    def framing(self, head: Head) -> Framing:
        """How a stream, and an error in its place, is laid out."""
        ...

    def error(self, problem: Problem) -> dict[str, Any]:
        """The body of an HTTP error."""
        ...

    def headers(self, status: int) -> dict[str, str]:
        """Of every reply."""
        ...

    def listing(self) -> dict[str, Any]:
        """Some of the models that are known."""
        ...


def until_failure(events: Iterator[Event], fails_after: int | None, failure: Event) -> Iterator[Event]:
    """The events; after so many tokens `failure` in place of the rest."""
    sent = 0
    for event in events:
        if fails_after is not None and sent >= fails_after:
            yield failure
            return
        yield event
        sent += event.tokens


def retry_after(status: int) -> dict[str, str]:
    """The header that says when to try again, where trying again helps."""
    return {"retry-after": "1"} if status in (429, 503, 529) else {}
