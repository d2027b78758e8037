"""Which accounts may be called for a model at this moment. Pure."""

from msgspec import Struct

from libs.catalog.models import Model
from libs.contracts.telemetry import Rest, Signal
from libs.routing.accounts import names
from libs.routing.errors import Resting
from libs.routing.snapshot import OWN, Snapshot
from libs.routing.wanted import Reach

LIMIT_PAUSE = 1.0
"""Seconds after which to look again at an account whose limit is too small for a request: nobody says when enough of it is back."""


class Awake(Struct, frozen=True, gc=False):
    """A model with the accounts at which it may be called, and what is known of it at each, in the order in which they are tried."""

    model: Model
    accounts: list[str]
    signals: list[Signal]


def awake(models: list[Model], reach: Reach, snapshot: Snapshot, tokens: int, now: float) -> tuple[list[Awake], list[Resting]]:
    """The models that may be called now, and what is to be left alone. Where only advice speaks against all that is left, it gives
    way. `tokens`: input and output that the request is expected to use."""
    order = {provider: names(provider, accounts, snapshot) for provider, (accounts, _) in reach.items() if accounts}
    found, resting = _parted(models, order, snapshot, tokens, now, heeding_advice=True)
    if found or not resting:
        return found, resting
    return _parted(models, order, snapshot, tokens, now, heeding_advice=False)


def _parted(
    models: list[Model], order: dict[str, list[str]], snapshot: Snapshot, tokens: int, now: float, *, heeding_advice: bool
) -> tuple[list[Awake], list[Resting]]:
    found: list[Awake] = []
    resting: list[Resting] = []
    rest_of, signal_of = snapshot.rest_of, snapshot.signal_of
    for model in models:
        provider, name = model.provider, model.id
        accounts: list[str] = []
        signals: list[Signal] = []
        for account in order[provider]:
            signal = signal_of(provider, account, name)
            why = ""
            rest = rest_of(provider, account, name) if account != OWN else None
            if rest is None and (signal.tokens_left is not None or signal.requests_left is not None):
                why = _short_of(signal, tokens)
                if why:
                    rest = Rest(provider=provider, account=account, model=name, until=now + LIMIT_PAUSE, code="rate_limit_exceeded", advice=True)
            if rest is None or (rest.advice and not heeding_advice):
                accounts.append(account)
                signals.append(signal)
            else:
                resting.append(Resting(model, rest, why))
        if accounts:
            found.append(Awake(model, accounts, signals))
    return found, resting


def _short_of(signal: Signal, tokens: int) -> str:
    if signal.requests_left is not None and signal.requests_left < 1:
        return "the account has no request left in its limit"
    if signal.tokens_left is not None and signal.tokens_left < tokens:
        return f"the account has {signal.tokens_left} tokens left in its limit, and about {tokens} are needed"
    return ""
