"""What the classifier makes of a prompt. Holds nothing of the prompt itself, so it may stand in the ledger and be decided on again."""

from typing import Literal, get_args

from msgspec import Struct

Family = Literal["code", "math", "science", "knowledge", "reasoning", "writing", "tools"]
FAMILIES: tuple[Family, ...] = get_args(Family)


class Reading(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Task family, difficulty and expected length of a prompt."""

    version: str
    """Of the model file that read it."""
    families: dict[Family, float]
    """Probabilities, rounded, those near zero left out."""
    difficulty: float
    """0 to 1: 0.5 is an average prompt of its family."""
    output_tokens: int
    """Expected visible output of a model of average wordiness."""
    demand: bytes = b""
    """What the prompt asks of a model, half-precision floats: quality is their product with a model's ability, see libs.classifier.quality.
    Empty: it was not understood."""
    sure: float
    """0 to 1: how much to believe it. Below the classifier's threshold everything else is the no-prompt answer."""
    because: str = ""
    """Why it is the no-prompt answer; empty when it is not."""
