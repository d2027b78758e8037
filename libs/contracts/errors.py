"""Everything that can go wrong, as clients see it.

RouterError
├── InvalidRequest        400  malformed body or parameter
│   ├── RequestTooLarge   413
│   └── HeadersTooLarge   431
├── Unauthorized          401  missing, unknown or revoked key
├── NotFound              404  unknown route or id
│   └── ModelNotFound     404
├── MethodNotAllowed      405
├── Conflict              409
├── ValidationFailed      422  a field of a rule is wrong
├── RoutingError          422  no candidate can serve the request
│   └── ProviderKeyMissing
├── FirewallBlocked       422  a rule blocked it
├── RateLimited           429
├── ProviderError         502  the provider failed
│   ├── ProviderTimeout   504
│   └── ProviderBusy      503
├── Unavailable           503  a part of the router is down; retry
└── InternalError         500
"""

from typing import Any

from msgspec import Struct, structs

from libs.contracts.message import RuleTrace


class ErrorInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error on its way to a client."""

    status: int
    type: str
    code: str
    message: str
    param: str | None = None
    provider: str | None = None
    raw: Any = None
    """The provider's own error, in debug mode only."""
    rule_trace: list[RuleTrace] = []
    retry_after: int | None = None
    """Seconds."""
    should_retry: bool | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body: the documented superset of OpenAI's error object."""
        error: dict[str, Any] = {
            "type": self.type,
            "message": self.message,
            "code": self.code,
            "param": self.param,
            "http_status": self.status,
            "provider": self.provider,
            "raw": self.raw,
            "request_id": request_id,
        }
        if self.rule_trace:
            error["rule_trace"] = self.rule_trace
            error["metadata"] = {"rule_trace": self.rule_trace}
        return {"error": error, "request_id": request_id, "detail": self.message}

    def headers(self, request_id: str) -> dict[str, str]:
        """Headers that go with the body."""
        headers = {"x-tokenrouter-request-id": request_id, "x-request-id": request_id}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, self.retry_after))
        if self.should_retry is not None:
            headers["x-should-retry"] = "true" if self.should_retry else "false"
        return headers


class RouterError(Exception):
    """Base of the tree. A subclass fixes status, type and default code; the message names the remedy."""

    status = 500
    type = "server_error"
    code = "internal_error"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.info = ErrorInfo(
            status=details.pop("status", self.status), type=self.type, code=code or self.code, message=message, **details
        )

    def because(self, **details: Any) -> "RouterError":
        """The same error with more details."""
        self.info = structs.replace(self.info, **details)
        return self


class InvalidRequest(RouterError):
    """The body, a parameter or a header is not acceptable; sending it again will not help."""

    status, type, code = 400, "invalid_request_error", "invalid_request"


class RequestTooLarge(InvalidRequest):
    """The body is over the limit."""

    status, code = 413, "request_too_large"


class HeadersTooLarge(InvalidRequest):
    """The request's headers are over the limit."""

    status, code = 431, "headers_too_large"


class Unauthorized(RouterError):
    """The key is missing, unknown, expired or revoked."""

    status, type, code = 401, "unauthorized_error", "invalid_api_key"


class NotFound(RouterError):
    """There is no such route or id."""

    status, type, code = 404, "not_found_error", "not_found"


class ModelNotFound(NotFound):
    """No configured provider has this model."""

    code = "model_not_found"


class MethodNotAllowed(RouterError):
    """The route exists, but not with this method."""

    status, type, code = 405, "invalid_request_error", "method_not_allowed"


class Conflict(RouterError):
    """The request contradicts the stored state."""

    status, type, code = 409, "conflict_error", "conflict"


class ValidationFailed(RouterError):
    """A field of an object being saved is wrong; `param` names it."""

    status, type, code = 422, "validation_error", "validation_failed"


class RoutingError(RouterError):
    """No provider and model can serve this request as asked."""

    status, type, code = 422, "routing_error", "no_eligible_provider"


class ProviderKeyMissing(RoutingError):
    """The provider is known, but no key for it is configured or sent."""

    code = "provider_key_missing"


class FirewallBlocked(RouterError):
    """A firewall rule forbids the request."""

    status, type, code = 422, "firewall_error", "firewall_blocked"


class RateLimited(RouterError):
    """Too many requests, here or at the provider."""

    status, type, code = 429, "rate_limit_error", "rate_limit_exceeded"


class ProviderError(RouterError):
    """The provider failed to answer properly."""

    status, type, code = 502, "provider_error", "upstream_error"


class ProviderTimeout(ProviderError):
    """The provider did not answer in time."""

    status, code = 504, "upstream_timeout"


class ProviderBusy(ProviderError):
    """The provider is down or overloaded."""

    status, code = 503, "upstream_unavailable"


class Unavailable(RouterError):
    """A part of the router cannot be reached; the request was not carried out."""

    status, type, code = 503, "service_unavailable_error", "service_unavailable"


class InternalError(RouterError):
    """A defect of ours."""
