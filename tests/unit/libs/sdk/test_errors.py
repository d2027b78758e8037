from typing import Any

import httpx2
import openai
import pytest

import tokenrouter_sdk as sdk
from tests.unit.libs.sdk.router import Router, answer

TRACE = [{"kind": "firewall", "rule_id": 3, "name": "secrets", "priority": 0, "matched": True}]


def body(kind: str, code: str, **more: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": "what to do", "param": None, "request_id": "req_1", **more}, "request_id": "req_1"}


CASES: list[tuple[int, str, str, type[sdk.APIStatusError], type[openai.APIStatusError]]] = [
    (400, "invalid_request_error", "invalid_request", sdk.BadRequestError, openai.BadRequestError),
    (401, "unauthorized_error", "invalid_api_key", sdk.AuthenticationError, openai.AuthenticationError),
    (403, "authorization_error", "model_not_allowed", sdk.PermissionDeniedError, openai.PermissionDeniedError),
    (404, "not_found_error", "model_not_found", sdk.NotFoundError, openai.NotFoundError),
    (409, "conflict_error", "conflict", sdk.ConflictError, openai.ConflictError),
    (413, "invalid_request_error", "request_too_large", sdk.APIStatusError, openai.APIStatusError),
    (422, "validation_error", "validation_failed", sdk.UnprocessableEntityError, openai.UnprocessableEntityError),
    (422, "firewall_error", "firewall_blocked", sdk.FirewallBlockedError, openai.UnprocessableEntityError),
    (422, "routing_error", "no_eligible_provider", sdk.RoutingError, openai.UnprocessableEntityError),
    (422, "routing_error", "provider_key_missing", sdk.RoutingError, openai.UnprocessableEntityError),
    (429, "rate_limit_error", "rate_limit_exceeded", sdk.RateLimitError, openai.RateLimitError),
    (429, "quota_error", "monthly_quota_exceeded", sdk.QuotaExceededError, openai.RateLimitError),
    (429, "quota_error", "budget_exceeded", sdk.QuotaExceededError, openai.RateLimitError),
    (429, "rate_limit_error", "insufficient_quota", sdk.QuotaExceededError, openai.RateLimitError),
    (500, "server_error", "internal_error", sdk.InternalServerError, openai.InternalServerError),
    (502, "provider_error", "insufficient_quota", sdk.InternalServerError, openai.InternalServerError),
    (503, "service_unavailable_error", "firewall_unavailable", sdk.InternalServerError, openai.InternalServerError),
]


@pytest.mark.parametrize(("status", "kind", "code", "ours", "theirs"), CASES, ids=[f"{case[0]}-{case[2]}" for case in CASES])
def test_each_error_is_our_class_and_openais(
    status: int, kind: str, code: str, ours: type[sdk.APIStatusError], theirs: type[openai.APIStatusError]
) -> None:
    router = Router(answer(body(kind, code), status))
    with pytest.raises(theirs) as caught:
        router.client().responses.create(input="hi")
    assert type(caught.value) is ours
    assert isinstance(caught.value, sdk.APIStatusError)
    assert (caught.value.status_code, caught.value.type, caught.value.code) == (status, kind, code)
    assert "what to do" in caught.value.message


async def test_the_asynchronous_client_raises_the_same() -> None:
    with pytest.raises(sdk.RoutingError):
        await Router(answer(body("routing_error", "no_eligible_provider"), 422)).async_client().responses.create(input="hi")


def test_an_error_tells_the_whole_story() -> None:
    told = body("firewall_error", "firewall_blocked", rule_trace=TRACE, provider=None)
    with pytest.raises(sdk.FirewallBlockedError) as caught:
        Router(answer(told, 422, x_request_id="of-a-proxy", x_tokenrouter_request_id="req_1")).client().responses.create(input="hi")
    error = caught.value
    assert error.rule_trace == TRACE
    assert error.request_id == "req_1"
    assert error.retry_after is None
    assert error.provider is None
    assert isinstance(error.body, dict)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("0.5", 0.5), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
def test_when_to_come_back(header: str, seconds: float | None) -> None:
    with pytest.raises(sdk.RateLimitError) as caught:
        Router(answer(body("rate_limit_error", "rate_limit_exceeded", provider="openai"), 429, retry_after=header)).client().models.list()
    assert caught.value.retry_after == seconds
    assert caught.value.provider == "openai"


FOREIGN = ["", "<html>bad gateway</html>", "[1]", '"x"', '{"error": "x"}', '{"error": null}', '{"error": {"rule_trace": null}}', "{}"]


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("status", [400, 418, 422, 429, 502])
def test_answers_that_are_not_the_routers(status: int, text: str) -> None:
    with pytest.raises(sdk.APIStatusError) as caught:
        Router(httpx2.Response(status, text=text, headers={"x-request-id": "of-a-proxy"})).client().models.list()
    assert caught.value.status_code == status
    assert caught.value.rule_trace == []
    assert caught.value.code is None
    assert caught.value.request_id == "of-a-proxy"


def test_advice_on_retries_is_followed() -> None:
    told = answer(body("quota_error", "budget_exceeded"), 429, x_should_retry="false")
    router = Router(told)
    with pytest.raises(sdk.QuotaExceededError):
        router.client(max_retries=2).models.list()
    assert len(router.requests) == 1
