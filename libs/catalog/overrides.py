"""A model as a workspace knows it: the catalog's word, what feedback taught, and over both what the workspace's policy says. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from fnmatch import fnmatchcase

from msgspec import structs

from libs.catalog.models import Model, priced
from libs.catalog.quality import Prior, mean, plain
from libs.contracts.decisions import Price
from libs.contracts.policies import Learned, LearnedQuality, ModelOverride, RoutingPolicy
from libs.contracts.reading import FAMILIES, Family

VERSION = "workspace"
"""Of a price that the policy sets."""
MOST_REMEMBERED = 4096
"""Models, for each revision of a policy: clients may name any number of them."""


class Tailor:
    """What a policy and what was learned make of each model, worked out once for as long as the catalog gives the same one."""

    def __init__(self, policy: RoutingPolicy, learned: Learned | None = None) -> None:
        self._policy, self._learned = policy, learned if policy.learning else None
        self._plain = not policy.models and self._learned is None
        self._open = not policy.allow and not policy.deny
        self._made: dict[tuple[str, str], tuple[Model, Model]] = {}
        self._allowed: dict[tuple[str, str], bool] = {}

    def __call__(self, model: Model) -> Model:
        """`tailored`."""
        if self._plain:
            return model
        key = model.provider, model.id
        known = self._made.get(key)
        # The catalog gives another object when a price has changed.
        if known is None or known[0] is not model:
            if len(self._made) >= MOST_REMEMBERED:
                self._made.clear()
            known = self._made[key] = model, tailored(model, self._policy, self._learned)
        return known[1]

    def allows(self, model: Model) -> bool:
        """`allowed`."""
        if self._open:
            return True
        key = model.provider, model.id
        known = self._allowed.get(key)
        if known is None:
            if len(self._allowed) >= MOST_REMEMBERED:
                self._allowed.clear()
            known = self._allowed[key] = allowed(self._policy, model.provider, model.id)
        return known


def allowed(policy: RoutingPolicy, provider: str, model: str) -> bool:
    """Whether the globs of a policy let a model be used, whatever its case: `deny` beats `allow`, an empty `allow` allows all."""
    name = f"{provider}/{model}".lower()
    return not _any_of(policy.deny, name) and (not policy.allow or _any_of(policy.allow, name))


def _any_of(globs: Sequence[str], name: str) -> bool:
    return any(fnmatchcase(name, glob.lower()) for glob in globs)


def tailored(model: Model, policy: RoutingPolicy, learned: Learned | None) -> Model:
    """The model for this workspace; itself where nothing is said of it. What was learned counts only where `learning` is on, and gives
    way to a quality that the policy sets."""
    name = f"{model.provider}/{model.id}"
    taught = learned.models.get(name) if learned is not None and policy.learning else None
    override = policy.models.get(name)
    if taught:
        model = _taught(model, taught)
    return model if override is None else _overridden(model, override)


def _taught(model: Model, taught: dict[Family, LearnedQuality]) -> Model:
    return _judged(model, tuple(_moved(prior, taught.get(family)) for family, prior in zip(FAMILIES, model.priors, strict=True)))


def _moved(prior: Prior, found: LearnedQuality | None) -> Prior:
    """By as much as ratings moved the catalog's word: the operator's settings, which learning does not know, may have another."""
    if found is None:
        return prior
    quality = min(1.0, max(0.0, prior.quality + found.posterior - found.prior))
    return Prior(round(quality, 4), "feedback", f"{found.ratings} ratings, {prior.quality:g} before")


def _overridden(model: Model, override: ModelOverride) -> Model:
    model = _repriced(model, override)
    if override.quality is not None or override.quality_by_family:
        model = _judged(model, _priors(model, override))
    named = {
        name: value for name in ("context_window", "max_output", "ttft_s", "tokens_per_s", "auto")
        if (value := getattr(override, name)) is not None
    }
    return structs.replace(model, **named, overridden=_noted(model, *named)) if named else model


def _priors(model: Model, override: ModelOverride) -> tuple[Prior, ...]:
    known = model.priors if override.quality is None else plain(override.quality, VERSION)
    own = override.quality_by_family
    return tuple(Prior(own[family], VERSION, "") if family in own else prior for family, prior in zip(FAMILIES, known, strict=True))


def _judged(model: Model, told: tuple[Prior, ...]) -> Model:
    families = tuple(prior.quality for prior in told)
    return structs.replace(model, quality=mean(told), families=families, priors=told, overridden=_noted(model, "quality"))


def _repriced(model: Model, override: ModelOverride) -> Model:
    """A rate of the policy's holds however long the request is; the others are the list's, tiers included, but for a cached rate that
    would now be dearer than reading anew."""
    rates = {
        field: rate for field, rate in (
            ("input", override.input_usd_per_mtok), ("cached_input", override.cached_input_usd_per_mtok),
            ("cache_write", override.cache_write_usd_per_mtok), ("output", override.output_usd_per_mtok),
        ) if rate is not None
    }
    if not rates:
        return model
    flat: dict[str, list[object]] = {f"{field}_tiers": [] for field in rates}
    price = structs.replace(model.price or Price(version=VERSION), **rates, **flat, version=VERSION, checked="")
    if "cached_input" not in rates and _dearer(price.cached_input, price.input):
        price = structs.replace(price, cached_input=None, cached_input_tiers=[])
    return structs.replace(priced(model, price), overridden=_noted(model, "price"))


def _dearer(rate: str | None, than: str | None) -> bool:
    return rate is not None and than is not None and Decimal(rate) > Decimal(than)


def _noted(model: Model, *names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*model.overridden, *names)))
