"""Where the client finds its key and its router when the caller names neither."""

import os
from collections.abc import Callable
from typing import TypeVar

from openai import OpenAIError

DEFAULT_BASE_URL = "http://127.0.0.1:8080/v1"
KeySource = TypeVar("KeySource", bound=Callable[[], object])


def key_or_environment(given: str | KeySource | None) -> str | KeySource:
    """The key given, else TOKENROUTER_API_KEY. Never OPENAI_API_KEY, which is not the router's to see. Raises OpenAIError."""
    key = given or os.environ.get("TOKENROUTER_API_KEY")
    if not key:
        raise OpenAIError("there is no API key for TokenRouter: pass api_key=..., or set TOKENROUTER_API_KEY")
    return key


def url_or_environment(given: object) -> str:
    """The base URL given, else TOKENROUTER_BASE_URL, else the local router; `/v1` is added where it is missing."""
    url = str(given or os.environ.get("TOKENROUTER_BASE_URL") or DEFAULT_BASE_URL).rstrip("/")
    return url if url.endswith("/v1") else f"{url}/v1"
