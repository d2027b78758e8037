"""What the client sees when every attempt failed."""

import math

from libs.contracts.decisions import AttemptOutcome
from libs.contracts.errors import (
    ErrorInfo,
    InvalidRequest,
    ModelNotFound,
    ProviderBusy,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    RequestTooLarge,
    RouterError,
)

_ERRORS: dict[str, type[RouterError]] = {
    "invalid_request": InvalidRequest,
    "model_not_found": ModelNotFound,
    "request_too_large": RequestTooLarge,
    "rate_limit_exceeded": RateLimited,
    "upstream_unavailable": ProviderBusy,
    "upstream_timeout": ProviderTimeout,
}
DEFAULT_RETRY_AFTER = 5
"""Seconds, where the provider named none."""


def error_of(attempts: list[AttemptOutcome], soonest: float | None = None) -> ErrorInfo:
    """The error of the last attempt; a retry is worth while in `soonest` seconds, else after the soonest wait that any provider
    named."""
    last = attempts[-1]
    kind = _ERRORS.get(last.code or "", ProviderError)
    error = kind(_message(attempts), provider=last.provider, param=last.param)
    if kind is ProviderError and last.code in ("provider_key_invalid", "insufficient_quota"):
        error = ProviderError(_message(attempts), code=last.code, provider=last.provider, should_retry=False)
    if error.info.status in (429, 503):
        waits = [attempt.retry_after for attempt in attempts if attempt.retry_after is not None]
        if soonest is None and waits:
            soonest = min(waits)
        error.because(retry_after=max(1, math.ceil(soonest)) if soonest is not None else DEFAULT_RETRY_AFTER)
    return error.info


def _message(attempts: list[AttemptOutcome]) -> str:
    last = attempts[-1]
    text = f"{last.provider}: {last.message}" if last.message else f"{last.provider} failed"
    others = [f"{attempt.provider}/{attempt.model} ({attempt.code})" for attempt in attempts[:-1]]
    return f"{text} (tried before: {', '.join(others)})" if others else text
