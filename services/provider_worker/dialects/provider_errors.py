"""HTTP errors that all providers share: what a status means, how long to wait, what a body says."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from libs.contracts.decisions import Billing
from services.provider_worker.dialect import ProviderFailure

SNIPPET = 300
"""Characters of a message or of an unreadable body that are kept."""


class Said(Struct, frozen=True, kw_only=True):
    """The parts of a provider's error body that mean the same everywhere."""

    message: str = ""
    type: str = ""
    code: str = ""
    param: str | None = None
    raw: Any = None
    """The decoded body; None when it was not JSON."""


class Meaning(Struct, frozen=True, array_like=True):
    """How a failure is shown, and what may be tried next."""

    code: str
    fallback: bool
    billing: Billing = "none"


_BY_STATUS = {
    400: Meaning("invalid_request", False),
    401: Meaning("provider_key_invalid", True),
    402: Meaning("insufficient_quota", True),
    403: Meaning("provider_key_invalid", True),
    404: Meaning("model_not_found", True),
    # The request had been read when time ran out: it may have been worked on.
    408: Meaning("upstream_timeout", True, "maybe"),
    413: Meaning("request_too_large", True),
    422: Meaning("invalid_request", False),
    429: Meaning("rate_limit_exceeded", True),
    504: Meaning("upstream_timeout", True, "maybe"),
}
_SERVER = Meaning("upstream_unavailable", True)
_OTHER = Meaning("upstream_error", True)

# Phrases of a 400 that another model could serve: the request is fine, this model is too small or too strict for it.
_TOO_LONG = (
    "context length", "context_length", "context window", "context limit", "prompt is too long", "too many tokens",
    "input is too long",
)
_MODEL_LIMIT = ("for this model", "with this model", "by this model", "on this model", "does not support", "not supported by")


def meaning(status: int, said: Said) -> Meaning:
    """What an HTTP error means before a provider's own quirks."""
    if status >= 500 and status != 504:
        return _SERVER
    if status == 429 and "insufficient_quota" in (said.code, said.type):
        return Meaning("insufficient_quota", True)
    if status in (400, 422):
        text = said.message.lower()
        if any(phrase in text or phrase in said.code for phrase in _TOO_LONG):
            return Meaning("invalid_request", True)
        if any(phrase in text for phrase in _MODEL_LIMIT):
            return Meaning("invalid_request", True)
    return _BY_STATUS.get(status, _OTHER)


def failure(
    provider: str, status: int, headers: Mapping[str, str], said: Said, known: Meaning | None = None
) -> ProviderFailure:
    """The failure for an HTTP error; `known` overrides what the status alone would mean."""
    means = known or meaning(status, said)
    text = said.message[:SNIPPET] or "no message"
    return ProviderFailure(
        f"{provider} answered {status}: {text}", status=status, code=means.code, fallback=means.fallback, billing=means.billing,
        retry_after=retry_after(headers), param=said.param, raw=said.raw,
    )


def said(body: bytes) -> Said:
    """Reads an error body: {"error": {…}}, {"detail": …}, a bare error object, a list of them, a string; HTML and garbage become a
    snippet."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Said(message=" ".join(body[:SNIPPET].decode("utf-8", "replace").split()))
    first = raw[0] if isinstance(raw, list) and raw else raw
    error = first.get("error", first) if isinstance(first, dict) else first
    if not isinstance(error, dict):
        return Said(message=error if isinstance(error, str) else "", raw=raw)
    param = error.get("param")
    return Said(
        message=_message(error), type=_text(error.get("type")), code=_text(error.get("code")),
        param=param if isinstance(param, str) else None, raw=raw,
    )


def _message(error: dict[str, Any]) -> str:
    """`message`, or what FastAPI's servers say in `detail`; Mistral puts its `detail` there or into `message`."""
    message = error.get("message")
    detail = (message if isinstance(message, dict) else error).get("detail")
    if detail is None or (message and isinstance(message, str)):
        return _text(message)
    return "; ".join(map(_complaint, detail)) if isinstance(detail, list) else _text(detail)


def _complaint(one: Any) -> str:
    """{"loc": ["body", "tools", 0], "msg": "Field required"} as `body.tools.0: Field required`."""
    if not isinstance(one, dict):
        return _text(one)
    place = one.get("loc")
    said = _text(one.get("msg"))
    return f"{'.'.join(map(str, place))}: {said}" if isinstance(place, list) else said


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or from `retry-after` as seconds or as an HTTP date; never negative."""
    lower = {name.lower(): value for name, value in headers.items()}
    milliseconds = _number(lower.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    given = lower.get("retry-after")
    if given is None:
        return None
    seconds = _number(given)
    return max(0.0, seconds) if seconds is not None else _until(given, lower.get("date"))


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    # Neither "nan" nor "inf" is a time to wait.
    return value if value is not None and abs(value) < 1e9 else None


def _until(date: str, now: str | None) -> float | None:
    try:
        at = parsedate_to_datetime(date).timestamp()
        # The provider's own clock, when it tells it, is the one the date was read from.
        since = parsedate_to_datetime(now).timestamp() if now else time.time()
    except ValueError:
        return None
    return max(0.0, at - since)
