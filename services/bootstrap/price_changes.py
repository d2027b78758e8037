"""What a new price list would change for the models of the catalog, and what speaks against it. Pure."""

from collections.abc import Iterator
from decimal import Decimal

from genai_prices.data_snapshot import DataSnapshot
from msgspec import Struct

from libs.catalog.models import curated, embedders
from libs.catalog.prices import Listing, listed_as, listing_in
from libs.catalog.providers import builtin
from libs.contracts.decisions import Price, PriceTier

RATES = ("input", "cached_input", "cache_write", "output")
MOST = 10
"""A rate that changes by more than this factor, either way, is taken for a mistake."""


class Change(Struct, frozen=True):
    """A rate of a model, in USD per million tokens; with tiers, `2.5 (5 above 272000)`."""

    model: str
    """`provider/model`."""
    rate: str
    before: str | None
    """None: not known."""
    after: str | None

    def __str__(self) -> str:
        return f"{self.model} {self.rate}: {self.before or 'not known'} -> {self.after or 'not known'}"


def changes(before: DataSnapshot, after: DataSnapshot, now: float) -> list[Change]:
    """All that is different at this moment for the models that `auto` chooses among."""
    return [
        Change(name, rate, _written(old, rate), _written(new, rate))
        for name, old, new in _compared(before, after, now) for rate in RATES
        if _written(old, rate) != _written(new, rate)
    ]


def objections(before: DataSnapshot, after: DataSnapshot, now: float) -> list[str]:
    """Why the new list looks wrong; empty when it does not."""
    there = {provider.id for provider in after.providers}
    were = {provider.id for provider in before.providers}
    gone = sorted(id_ for id_ in map(listed_as, builtin()) if id_ in were and id_ not in there)
    return [f"the provider {id_} is gone" for id_ in gone] + [
        f"{name} {rate} {objection}: {_written(old, rate)} -> {_written(new, rate) or 'not known'}"
        for name, old, new in _compared(before, after, now) for rate in RATES
        if (objection := _objection(_rates(old, rate), _rates(new, rate)))
    ]


def _compared(before: DataSnapshot, after: DataSnapshot, now: float) -> Iterator[tuple[str, Listing | None, Listing | None]]:
    for model in [*curated(now), *embedders(now)]:
        old, new = (listing_in(snapshot, model.provider, model.id, now) for snapshot in (before, after))
        yield f"{model.provider}/{model.id}", old, new


def _objection(old: list[Decimal], new: list[Decimal]) -> str:
    if not old or min(old) <= 0:
        return ""
    if not new:
        return "is gone"
    if min(new) <= 0:
        return "drops to zero"
    within = all(before / MOST <= after <= before * MOST for before, after in ((min(old), min(new)), (max(old), max(new))))
    return "" if within else f"changes more than {MOST}-fold"


def _rates(listing: Listing | None, rate: str) -> list[Decimal]:
    """The base and all tiers; empty when not known."""
    base, tiers = _of(listing, rate)
    return [] if base is None else [Decimal(base), *(Decimal(tier.usd_per_mtok) for tier in tiers)]


def _written(listing: Listing | None, rate: str) -> str | None:
    base, tiers = _of(listing, rate)
    if base is None:
        return None
    return _plain(base) + "".join(f" ({_plain(tier.usd_per_mtok)} above {tier.above})" for tier in tiers)


def _of(listing: Listing | None, rate: str) -> tuple[str | None, list[PriceTier]]:
    if listing is None:
        return None, []
    price: Price = listing.price
    return getattr(price, rate), getattr(price, f"{rate}_tiers")


def _plain(rate: str) -> str:
    """`1`, `1.0` and `1E+0` are the same price."""
    return f"{Decimal(rate).normalize():f}"
