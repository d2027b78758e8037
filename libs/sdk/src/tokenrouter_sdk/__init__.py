"""Python client for TokenRouter: the openai client, and what the router adds to it."""

from openai import APIConnectionError, APIError, APITimeoutError, OpenAIError

from tokenrouter_sdk.client import AsyncTokenRouter, TokenRouter
from tokenrouter_sdk.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    FirewallBlockedError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    RoutingError,
    UnprocessableEntityError,
)
from tokenrouter_sdk.options import EXPLAIN, Mode, key_headers, router
from tokenrouter_sdk.types.routing import Routing, routing_of

__all__ = [
    "EXPLAIN",
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncTokenRouter",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "FirewallBlockedError",
    "InternalServerError",
    "Mode",
    "NotFoundError",
    "OpenAIError",
    "PermissionDeniedError",
    "QuotaExceededError",
    "RateLimitError",
    "Routing",
    "RoutingError",
    "TokenRouter",
    "UnprocessableEntityError",
    "key_headers",
    "router",
    "routing_of",
]
