"""The codes that errors carry, with what they mean, and which of them belong together."""

from collections.abc import Iterable, Iterator

from libs.contracts.errors import (
    Conflict,
    FirewallBlocked,
    InvalidRequest,
    NotFound,
    ProviderError,
    RateLimited,
    RouterError,
    RoutingError,
    Unavailable,
    ValidationFailed,
)
from services.edge.openapi_parts import Schema, json_answer, ref

CODES: tuple[tuple[type[RouterError], str, str], ...] = (
    (InvalidRequest, "previous_response_not_found", "There is no such response to continue: unknown, not stored, deleted or expired."),
    (InvalidRequest, "previous_response_not_completed", "The response to continue is not over yet."),
    (InvalidRequest, "thread_unsupported_request", "`thread` on /v1/messages: send all of the messages instead."),
    (InvalidRequest, "invalid_stream_id", "WebSocket: a `stream_id` has 1 to 256 letters, digits, underscores, hyphens and periods."),
    (InvalidRequest, "websocket_stream_limit_reached", "WebSocket: the connection knows its maximum of different `stream_id`s."),
    (InvalidRequest, "websocket_connection_limit_reached", "WebSocket: the connection is 60 minutes old; open a new one."),
    (NotFound, "response_not_found", "There is no such stored response: unknown, not stored, deleted or expired."),
    (NotFound, "conversation_not_found", "There is no such conversation: unknown, deleted or expired."),
    (NotFound, "item_not_found", "No item with this id is stored here; send the item itself."),
    (Conflict, "response_not_completed", "The response is not over yet, so it cannot be replayed."),
    (Conflict, "nothing_to_replay", "The request is known, but nothing is stored of its answer."),
    (Conflict, "idempotency_key_reused", "The idempotency key came with another body before; a new request needs a new key."),
    (Conflict, "idempotency_key_in_use", "The first request with this idempotency key is still at work; repeat it after Retry-After."),
    (ValidationFailed, "invalid_rule_pattern", "A firewall rule's pattern, or one of its exceptions, is not valid, or would match everything."),
    (ValidationFailed, "too_many_rules", "The workspace holds its maximum of rules."),
    (FirewallBlocked, "firewall_timeout", "The firewall could not judge the text in time, so it does not pass; send less."),
    (RoutingError, "denied_by_rule", "A routing rule denies the request."),
    (RateLimited, "websocket_queue_full", "WebSocket: too many turns wait on this connection."),
    (ProviderError, "provider_key_invalid", "The provider turned the key down."),
    (ProviderError, "insufficient_quota", "The account at the provider has no credit left."),
    (ProviderError, "worker_lost", "The answer was lost on its way; the provider may have been billed."),
    (Unavailable, "firewall_unavailable", "The firewall is not running, or has no usable rules, and nothing passes unscreened."),
    (Unavailable, "storage_unavailable", "Decisions cannot be recorded, so nothing is carried out."),
)
"""Codes beside each class's own, with what they mean."""

SHARED = frozenset({"invalid_request", "invalid_api_key", "internal_error", "service_unavailable"})
BODY = frozenset({"request_too_large"})
CARRIED_OUT = SHARED | BODY | {
    "headers_too_large", "firewall_blocked", "denied_by_rule", "no_eligible_provider", "provider_key_missing", "model_not_found",
    "rate_limit_exceeded",
    "provider_key_invalid", "insufficient_quota", "upstream_error", "upstream_unavailable", "upstream_timeout", "worker_lost",
    "firewall_unavailable", "firewall_timeout", "storage_unavailable",
}
"""Of a request that goes through the pipeline."""
SCREENED = SHARED | BODY | {"headers_too_large", "firewall_timeout", "firewall_unavailable"}
"""Of a request that goes no further than the firewall."""
TRIED = frozenset({"validation_failed", "invalid_rule_pattern"})
"""Of drafts."""
REPEATABLE = frozenset({"idempotency_key_reused", "idempotency_key_in_use"})
CONTINUED = frozenset({"previous_response_not_found", "previous_response_not_completed", "conversation_not_found", "item_not_found"})
CHANGED_RULE = BODY | {"conflict", "validation_failed", "invalid_rule_pattern", "too_many_rules"}


def error_codes() -> list[tuple[int, str, str, str]]:
    """(status, type, code, meaning) of every error, by status."""
    own = [(kind.status, kind.type, kind.code, (kind.__doc__ or "").strip()) for kind in below(RouterError)]
    return sorted([*own, *((kind.status, kind.type, code, meaning) for kind, code, meaning in CODES)])


def below(kind: type[RouterError]) -> Iterator[type[RouterError]]:
    """The subclasses in the contract; what other modules derive for their own use adds nothing."""
    for sub in kind.__subclasses__():
        if sub.__module__ == RouterError.__module__:
            yield sub
            yield from below(sub)


def failures(codes: Iterable[str], schema: str = "Error") -> Schema:
    """An answer for each status that these codes have; `schema` is the name of the body's."""
    meanings: dict[int, list[str]] = {}
    for status, _, code, meaning in error_codes():
        if code in codes:
            meanings.setdefault(status, []).append(f"`{code}`: {meaning}")
    return {str(status): json_answer(" ".join(told), ref(schema)) for status, told in meanings.items()}
