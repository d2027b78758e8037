"""What the Claude generations accept: a setting that one takes is a 400 on another.

From the migration guides of each model (https://platform.claude.com/docs/en/about-claude/models/migration-guide), read in
November 2026. A model that is not recognised is treated as the newest.
"""

import re
from functools import cache
from typing import Literal

from msgspec import Struct

_FULL = ("low", "medium", "high", "xhigh", "max")


class Traits(Struct, frozen=True, kw_only=True):
    """Facts about one model."""

    thinking: Literal["budget", "adaptive", "none"] = "adaptive"
    """How thinking is asked for: a token budget, or a level of effort that the model spends as it sees fit."""
    off: Literal["disabled", "between_tools"] | None = "disabled"
    """The `thinking.type` that switches thinking off; None when it cannot be switched off."""
    by_default: bool = True
    """The model thinks when the request says nothing about it."""
    efforts: tuple[str, ...] = _FULL
    """Levels of `output_config.effort`; empty when the model has none."""
    sampling: bool = False
    """`temperature` and `top_p` may be set (one of them)."""
    forced_tools: bool = True
    """`tool_choice` may be `any` or name a tool."""
    structured: bool = True
    """`output_config.format` and strict tools."""
    max_output: int = 64_000
    """Tokens, thinking included."""


_OLD = Traits(thinking="none", efforts=(), by_default=False, sampling=True, structured=False, max_output=4096)
_BUDGET = Traits(thinking="budget", efforts=(), by_default=False, sampling=True, structured=False, max_output=32_000)
_4_5 = Traits(thinking="budget", efforts=(), by_default=False, sampling=True)
_4_6 = Traits(by_default=False, sampling=True, efforts=("low", "medium", "high", "max"))
_4_7 = Traits(by_default=False, max_output=128_000)
_5 = Traits(max_output=128_000)
_ALWAYS = Traits(off=None, forced_tools=False, max_output=128_000)
_SONNET_5_5 = Traits(off="between_tools", forced_tools=False, max_output=128_000)

_FAMILY = re.compile(r"claude-(?:(opus|sonnet|haiku|fable|mythos)-?)?(\d+)?(?:[-.](\d{1,2}))?(?!\d)")
_OLD_ORDER = re.compile(r"claude-(\d)(?:[-.](\d))?-(opus|sonnet|haiku)")


@cache
def traits(model: str) -> Traits:
    """The facts for a model id, with or without date and vendor prefix."""
    old = _OLD_ORDER.search(model)
    if old:
        return _BUDGET if old[2] == "7" else _OLD
    found = _FAMILY.search(model)
    if found is None or not found[2]:
        return _ALWAYS
    family, version = found[1], (int(found[2]), int(found[3] or 0))
    if family in ("fable", "mythos"):
        return _ALWAYS
    if version >= (5, 5):
        return {"sonnet": _SONNET_5_5, "haiku": _5}.get(family, _ALWAYS)
    for since, facts in _BY_VERSION:
        if version >= since:
            return facts
    return _OLD


_BY_VERSION = (((5, 0), _5), ((4, 7), _4_7), ((4, 6), _4_6), ((4, 5), _4_5), ((4, 0), _BUDGET))
