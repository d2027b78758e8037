"""Which models come into question for a wish, and why some of them are left out. Pure."""

from libs.catalog.models import Model, curated, embedders
from libs.contracts.decisions import Excluded, Ruling
from libs.contracts.errors import ModelNotFound, RoutingError
from libs.contracts.health import ProviderAccount
from libs.contracts.requests import RequestFacts
from libs.routing import preferences, ruled
from libs.routing.accounts import usable
from libs.routing.eligible import unfit
from libs.routing.policy import Policy
from libs.routing.resolve import Wish
from libs.routing.snapshot import Snapshot

Reach = dict[str, tuple[list[ProviderAccount], str]]
"""By provider: the accounts that may be called, or why there is none."""


def wanted(wish: Wish, facts: RequestFacts, snapshot: Snapshot, policy: Policy, now: float) -> list[Model]:
    """The models that the wish names, at every provider that could have them. Raises ModelNotFound; RoutingError where another model
    than the named one will not do."""
    if facts.embeddings and wish.model is None and wish.dropped:
        raise RoutingError(
            f"provider '{wish.provider}' does not have the embedding model that was named, and vectors of different models cannot be compared",
            provider=wish.provider,
        )
    providers = [wish.provider] if wish.provider else list(snapshot.accounts)
    if wish.model is None:
        return _of_auto(wish, facts, snapshot, policy, providers, now)
    found = [model for model in (snapshot.model(provider, wish.model, now) for provider in providers) if model is not None]
    if not found:
        where = f" at provider '{wish.provider}'" if wish.provider else ""
        raise ModelNotFound(
            f"model '{wish.model}' is not known{where}; for a model of your own, list it in <PROVIDER>_MODELS", param="model"
        )
    return [policy.tailored(model) for model in found]


def _of_auto(
    wish: Wish, facts: RequestFacts, snapshot: Snapshot, policy: Policy, providers: list[str], now: float
) -> list[Model]:
    """What the catalog and the settings offer for automatic choice."""
    offers = [model for provider in providers for model in snapshot.offers(provider, now)]
    named = {(model.provider, model.id) for model in offers}
    known = embedders(now) if facts.embeddings else curated(now)
    everything = [model for model in known if model.provider in providers and (model.provider, model.id) not in named] + offers
    tailored = [policy.tailored(model) for model in everything]
    return [model for model in tailored if (model.auto or wish.provider) and model.embeds == facts.embeddings]


def sorted_out(
    models: list[Model], facts: RequestFacts, snapshot: Snapshot, policy: Policy, ruling: Ruling
) -> tuple[list[Model], list[Excluded], Reach]:
    """The models that may serve the request, the others with the reason, and the accounts at which they can be reached."""
    wishes = facts.preferences
    reach: Reach = {provider: usable(provider, snapshot, policy, wishes) for provider in {model.provider for model in models}}
    fit: list[Model] = []
    excluded: list[Excluded] = []
    for model in models:
        reason = reach[model.provider][1] or policy.against(model)
        if not reason and ruling.exclude:
            reason = ruled.against(model, ruling)
        if not reason and wishes is not None:
            reason = preferences.against(model, wishes)
        reason = reason or unfit(model, facts)
        if reason:
            excluded.append(Excluded(provider=model.provider, model=model.id, reason=reason))
        else:
            fit.append(model)
    return fit, excluded, reach
