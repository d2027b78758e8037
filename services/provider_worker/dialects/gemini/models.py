"""What the Gemini generations accept: a setting that one takes is a 400 on another.

From https://ai.google.dev/gemini-api/docs/generate-content/thinking and the "What's new" page of each model, read in November 2026.
A model that is not recognised is treated as the newest.
"""

import re
from functools import cache
from typing import Literal

from msgspec import Struct


class Traits(Struct, frozen=True, kw_only=True):
    """Facts about one model."""

    thinking: Literal["budget", "level", "none"] = "level"
    """How thinking is asked for: a number of tokens, or a level; naming both is a 400."""
    levels: tuple[str, ...] = ("LOW", "MEDIUM", "HIGH")
    budget: tuple[int, int] = (0, 0)
    """The smallest and the largest number of tokens to think with."""
    off: bool = False
    """A budget of 0 switches thinking off."""
    modern: bool = True
    """Since Gemini 3: calls have ids and need their thought signatures, results may hold images, and structured output goes
    together with tools."""
    sampling: bool = False
    """`temperature` and `topP` have an effect; newer models ignore them, and Google announced that they will become a 400."""
    penalties: bool = False
    """Penalties are taken; elsewhere 400 "Penalty is not enabled for this model", although the reference has no word of it."""
    logprobs: bool = False
    """Log probabilities are told; elsewhere 400 "Logprobs is not enabled for this model".
    https://github.com/googleapis/python-genai/issues/1921"""


_NONE = Traits(thinking="none", modern=False, sampling=True)
_2_0 = Traits(thinking="none", modern=False, sampling=True, penalties=True, logprobs=True)
_PRO_2_5 = Traits(thinking="budget", budget=(128, 32_768), modern=False, sampling=True)
_FLASH_2_5 = Traits(thinking="budget", budget=(1, 24_576), off=True, modern=False, sampling=True)
_LITE_2_5 = Traits(thinking="budget", budget=(512, 24_576), off=True, modern=False, sampling=True)
_PRO_3 = Traits(levels=("LOW", "HIGH"), sampling=True)
_PRO_3_1 = Traits(sampling=True)
_ALL_LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_FLASH_3 = Traits(levels=_ALL_LEVELS, sampling=True)
_FLASH_3_6 = Traits(levels=_ALL_LEVELS)
_IMAGE_3 = Traits(thinking="none", sampling=True)
_IMAGE_3_1 = Traits(levels=("MINIMAL", "HIGH"), sampling=True)

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")


@cache
def traits(model: str) -> Traits:
    """The facts for a model id, with or without date and folder."""
    if "gemma" in model:
        return _NONE
    found = _VERSION.search(model)
    if found is None:
        return Traits()
    version = int(found[1]), int(found[2] or 0)
    if version < (3, 0):
        return _second(version, model)
    if version < (3, 7) and "image" in model:
        return _IMAGE_3 if version == (3, 0) else _IMAGE_3_1
    if version >= (3, 7):
        return Traits()
    if "pro" in model:
        return _PRO_3 if version == (3, 0) else _PRO_3_1
    return _FLASH_3_6 if version >= (3, 6) or (version == (3, 5) and "lite" in model) else _FLASH_3


def _second(version: tuple[int, int], model: str) -> Traits:
    if "image" in model or "tts" in model:
        return _NONE
    if version < (2, 5):
        return _2_0
    if "pro" in model:
        return _PRO_2_5
    return _LITE_2_5 if "lite" in model else _FLASH_2_5
