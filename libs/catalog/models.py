"""The catalog: curated models with their traits, and every other model that the price list or the settings know."""

import time
from functools import lru_cache
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from libs.catalog.capabilities import capabilities, expanded
from libs.catalog.prices import PERIOD, edition, listing
from libs.catalog.quality import EDITORIAL, Benchmark, Figure, Prior, Source, mean, plain, priors
from libs.contracts.decisions import Price
from libs.contracts.health import OfferedModel
from libs.contracts.reading import FAMILIES, Family


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
    """The mean of `families`."""
    families: tuple[float, ...]
    """Share of a mix of tasks of middling difficulty that it solves, 0 to 1, by family in the order of FAMILIES."""
    priors: tuple[Prior, ...]
    """Where each of them comes from."""
    ttft_s: float
    tokens_per_s: float
    auto: bool = False
    """`auto` may choose it."""
    overridden: tuple[str, ...] = ()
    """What a workspace's policy or its feedback changed: names of fields."""

    @property
    def reasoning(self) -> bool:
        """It can think before it answers."""
        return "reasoning" in self.can

    @property
    def embeds(self) -> bool:
        """It makes embeddings, and answers nothing."""
        return "embeddings" in self.can


class _Curated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    provider: str
    id: str
    quality: dict[Family, Figure]
    ttft_s: float
    tokens_per_s: float
    max_output: int | None = None


class _Embedder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    provider: str
    id: str
    quality: float
    ttft_s: float
    tokens_per_s: float = 1.0
    """It writes nothing, so this decides nothing."""
    max_output: int | None = None


class _Defaults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    quality: float
    ttft_s: float
    tokens_per_s: float


class _Catalog(Struct, frozen=True, forbid_unknown_fields=True):
    as_of: str
    benchmark: list[Benchmark]
    source: list[Source]
    model: list[_Curated]
    embedder: list[_Embedder]
    defaults: _Defaults


_CATALOG = msgspec.toml.decode((Path(__file__).parent / "models.toml").read_bytes(), type=_Catalog)
_CURATED: dict[tuple[str, str], _Curated | _Embedder] = {
    (entry.provider, entry.id): entry for entry in chain[_Curated | _Embedder](_CATALOG.model, _CATALOG.embedder)
}
_BENCHMARKS = {benchmark.id: benchmark for benchmark in _CATALOG.benchmark}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(OfferedModel).decode
AS_OF = _CATALOG.as_of
SOURCES = {source.id: source for source in _CATALOG.source} | {
    own.id: own for own in (
        Source("default", "a default, since nobody has looked at this model", AS_OF, ""),
        Source("settings", "the operator's settings", "", ""),
        Source("workspace", "the workspace's policy", "", ""),
        Source("feedback", "learned from the workspace's feedback", "", ""),
    )
}
"""By the id that a prior names."""


def curated(now: float | None = None) -> list[Model]:
    """The models that `auto` chooses among for an answer. `now`: Unix seconds, for the prices; the clock's when left out.

    While period and price list are the same, the same objects come again, here and from `find` and `offered`.
    """
    return _curated(_period(now), edition())[0]


def embedders(now: float | None = None) -> list[Model]:
    """The models that `auto` chooses among for embeddings."""
    return _curated(_period(now), edition())[1]


def find(provider: str, model: str, now: float | None = None) -> Model | None:
    """A model by its id at a provider; None when neither the catalog nor the price list has it."""
    return _find(provider, model, _period(now), edition())


def offered(provider: str, offer: OfferedModel, now: float | None = None) -> Model:
    """A model that the settings name. What they say of it goes over what the catalog and the price list know."""
    return _offered(provider, _encode(offer), _period(now), edition())


def _period(now: float | None) -> int:
    return int((time.time() if now is None else now) // PERIOD)


@lru_cache(maxsize=4)
def _curated(period: int, edition: int) -> tuple[list[Model], list[Model]]:
    found = [model for model in (_find(provider, id_, period, edition) for provider, id_ in _CURATED) if model is not None]
    return [model for model in found if not model.embeds], [model for model in found if model.embeds]


@lru_cache(maxsize=4096)
def _find(provider: str, model: str, period: int, edition: int) -> Model | None:
    found = _model(provider, model, period)
    return found if found.auto or found.price is not None else None


@lru_cache(maxsize=4096)
def _offered(provider: str, offer: bytes, period: int, edition: int) -> Model:
    said = _decode(offer)
    known = _model(provider, said.id, period)
    price = _price_of(said) or known.price
    told = _priors_of(said, known.priors)
    return structs.replace(
        priced(known, price),
        context_window=said.context_window or known.context_window,
        max_output=said.max_output or known.max_output,
        can=(known.can | expanded(said.has)) - expanded(said.lacks),
        quality=mean(told),
        families=tuple(prior.quality for prior in told),
        priors=told,
        auto=said.auto or known.auto,
    )


def priced(model: Model, price: Price | None) -> Model:
    """The model at another price."""
    return structs.replace(
        model, price=price,
        usd_per_input_token=_per_token(price.input if price else None),
        usd_per_output_token=_per_token(price.output if price else None),
    )


def _price_of(offer: OfferedModel) -> Price | None:
    if offer.input_usd_per_mtok is None and offer.output_usd_per_mtok is None:
        return None
    return Price(version="settings", input=offer.input_usd_per_mtok, output=offer.output_usd_per_mtok)


def _priors_of(offer: OfferedModel, known: tuple[Prior, ...]) -> tuple[Prior, ...]:
    if offer.quality is not None:
        known = plain(offer.quality, "settings")
    own = offer.quality_by_family
    return tuple(Prior(own[family], "settings", "") if family in own else prior for family, prior in zip(FAMILIES, known, strict=True))


def _model(provider: str, model: str, period: int) -> Model:
    entry = _CURATED.get((provider, model))
    traits = entry or _CATALOG.defaults
    listed = listing(provider, model, period * PERIOD)
    known = _curated_priors(entry)
    return Model(
        provider=provider,
        id=model,
        price=listed.price if listed else None,
        usd_per_input_token=_per_token(listed.price.input) if listed else None,
        usd_per_output_token=_per_token(listed.price.output) if listed else None,
        context_window=listed.context_window if listed else None,
        max_output=entry.max_output if entry else None,
        can=capabilities(provider, model),
        quality=mean(known),
        families=tuple(prior.quality for prior in known),
        priors=known,
        ttft_s=traits.ttft_s,
        tokens_per_s=traits.tokens_per_s,
        auto=entry is not None,
    )


def _curated_priors(entry: _Curated | _Embedder | None) -> tuple[Prior, ...]:
    match entry:
        case _Curated():
            return priors(entry.quality, _BENCHMARKS)
        case _Embedder():
            return plain(entry.quality, EDITORIAL)
        case _:
            return plain(_CATALOG.defaults.quality, "default")


def _per_token(rate: str | None) -> float | None:
    return None if rate is None else float(rate) / 1e6
