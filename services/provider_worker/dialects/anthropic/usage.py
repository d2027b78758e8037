"""Anthropic's token counts in OpenAI's sense."""

from typing import Any

from services.provider_worker.dialect import Usage
from services.provider_worker.dialects.anthropic.wire import UsageSaid

Json = dict[str, Any]

NO_SPLIT = "reasoning_tokens is an estimate: Anthropic did not tell how many of the output tokens were thinking"
_CHARS_PER_TOKEN = 4


def tokens(chars: int) -> int:
    """About how many tokens so many characters are."""
    return -(-chars // _CHARS_PER_TOKEN)


def thinking_untold(said: UsageSaid, output: list[Json]) -> bool:
    """The model thought, and the usage does not say how much."""
    told = said.output_tokens_details is not None and said.output_tokens_details.thinking_tokens is not None
    return not told and any(item["type"] == "reasoning" for item in output)


def usage_of(said: UsageSaid, output: list[Json]) -> Usage:
    """Anthropic counts what it read from and wrote to the cache apart from the input; OpenAI counts them in.

    Untold thinking is what the rest of the answer does not explain: it may come as a summary, or not at all.
    """
    read, written = _count(said.cache_read_input_tokens), _count(said.cache_creation_input_tokens)
    output_tokens = _count(said.output_tokens)
    thought = _count(said.output_tokens_details.thinking_tokens) if said.output_tokens_details is not None else 0
    if thinking_untold(said, output):
        thought = max(0, output_tokens - tokens(sum(map(_chars, output))))
    return Usage(
        input_tokens=_count(said.input_tokens) + read + written, output_tokens=output_tokens, cached_tokens=read,
        cache_write_tokens=written, reasoning_tokens=thought,
        source="provider" if said.input_tokens is not None or said.output_tokens is not None else "none",
    )


def _count(told: int | None) -> int:
    return max(0, told or 0)


def _chars(item: Json) -> int:
    """Of what is visible. Blanks between arguments differ from a stream to a whole message, so they do not count."""
    if item["type"] == "message":
        return sum(len(part.get("text") or part.get("refusal") or "") for part in item["content"])
    return len("".join((item.get("arguments") or item.get("input") or "").split()))
