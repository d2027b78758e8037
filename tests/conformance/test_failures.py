"""HTTP errors, understood: what the client sees, whether another candidate is tried, how long to wait."""

import time
from email.utils import formatdate

import msgspec
import pytest

from tests.conformance.answers import DIALECTS

EACH = pytest.mark.parametrize("provider", DIALECTS)


def error(message: str, kind: str = "invalid_request_error", **more: str) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message} | more})


@EACH
@pytest.mark.parametrize(("status", "code", "fallback"), [
    (400, "invalid_request", False), (401, "provider_key_invalid", True), (402, "insufficient_quota", True),
    (403, "provider_key_invalid", True), (404, "model_not_found", True), (408, "upstream_timeout", True), (409, "upstream_error", True),
    (413, "request_too_large", True), (422, "invalid_request", False), (429, "rate_limit_exceeded", True),
    (500, "upstream_unavailable", True), (502, "upstream_unavailable", True), (503, "upstream_unavailable", True),
    (504, "upstream_timeout", True), (529, "upstream_unavailable", True), (302, "upstream_error", True),
])
@pytest.mark.parametrize("body", [error("No."), b"", b"<html>\n<body>oops</body></html>", b"\xff\xfe\x00", b"null", b"[]", b'{"error":"text"}',
                                  b'[{"error":{"message":"listed"}}]', b'{"error":{"message":{"deep":1},"code":7,"type":null}}'])
def test_p72_p77_status_decides_whatever_the_body(provider: str, status: int, code: str, fallback: bool, body: bytes) -> None:
    failure = DIALECTS[provider].failure(status, {}, body)
    assert (failure.code, failure.fallback, failure.status) == (code, fallback, status)
    assert str(status) in failure.message


@EACH
@pytest.mark.parametrize("message", [
    "prompt is too long: 213000 tokens > 200000 maximum", "This model's maximum context length is 128000 tokens.",
    "input length and `max_tokens` exceed context limit", "Your input exceeds the context window of this model.",
])
def test_p76_too_long_for_this_model_may_fit_another(provider: str, message: str) -> None:
    failure = DIALECTS[provider].failure(400, {}, error(message))
    assert (failure.code, failure.fallback) == ("invalid_request", True)


def test_p76_a_parameter_this_model_refuses_may_suit_another() -> None:
    body = error("Unsupported parameter: 'temperature'.", code="unsupported_parameter", param="temperature")
    failure = DIALECTS["openai"].failure(400, {}, body)
    assert (failure.fallback, failure.param) == (True, "temperature")
    for message in ("`temperature` is deprecated for this model.", '"thinking.type.disabled" is not supported for this model.'):
        assert DIALECTS["anthropic"].failure(400, {}, error(message)).fallback


def test_p73_429_has_two_meanings() -> None:
    quota = error("You exceeded your current quota.", "insufficient_quota", code="insufficient_quota")
    assert DIALECTS["openai"].failure(429, {}, quota).code == "insufficient_quota"
    assert DIALECTS["openai"].failure(429, {}, error("Slow down.", code="rate_limit_exceeded")).code == "rate_limit_exceeded"
    spent = error("Your credit balance is too low to access the Anthropic API.")
    assert DIALECTS["anthropic"].failure(400, {}, spent).code == "insufficient_quota"


def test_openai_tells_an_unknown_model_with_400_too() -> None:
    body = error("The requested model 'x' does not exist.", code="model_not_found")
    assert DIALECTS["openai"].failure(400, {}, body).code == "model_not_found"


def test_p39_thinking_that_went_stale_is_our_fault() -> None:
    body = error("messages.1.content.0: Invalid `signature` in `thinking` block")
    assert DIALECTS["anthropic"].failure(400, {}, body).fallback


@EACH
@pytest.mark.parametrize(("headers", "seconds"), [
    ({}, None), ({"retry-after": "7"}, 7.0), ({"Retry-After": "1.5"}, 1.5), ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ({"retry-after": "-3"}, 0.0), ({"retry-after": "soon"}, None), ({"retry-after": "nan"}, None), ({"retry-after": "inf"}, None),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:29:00 GMT"}, 0.0),
    ({"retry-after": "Wed, 99 Oct 2026 07:28:00 GMT"}, None), ({"retry-after-ms": "x", "retry-after": "2"}, 2.0),
])
def test_p74_retry_hints(provider: str, headers: dict[str, str], seconds: float | None) -> None:
    assert DIALECTS[provider].failure(429, headers, b"").retry_after == seconds


@EACH
def test_p74_a_date_counts_from_now(provider: str) -> None:
    wait = DIALECTS[provider].failure(503, {"retry-after": formatdate(time.time() + 60, usegmt=True)}, b"").retry_after
    assert wait is not None
    assert 50 < wait <= 60


@EACH
def test_p78_a_timeout_may_have_been_billed(provider: str) -> None:
    assert DIALECTS[provider].failure(504, {}, b"").billing == "maybe"
    assert DIALECTS[provider].failure(503, {}, b"").billing == "none"


@EACH
def test_long_messages_are_cut(provider: str) -> None:
    assert len(DIALECTS[provider].failure(500, {}, error("x" * 10_000)).message) < 400


@pytest.mark.parametrize(("kind", "code"), [
    ("overloaded_error", "upstream_unavailable"), ("rate_limit_error", "rate_limit_exceeded"), ("api_error", "upstream_unavailable"),
    ("authentication_error", "provider_key_invalid"), ("timeout_error", "upstream_timeout"), ("invalid_request_error", "invalid_request"),
    ("an_error_of_tomorrow", "upstream_unavailable"),
])
def test_p68_anthropic_error_types_without_a_status(kind: str, code: str) -> None:
    from services.provider_worker.dialect import ProviderFailure
    from tests.conformance.answers import call

    with pytest.raises(ProviderFailure) as caught:
        DIALECTS["anthropic"].read(error("No.", kind), call())
    assert caught.value.code == code
