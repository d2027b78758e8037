"""The APIs that clients speak: each turns its body into a Responses request, and writes the answer its own way."""

from collections.abc import Callable, Collection
from typing import Any

from msgspec import Struct

from libs.contracts.errors import InvalidRequest
from libs.contracts.requests import Trial
from services.edge import trials
from services.edge.formats.chat import ChatFormat
from services.edge.formats.format import Format, Plain, StreamFormat
from services.edge.formats.messages import CountFormat, MessagesFormat
from services.edge.formats.openai import ResponsesFormat
from services.edge.formats.tokenrouter import TokenRouterFormat
from services.edge.ingress import chat, compact, embeddings, input_tokens, messages

Json = dict[str, Any]


class Api(Struct, frozen=True, kw_only=True):
    """One client API."""

    endpoint: str
    """As it stands in the ledger."""
    request_of: Callable[[Json], Json] = lambda body: body
    """The client's body as a Responses request. Raises InvalidRequest in the terms of this API."""
    format: Callable[[Json, StreamFormat], Format] = lambda body, stream_format: Plain()
    """For one answer to a body."""
    errors: Callable[[], Format] = Plain
    """For what fails before the body is understood."""
    stores: bool = False
    """Answers are stored where the request does not say otherwise."""
    streams: bool = True
    facts_of: Callable[[Json], Json] | None = None
    """The facts of a request that is not for an answer; its body travels as it is."""
    choices: Callable[[Json], int] = lambda body: 1
    """How many answers are wanted."""
    trial_of: Callable[[Json, Collection[str]], Trial] | None = None
    """What a preview tries out; given the body and the providers that workers have. Raises ValidationFailed."""


def _responses(body: Json, stream_format: StreamFormat) -> Format:
    return ResponsesFormat() if stream_format == "openai" else TokenRouterFormat()


def _not_streamed(body: Json) -> Json:
    return {name: value for name, value in body.items() if name not in ("stream", "background")}


def _previewed(body: Json) -> Json:
    if not isinstance(body.get("input", ""), str | list):
        raise InvalidRequest("input must be a string or an array", param="input")
    return _not_streamed(body) | {"store": False}


RESPONSES = Api(endpoint="responses", format=_responses, stores=True)
COMPACT = Api(endpoint="compact", request_of=compact.request_of, format=lambda body, _: compact.CompactFormat())
INPUT_TOKENS = Api(endpoint="input_tokens", request_of=input_tokens.request_of)
CHAT = Api(
    endpoint="chat.completions", request_of=chat.request_of, format=lambda body, _: ChatFormat.of(body), choices=chat.choices_wanted,
)
MESSAGES = Api(
    endpoint="messages", request_of=messages.request_of, format=lambda body, _: MessagesFormat(), errors=MessagesFormat,
)
COUNT_TOKENS = Api(
    endpoint="input_tokens", request_of=messages.count_request_of, format=lambda body, _: CountFormat(), errors=MessagesFormat,
)
EMBEDDINGS = Api(endpoint="embeddings", request_of=embeddings.request_of, facts_of=embeddings.facts_of)
PREVIEW = Api(endpoint="preview", request_of=_previewed)
RULES_PREVIEW = Api(endpoint="preview", request_of=lambda body: _previewed(trials.request_of(body)), trial_of=trials.routing_trial)
FIREWALL_PREVIEW = Api(endpoint="preview", request_of=lambda body: _previewed(trials.request_of(body)), trial_of=trials.firewall_trial)
