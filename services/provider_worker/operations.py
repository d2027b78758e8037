"""What a provider can be asked for besides an answer: embeddings, and how many tokens a request has."""

from collections.abc import Callable

from msgspec import Struct

from services.provider_worker.dialect import Call, Counts, Dialect, Embeds, Outcome, ProviderFailure, Upstream, Usage
from services.provider_worker.estimate import request_tokens


class Operation(Struct, frozen=True):
    """One exchange with a provider that is never streamed."""

    build: Callable[[Call], Upstream | Outcome]
    """The request to send; or the outcome itself, where no call is needed. Raises ProviderFailure."""
    read: Callable[[bytes, Call], Outcome]
    """The provider's answer to it, when its status says success. Raises ProviderFailure."""


def operation(endpoint: str, dialect: Dialect) -> Operation | None:
    """What `endpoint` (as in Admitted) asks of a dialect; None where it asks for an answer, which the dialect itself builds and reads.

    The outcome's response is OpenAI's list of embeddings, or {"object": "response.input_tokens", "input_tokens": …}.
    """
    match endpoint:
        case "embeddings":
            return Operation(dialect.embed, dialect.embedded) if isinstance(dialect, Embeds) else Operation(_no_embeddings, _unasked)
        case "input_tokens":
            return _counting(dialect) if isinstance(dialect, Counts) else Operation(_estimate, _unasked)
    return None


def _counting(dialect: Counts) -> Operation:
    return Operation(dialect.count, lambda body, call: _count_of(dialect.counted(body, call), Usage()))


def _estimate(call: Call) -> Outcome:
    tokens, note = request_tokens(call.request)
    return _count_of(tokens, Usage(source="estimated"), note)


def _count_of(tokens: int, usage: Usage, *notes: str) -> Outcome:
    """`usage` is empty: no model read these tokens, and they cost nothing."""
    response = {"object": "response.input_tokens", "input_tokens": tokens}
    return Outcome(status="completed", response=response, usage=usage, notes=list(notes))


def _no_embeddings(call: Call) -> Upstream:
    raise ProviderFailure("the provider makes no embeddings", code="invalid_request", param="model")


def _unasked(body: bytes, call: Call) -> Outcome:
    raise ProviderFailure("the provider was not to be asked")
