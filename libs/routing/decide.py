"""The decision, one pure function of (request facts, rules' target, what is available)."""

import math
from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

import msgspec
from msgspec import Struct, structs

from libs.catalog.models import Model, curated, embedders, find, offered
from libs.catalog.providers import variable_prefix
from libs.contracts.decisions import Candidate, Decision, Excluded, Target
from libs.contracts.errors import (
    ModelNotFound,
    ProviderBusy,
    ProviderKeyMissing,
    RateLimited,
    RouterError,
    RoutingError,
)
from libs.contracts.health import OfferedModel, ProviderAccount
from libs.contracts.message import Warning
from libs.contracts.models import PROVIDERS
from libs.contracts.requests import RequestFacts
from libs.contracts.telemetry import Rest
from libs.routing.eligible import CHARS_PER_TOKEN, unfit
from libs.routing.resolve import Wish, resolve, split
from libs.routing.score import WEIGHTS, confidence, expected_usd, goodness

DEFAULT_OUTPUT_TOKENS = 400
"""Expected answer when the client sets no limit; the length is not predicted yet."""
OWN = "own"
"""The account that stands for the key in the request."""
NO_KEY = "no key for this provider"
OWN_KEY_BONUS = 1e-6
"""Enough to decide between equals, and no more."""
VECTORS_DIFFER = (
    "the router chose the embedding model: vectors of different models cannot be compared, so name the model of this answer wherever "
    "its vectors are to be compared with others"
)

_encode = msgspec.json.Encoder().encode


RestOf = Callable[[str, str, str], Rest | None]
"""Provider, account, model → why it is not to be called now."""


def _never(provider: str, account: str, model: str) -> None:
    return None


class Available(Struct, frozen=True, kw_only=True):
    """What live workers can call, for whom the client brought a key, and what is to be left alone for now."""

    accounts: Mapping[str, Sequence[ProviderAccount]]
    """By provider, in the order in which they are tried."""
    own_keys: frozenset[str]
    rest_of: RestOf = _never

    def usable(self, provider: str) -> list[str]:
        """The accounts that may be called, in order. A key from the client stands alone: it is his bill."""
        if provider in self.own_keys:
            return [OWN] if provider in self.accounts else []
        return [one.account for one in self.accounts.get(provider, ()) if one.configured]

    def sandbox(self, provider: str) -> bool:
        return provider not in self.own_keys and any(one.sandbox for one in self.accounts.get(provider, ()))

    def offers(self, provider: str) -> list[Model]:
        """The models that the settings of the workers name, each once: accounts often share a list."""
        named: dict[str, OfferedModel] = {}
        for account in self.accounts.get(provider, ()):
            for one in account.models:
                named.setdefault(one.id, one)
        return [offered(provider, one) for one in named.values()]

    def model(self, provider: str, model: str) -> Model | None:
        """A model by id, from the settings of the workers or from the catalog."""
        for account in self.accounts.get(provider, ()):
            for one in account.models:
                if one.id == model:
                    return offered(provider, one)
        return find(provider, model)


_Awake = tuple[Model, list[str]]
"""A model, and the accounts at which it may be called."""


class _Resting(Struct, frozen=True):
    """A model that could serve the request if it were not left alone for now."""

    model: Model
    rest: Rest


def decide(request_id: str, facts: RequestFacts, ruled: Target, available: Available, now: float = 0.0) -> Decision:
    """Rank the candidates. Raises ModelNotFound, ProviderKeyMissing, RoutingError, RateLimited or ProviderBusy when there is none.

    `request_id` only spreads ties.
    """
    layers = [split(layer, available.accounts) for layer in (facts.target, facts.override, ruled)]
    wish = resolve(layers, lambda provider, model: available.model(provider, model) is not None)
    if facts.embeddings:
        _check_model_kept(wish)
    models, excluded = _eligible(_wanted(wish, facts, available), facts, available)
    awake, resting = _awake(models, available)
    if not awake:
        raise _none_left(wish, facts, excluded, resting, now)
    excluded += [_as_excluded(one, now) for one in resting]
    candidates = _rank(request_id, awake, facts, wish, available)
    return Decision(
        mode=wish.mode,
        candidates=candidates,
        excluded=excluded,
        confidence=confidence(_best_of_each_model(candidates)),
        warnings=[Warning(source="router", message=text) for text in _told(wish, facts)],
    )


