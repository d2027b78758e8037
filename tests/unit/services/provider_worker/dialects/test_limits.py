"""Rate-limit headers as providers send them."""

import math
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provider_worker.dialects.limits import exhausted_for, wait_after
from services.provider_worker.dialects.provider_errors import retry_after

NOW = 1795467360.0
DATE = {"date": "Mon, 23 Nov 2026 20:56:00 GMT"}
PLENTY = {
    "x-ratelimit-limit-requests": "10000", "x-ratelimit-limit-tokens": "30000000", "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-remaining-tokens": "29999967", "x-ratelimit-reset-requests": "6ms", "x-ratelimit-reset-tokens": "0s",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "4000", "anthropic-ratelimit-requests-remaining": "3999",
    "anthropic-ratelimit-requests-reset": "2026-11-23T20:56:00Z", "anthropic-ratelimit-input-tokens-limit": "2000000",
    "anthropic-ratelimit-input-tokens-remaining": "0", "anthropic-ratelimit-input-tokens-reset": "2026-11-23T20:56:42Z",
    "anthropic-ratelimit-output-tokens-limit": "400000", "anthropic-ratelimit-output-tokens-remaining": "400000",
    "anthropic-ratelimit-output-tokens-reset": "2026-11-23T20:57:00Z", "anthropic-ratelimit-tokens-limit": "2400000",
    "anthropic-ratelimit-tokens-remaining": "400000", "anthropic-ratelimit-tokens-reset": "2026-11-23T20:56:42Z",
}


@pytest.mark.parametrize(("reset", "seconds"), [
    ("6m0s", 360.0), ("1s", 1.0), ("120ms", 0.12), ("2m59.56s", 179.56), ("1h0m0.5s", 3600.5), ("0s", 0.0), ("1d2h", 93600.0), ("7.66s", 7.66),
    ("500us", 0.0005), ("12", 12.0), ("0.25", 0.25), ("-3", 0.0), ("90000", 90000.0),
])
def test_p74_an_empty_bucket_of_openai_and_its_like(reset: str, seconds: float) -> None:
    empty = PLENTY | {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset}
    assert exhausted_for(empty) == pytest.approx(seconds)


def test_p74_of_several_empty_buckets_the_last_to_fill_counts() -> None:
    empty = {name: "0" if "remaining" in name else value for name, value in PLENTY.items()}
    assert exhausted_for(empty | {"x-ratelimit-reset-tokens": "6m0s"}) == 360.0


def test_p74_a_reset_of_a_bucket_that_is_not_empty_is_no_reason_to_wait() -> None:
    assert exhausted_for(PLENTY | {"x-ratelimit-reset-tokens": "6m0s"}) is None
    assert exhausted_for({}) is None


def test_p74_anthropic_tells_the_time() -> None:
    assert exhausted_for(ANTHROPIC | DATE) == 42.0
    assert exhausted_for(ANTHROPIC | {"anthropic-ratelimit-input-tokens-remaining": "1000"} | DATE) is None


def test_p74_a_time_that_has_passed_is_no_wait() -> None:
    assert exhausted_for(ANTHROPIC | {"anthropic-ratelimit-input-tokens-reset": "2026-11-23T20:55:00Z"} | DATE) == 0.0


@pytest.mark.parametrize("reset", ["1795467370000", "1795467370", "Mon, 23 Nov 2026 20:56:10 GMT", "2026-11-23T21:56:10+01:00"])
def test_p74_openrouter_counts_from_1970_in_milliseconds(reset: str) -> None:
    limits = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    assert exhausted_for(limits | DATE) == 10.0


def test_p74_mistral_tells_seconds_or_only_the_window() -> None:
    older = {"ratelimitbysize-limit": "500000", "ratelimitbysize-remaining": "0", "ratelimitbysize-reset": "38"}
    assert exhausted_for(older) == 38.0
    newer = {"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "0", "x-ratelimit-remaining-tokens-minute": "47196"}
    assert exhausted_for(newer | {"date": "Mon, 23 Nov 2026 20:56:48 GMT"}) == 12.0
    assert exhausted_for({"x-ratelimit-remaining-tokens-month": "0"}) is None


def test_p74_a_limit_of_nothing_is_no_limit() -> None:
    assert exhausted_for({"x-ratelimit-limit-tokens": "0", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "60s"}) is None


@pytest.mark.parametrize("name", ["x-credits-remaining", "anthropic-priority-input-tokens-remaining"])
def test_p74_what_is_no_rate_limit_is_left_alone(name: str) -> None:
    assert exhausted_for({name: "0", name.replace("remaining", "reset"): "60"}) is None


@pytest.mark.parametrize("reset", ["", "soon", "nan", "inf", "1e999", "9" * 300, "5 s", "s", "1x", "٣s"])
def test_p74_a_reset_that_says_nothing_is_ignored(reset: str) -> None:
    assert exhausted_for({"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}) is None


def test_p74_retry_after_comes_first() -> None:
    empty = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}
    assert wait_after(429, empty) == 60.0
    assert wait_after(429, empty | {"Retry-After": "7"}) == 7.0
    assert wait_after(429, empty | {"Retry-After-Ms": "250", "Retry-After": "7"}) == 0.25
    assert wait_after(429, empty | {"Retry-After": "soon"}) == 60.0


def test_p74_only_a_rate_limit_waits_for_the_bucket() -> None:
    empty = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}
    assert wait_after(503, empty) is None
    assert wait_after(503, empty | {"retry-after": "7"}) == 7.0
    assert wait_after(429, {}) is None


TIMES = st.one_of(
    st.text(max_size=80), st.from_regex(r"[0-9.]{1,30}(ms|s|m|h|d|µs)?[0-9.]{0,9}s?", fullmatch=True), st.floats().map(str),
    st.integers().map(str), st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.integers(0, 200_000_000_000).map(lambda at: formatdate(at, usegmt=True)),
    st.sampled_from([
        "Mon, 01 Jan 0001 00:00:00 -0000", "Fri, 31 Dec 9999 23:59:59 -2359", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    ]),
)


@given(
    st.dictionaries(st.sampled_from([
        "retry-after", "retry-after-ms", "date", "x-ratelimit-reset-requests", "x-ratelimit-reset", "anthropic-ratelimit-tokens-reset",
    ]), TIMES),
    st.sampled_from([429, 503, 200]),
)
def test_p74_whatever_the_headers_say_a_wait_is_a_finite_time(headers: dict[str, Any], status: int) -> None:
    empty = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining": "0", "anthropic-ratelimit-tokens-remaining": "0"}
    for wait in (exhausted_for(headers | empty), wait_after(status, headers | empty), retry_after(headers)):
        assert wait is None or (wait >= 0 and math.isfinite(wait))
