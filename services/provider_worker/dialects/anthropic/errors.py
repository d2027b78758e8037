"""Anthropic's errors. https://platform.claude.com/docs/en/api/errors"""

from collections.abc import Mapping

from libs.contracts.decisions import Billing
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.anthropic.wire import ErrorSaid
from services.provider_worker.dialects.provider_errors import Meaning, Said

_STATUS = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504,
    "overloaded_error": 529,
}
# Told with 400 or 429: waiting does not help, another account or provider does.
_NO_MONEY = ("credit balance is too low", "spend limit", "usage limit", "reached your specified api usage")
# What another provider may take, or may be able to fetch: limits of Anthropic's own, not mistakes of the request.
# https://platform.claude.com/docs/en/build-with-claude/vision, .../pdf-support, .../structured-outputs
_OWN_LIMITS = (
    "image exceeds", "image dimensions exceed", "too many images", "pdf pages", "only https", "unable to download", "robots.txt",
    "optional parameters", "union types", "schema is too complex", "grammar is too large", "circular reference",
)
# Thinking that Anthropic no longer accepts was put into the request by us.
_STALE_THINKING = ("signature", "thinking blocks", "thinking block")


def http_failure(status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailure:
    """An HTTP error."""
    said = provider_errors.said(body)
    return provider_errors.failure("Anthropic", status, headers, said, _known(status, said))


def error_failure(error: ErrorSaid | None, billing: Billing) -> ProviderFailure:
    """An error inside a stream or a body that was answered with 200."""
    said = Said(message=error.message, type=error.type) if error is not None else Said()
    status = _STATUS.get(said.type, 500)
    failure = provider_errors.failure("Anthropic", status, {}, said, _known(status, said))
    failure.billing = billing
    return failure


def _known(status: int, said: Said) -> Meaning | None:
    text = said.message.lower()
    if status in (400, 429) and any(phrase in text for phrase in _NO_MONEY):
        return Meaning("insufficient_quota", True)
    if status == 400 and any(phrase in text for phrase in (*_STALE_THINKING, *_OWN_LIMITS)):
        return Meaning("invalid_request", True)
    return None
