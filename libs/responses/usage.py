"""The `usage` object of a response, with both details objects."""

from typing import Any


def usage_object(
    *, input_tokens: int, output_tokens: int, cached_tokens: int = 0, cache_write_tokens: int = 0, reasoning_tokens: int = 0
) -> dict[str, Any]:
    """Tokens in OpenAI's sense: input includes cached and cache-written ones, output includes reasoning."""
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": cached_tokens, "cache_write_tokens": cache_write_tokens},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
        "total_tokens": input_tokens + output_tokens,
    }
