"""How long a provider wants to be left alone, read from the headers of its answers.

Nearly all providers name a bucket's three headers alike but for one word: `limit`, `remaining`, `reset`.

https://platform.openai.com/docs/guides/rate-limits (durations; Groq sends the same)
https://platform.claude.com/docs/en/api/rate-limits (times)
https://openrouter.ai/docs/api-reference/limits (milliseconds since 1970)
Mistral sends no reset for its newer buckets, but names them after their window, as does Kong, the gateway in front of it.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.provider_worker.dialects.provider_errors import retry_after

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ms|us|µs|ns|[dhms])", re.ASCII)
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_NONE_LEFT = frozenset({"0", "0.0"})


def exhausted_for(headers: Mapping[str, str]) -> float | None:
    """Seconds until the last bucket of which nothing remains is full again; None when something remains of each. Names are in
    lower case, as in `Exchange.headers`. Takes 1 µs when something remains.

    OpenAI, Groq and Anthropic fill their buckets steadily, so that a small request may be taken sooner than this says.
    """
    waits = [
        wait for name, value in headers.items()
        if "remaining" in name and value in _NONE_LEFT and (wait := _refilled(name, headers)) is not None
    ]
    return max(waits) if waits else None


def wait_after(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait after an error: what `retry-after` says, else for a 429 until the exhausted bucket is full."""
    lower = {name.lower(): value for name, value in headers.items()}
    told = retry_after(lower)
    return exhausted_for(lower) if told is None and status == 429 else told


def _refilled(remaining: str, headers: Mapping[str, str]) -> float | None:
    if "ratelimit" not in remaining or headers.get(remaining.replace("remaining", "limit")) in _NONE_LEFT:
        # A limit of 0 on an answer that was given is no limit.
        return None
    reset = headers.get(remaining.replace("remaining", "reset"))
    if reset is not None:
        return _seconds(reset.strip()[:64], _now(headers))
    window = _WINDOWS.get(remaining.rpartition("-")[2])
    return window - _now(headers) % window if window is not None else None


def _seconds(text: str, now: float) -> float | None:
    """From a number of seconds, a duration like 6m0s, a Unix time in seconds or milliseconds, or a date; never negative."""
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        number = float(text)
    except ValueError:
        at = _date(text)
        return max(0.0, at - now) if at is not None else None
    if number < 1e9:
        return max(0.0, number)
    at = number / 1000 if number > 1e11 else number
    # Neither "nan" nor "inf" is a time to wait.
    return max(0.0, at - now) if at < 1e11 else None


def _date(text: str) -> float | None:
    """Unix seconds of an RFC 3339 time or an HTTP date."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = parse(text)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, TypeError):
            continue
    return None


def _now(headers: Mapping[str, str]) -> float:
    """By the provider's own clock, when it tells it: its times were read from that one."""
    at = _date(headers.get("date", ""))
    return time.time() if at is None else at