def shortlisted(decision: Decision, max_attempts: int) -> Decision:
    """The decision as it travels: the candidates that may be tried, which includes the best of each account in case another
    account turns its key down; and all of them, without their prices, as JSON."""
    scored = _encode([structs.replace(candidate, price=None) for candidate in decision.candidates])
    short: list[Candidate] = []
    accounts: set[tuple[str, str]] = set()
    for place, candidate in enumerate(decision.candidates):
        if place < max_attempts or (candidate.provider, candidate.account) not in accounts:
            short.append(candidate)
            accounts.add((candidate.provider, candidate.account))
    return structs.replace(decision, candidates=short, scored=scored)


def _check_model_kept(wish: Wish) -> None:
    """Where vectors of a named model are asked for, no other model will do. Raises RoutingError."""
    if wish.model is None and wish.dropped:
        raise RoutingError(
            f"provider '{wish.provider}' does not have the embedding model that was named, and vectors of different models cannot be compared",
            provider=wish.provider,
        )


def _told(wish: Wish, facts: RequestFacts) -> list[str]:
    return [*wish.dropped, VECTORS_DIFFER] if facts.embeddings and wish.model is None else wish.dropped


def _wanted(wish: Wish, facts: RequestFacts, available: Available) -> list[Model]:
    """The models that the wish names, at every provider that could have them."""
    providers = [wish.provider] if wish.provider else list(available.accounts)
    if wish.model is None:
        offers = [
            model for provider in providers for model in available.offers(provider)
            if (model.auto or wish.provider) and model.embeds == facts.embeddings
        ]
        named = {(model.provider, model.id) for model in offers}
        known = embedders() if facts.embeddings else curated()
        return [model for model in known if model.provider in providers and (model.provider, model.id) not in named] + offers
    found = [model for model in (available.model(provider, wish.model) for provider in providers) if model is not None]
    if not found:
        where = f" at provider '{wish.provider}'" if wish.provider else ""
        raise ModelNotFound(
            f"model '{wish.model}' is not known{where}; for a model of your own, list it in <PROVIDER>_MODELS", param="model"
        )
    return found


def _eligible(models: list[Model], facts: RequestFacts, available: Available) -> tuple[list[Model], list[Excluded]]:
    keyless = {provider for provider in {model.provider for model in models} if not available.usable(provider)}
    eligible: list[Model] = []
    excluded: list[Excluded] = []
    for model in models:
        reason = _unreachable(model.provider, available) if model.provider in keyless else unfit(model, facts)
        if reason is None:
            eligible.append(model)
        else:
            excluded.append(Excluded(provider=model.provider, model=model.id, reason=reason))
    return eligible, excluded


def _unreachable(provider: str, available: Available) -> str:
    return NO_KEY if provider in available.accounts else "no worker serves this provider"


def _awake(models: list[Model], available: Available) -> tuple[list[_Awake], list[_Resting]]:
    """Each model with the accounts that may be called for it now, and those that are to be left alone. Where only advice speaks
    against all that is left, it gives way."""
    awake, resting = _sorted_out(models, available, heeding_advice=True)
    return (awake, resting) if awake else _sorted_out(models, available, heeding_advice=False)


def _sorted_out(models: list[Model], available: Available, *, heeding_advice: bool) -> tuple[list[_Awake], list[_Resting]]:
    awake: list[_Awake] = []
    resting: list[_Resting] = []
    usable = {provider: available.usable(provider) for provider in {model.provider for model in models}}
    for model in models:
        accounts: list[str] = []
        for account in usable[model.provider]:
            rest = available.rest_of(model.provider, account, model.id) if account != OWN else None
            if rest is None or (rest.advice and not heeding_advice):
                accounts.append(account)
            else:
                resting.append(_Resting(model, rest))
        if accounts:
            awake.append((model, accounts))
    return awake, resting


