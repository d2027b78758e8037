"""What a detector is: patterns that say where something could be, and a check that says whether it is."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

Pack = Literal["secrets", "pii", "injection"]
Check = Callable[[str, str], bool]


class Detector(Struct, frozen=True, kw_only=True):
    """One kind of thing that is looked for in a text."""

    name: str
    """As rules and reports name it: snake_case, unique over all packs."""
    pack: Pack
    title: str
    """For people."""
    patterns: tuple[str, ...]
    """RE2 sources, matched against the UTF-8 bytes of the normalised text. A named group `value` is the span that counts; without one, the
    whole match."""
    valid: Check | None = None
    """(whole match, value) → is it really one. Depends on nothing else, so a stream and a whole text agree."""
    longest: int
    """Characters that a match can have at most, context in the pattern included; of what is recognised by its beginning and runs on, those
    that it takes to recognise it. A stream holds back so many."""
