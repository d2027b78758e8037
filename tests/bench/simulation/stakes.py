"""What each choice for a prompt is worth, by the weights of its mode, to somebody who knows the truth."""

from msgspec import Struct

from libs.routing.score import WEIGHTS, goodness
from tests.bench.simulation.world import Prompt, Truth, World


class Stakes(Struct, frozen=True):
    """Cost and latency count as in the router's score: scaled within the prompt, over the models that work."""

    truths: list[Truth]
    utilities: list[float]
    """Of each model, if its first call succeeds."""
    seconds: tuple[float, float]
    """Of the fastest and of the slowest."""
    by_quality: float
    by_latency: float

    def utility(self, index: int, lost_seconds: float) -> float:
        """What a model is worth after so many seconds were lost to others that failed."""
        if lost_seconds <= 0:
            return self.utilities[index]
        low, high = self.seconds
        span = max(1e-9, high - low)
        own = (high - self.truths[index].seconds) / span
        left = (high - self.truths[index].seconds - lost_seconds) / span
        return self.utilities[index] - self.by_latency * (max(0.0, own) - max(0.0, left))


def stakes_of(world: World, prompt: Prompt) -> Stakes:
    truths = world.truths(prompt)
    by_cost, by_quality, by_latency = WEIGHTS[prompt.mode]
    works = [truth.failing < 1.0 for truth in truths]
    cheap = goodness([truth.usd if ok else None for truth, ok in zip(truths, works, strict=True)])
    fast = goodness([truth.seconds if ok else None for truth, ok in zip(truths, works, strict=True)])
    seconds = [truth.seconds for truth, ok in zip(truths, works, strict=True) if ok]
    utilities = [
        by_cost * cost + by_quality * truth.quality + by_latency * latency for truth, cost, latency in zip(truths, cheap, fast, strict=True)
    ]
    return Stakes(truths, utilities, (min(seconds), max(seconds)), by_quality, by_latency)