def _as_excluded(one: _Resting, now: float) -> Excluded:
    rest = one.rest
    account = "" if rest.account == "default" else f" (account {rest.account})"
    why = f"breaker open after {rest.failures} failures, {rest.code}" if rest.failures else rest.code
    return Excluded(
        provider=one.model.provider, model=one.model.id, reason=f"{why}; left alone for {max(0.0, rest.until - now):.1f} s{account}",
        until=rest.until,
    )


def _rank(
    request_id: str, awake: list[_Awake], facts: RequestFacts, wish: Wish, available: Available
) -> list[Candidate]:
    models = [model for model, _ in awake]
    input_tokens = facts.input_chars // CHARS_PER_TOKEN + 1
    output_tokens = 0 if facts.embeddings else min(facts.max_output_tokens or DEFAULT_OUTPUT_TOKENS, DEFAULT_OUTPUT_TOKENS)
    dollars = [expected_usd(model, input_tokens, output_tokens) for model in models]
    cheap = goodness(dollars)
    fast = goodness([model.ttft_s + output_tokens / model.tokens_per_s for model in models])
    by_cost, by_quality, by_latency = WEIGHTS[wish.mode]
    scores = [
        by_cost * cost + by_quality * model.quality + by_latency * latency
        for model, cost, latency in zip(models, cheap, fast, strict=True)
    ]
    return [
        Candidate(
            provider=models[index].provider,
            account=account,
            model=models[index].id,
            price=models[index].price,
            score=round(scores[index], 4),
            cost=round(cheap[index], 4),
            quality=models[index].quality,
            latency=round(fast[index], 4),
            expected_usd=dollars[index],
            max_output_tokens=models[index].max_output,
            reasoning=models[index].reasoning,
            sandbox=available.sandbox(models[index].provider),
        )
        for index in _order(request_id, models, scores, available.own_keys)
        for account in awake[index][1]
    ]


def _order(request_id: str, models: list[Model], scores: list[float], own_keys: frozenset[str]) -> list[int]:
    """Indices, best first. A key from the client decides between equals; what is still equal is spread over requests."""
    spread = crc32(request_id.encode())
    return sorted(
        range(len(models)),
        key=lambda index: (-scores[index] - (OWN_KEY_BONUS if models[index].provider in own_keys else 0.0), spread * (2 * index + 1) & 0xFFFFFFFF),
    )


def _best_of_each_model(candidates: list[Candidate]) -> list[float]:
    return list({(one.provider, one.model): one.score for one in candidates}.values())


def _none_left(wish: Wish, facts: RequestFacts, excluded: list[Excluded], resting: list[_Resting], now: float) -> RouterError:
    """The most helpful error for an empty list of candidates."""
    if resting:
        return _all_rest(excluded + [_as_excluded(one, now) for one in resting], resting, now)
    keyless = [one for one in excluded if one.reason == NO_KEY]
    if keyless and len(keyless) == len(excluded):
        provider = wish.provider or keyless[0].provider
        header = f" or send X-{provider.title()}-Key" if provider in PROVIDERS else ""
        return ProviderKeyMissing(f"no key for provider '{provider}': set {variable_prefix(provider)}_API_KEY{header}", provider=provider)
    asked = f" '{wish.provider or ''}{'/' if wish.provider and wish.model else ''}{wish.model or ''}'" if wish.provider or wish.model else ""
    none = f"no {'embedding ' if facts.embeddings else ''}model to choose from"
    return RoutingError(f"no eligible provider{asked} ({_reasons(excluded) or none})")


def _all_rest(excluded: list[Excluded], resting: list[_Resting], now: float) -> RouterError:
    """Every candidate is to be left alone for now: the client may come back when the first of them may be called again."""
    first = min((one.rest for one in resting), key=lambda rest: rest.until)
    message = f"every candidate is to be left alone for now ({_reasons(excluded)})"
    retry_after = max(1, math.ceil(first.until - now))
    kind = RateLimited if first.code == "rate_limit_exceeded" else ProviderBusy
    return kind(message, provider=first.provider, retry_after=retry_after)


def _reasons(excluded: list[Excluded]) -> str:
    return "; ".join(f"{one.provider}/{one.model}: {one.reason}" for one in excluded[:5])
