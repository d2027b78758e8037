"""GET /v1/models: the names that a request's `model` may have, with what is known of each.

An entry has the fields of OpenAI's Model and ours beside them, as the workspace's policy has them. A model that one provider has goes
by its own id. Where several have it, the id alone stands for all of them, described as the first has it, and `provider/id` for each.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.types import ASGIApp

from libs.catalog.models import AS_OF, SOURCES, Model, curated, find, offered
from libs.catalog.overrides import Tailor
from libs.catalog.quality import Prior
from libs.catalog.workspaces import Workspaces
from libs.contracts.decisions import Price, PriceTier, Target
from libs.contracts.errors import ModelNotFound
from libs.contracts.health import OfferedModel, ProviderAccount
from libs.contracts.models import PROVIDERS, parse_model
from libs.contracts.policies import RoutingPolicy
from libs.contracts.reading import FAMILIES
from services.edge.admission import KEY_HEADERS
from services.edge.answer import Body

if TYPE_CHECKING:
    from services.edge.handlers import Edge

AnyRequest = Request[Any, Any, Any]
Accounts = Mapping[str, Sequence[ProviderAccount]]
Entry = dict[str, Any]

ALIASES = ("auto", "auto:balance", "auto:balanced", "auto:cost", "auto:quality", "auto:latency")
OURS = "tokenrouter"
CREATED = int(datetime.fromisoformat(AS_OF).replace(tzinfo=UTC).timestamp())
"""Unix seconds; of the catalog, since vendors do not say when a model was made."""
LONGEST = 256
"""Characters of a name that is looked up: what is looked up is remembered."""
_PER_MTOK = Decimal(1_000_000)
_RATES = {
    "inputCostPerToken": ("input", "input_tiers"),
    "outputCostPerToken": ("output", "output_tiers"),
    "cachedInputCostPerToken": ("cached_input", "cached_input_tiers"),
    "cacheWriteCostPerToken": ("cache_write", "cache_write_tiers"),
}
ANY = Tailor(RoutingPolicy())
"""What a workspace without a policy makes of models."""


def listed(accounts: Accounts, own_keys: frozenset[str], now: float, tailor: Tailor = ANY) -> list[Entry]:
    """Every entry: the aliases, then the models of the providers that may be called. `own_keys`: providers whose key the request
    brings; `now`: Unix seconds, for the prices; `tailor`: of the workspace."""
    shelf = _Shelf(accounts, own_keys, now, tailor)
    return [*(_alias(name, parse_model(name), shelf) for name in ALIASES), *(shelf.entry(name, model) for name, model in shelf.names())]


def find_listed(name: str, accounts: Accounts, own_keys: frozenset[str], now: float, tailor: Tailor = ANY) -> Entry | None:
    """The entry for anything that `model` may say, models that only the price list knows included; None when no provider that may be
    called has it, or the workspace's policy does not let it be used."""
    if len(name) > LONGEST:
        return None
    shelf = _Shelf(accounts, own_keys, now, tailor)
    for known, model in shelf.names():
        if known == name:
            return shelf.entry(name, model)
    target = _target(name, accounts)
    if target.model is None:
        return _alias(name, target, shelf) if target.provider is None or target.provider in shelf.providers else None
    providers = shelf.providers if target.provider is None else [one for one in shelf.providers if one == target.provider]
    found = next((model for model in (shelf.model(provider, target.model) for provider in providers) if model is not None), None)
    return None if found is None else shelf.entry(name, found)


def routes(edge: "Edge", workspaces: Workspaces, paths: list[str]) -> list[Any]:
    """GET on the list and on one entry."""

    def asked(request: AnyRequest) -> tuple[Accounts, frozenset[str], float, Tailor]:
        view = workspaces.of(edge.keys.caller(request.headers).workspace)
        return edge.registry.accounts(), own_keys(request.headers), time.time(), view.tailor

    @get(paths, summary="List the models that this key can use")
    async def listing(request: AnyRequest) -> ASGIApp:
        return _json({"object": "list", "data": listed(*asked(request))})

    # Ids may have slashes in them. Litestar puts one before them.
    @get([f"{path}/{{model_id:path}}" for path in paths], summary="Read a model")
    async def shown(request: AnyRequest, model_id: FromPath[str]) -> ASGIApp:
        name = model_id.removeprefix("/")
        entry = find_listed(name, *asked(request))
        if entry is None:
            raise ModelNotFound(
                f"model '{name}' is not known at any provider that is configured or that you sent a key for, or your routing policy denies it",
                param="model",
            )
        return _json(entry)

    return [listing, shown]


def own_keys(headers: Mapping[str, str]) -> frozenset[str]:
    """The providers whose keys came in headers."""
    return frozenset(provider for name, provider in KEY_HEADERS.items() if headers.get(name))


