import inspect
from typing import Any

import httpx2
import openai
import pytest

import tokenrouter_sdk
from tests.unit.libs.sdk.router import KEY, Router, answer
from tokenrouter_sdk import EXPLAIN, AsyncTokenRouter, TokenRouter, key_headers, router

MODELS = {"object": "list", "data": [{"id": "auto", "object": "model", "created": 1, "owned_by": "tokenrouter"}]}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKENROUTER_API_KEY", "TOKENROUTER_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("kind", [TokenRouter, AsyncTokenRouter])
def test_key_and_router_come_from_the_environment(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENROUTER_API_KEY", KEY)
    monkeypatch.setenv("TOKENROUTER_BASE_URL", "https://router.example")
    client = kind()
    assert client.api_key == KEY
    assert str(client.base_url) == "https://router.example/v1/"
    assert str(kind(base_url="https://other.example/v1").base_url) == "https://other.example/v1/"
    assert kind(api_key="tr_other").api_key == "tr_other"


@pytest.mark.parametrize("kind", [TokenRouter, AsyncTokenRouter])
def test_openais_settings_are_not_the_routers(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-fake")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://openai.example/v1")
    with pytest.raises(openai.OpenAIError, match="TOKENROUTER_API_KEY"):
        kind()
    assert str(kind(api_key=KEY).base_url) == "http://127.0.0.1:8080/v1/"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://host:1", "http://host:1/v1/"), ("http://host:1/", "http://host:1/v1/"), ("http://host:1/v1", "http://host:1/v1/"),
        ("http://host:1/v1/", "http://host:1/v1/"), ("http://host/llm", "http://host/llm/v1/"), (httpx2.URL("http://host:1"), "http://host:1/v1/"),
    ],
)
def test_base_urls_with_and_without_version(given: Any, used: str) -> None:
    assert str(TokenRouter(api_key=KEY, base_url=given).base_url) == used


def test_openais_resources_work_through_it() -> None:
    routed = Router(answer(MODELS))
    assert [model.id for model in routed.client().models.list()] == ["auto"]
    request = routed.requests[0]
    assert str(request.url) == "http://127.0.0.1:8080/v1/models"
    assert request.headers["authorization"] == f"Bearer {KEY}"


async def test_and_asynchronously() -> None:
    routed = Router(answer(MODELS))
    async with routed.async_client(provider_keys={"openai": "sk-fake"}) as client:
        assert [model.id async for model in client.models.list()] == ["auto"]
    assert routed.requests[0].headers["x-openai-key"] == "sk-fake"


def test_a_key_may_be_asked_for_each_time() -> None:
    keys = iter(["tr_1", "tr_2"])
    routed = Router(answer(MODELS))
    client = routed.client(api_key=lambda: next(keys))
    for _ in range(2):
        client.models.list()
    assert [request.headers["authorization"] for request in routed.requests] == ["Bearer tr_1", "Bearer tr_2"]


def test_provider_keys_go_with_every_request_and_into_copies() -> None:
    routed = Router(answer(MODELS))
    keys = {"openai": "sk-fake", "anthropic": "sk-ant-fake", "gemini": "g-fake", "deepseek": "d-fake", "mistral": "m-fake"}
    client = routed.client(provider_keys=keys, default_headers={"X-Team": "blue"})
    client.models.list()
    copy = client.with_options(timeout=3)
    copy.models.list()
    assert type(copy) is TokenRouter
    for request in routed.requests:
        assert {name: request.headers[f"x-{name}-key"] for name in keys} == keys
        assert request.headers["x-team"] == "blue"


def test_a_key_that_no_header_carries_is_refused() -> None:
    with pytest.raises(ValueError, match="no header carries a key for groq"):
        TokenRouter(api_key=KEY, provider_keys={"groq": "gsk-fake", "openai": "sk-fake"})


def test_wishes_and_headers_of_one_request() -> None:
    routed = Router(answer({"id": "resp_1", "object": "response", "output": []}))
    routed.client().responses.create(
        model="auto", input="hi", extra_body=router(mode="cost", provider="mistral"), extra_headers={**EXPLAIN, **key_headers({"mistral": "m-fake"})},
    )
    assert routed.asked() == ("POST", "/v1/responses", {"model": "auto", "input": "hi", "router_mode": "cost", "router_provider": "mistral"})
    assert routed.requests[0].headers["x-tokenrouter-explain"] == "true"
    assert routed.requests[0].headers["x-mistral-key"] == "m-fake"
    assert router() == {}


@pytest.mark.parametrize("name", ["responses", "routing", "routing_rules", "firewall_rules", "logs"])
def test_both_clients_have_the_same_methods(name: str) -> None:
    blocking, waiting = getattr(TokenRouter(api_key=KEY), name), getattr(AsyncTokenRouter(api_key=KEY), name)
    assert type(waiting).__name__ == f"Async{type(blocking).__name__}"
    own = [method for method in dir(blocking) if not method.startswith("_") and _module(blocking, method).startswith("tokenrouter_sdk")]
    assert own
    for method in own:
        assert inspect.signature(getattr(blocking, method)).parameters == inspect.signature(getattr(waiting, method)).parameters


def _module(resource: object, method: str) -> str:
    return str(getattr(getattr(resource, method), "__module__", ""))


def test_what_is_exported_is_there() -> None:
    assert all(hasattr(tokenrouter_sdk, name) for name in tokenrouter_sdk.__all__)
