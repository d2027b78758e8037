"""The catalog: curated models with their traits, and every other model that the price list or the settings know."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from libs.catalog.prices import listing
from libs.contracts.decisions import Price


class Model(Struct, frozen=True, kw_only=True):
    """A model at a provider."""

    provider: str
    id: str
    price: Price | None
    usd_per_input_token: float | None
    """The price's base rates as floats, for ranking only."""
    usd_per_output_token: float | None
    context_window: int | None
    max_output: int | None = None
    quality: float
    ttft_s: float
    tokens_per_s: float
    reasoning: bool = False
    auto: bool = False
    """`auto` may choose it."""


_FILE = tomllib.loads((Path(__file__).parent / "models.toml").read_text())
AS_OF: str = _FILE["as_of"]


def curated() -> list[Model]:
    """The models that `auto` chooses among."""
    return _curated()


@lru_cache(maxsize=1)
def _curated() -> list[Model]:
    return [_model(entry["provider"], entry["id"], entry, auto=True) for entry in _FILE["model"]]


@lru_cache(maxsize=4096)
def find(provider: str, model: str) -> Model | None:
    """A model by its id at a provider; None when neither the catalog nor the price list has it."""
    entry = next((m for m in _curated() if m.provider == provider and m.id == model), None)
    if entry is not None:
        return entry
    return _model(provider, model, _FILE["defaults"], auto=False) if listing(provider, model) else None


def unlisted(provider: str, model: str) -> Model:
    """A model that only the settings name: usable, its price not known."""
    return _model(provider, model, _FILE["defaults"], auto=False)


def _model(provider: str, model: str, traits: dict[str, Any], *, auto: bool) -> Model:
    listed = listing(provider, model)
    return Model(
        provider=provider,
        id=model,
        price=listed.price if listed else None,
        usd_per_input_token=_per_token(listed.price.input) if listed else None,
        usd_per_output_token=_per_token(listed.price.output) if listed else None,
        context_window=listed.context_window if listed else None,
        max_output=traits.get("max_output"),
        quality=traits["quality"],
        ttft_s=traits["ttft_s"],
        tokens_per_s=traits["tokens_per_s"],
        reasoning=traits.get("reasoning", False),
        auto=auto,
    )


def _per_token(rate: str | None) -> float | None:
    return None if rate is None else float(rate) / 1e6
