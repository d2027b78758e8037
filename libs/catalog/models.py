"""The catalog: curated models with their traits, and every other model that the price list or the settings know."""

import time
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from libs.catalog.capabilities import capabilities, expanded
from libs.catalog.prices import PERIOD, listing
from libs.contracts.decisions import Price
from libs.contracts.health import OfferedModel


class Model(Struct, frozen=True, kw_only=True):
    """A model at a provider."""

    provider: str
    id: str
    price: Price | None
    usd_per_input_token: float | None
    """The price's base rates as floats, for ranking only."""
    usd_per_output_token: float | None
    context_window: int | None
    max_output: int | None
    can: frozenset[str]
    """Names from libs.catalog.capabilities."""
    quality: float
    ttft_s: float
    tokens_per_s: float
    auto: bool = False
    """`auto` may choose it."""

    @property
    def reasoning(self) -> bool:
        """It can think before it answers."""
        return "reasoning" in self.can

    @property
    def embeds(self) -> bool:
        """It makes embeddings, and answers nothing."""
        return "embeddings" in self.can


class _Traits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    quality: float
    ttft_s: float
    tokens_per_s: float


class _Curated(_Traits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    provider: str
    id: str
    max_output: int | None = None


class _Embedder(_Curated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tokens_per_s: float = 1.0
    """It writes nothing, so this decides nothing."""


class _Catalog(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: str
    model: list[_Curated]
    embedder: list[_Embedder]
    defaults: _Traits


_CATALOG = msgspec.toml.decode((Path(__file__).parent / "models.toml").read_bytes(), type=_Catalog)
_CURATED = {(entry.provider, entry.id): entry for entry in (*_CATALOG.model, *_CATALOG.embedder)}
AS_OF = _CATALOG.as_of


def curated(now: float | None = None) -> list[Model]:
    """The models that `auto` chooses among for an answer. `now`: Unix seconds, for the prices; the clock's when left out."""
    return _curated(_period(now))[0]


def embedders(now: float | None = None) -> list[Model]:
    """The models that `auto` chooses among for embeddings."""
    return _curated(_period(now))[1]


def find(provider: str, model: str, now: float | None = None) -> Model | None:
    """A model by its id at a provider; None when neither the catalog nor the price list has it."""
    return _find(provider, model, _period(now))


def offered(provider: str, offer: OfferedModel, now: float | None = None) -> Model:
    """A model that the settings name. What they say of it goes over what the catalog and the price list know."""
    return _offered(provider, offer, _period(now))


def _period(now: float | None) -> int:
    return int((time.time() if now is None else now) // PERIOD)


@lru_cache(maxsize=2)
def _curated(period: int) -> tuple[list[Model], list[Model]]:
    found = [_model(provider, model, period) for provider, model in _CURATED]
    return [model for model in found if not model.embeds], [model for model in found if model.embeds]


@lru_cache(maxsize=4096)
def _find(provider: str, model: str, period: int) -> Model | None:
    found = _model(provider, model, period)
    return found if found.auto or found.price is not None else None


@lru_cache(maxsize=4096)
def _offered(provider: str, offer: OfferedModel, period: int) -> Model:
    known = _model(provider, offer.id, period)
    price = _price_of(offer) or known.price
    return structs.replace(
        known,
        price=price,
        usd_per_input_token=_per_token(price.input if price else None),
        usd_per_output_token=_per_token(price.output if price else None),
        context_window=offer.context_window or known.context_window,
        max_output=offer.max_output or known.max_output,
        can=(known.can | expanded(offer.has)) - expanded(offer.lacks),
        quality=known.quality if offer.quality is None else offer.quality,
        auto=offer.auto or known.auto,
    )


def _price_of(offer: OfferedModel) -> Price | None:
    if offer.input_usd_per_mtok is None and offer.output_usd_per_mtok is None:
        return None
    return Price(version="settings", input=offer.input_usd_per_mtok, output=offer.output_usd_per_mtok)


def _model(provider: str, model: str, period: int) -> Model:
    entry = _CURATED.get((provider, model))
    traits = entry or _CATALOG.defaults
    listed = listing(provider, model, period * PERIOD)
    return Model(
        provider=provider,
        id=model,
        price=listed.price if listed else None,
        usd_per_input_token=_per_token(listed.price.input) if listed else None,
        usd_per_output_token=_per_token(listed.price.output) if listed else None,
        context_window=listed.context_window if listed else None,
        max_output=entry.max_output if entry else None,
        can=capabilities(provider, model),
        quality=traits.quality,
        ttft_s=traits.ttft_s,
        tokens_per_s=traits.tokens_per_s,
        auto=entry is not None,
    )


def _per_token(rate: str | None) -> float | None:
    return None if rate is None else float(rate) / 1e6
