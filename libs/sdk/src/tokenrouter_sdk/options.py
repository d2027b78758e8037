"""What a request can say to the router beyond OpenAI's parameters, for `extra_body` and `extra_headers`."""

from collections.abc import Mapping
from typing import Final, Literal

Mode = Literal["balance", "cost", "quality", "latency"]

EXPLAIN: Final[Mapping[str, str]] = {"X-TokenRouter-Explain": "true"}
"""For `extra_headers`: the answer also tells every candidate with its scores, and every rule that was looked at."""

_KEY_HEADERS: Final = {
    "openai": "X-OpenAI-Key",
    "anthropic": "X-Anthropic-Key",
    "gemini": "X-Gemini-Key",
    "deepseek": "X-DeepSeek-Key",
    "mistral": "X-Mistral-Key",
}


def router(*, mode: Mode | None = None, provider: str | None = None, model: str | None = None) -> dict[str, str]:
    """For `extra_body`: how to choose. Stronger than `model`, weaker than the workspace's routing rules."""
    wishes = {"router_mode": mode, "router_provider": provider, "router_model": model}
    return {name: wish for name, wish in wishes.items() if wish is not None}


def key_headers(provider_keys: Mapping[str, str]) -> dict[str, str]:
    """For `extra_headers`: your own keys, by provider. Raises ValueError for a provider whose key no header can carry."""
    unknown = sorted(provider_keys.keys() - _KEY_HEADERS)
    if unknown:
        raise ValueError(f"no header carries a key for {', '.join(unknown)}; there is one for {', '.join(_KEY_HEADERS)}")
    return {_KEY_HEADERS[provider]: key for provider, key in provider_keys.items()}