class _Shelf:
    """The models at the providers that may be called."""

    def __init__(self, accounts: Accounts, own_keys: frozenset[str], now: float, tailor: Tailor) -> None:
        self._accounts, self._own_keys, self._now, self._tailor = accounts, own_keys, now, tailor
        self.providers = _in_order(
            provider for provider, its in accounts.items() if provider in own_keys or any(account.configured for account in its)
        )
        self._offers = {provider: _offers(accounts[provider]) for provider in self.providers}
        self.models = self._all()

    def _all(self) -> list[Model]:
        """What the settings say of a model goes over the catalog, and what the workspace says over both."""
        found: list[Model] = []
        for provider in self.providers:
            offers = self._offers[provider]
            found += [model for model in curated(self._now) if model.provider == provider and model.id not in offers]
            found += [offered(provider, offer, self._now) for offer in offers.values()]
        return [self._tailor(model) for model in found if self._tailor.allows(model)]

    def model(self, provider: str, model_id: str) -> Model | None:
        """One by its id, from the settings or from the catalog."""
        offer = self._offers[provider].get(model_id)
        found = find(provider, model_id, self._now) if offer is None else offered(provider, offer, self._now)
        return self._tailor(found) if found is not None and self._tailor.allows(found) else None

    def names(self) -> list[tuple[str, Model]]:
        """Each name under which a request reaches a model, with the model."""
        by_id: dict[str, list[Model]] = {}
        for model in self.models:
            by_id.setdefault(model.id, []).append(model)
        names: list[tuple[str, Model]] = []
        for model_id, models in by_id.items():
            # Sent as it is, `openai/gpt-oss-120b` would ask OpenAI for it, wherever else it may be.
            stands_alone = _target(model_id, self._accounts) == Target(model=model_id)
            if stands_alone:
                names.append((model_id, models[0]))
            if not stands_alone or len(models) > 1:
                names += [(f"{model.provider}/{model_id}", model) for model in models]
        return names

    def entry(self, name: str, model: Model) -> Entry:
        entry = _entry(name, model.provider) | {
            "pricing": _pricing(model.price),
            "context_window": model.context_window,
            "max_output_tokens": model.max_output,
            "capabilities": sorted(model.can),
            "provider": model.provider,
            "quality": model.quality,
            "quality_by_family": None if model.embeds else _judged(model.priors),
            "overridden": list(model.overridden),
        }
        if model.provider not in self._own_keys and any(account.sandbox for account in self._accounts[model.provider]):
            entry["sandbox"] = True
        return entry


def _offers(accounts: Sequence[ProviderAccount]) -> dict[str, OfferedModel]:
    """The models that the settings name, by id; the first account's word counts, as in the router."""
    named: dict[str, OfferedModel] = {}
    for account in accounts:
        for offer in account.models:
            named.setdefault(offer.id, offer)
    return named


def _in_order(providers: Iterable[str]) -> list[str]:
    """The known ones as the contract has them, then the others by name: the order of heartbeats is chance."""
    return sorted(providers, key=lambda one: (PROVIDERS.index(one) if one in PROVIDERS else len(PROVIDERS), one))


def _target(name: str, accounts: Accounts) -> Target:
    """What the router takes a name for: it also knows the providers of the settings."""
    target = parse_model(name)
    provider, slash, model = (target.model or "").partition("/")
    if target.provider is None and slash and model and provider in accounts:
        return Target(provider=provider, model=None if model == "auto" else model, mode=target.mode)
    return target


def _alias(name: str, target: Target, shelf: _Shelf) -> Entry:
    """A name that leaves the model to the router, which looks for one that can do what the request needs."""
    able = [model.can for model in shelf.models if (model.auto if target.provider is None else model.provider == target.provider)]
    return _entry(name, OURS) | {
        "pricing": _pricing(None),
        "context_window": None,
        "max_output_tokens": None,
        "capabilities": sorted(frozenset().union(*able)),
        "provider": target.provider,
        "quality": None,
        "quality_by_family": None,
        "overridden": [],
        "mode": target.mode or "balance",
    }


def _entry(name: str, owner: str) -> Entry:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": owner}


def _pricing(price: Price | None) -> Entry:
    """US dollars per token; null is not known, 0 is free."""
    return {
        **{name: _per_token(getattr(price, rate) if price else None) for name, (rate, _) in _RATES.items()},
        "tiers": _tiers(price) if price else None,
        "currency": "USD",
        "version": price.version if price else None,
        "checked": price.checked or None if price else None,
    }


def _tiers(price: Price) -> list[Entry]:
    """The rates of requests with more than so many input tokens, all of them for each threshold."""
    thresholds = sorted({tier.above for _, tiers in _RATES.values() for tier in getattr(price, tiers)})
    return [
        {"aboveInputTokens": above} | {
            name: _per_token(_above(getattr(price, rate), getattr(price, tiers), above)) for name, (rate, tiers) in _RATES.items()
        }
        for above in thresholds
    ]


def _above(base: str | None, tiers: list[PriceTier], threshold: int) -> str | None:
    return next((tier.usd_per_mtok for tier in reversed(tiers) if tier.above <= threshold), base)


def _judged(priors: Sequence[Prior]) -> dict[str, Entry]:
    """Each family's quality, what it was made of, and where that was published."""
    return {
        family: {
            "quality": prior.quality, "figure": prior.figure or None, "source": SOURCES[prior.source].title,
            "date": SOURCES[prior.source].date or None, "url": SOURCES[prior.source].url or None,
        }
        for family, prior in zip(FAMILIES, priors, strict=True)
    }


def _per_token(rate: str | None) -> float | None:
    return None if rate is None else float(Decimal(rate) / _PER_MTOK)


def _json(value: Any) -> Body:
    return Body(200, msgspec.json.encode(value))
