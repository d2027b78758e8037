"""The world as a decision sees it: who can be called, what is to be left alone, how fast and how full everything was lately."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from libs.catalog.models import Model, find, offered
from libs.contracts.health import OfferedModel, ProviderAccount
from libs.contracts.telemetry import UNKNOWN, CachedPrefix, Rest, Signal

OWN = "own"
"""The account that stands for the key in the request."""

RestOf = Callable[[str, str, str], Rest | None]
"""Provider, account, model → why it is not to be called now."""
SignalOf = Callable[[str, str, str], Signal]
"""Provider, account, model → what is known of it."""
TurnOf = Callable[[str], int]
"""Name of a split → how many requests it has sent on their way so far."""


def _never(provider: str, account: str, model: str) -> None:
    return None


def _unknown(provider: str, account: str, model: str) -> Signal:
    return UNKNOWN


def _first(split: str) -> int:
    return 0


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything outside the request and the workspace's policy that a decision depends on."""

    accounts: Mapping[str, Sequence[ProviderAccount]]
    """By provider, in the order in which they are tried."""
    own_keys: frozenset[str] = frozenset()
    """Providers whose key came with the request."""
    rest_of: RestOf = _never
    signal_of: SignalOf = _unknown
    cached: Sequence[CachedPrefix] = ()
    """Where the beginning of this conversation is likely to be in a prompt cache, latest first."""
    turn_of: TurnOf = _first
    exploration: float = 0.0
    """Share of requests that may try what has not been called for long."""

    def sandbox(self, provider: str) -> bool:
        return provider not in self.own_keys and any(one.sandbox for one in self.accounts.get(provider, ()))

    def offers(self, provider: str, now: float | None = None) -> list[Model]:
        """The models that the settings of the workers name, each once: accounts often share a list. `now`: Unix seconds, for the prices;
        the clock's when left out."""
        named: dict[str, OfferedModel] = {}
        for account in self.accounts.get(provider, ()):
            for one in account.models:
                named.setdefault(one.id, one)
        return [offered(provider, one, now) for one in named.values()]

    def model(self, provider: str, model: str, now: float | None = None) -> Model | None:
        """A model by id, from the settings of the workers or from the catalog."""
        for account in self.accounts.get(provider, ()):
            for one in account.models:
                if one.id == model:
                    return offered(provider, one, now)
        return find(provider, model, now)
