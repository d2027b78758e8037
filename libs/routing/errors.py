"""The most helpful error for a request that nobody can serve. Pure."""

import math

from msgspec import Struct

from libs.catalog.models import Model
from libs.catalog.providers import variable_prefix
from libs.contracts.decisions import Excluded
from libs.contracts.errors import ProviderBusy, ProviderKeyMissing, RateLimited, RouterError, RoutingError
from libs.contracts.models import PROVIDERS
from libs.contracts.telemetry import Rest
from libs.routing.accounts import NO_KEY
from libs.routing.resolve import Wish


class Resting(Struct, frozen=True):
    """A model that could serve the request if it were not left alone for now."""

    model: Model
    rest: Rest
    why: str = ""
    """In words; empty leaves it to the rest's code."""


def excluded_for_now(one: Resting, now: float) -> Excluded:
    """As the explanation shows it."""
    rest = one.rest
    account = "" if rest.account == "default" else f" (account {rest.account})"
    why = one.why or (f"breaker open after {rest.failures} failures, {rest.code}" if rest.failures else rest.code)
    left_alone = "" if one.why else f"; left alone for {max(0.0, rest.until - now):.1f} s"
    return Excluded(provider=one.model.provider, model=one.model.id, reason=f"{why}{left_alone}{account}", until=rest.until)


def none_left(wish: Wish, embeddings: bool, excluded: list[Excluded], resting: list[Resting], now: float) -> RouterError:
    """The error for an empty list of candidates."""
    if resting:
        return _all_rest(excluded + [excluded_for_now(one, now) for one in resting], resting, now)
    keyless = [one for one in excluded if one.reason == NO_KEY]
    if keyless and len(keyless) == len(excluded):
        provider = wish.provider or keyless[0].provider
        header = f" or send X-{provider.title()}-Key" if provider in PROVIDERS else ""
        return ProviderKeyMissing(f"no key for provider '{provider}': set {variable_prefix(provider)}_API_KEY{header}", provider=provider)
    asked = f" '{wish.provider or ''}{'/' if wish.provider and wish.model else ''}{wish.model or ''}'" if wish.provider or wish.model else ""
    none = f"no {'embedding ' if embeddings else ''}model to choose from"
    return RoutingError(f"no eligible provider{asked} ({_reasons(excluded) or none})")


def _all_rest(excluded: list[Excluded], resting: list[Resting], now: float) -> RouterError:
    """Every candidate is to be left alone for now: the client may come back when the first of them may be called again."""
    first = min((one.rest for one in resting), key=lambda rest: rest.until)
    message = f"every candidate is to be left alone for now ({_reasons(excluded)})"
    retry_after = max(1, math.ceil(first.until - now))
    kind = RateLimited if first.code == "rate_limit_exceeded" else ProviderBusy
    return kind(message, provider=first.provider, retry_after=retry_after)


def _reasons(excluded: list[Excluded]) -> str:
    return "; ".join(f"{one.provider}/{one.model}: {one.reason}" for one in excluded[:5])
