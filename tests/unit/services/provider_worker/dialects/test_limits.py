"""Rate-limit headers as providers send them."""

import math
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provider_worker.dialects.limits import Left, exhausted_for, left, wait_after
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


LITTLE = PLENTY | {
    "x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "6s", "x-ratelimit-remaining-tokens": "120",
    "x-ratelimit-reset-tokens": "1m0.5s",
}


def test_where_there_is_plenty_nothing_is_said() -> None:
    assert left(PLENTY) is None
    assert left({}) is None
    assert left({"content-type": "text/event-stream", "x-request-id": "req_1", "openai-processing-ms": "12"}) is None


def test_openai_and_groq_say_what_is_left_and_for_how_long() -> None:
    assert left(LITTLE) == Left(requests=9, requests_in=6.0, tokens=120, tokens_in=60.5)
    groq = {
        "x-ratelimit-limit-requests": "14400", "x-ratelimit-remaining-requests": "14370", "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-limit-tokens": "18000", "x-ratelimit-remaining-tokens": "17997", "x-ratelimit-reset-tokens": "7.66s",
    }
    assert left(groq) == Left(tokens=17997, tokens_in=7.66)


def test_a_bucket_that_is_full_again_says_nothing() -> None:
    assert left(LITTLE | {"x-ratelimit-reset-requests": "0s", "x-ratelimit-reset-tokens": "0s"}) is None


def test_of_openais_two_token_buckets_the_scarcer_counts() -> None:
    both = LITTLE | {"x-ratelimit-remaining-tokens_usage_based": "80", "x-ratelimit-reset-tokens_usage_based": "2s"}
    assert left(both) == Left(requests=9, requests_in=6.0, tokens=80, tokens_in=2.0)


def test_anthropic_counts_input_and_all_tokens_and_says_when() -> None:
    some = ANTHROPIC | DATE | {"anthropic-ratelimit-input-tokens-remaining": "30000"}
    assert left(some) == Left(tokens=30000, tokens_in=42.0)
    assert left(some | {"anthropic-ratelimit-tokens-remaining": "29000"}) == Left(tokens=29000, tokens_in=42.0)
    assert left(some | {"anthropic-ratelimit-input-tokens-reset": "2026-11-23T20:55:59Z"}) is None


def test_anthropics_output_bucket_counts_once_it_hardly_holds_an_answer() -> None:
    ample = ANTHROPIC | DATE | {"anthropic-ratelimit-input-tokens-remaining": "2000000"}
    assert left(ample | {"anthropic-ratelimit-output-tokens-remaining": "16000"}) is None
    assert left(ample | {"anthropic-ratelimit-output-tokens-remaining": "300"}) == Left(tokens=300, tokens_in=60.0)


def test_cerebras_and_mistral_name_the_window() -> None:
    cerebras = {
        "x-ratelimit-limit-requests-day": "14400", "x-ratelimit-remaining-requests-day": "14399", "x-ratelimit-reset-requests-day": "33011.382867",
        "x-ratelimit-limit-tokens-minute": "60000", "x-ratelimit-remaining-tokens-minute": "59800", "x-ratelimit-reset-tokens-minute": "11.382867",
    }
    assert left(cerebras) == Left(tokens=59800, tokens_in=11.382867)
    mistral = {
        "x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "12", "x-ratelimit-limit-tokens-minute": "50000",
        "x-ratelimit-remaining-tokens-minute": "47196", "x-ratelimit-remaining-tokens-month": "999990000", "x-ratelimit-tokens-query-cost": "12",
    }
    assert left(mistral | {"date": "Mon, 23 Nov 2026 20:56:48 GMT"}) == Left(requests=12, requests_in=12.0, tokens=47196, tokens_in=12.0)
    older = {"ratelimitbysize-limit": "500000", "ratelimitbysize-remaining": "1000", "ratelimitbysize-reset": "38"}
    assert left(older) == Left(tokens=1000, tokens_in=38.0)


def test_fireworks_and_xai_do_not_say_for_how_long() -> None:
    fireworks = {
        "x-ratelimit-limit-requests": "600", "x-ratelimit-remaining-requests": "20", "x-ratelimit-over-limit": "no",
        "x-ratelimit-limit-tokens-prompt": "60000", "x-ratelimit-remaining-tokens-prompt": "59000",
        "x-ratelimit-limit-tokens-generated": "6000", "x-ratelimit-remaining-tokens-generated": "5900",
    }
    assert left(fireworks) == Left(requests=20, tokens=59000)
    assert left({"x-ratelimit-limit-requests": "480", "x-ratelimit-remaining-requests": "479", "x-ratelimit-remaining-tokens": "1999000"}) is None


def test_openrouter_and_together_have_one_bucket_of_requests() -> None:
    openrouter = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "3", "x-ratelimit-reset": "1795467370000"}
    assert left(openrouter | DATE) == Left(requests=3, requests_in=10.0)
    assert left({"x-ratelimit-limit": "10", "x-ratelimit-remaining": "9", "x-ratelimit-reset": "1"}) == Left(requests=9, requests_in=1.0)


@pytest.mark.parametrize("headers", [
    {"x-ratelimit-remaining-tokens": "-1"}, {"x-ratelimit-remaining-tokens": ""}, {"x-ratelimit-remaining-tokens": "some"},
    {"x-ratelimit-remaining-tokens": "nan"}, {"x-ratelimit-remaining-tokens": "1e999"},
    {"x-ratelimit-limit-tokens": "0", "x-ratelimit-remaining-tokens": "0"},
    {"x-ratelimit-remaining-images": "1"}, {"x-credits-remaining": "1"}, {"anthropic-priority-input-tokens-remaining": "1"},
    {"anthropic-ratelimit-unified-remaining": "1"},
])
def test_what_is_no_number_or_no_such_limit_is_left_alone(headers: dict[str, str]) -> None:
    assert left(headers) is None


@given(st.dictionaries(st.sampled_from([
    "date", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
    "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset", "x-ratelimit-remaining-req-minute",
]), st.one_of(TIMES, st.integers(-5, 300_000).map(str))))
def test_whatever_the_headers_say_what_is_left_is_a_number_and_a_time(headers: dict[str, str]) -> None:
    found = left(headers) or Left()
    assert all(count is None or count >= 0 for count in (found.requests, found.tokens))
    assert all(seconds >= 0 and math.isfinite(seconds) for seconds in (found.requests_in, found.tokens_in))
