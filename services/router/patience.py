"""How long a candidate may stay silent before the next one is tried. Pure."""

from libs.contracts.decisions import Decision
from libs.contracts.requests import Ruled
from services.router.settings import RouterSettings

THINKING, WHOLE = 4.0, 4.0
"""A model that was asked to think begins later, and an answer that is not streamed shows its first sign with its end."""
LITTLE_THOUGHT = frozenset({"", "none", "minimal", "low"})


def patience(settings: RouterSettings, decision: Decision, message: Ruled, *, attempts: int, most: int, now: float) -> float | None:
    """Seconds, by the decision's mode; never more than a fair share of what is left until the deadline. None: for ever. `most`: attempts that
    may be made."""
    seconds = settings.slow_start(decision.mode)
    if seconds <= 0:
        return None
    chosen = decision.candidates[decision.chosen]
    if chosen.reasoning and message.facts.effort not in LITTLE_THOUGHT:
        seconds *= THINKING
    if not message.stream:
        seconds *= WHOLE
    share = (message.deadline - now) / (most - attempts)
    return round(max(0.1, min(seconds, share)), 3)
