"""What a request may wish of the providers, in the form that OpenRouter's clients send: the `provider` object.

https://openrouter.ai/docs/features/provider-routing
"""

from typing import Literal

from msgspec import Struct

Sort = Literal["price", "throughput", "latency"]


class MaxPrice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """USD, per million tokens; above any of them a candidate is left out, and so is one whose price is not known."""

    prompt: float | None = None
    completion: float | None = None


class Preferences(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry of the lists is a provider, `openai`, or a model at one, `openai/gpt-5-mini`; lower case."""

    order: list[str] = []
    """Tried first, in this order."""
    only: list[str] = []
    """No others."""
    ignore: list[str] = []
    allow_fallbacks: bool = True
    """False: only what `order` names, or without it only the best candidate."""
    sort: Sort | None = None
    """By this alone instead of by the mode's weights."""
    max_price: MaxPrice = MaxPrice()
    data_collection: Literal["allow", "deny"] = "allow"
    """deny: no provider that keeps prompts for its own purposes."""
    unheeded: list[str] = []
    """Fields that were sent and are not heeded here; the response warns of them."""
