"""Which provider is likely to have the beginning of a conversation in its prompt cache. Nothing here reads a clock."""

from collections import OrderedDict
from collections.abc import Sequence

from libs.contracts.telemetry import CachedPrefix

MOST = 10_000
"""Prefixes, about 5 MB. Those that were used longest ago go first."""
PLACES = 4
"""Of one prefix: where a conversation was lately."""
SECONDS = {"anthropic": 300.0}
"""How long a prompt stays in a provider's cache after it was last used.
https://platform.claude.com/docs/en/build-with-claude/prompt-caching"""
OTHER_SECONDS = 600.0
"""OpenAI names 5 to 10 minutes, DeepSeek hours, Gemini none. https://platform.openai.com/docs/guides/prompt-caching"""


class Prefixes:
    """Fed by telemetry. Only its router's event loop touches it."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, list[CachedPrefix]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def note(self, one: CachedPrefix, now: float) -> None:
        """A request with this prefix ended well there."""
        if now - one.at >= _lasts(one.provider):
            return
        place = (one.provider, one.account, one.model)
        others = [other for other in self._known.get(one.prefix, ()) if (other.provider, other.account, other.model) != place]
        self._known[one.prefix] = sorted([one, *others], key=_at, reverse=True)[:PLACES]
        self._known.move_to_end(one.prefix)
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def of(self, prefix: str, now: float) -> Sequence[CachedPrefix]:
        """Where it is likely to be still, latest first."""
        found = self._known.get(prefix)
        return [one for one in found if now - one.at < _lasts(one.provider)] if found else ()

    def prune(self, now: float) -> None:
        """Forget the caches that are cold."""
        while self._known:
            prefix, places = next(iter(self._known.items()))
            if now - places[0].at < OTHER_SECONDS:
                return
            del self._known[prefix]


def _lasts(provider: str) -> float:
    return SECONDS.get(provider, OTHER_SECONDS)


def _at(one: CachedPrefix) -> float:
    return one.at
