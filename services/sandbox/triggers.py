"""Words in the prompt that ask the sandbox to misbehave; the package's docstring lists them."""

import re

from msgspec import Struct

_TRIGGER = re.compile(r"\[sandbox:([a-z_]+|\d{3})(?:=(\d{1,6}))?\]")
_LONGEST = 20_000


class Triggers(Struct, frozen=True):
    """The triggers of one prompt."""

    words: frozenset[str] = frozenset()
    tokens: int = 0

    def __contains__(self, word: str) -> bool:
        return word in self.words

    @property
    def status(self) -> int | None:
        """The HTTP error asked for."""
        return next((int(word) for word in sorted(self.words) if word.isdecimal()), None)


def find(text: str) -> Triggers:
    """The triggers in a text."""
    found = _TRIGGER.findall(text)
    tokens = max((int(value) for word, value in found if word == "tokens" and value), default=0)
    return Triggers(frozenset(word for word, _ in found), min(tokens, _LONGEST))


def without(text: str) -> str:
    """The text without its triggers."""
    return _TRIGGER.sub("", text).strip()
