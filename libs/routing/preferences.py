"""What a request wishes of the providers, held against a model. Pure."""

from collections.abc import Sequence

from libs.catalog.models import Model
from libs.contracts.preferences import MaxPrice, Preferences


def against(model: Model, wishes: Preferences) -> str | None:
    """Why the request does not want the model; None when it may be chosen."""
    names = model.provider, f"{model.provider}/{model.id}".lower()
    if wishes.only and not _names(names, wishes.only):
        return "not in the request's provider.only"
    if _names(names, wishes.ignore):
        return "in the request's provider.ignore"
    if not wishes.allow_fallbacks and wishes.order and not _names(names, wishes.order):
        return "not in the request's provider.order, and fallbacks are not allowed"
    return _too_dear(model, wishes.max_price)


def place(provider: str, model: str, order: Sequence[str]) -> int:
    """Where the model stands in `provider.order`; behind everything named when it is not there."""
    names = provider, f"{provider}/{model}".lower()
    return next((index for index, entry in enumerate(order) if entry in names), len(order))


def _names(names: tuple[str, str], entries: Sequence[str]) -> bool:
    return names[0] in entries or names[1] in entries


def _too_dear(model: Model, most: MaxPrice) -> str | None:
    rates = ("prompt", most.prompt, model.usd_per_input_token), ("completion", most.completion, model.usd_per_output_token)
    for name, limit, rate in rates:
        if limit is None:
            continue
        if rate is None:
            return f"its price is not known, and provider.max_price.{name} is {limit:g}"
        if rate * 1e6 > limit * (1 + 1e-9):
            return f"costs {rate * 1e6:g} USD per million tokens, and provider.max_price.{name} is {limit:g}"
    return None
