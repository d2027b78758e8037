"""What the router refuses or fails with. Each class is also openai's class for that status, so code written for openai catches it.

openai.APIStatusError
└── APIStatusError
    ├── BadRequestError            400
    ├── AuthenticationError        401
    ├── PermissionDeniedError      403
    ├── NotFoundError              404
    ├── ConflictError              409
    ├── UnprocessableEntityError   422
    │   ├── FirewallBlockedError        a firewall rule forbids it; rule_trace names the rule
    │   └── RoutingError                no provider and model can serve it as asked
    ├── RateLimitError             429
    │   └── QuotaExceededError          a quota, a budget or a credit is used up; a retry does not help
    └── InternalServerError        500 and above
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    import httpx2

_QUOTA_CODES = frozenset({"monthly_quota_exceeded", "budget_exceeded", "insufficient_quota"})


class APIStatusError(openai.APIStatusError):
    """The router answered with a status of 400 or above; `message`, `type`, `code` and `param` are openai's."""

    provider: str | None
    """The provider that failed, when it was one."""
    rule_trace: list[dict[str, Any]]
    """The rules behind a block or a routing error; empty otherwise."""
    retry_after: float | None
    """Seconds after which to come back; None when the answer does not say."""

    def __init__(self, message: str, *, response: httpx2.Response, body: object | None) -> None:
        super().__init__(message, response=response, body=body)
        told: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        # A proxy may put its own x-request-id over the router's.
        self.request_id = response.headers.get("x-tokenrouter-request-id") or told.get("request_id") or self.request_id
        self.provider = told.get("provider")
        self.rule_trace = list(told.get("rule_trace") or [])
        self.retry_after = _seconds(response.headers.get("retry-after"))


class BadRequestError(openai.BadRequestError, APIStatusError):
    """The body, a parameter or a header is not acceptable."""


class AuthenticationError(openai.AuthenticationError, APIStatusError):
    """The key is missing, unknown, expired or revoked."""


class PermissionDeniedError(openai.PermissionDeniedError, APIStatusError):
    """The key may not do this."""


class NotFoundError(openai.NotFoundError, APIStatusError):
    """There is no such model, route or id."""


class ConflictError(openai.ConflictError, APIStatusError):
    """The request contradicts what is stored."""


class UnprocessableEntityError(openai.UnprocessableEntityError, APIStatusError):
    """A rule's field is wrong; and the base of what rules and routing refuse."""


class FirewallBlockedError(UnprocessableEntityError):
    """A firewall rule forbids the request or the answer."""


class RoutingError(UnprocessableEntityError):
    """No provider and model can serve this request as asked."""


class RateLimitError(openai.RateLimitError, APIStatusError):
    """Too many requests, at the router or at the provider."""


class QuotaExceededError(RateLimitError):
    """A quota, a budget or the provider's credit is used up."""


class InternalServerError(openai.InternalServerError, APIStatusError):
    """The provider failed, or a part of the router."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError, 401: AuthenticationError, 403: PermissionDeniedError, 404: NotFoundError, 409: ConflictError,
}


def status_error(message: str, body: object, response: httpx2.Response) -> APIStatusError:
    """The error for an answer; `body` is its decoded JSON, or text."""
    told = body.get("error", body) if isinstance(body, Mapping) else body
    return _kind(response.status_code, told if isinstance(told, Mapping) else {})(message, response=response, body=told)


def _kind(status: int, told: Mapping[str, Any]) -> type[APIStatusError]:
    if status == 422:
        return {"firewall_error": FirewallBlockedError, "routing_error": RoutingError}.get(told.get("type", ""), UnprocessableEntityError)
    if status == 429:
        return QuotaExceededError if told.get("code") in _QUOTA_CODES else RateLimitError
    return _BY_STATUS.get(status, InternalServerError if status >= 500 else APIStatusError)


def _seconds(retry_after: str | None) -> float | None:
    try:
        return float(retry_after) if retry_after else None
    except ValueError:
        return None
