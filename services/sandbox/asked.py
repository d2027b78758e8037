"""What a request asks for and what is answered, in no provider's words."""

from typing import Any, Literal

from msgspec import Struct


class Problem(Exception):
    """The provider would refuse this with an HTTP error. `kind` is the error's type where the status alone does not tell;
    `details` is more that some providers say."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None, kind: str | None = None,
        details: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status, self.message, self.param, self.code, self.kind, self.details = status, message, param, code, kind, details


class Tool(Struct, frozen=True):
    """A function that may be called. `parameters` is its JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]


class Asked(Struct, kw_only=True):
    """One request, understood."""

    model: str
    text: str
    """Of the last user message that has any."""
    stream: bool
    read: str
    """All that the model reads, for counting tokens."""
    tools: list[Tool] = []
    choice: Literal["auto", "none", "forced"] = "auto"
    """`forced`: one of `tools` must be called; they are already narrowed to those allowed."""
    parallel: bool = True
    results: list[str] = []
    """Of tools, since the last user text."""
    images: int = 0
    schema: dict[str, Any] | None = None
    """The answer is JSON of this schema."""
    thinking: bool = False
    limit: int | None = None
    """Output tokens."""
    stops: list[str] = []
    cache: Literal["automatic", "marked", "off"] = "automatic"
    words: bool = True
    """False: vectors or a number are wanted, and no answer."""


class Call(Struct, frozen=True):
    """A function call; `arguments` is JSON text."""

    name: str
    arguments: str


class Answer(Struct, kw_only=True):
    """What the model says, in this order: thinking, text or refusal, calls."""

    thinking: list[str] = []
    """Tokens."""
    text: list[str] = []
    refusal: list[str] = []
    calls: list[Call] = []
    stop: Literal["end", "max_tokens", "stop_sequence", "tools", "refusal"] = "end"
    stopped_by: str | None = None
    """The stop sequence that was met."""


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens. `read` includes those cached and written to the cache; `written` includes thinking."""

    read: int
    cached: int
    cache_written: int
    written: int
    thinking: int


class Event(Struct, frozen=True, array_like=True):
    """A stream event and how many tokens it carries; the pace comes from them. Some APIs do not name their events."""

    name: str
    data: dict[str, Any]
    tokens: int = 0
