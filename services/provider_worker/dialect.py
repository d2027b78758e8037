"""What a provider dialect is: it builds the provider's request and reads its answer as canonical Responses JSON.

A dialect is pure: it opens no connection, knows no key and keeps no state between calls.
"""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from libs.contracts.decisions import Billing
from libs.contracts.deltas import Event
from libs.responses.frame import Frame
from libs.responses.sse import ServerSentEvent
from libs.vault.envelopes import Envelopes


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens in OpenAI's sense: input includes cached and cache-written tokens, output includes reasoning."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    source: Literal["provider", "estimated", "none"] = "provider"


class Call(Struct, frozen=True, kw_only=True):
    """One provider call, as a dialect needs to know it."""

    model: str
    """The provider's own model id."""
    request: dict[str, Any]
    """The canonical Responses request, decoded: input is a string or a list of typed items, tools are flat, the output
    format stands in `text.format`."""
    stream: bool
    frame: Frame
    """Renders response objects with every field of OpenAI's type."""
    envelopes: Envelopes
    """Seals a provider's opaque state for `encrypted_content`, and opens what came back."""
    max_output_tokens: int | None = None
    """What the model can write at most, where known."""
    reasoning: bool = False
    """The model can think before it answers."""
    frugal: bool = False
    """Mode cost or latency, and the request says nothing about thinking: a model that thinks unasked is told not to."""


class Upstream(Struct, frozen=True, kw_only=True):
    """The request to send, without address and key."""

    path: str
    """Appended to the provider's base URL."""
    content: bytes
    headers: dict[str, str] = {}
    adapted: list[str] = []
    """What was changed or dropped for this provider, in words for the trace."""
    schemas: dict[str, dict[str, Any]] = {}
    """JSON schemas that the provider does not enforce as the client wrote them, so that the worker holds the answer against the
    original: by tool name, and under "" the schema of the output format."""


class Outcome(Struct, kw_only=True):
    """A finished answer. `response` holds what the provider said, in Responses terms: output, status, incomplete_details,
    error, and any field of the provider's that the dialect passes through."""

    status: Literal["completed", "incomplete", "failed"]
    response: dict[str, Any]
    usage: Usage
    provider_response_id: str = ""
    notes: list[str] = []
    """What was changed or left out of the answer on its way back, in words for the trace."""


class ProviderFailure(Exception):
    """The provider refused or broke; says whether another candidate may be tried and what the client should see."""

    def __init__(
        self, message: str, *, status: int | None = None, code: str = "upstream_error", fallback: bool = True,
        billing: Billing = "none", retry_after: float | None = None, param: str | None = None, raw: Any = None,
    ) -> None:
        """`status`: the provider's HTTP status, None when there was none. `code`: one of invalid_request, model_not_found,
        provider_key_invalid, rate_limit_exceeded, insufficient_quota, request_too_large, upstream_unavailable,
        upstream_timeout, upstream_error. `fallback`: another candidate could do better. `raw`: the decoded error body."""
        super().__init__(message)
        self.message, self.status, self.code, self.fallback = message, status, code, fallback
        self.billing, self.retry_after, self.param, self.raw = billing, retry_after, param, raw


class Reader(Protocol):
    """Reads one streamed answer, event by event."""

    outcome: Outcome | None
    """Set once the provider has ended the answer."""

    def feed(self, event: ServerSentEvent) -> list[Event]:
        """Canonical events for one upstream event, except the terminal one, which the worker sends itself.

        Starts with `response.created` and `response.in_progress`. Raises ProviderFailure for an error in the stream.
        """
        ...

    def end(self) -> list[Event]:
        """The connection was closed: events still owed. Sets `outcome` when the provider had ended the answer in all but form."""
        ...

    def abandon(self) -> Outcome:
        """What there is so far, for a stream that ended without a terminal event or was cancelled; status `failed`."""
        ...


class Dialect(Protocol):
    """One provider API."""

    inlines: frozenset[str]
    """Part types (`input_image`, `input_file`) whose URLs this API does not fetch: the worker replaces them by data URLs first."""

    def fetches(self, url: str) -> bool:
        """Whether the API takes this address all the same, because it is one of its own."""
        ...

    def build(self, call: Call) -> Upstream:
        """The provider's request. Raises ProviderFailure (code invalid_request, fallback as fits) for what it cannot express."""
        ...

    def authorize(self, key: str) -> dict[str, str]:
        """Headers that carry the key; {} for an empty key."""
        ...

    def read(self, body: bytes, call: Call) -> Outcome:
        """A whole answer that is not streamed. Raises ProviderFailure when it is an error or not the provider's JSON."""
        ...

    def reader(self, call: Call) -> Reader:
        """For a streamed answer."""
        ...

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailure:
        """An HTTP error of the provider, understood."""
        ...


@runtime_checkable
class Embeds(Protocol):
    """A dialect whose API makes embeddings; the call's request is the one for embeddings, as the edge checked it."""

    def embed(self, call: Call) -> Upstream:
        """The request for embeddings. Raises ProviderFailure (code invalid_request) for what this provider does not embed."""
        ...

    def embedded(self, body: bytes, call: Call) -> Outcome:
        """The answer as OpenAI's list of embeddings, in the order of the inputs. Raises ProviderFailure when it is something else."""
        ...


@runtime_checkable
class Counts(Protocol):
    """A dialect whose API counts the tokens of a request."""

    def count(self, call: Call) -> Upstream:
        """The request to count what `build` would send. Raises ProviderFailure for what the provider cannot express."""
        ...

    def counted(self, body: bytes, call: Call) -> int:
        """Input tokens. Raises ProviderFailure when the answer does not tell them."""
        ...
