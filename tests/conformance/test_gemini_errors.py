"""Gemini's errors, understood."""

from typing import Any

import msgspec
import pytest

from libs.responses.sse import ServerSentEvent
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects.gemini import Gemini
from tests.conformance.answers import call

Json = dict[str, Any]
RPC = "type.googleapis.com/google.rpc."


def error(code: int, status: str, message: str, *details: Any) -> Json:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def failure(body: Any, status: int = 400) -> ProviderFailure:
    return Gemini().failure(status, {}, msgspec.json.encode(body))


def quota(quota_id: str) -> Json:
    violation = {"quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests", "quotaId": quota_id}
    return {"@type": f"{RPC}QuotaFailure", "violations": [violation | {"quotaDimensions": {"model": "gemini-3.8-flash"}, "quotaValue": "50"}]}


RETRY: Json = {"@type": f"{RPC}RetryInfo", "retryDelay": "34.074824224s"}
EXHAUSTED = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize("listed", [False, True])
def test_p73_the_time_to_wait_stands_in_the_body(listed: bool) -> None:
    body = error(429, "RESOURCE_EXHAUSTED", EXHAUSTED, quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), RETRY)
    told = failure([body] if listed else body, 429)
    assert (told.code, told.fallback, told.retry_after) == ("rate_limit_exceeded", True, 34.074824224)
    assert "exceeded your current quota" in told.message


def test_p73_a_days_quota_does_not_come_back_soon() -> None:
    told = failure(error(429, "RESOURCE_EXHAUSTED", EXHAUSTED, quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), RETRY), 429)
    assert (told.code, told.fallback, told.retry_after) == ("insufficient_quota", True, None)


@pytest.mark.parametrize(("delay", "seconds"), [
    ("7s", 7.0), ("0s", 0.0), ("0.5s", 0.5), ("soon", None), ("nans", None), (7, None), (None, None), ("-3s", 0.0),
])
def test_p73_retry_delays(delay: Any, seconds: float | None) -> None:
    assert failure(error(429, "RESOURCE_EXHAUSTED", "No.", {"retryDelay": delay}), 429).retry_after == seconds


def test_p74_a_header_still_counts() -> None:
    assert Gemini().failure(429, {"Retry-After": "9"}, msgspec.json.encode(error(429, "RESOURCE_EXHAUSTED", "No."))).retry_after == 9


@pytest.mark.parametrize(("status", "name", "message", "details", "code", "fallback"), [
    (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", {"reason": "API_KEY_INVALID"}, "provider_key_invalid", True),
    (400, "INVALID_ARGUMENT", "API key expired.", {"reason": "API_KEY_INVALID"}, "provider_key_invalid", True),
    (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.", {}, "provider_key_invalid", True),
    (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", {}, "upstream_error", True),
    (404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta.", {}, "model_not_found", True),
    (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", {}, "upstream_unavailable", True),
    (500, "INTERNAL", "An internal error has occurred.", {}, "upstream_unavailable", True),
    (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.", {}, "upstream_timeout", True),
    (400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes.", {}, "request_too_large", True),
    (400, "INVALID_ARGUMENT", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", {}, "invalid_request", True),
    (400, "INVALID_ARGUMENT", 'Invalid JSON payload received. Unknown name "x" at \'tools[0]\': Cannot find field.', {}, "invalid_request", True),
    (400, "INVALID_ARGUMENT", "Function call is missing a thought_signature in functionCall parts.", {}, "invalid_request", True),
    (400, "INVALID_ARGUMENT", "Thinking level MINIMAL is not supported for this model.", {}, "invalid_request", True),
    (400, "INVALID_ARGUMENT", "Unsupported MIME type: image/bmp", {}, "invalid_request", True),
    (400, "INVALID_ARGUMENT", "Request contains an invalid argument.", {}, "invalid_request", False),
])
def test_p76_p77_what_gemini_means(status: int, name: str, message: str, details: Json, code: str, fallback: bool) -> None:
    told = failure(error(status, name, message, {"@type": f"{RPC}ErrorInfo"} | details), status)
    assert (told.code, told.fallback, told.status) == (code, fallback, status)


@pytest.mark.parametrize("details", [None, 7, [7, None, []], [{"violations": 7}], [{"violations": [7]}], [{"reason": []}], {"a": 1}])
def test_p77_details_of_any_form(details: Any) -> None:
    body = {"error": {"code": 429, "message": "No.", "status": "RESOURCE_EXHAUSTED", "details": details}}
    assert failure(body, 429).code == "rate_limit_exceeded"
    assert failure(body, 400).code == "invalid_request"


@pytest.mark.parametrize(("said", "code"), [
    ({"code": 429, "message": "No.", "status": "RESOURCE_EXHAUSTED"}, "rate_limit_exceeded"), ({"status": "UNAVAILABLE"}, "upstream_unavailable"),
    ({"code": 999, "status": "INVALID_ARGUMENT", "message": "No."}, "invalid_request"), ({"status": "DEADLINE_EXCEEDED"}, "upstream_timeout"),
    ({}, "upstream_unavailable"), ("text", "upstream_unavailable"), (7, "upstream_unavailable"),
    ({"code": "x", "status": []}, "upstream_unavailable"),
])
def test_p68_errors_inside_a_200(said: Any, code: str) -> None:
    body = msgspec.json.encode({"error": said})
    with pytest.raises(ProviderFailure) as whole:
        Gemini().read(body, call())
    with pytest.raises(ProviderFailure) as streamed:
        Gemini().reader(call()).feed(ServerSentEvent("message", body))
    assert (whole.value.code, whole.value.billing) == (streamed.value.code, streamed.value.billing) == (code, "none")
