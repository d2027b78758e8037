"""Token counts in OpenAI's sense, from what the servers make of them."""

from typing import Any

from services.provider_worker.dialect import Usage
from services.provider_worker.dialects.chat.wire import UsageSaid


def read_usage(said: UsageSaid | None, *, reasoning_apart: bool) -> Usage:
    """`reasoning_apart`: the server's completion tokens exclude the reasoning tokens, its total includes them."""
    if said is None:
        return Usage(source="none")
    into, out = _details(said.prompt_tokens_details), _details(said.completion_tokens_details)
    read, written = _count(said.prompt_tokens), _count(said.completion_tokens)
    thought = _count(out.get("reasoning_tokens"))
    if reasoning_apart and _count(said.total_tokens) != read + written:
        written += thought
    cached = _count(into.get("cached_tokens")) or _count(said.prompt_cache_hit_tokens) or _count(said.num_cached_tokens)
    return Usage(
        input_tokens=read, output_tokens=written, cached_tokens=cached, reasoning_tokens=thought,
        cache_write_tokens=_count(into.get("cache_write_tokens")),
    )


def _details(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0
