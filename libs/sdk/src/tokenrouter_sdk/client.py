"""The clients: openai's, pointed at the router, with the router's own endpoints and errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from openai import DEFAULT_MAX_RETRIES, AsyncOpenAI, NotGiven, OpenAI, Timeout, not_given

from tokenrouter_sdk.errors import APIStatusError, status_error
from tokenrouter_sdk.options import key_headers
from tokenrouter_sdk.resources.async_rules import AsyncFirewallRules, AsyncRoutingRules
from tokenrouter_sdk.resources.logs import AsyncLogs, Logs
from tokenrouter_sdk.resources.responses import AsyncResponses, Responses
from tokenrouter_sdk.resources.routing import AsyncRouting, Routing
from tokenrouter_sdk.resources.rules import FirewallRules, RoutingRules
from tokenrouter_sdk.settings import key_or_environment, url_or_environment

if TYPE_CHECKING:
    import httpx2


class TokenRouter(OpenAI):
    """A blocking client.

    `api_key` defaults to TOKENROUTER_API_KEY, `base_url` to TOKENROUTER_BASE_URL and then to the local router. `provider_keys` are
    your own keys by provider, sent with every request and preferred to the router's. `more` are openai.OpenAI's other options.
    """

    def __init__(
        self,
        *,
        api_key: str | Callable[[], str] | None = None,
        base_url: str | httpx2.URL | None = None,
        provider_keys: Mapping[str, str] | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: httpx2.Client | None = None,
        **more: Any,
    ) -> None:
        super().__init__(
            api_key=key_or_environment(api_key),
            base_url=url_or_environment(base_url),
            timeout=timeout,
            max_retries=max_retries,
            default_headers={**key_headers(provider_keys or {}), **(default_headers or {})},
            default_query=default_query,
            http_client=http_client,
            **more,
        )

    @cached_property
    def responses(self) -> Responses:
        return Responses(self)

    @cached_property
    def routing(self) -> Routing:
        return Routing(self)

    @cached_property
    def routing_rules(self) -> RoutingRules:
        return RoutingRules(self)

    @cached_property
    def firewall_rules(self) -> FirewallRules:
        return FirewallRules(self)

    @cached_property
    def logs(self) -> Logs:
        return Logs(self)

    def _make_status_error(self, err_msg: str, *, body: object, response: httpx2.Response) -> APIStatusError:
        return status_error(err_msg, body, response)


class AsyncTokenRouter(AsyncOpenAI):
    """The same for asyncio; see TokenRouter."""

    def __init__(
        self,
        *,
        api_key: str | Callable[[], Awaitable[str]] | None = None,
        base_url: str | httpx2.URL | None = None,
        provider_keys: Mapping[str, str] | None = None,
        timeout: float | Timeout | NotGiven | None = not_given,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: httpx2.AsyncClient | None = None,
        **more: Any,
    ) -> None:
        super().__init__(
            api_key=key_or_environment(api_key),
            base_url=url_or_environment(base_url),
            timeout=timeout,
            max_retries=max_retries,
            default_headers={**key_headers(provider_keys or {}), **(default_headers or {})},
            default_query=default_query,
            http_client=http_client,
            **more,
        )

    @cached_property
    def responses(self) -> AsyncResponses:
        return AsyncResponses(self)

    @cached_property
    def routing(self) -> AsyncRouting:
        return AsyncRouting(self)

    @cached_property
    def routing_rules(self) -> AsyncRoutingRules:
        return AsyncRoutingRules(self)

    @cached_property
    def firewall_rules(self) -> AsyncFirewallRules:
        return AsyncFirewallRules(self)

    @cached_property
    def logs(self) -> AsyncLogs:
        return AsyncLogs(self)

    def _make_status_error(self, err_msg: str, *, body: object, response: httpx2.Response) -> APIStatusError:
        return status_error(err_msg, body, response)
