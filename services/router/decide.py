"""The decision, one pure function of (request facts, rules' target, what is available)."""

from collections.abc import Mapping
from zlib import crc32

import msgspec
from msgspec import Struct, structs

from libs.catalog.models import Model, curated, find, unlisted
from libs.contracts.decisions import Candidate, Decision, Excluded, Target
from libs.contracts.errors import ModelNotFound, ProviderKeyMissing, RouterError, RoutingError
from libs.contracts.health import ProviderAccount
from libs.contracts.message import Warning
from libs.contracts.models import PROVIDERS
from libs.contracts.requests import RequestFacts
from services.router.resolve import Wish, resolve
from services.router.score import WEIGHTS, confidence, expected_usd, goodness

MAX_ATTEMPTS = 3
"""Provider calls made for one request at most."""
CHARS_PER_TOKEN = 4
DEFAULT_OUTPUT_TOKENS = 400
"""Expected answer when the client sets no limit; the length is not predicted yet."""
NO_KEY = "no key for this provider"
OWN_KEY_BONUS = 1e-6
"""Enough to decide between equals, and no more."""


_encode = msgspec.json.Encoder().encode


class Available(Struct, frozen=True, kw_only=True):
    """The providers that live workers can call, and those for which the client brought a key."""

    accounts: Mapping[str, ProviderAccount]
    own_keys: frozenset[str]

    def usable(self, provider: str) -> bool:
        account = self.accounts.get(provider)
        return account is not None and (account.configured or provider in self.own_keys)

    def model(self, provider: str, model: str) -> Model | None:
        """A model by id, from the catalog or from the settings of the workers."""
        account = self.accounts.get(provider)
        if account is not None and model in account.models:
            return find(provider, model) or unlisted(provider, model)
        return find(provider, model)


def decide(request_id: str, facts: RequestFacts, ruled: Target, available: Available) -> Decision:
    """Rank the candidates. Raises ModelNotFound, ProviderKeyMissing or RoutingError when there is none.

    `request_id` only spreads ties.
    """
    wish = resolve(
        [facts.target, facts.override, ruled], lambda provider, model: available.model(provider, model) is not None
    )
    models = _wanted(wish, available)
    eligible, excluded = _eligible(models, facts, available)
    if not eligible:
        raise _none_left(wish, excluded)
    candidates = _rank(request_id, eligible, facts, wish, available)
    return Decision(
        mode=wish.mode,
        candidates=candidates,
        excluded=excluded,
        confidence=confidence([candidate.score for candidate in candidates]),
        warnings=[Warning(source="router", message=text) for text in wish.dropped],
    )


def shortlisted(decision: Decision) -> Decision:
    """The decision as it travels: the candidates that may be tried, which includes the best of each provider in case another
    provider turns its key down; and all of them, without their prices, as JSON."""
    scored = _encode([structs.replace(candidate, price=None) for candidate in decision.candidates])
    short: list[Candidate] = []
    providers: set[str] = set()
    for place, candidate in enumerate(decision.candidates):
        if place < MAX_ATTEMPTS or candidate.provider not in providers:
            short.append(candidate)
            providers.add(candidate.provider)
    return structs.replace(decision, candidates=short, scored=scored)


def _wanted(wish: Wish, available: Available) -> list[Model]:
    """The models that the wish names, at every provider that could have them."""
    providers = [wish.provider] if wish.provider else list(PROVIDERS)
    if wish.model is None:
        return [model for model in curated() if model.provider in providers]
    found = [model for model in (available.model(provider, wish.model) for provider in providers) if model is not None]
    if not found:
        where = f" at provider '{wish.provider}'" if wish.provider else ""
        raise ModelNotFound(
            f"model '{wish.model}' is not known{where}; for a model of your own, list it in <PROVIDER>_MODELS", param="model"
        )
    return found


def _eligible(models: list[Model], facts: RequestFacts, available: Available) -> tuple[list[Model], list[Excluded]]:
    needed = facts.input_chars // CHARS_PER_TOKEN + (facts.max_output_tokens or 0)
    at_provider = {provider: _provider_unfit(provider, facts, available) for provider in {model.provider for model in models}}
    eligible: list[Model] = []
    excluded: list[Excluded] = []
    for model in models:
        reason = at_provider[model.provider]
        if reason is None and model.context_window is not None and needed > model.context_window:
            reason = f"needs about {needed} tokens, has {model.context_window}"
        if reason is None:
            eligible.append(model)
        else:
            excluded.append(Excluded(provider=model.provider, model=model.id, reason=reason))
    return eligible, excluded


def _provider_unfit(provider: str, facts: RequestFacts, available: Available) -> str | None:
    """Why no model of a provider can serve the request; None when some may."""
    if provider not in available.accounts:
        return "no worker serves this provider"
    if not available.usable(provider):
        return NO_KEY
    foreign = set(facts.builtin_tools) - {"custom"}
    if provider != "openai" and foreign:
        return f"tools of type {', '.join(sorted(foreign))} exist only at openai"
    if provider != "openai" and facts.audio:
        return "audio input exists only at openai"
    return None


def _rank(request_id: str, models: list[Model], facts: RequestFacts, wish: Wish, available: Available) -> list[Candidate]:
    input_tokens = facts.input_chars // CHARS_PER_TOKEN + 1
    output_tokens = min(facts.max_output_tokens or DEFAULT_OUTPUT_TOKENS, DEFAULT_OUTPUT_TOKENS)
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
            model=models[index].id,
            price=models[index].price,
            score=round(scores[index], 4),
            cost=round(cheap[index], 4),
            quality=models[index].quality,
            latency=round(fast[index], 4),
            expected_usd=dollars[index],
            max_output_tokens=models[index].max_output,
            sandbox=available.accounts[models[index].provider].sandbox and models[index].provider not in available.own_keys,
        )
        for index in _order(request_id, models, scores, available.own_keys)
    ]


def _order(request_id: str, models: list[Model], scores: list[float], own_keys: frozenset[str]) -> list[int]:
    """Indices, best first. A key from the client decides between equals; what is still equal is spread over requests."""
    spread = crc32(request_id.encode())
    return sorted(
        range(len(models)),
        key=lambda index: (-scores[index] - (OWN_KEY_BONUS if models[index].provider in own_keys else 0.0), spread * (2 * index + 1) & 0xFFFFFFFF),
    )


def _none_left(wish: Wish, excluded: list[Excluded]) -> RouterError:
    """The most helpful error for an empty list of candidates."""
    keyless = [one for one in excluded if one.reason == NO_KEY]
    if keyless and len(keyless) == len(excluded):
        provider = wish.provider or keyless[0].provider
        return ProviderKeyMissing(
            f"no key for provider '{provider}': set {provider.upper()}_API_KEY or send X-{provider.title()}-Key",
            provider=provider,
        )
    reasons = "; ".join(f"{one.provider}/{one.model}: {one.reason}" for one in excluded[:5])
    asked = f" '{wish.provider or ''}{'/' if wish.provider and wish.model else ''}{wish.model or ''}'" if wish.provider or wish.model else ""
    return RoutingError(f"no eligible provider{asked} ({reasons or 'no model to choose from'})")
