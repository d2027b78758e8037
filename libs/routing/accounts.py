"""Which accounts of a provider a request may use, and in which order. Pure."""

from collections.abc import Sequence
from functools import cache

from libs.catalog.providers import builtin
from libs.contracts.health import ProviderAccount
from libs.contracts.preferences import Preferences
from libs.routing.policy import Policy
from libs.routing.snapshot import OWN, Snapshot
from libs.routing.splits import way

NO_KEY = "no key for this provider"


def usable(provider: str, snapshot: Snapshot, policy: Policy, wishes: Preferences | None) -> tuple[list[ProviderAccount], str]:
    """The accounts that may be called, and why there is none when there is none."""
    accounts = snapshot.accounts.get(provider)
    if accounts is None:
        return [], "no worker serves this provider"
    # A key from the client stands alone: it is his bill, and his contract, of which nothing is known.
    own = provider in snapshot.own_keys
    open_ = [_own(provider)] if own else [one for one in accounts if one.configured]
    if not open_:
        return [], NO_KEY
    regions = policy.given.regions
    if regions:
        open_ = [one for one in open_ if one.region in regions]
        if not open_:
            return [], f"no account in region {' or '.join(regions)}"
    if policy.given.data_collection == "deny" or (wishes is not None and wishes.data_collection == "deny"):
        open_ = [one for one in open_ if not one.keeps_data]
        if not open_:
            return [], "may keep prompts for its own purposes, and data_collection is deny"
    return list(open_), ""


@cache
def _own(provider: str) -> ProviderAccount:
    profile = builtin().get(provider)
    return ProviderAccount(provider=provider, account=OWN, keeps_data=profile is None or profile.keeps_data)


def names(provider: str, accounts: Sequence[ProviderAccount], snapshot: Snapshot) -> list[str]:
    """Their names in the order in which they are tried: by rank, and within a rank each in turn by its weight."""
    if provider in snapshot.own_keys:
        return [OWN]
    if len(accounts) == 1:
        return [accounts[0].account]
    ordered: list[ProviderAccount] = []
    for rank in sorted({one.rank for one in accounts}):
        group = [one for one in accounts if one.rank == rank]
        while len(group) > 1:
            ordered.append(group.pop(way([one.weight for one in group], snapshot.turn_of(provider))))
        ordered += group
    return [one.account for one in ordered]
