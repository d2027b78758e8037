"""What the client sees when every attempt failed."""

from typing import Any

import pytest

from libs.contracts.decisions import AttemptOutcome
from libs.contracts.failure import DEFAULT_RETRY_AFTER, error_of


def attempt(code: str, provider: str = "openai", **known: Any) -> AttemptOutcome:
    return AttemptOutcome(attempt=1, provider=provider, model="m", status="failed", code=code, **known)


@pytest.mark.parametrize(
    ("code", "status", "type_"),
    [
        ("rate_limit_exceeded", 429, "rate_limit_error"), ("upstream_unavailable", 503, "provider_error"),
        ("upstream_timeout", 504, "provider_error"), ("upstream_error", 502, "provider_error"),
        ("model_not_found", 404, "not_found_error"), ("request_too_large", 413, "invalid_request_error"),
        ("invalid_request", 400, "invalid_request_error"), ("provider_key_invalid", 502, "provider_error"),
        ("insufficient_quota", 502, "provider_error"),
    ],
)
def test_the_last_attempt_gives_the_error(code: str, status: int, type_: str) -> None:
    info = error_of([attempt("upstream_error"), attempt(code)])
    assert (info.status, info.type, info.code) == (status, type_, code)


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "upstream_unavailable"])
@pytest.mark.parametrize(("soonest", "seconds"), [(0.0, 1), (0.2, 1), (7.01, 8), (30.0, 30)])
def test_a_retry_is_worth_while_when_the_first_may_be_called_again(code: str, soonest: float, seconds: int) -> None:
    assert error_of([attempt(code, retry_after=12.0)], soonest).retry_after == seconds


def test_without_that_the_soonest_of_what_the_providers_asked_for() -> None:
    attempts = [attempt("rate_limit_exceeded", retry_after=9.5), attempt("rate_limit_exceeded", "gemini", retry_after=40.0)]
    assert error_of(attempts).retry_after == 10
    assert error_of([attempt("rate_limit_exceeded")]).retry_after == DEFAULT_RETRY_AFTER


def test_waiting_is_not_advised_where_it_does_not_help() -> None:
    assert error_of([attempt("invalid_request")], 3.0).retry_after is None
    refused = error_of([attempt("provider_key_invalid", retry_after=30.0)], 3.0)
    assert (refused.retry_after, refused.should_retry) == (None, False)


def test_the_message_names_who_was_tried() -> None:
    info = error_of([attempt("upstream_timeout"), attempt("upstream_error", "gemini", message="it broke")])
    assert info.provider == "gemini"
    assert info.message == "gemini: it broke (tried before: openai/m (upstream_timeout))"
