"""Gemini's errors: google.rpc.Status in JSON, what it is about in `details`.

https://ai.google.dev/gemini-api/docs/troubleshooting and https://google.aip.dev/193
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from libs.contracts.decisions import Billing
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.provider_errors import Meaning, Said

Json = dict[str, Any]

# In a stream only the canonical name may be told. https://cloud.google.com/apis/design/errors#handling_errors
_STATUS = {
    "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "RESOURCE_EXHAUSTED": 429, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}
_BAD_KEY = frozenset({"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED"})
# 400s about the form that this dialect gave the request, or about a limit of this model: the request itself may be fine.
_NOT_THE_CLIENT = (
    "unknown name", "proto field", "thought_signature", "thought signature", "function response parts", "function call turn",
    "model turn are not supported", "is not enabled for", "function_declarations", "response_schema", "schema produces a constraint",
    "exceeds the maximum number of tokens", "unsupported mime type",
)


def http_failure(status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailure:
    """An HTTP error."""
    said = provider_errors.said(body)
    error = _error_in(said.raw)
    failure = provider_errors.failure("Gemini", status, headers, said, _known(status, said, error))
    delay = _retry_delay(error)
    # The delay that comes with a day's quota is for the minute's.
    if delay is not None and failure.code != "insufficient_quota":
        failure.retry_after = delay
    return failure


def error_failure(error: Any, billing: Billing) -> ProviderFailure:
    """An error inside a stream or a body that was answered with 200."""
    told = error if isinstance(error, dict) else {}
    code = told.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else _STATUS.get(str(told.get("status")), 500)
    failure = http_failure(status, {}, msgspec.json.encode({"error": error}))
    failure.billing = billing
    return failure


def _known(status: int, said: Said, error: Json) -> Meaning | None:
    text = said.message.lower()
    if status == 400:
        if any(str(detail.get("reason")) in _BAD_KEY for detail in _details(error)) or "api key not valid" in text:
            return Meaning("provider_key_invalid", True)
        if error.get("status") == "FAILED_PRECONDITION":
            # "User location is not supported", or a free tier that ended: nothing is wrong with the request.
            return Meaning("upstream_error", True)
        if "payload size exceeds" in text:
            return Meaning("request_too_large", True)
        if any(phrase in text for phrase in _NOT_THE_CLIENT):
            return Meaning("invalid_request", True)
    if status == 429 and any("PerDay" in quota for quota in _exhausted(error)):
        return Meaning("insufficient_quota", True)
    return None


def _error_in(raw: Any) -> Json:
    first = raw[0] if isinstance(raw, list) and raw else raw
    error = first.get("error") if isinstance(first, dict) else None
    return error if isinstance(error, dict) else {}


def _details(error: Json) -> Iterator[Json]:
    details = error.get("details")
    return (detail for detail in details if isinstance(detail, dict)) if isinstance(details, list) else iter(())


def _exhausted(error: Json) -> Iterator[str]:
    for detail in _details(error):
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield str(violation.get("quotaId"))


def _retry_delay(error: Json) -> float | None:
    """google.rpc.RetryInfo: "34.074824224s", in the body and not in a header."""
    for detail in _details(error):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s"):
            return provider_errors.retry_after({"retry-after": delay[:-1]})
    return None
