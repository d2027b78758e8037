"""Counts tokens, and remembers what prompt caches would hold."""

from services.sandbox import tokens
from services.sandbox.asked import Answer, Asked, Usage

_SHORTEST = 1024
"""Tokens from which most providers cache."""
_HELD = 512
"""Prefixes remembered before the oldest is dropped."""


class Metering:
    """Providers cache by prefix; here, by the first 4096 characters that the model reads."""

    def __init__(self) -> None:
        self._seen: dict[int, None] = {}

    def measure(self, asked: Asked, answer: Answer) -> Usage:
        read = max(1, tokens.count(asked.read) + 85 * asked.images)
        cached, cache_written = self._cache(asked, read)
        written = len(answer.text) + len(answer.refusal) + len(answer.thinking)
        written += sum(8 + len(tokens.split(call.arguments)) for call in answer.calls)
        return Usage(read=read, cached=cached, cache_written=cache_written, written=written, thinking=len(answer.thinking))

    def _cache(self, asked: Asked, read: int) -> tuple[int, int]:
        if asked.cache == "off" or read < _SHORTEST:
            return 0, 0
        blocks = read // 128 * 128
        prefix = hash((asked.model, asked.read[: 4 * _SHORTEST]))
        if prefix in self._seen:
            return blocks, 0
        self._seen[prefix] = None
        if len(self._seen) > _HELD:
            del self._seen[next(iter(self._seen))]
        return 0, blocks if asked.cache == "marked" else 0
