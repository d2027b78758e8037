"""How long a provider wants to be left alone, and how much of a window is left, read from the headers of its answers.

Nearly all providers name a bucket's three headers alike but for one word: `limit`, `remaining`, `reset`.

https://platform.openai.com/docs/guides/rate-limits (durations; Groq sends the same)
https://platform.claude.com/docs/en/api/rate-limits (times)
https://openrouter.ai/docs/api-reference/limits (milliseconds since 1970)
https://inference-docs.cerebras.ai/support/rate-limits (seconds, with the window in the name)
Mistral sends no reset for its newer buckets, but names them after their window, as does Kong, the gateway in front of it.
Fireworks and xAI send no reset and name no window; Fireworks counts prompt and generated tokens apart, Anthropic input and output.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from services.provider_worker.dialects.provider_errors import retry_after

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ms|us|µs|ns|[dhms])", re.ASCII)
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_NONE_LEFT = frozenset({"0", "0.0"})
FEW_REQUESTS, FEW_TOKENS = 50, 200_000
"""What is below may be too little for the next requests: nearly all have less than 200,000 tokens, and routers hear four times a
second of what went."""
AN_ANSWER = 2_000
"""Tokens. Output has a bucket of its own at Anthropic and Fireworks; only one that hardly holds an answer says something of the next
request, whose size is mostly input."""
_PLAIN = frozenset({"x-ratelimit-remaining", "ratelimit-remaining"})


class Left(Struct, frozen=True, kw_only=True):
    """What is left of an account's windows, where it is little; None where it is not, or nothing is said."""

    requests: int | None = None
    requests_in: float = 0.0
    """Seconds until all of it is back; 0: not said."""
    tokens: int | None = None
    tokens_in: float = 0.0


def left(headers: Mapping[str, str]) -> Left | None:
    """The scarcest bucket of requests and of tokens; None when there is plenty of both. Names are in lower case. Takes 1 µs for two
    dozen headers when there is plenty."""
    scarce: dict[str, tuple[int, float]] = {}
    for name, kind, few in _buckets(tuple(headers)):
        count = _count(headers[name])
        if count is None or count >= few or _unlimited(name, headers):
            continue
        seconds = _reset_in(name, headers)
        # Full again already, so that this is all that it holds.
        if seconds != 0.0 and (kind not in scarce or count < scarce[kind][0]):
            scarce[kind] = (count, seconds or 0.0)
    if not scarce:
        return None
    (requests, requests_in), (tokens, tokens_in) = scarce.get("requests", (None, 0.0)), scarce.get("tokens", (None, 0.0))
    return Left(requests=requests, requests_in=requests_in, tokens=tokens, tokens_in=tokens_in)


@lru_cache(maxsize=256)
def _rests(names: tuple[str, ...]) -> tuple[str, ...]:
    """The headers that say what remains. A provider sends the same two dozen with every answer."""
    return tuple(name for name in names if "remaining" in name)


@lru_cache(maxsize=256)
def _buckets(names: tuple[str, ...]) -> tuple[tuple[str, Literal["requests", "tokens"], int], ...]:
    """Of these, the ones that count requests or tokens, and below how many it is little."""
    return tuple((name, *kind) for name in _rests(names) if (kind := _kind(name)) is not None)


def _kind(name: str) -> tuple[Literal["requests", "tokens"], int] | None:
    if "ratelimit" not in name:
        return None
    if "output" in name or "generated" in name:
        return "tokens", AN_ANSWER
    if "token" in name or "bysize" in name:
        return "tokens", FEW_TOKENS
    return ("requests", FEW_REQUESTS) if "req" in name or name in _PLAIN else None


def _count(value: str) -> int | None:
    """A number that is not below zero: some gateways write -1 where there is no limit."""
    try:
        count = int(float(value))
    except (ValueError, OverflowError):
        return None
    return count if count >= 0 else None


def exhausted_for(headers: Mapping[str, str]) -> float | None:
    """Seconds until the last bucket of which nothing remains is full again; None when something remains of each. Names are in
    lower case, as in `Exchange.headers`. Takes 1 µs when something remains.

    OpenAI, Groq and Anthropic fill their buckets steadily, so that a small request may be taken sooner than this says.
    """
    waits = [
        wait for name in _rests(tuple(headers))
        if headers[name] in _NONE_LEFT and (wait := _refilled(name, headers)) is not None
    ]
    return max(waits) if waits else None


def wait_after(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait after an error: what `retry-after` says, else for a 429 until the exhausted bucket is full."""
    lower = {name.lower(): value for name, value in headers.items()}
    told = retry_after(lower)
    return exhausted_for(lower) if told is None and status == 429 else told


def _refilled(remaining: str, headers: Mapping[str, str]) -> float | None:
    return None if "ratelimit" not in remaining or _unlimited(remaining, headers) else _reset_in(remaining, headers)


def _unlimited(remaining: str, headers: Mapping[str, str]) -> bool:
    """A limit of 0 on an answer that was given is no limit."""
    return headers.get(remaining.replace("remaining", "limit")) in _NONE_LEFT


def _reset_in(remaining: str, headers: Mapping[str, str]) -> float | None:
    """Seconds until the bucket is full again; None when nothing says it."""
    reset = headers.get(remaining.replace("remaining", "reset"))
    if reset is not None:
        return _seconds(reset.strip()[:64], headers)
    window = _WINDOWS.get(remaining.rpartition("-")[2])
    return window - _now(headers) % window if window is not None else None


def _seconds(text: str, headers: Mapping[str, str]) -> float | None:
    """From a number of seconds, a duration like 6m0s, a Unix time in seconds or milliseconds, or a date; never negative."""
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        number = float(text)
    except ValueError:
        at = _date(text)
        return max(0.0, at - _now(headers)) if at is not None else None
    if number < 1e9:
        return max(0.0, number)
    at = number / 1000 if number > 1e11 else number
    # Neither "nan" nor "inf" is a time to wait.
    return max(0.0, at - _now(headers)) if at < 1e11 else None


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
