"""Requests, accounts and signals to decide about."""

from collections.abc import Mapping, Sequence
from typing import Any

from libs.contracts.decisions import Decision, Ruling
from libs.contracts.health import OfferedModel, ProviderAccount
from libs.contracts.models import PROVIDERS, parse_model
from libs.contracts.policies import Learned, RoutingPolicy
from libs.contracts.preferences import Preferences
from libs.contracts.requests import RequestFacts
from libs.contracts.telemetry import UNKNOWN, CachedPrefix, Signal
from libs.routing.decide import decide
from libs.routing.policy import Policy
from libs.routing.snapshot import Snapshot

NOW = 1_780_000_000.0
"""Unix seconds, a day of 2026."""


def account(provider: str, name: str = "default", *models: OfferedModel, **known: Any) -> ProviderAccount:
    return ProviderAccount(provider=provider, account=name, has_key=True, configured=True, models=list(models), **known)


ALL = {name: [account(name)] for name in PROVIDERS}


def decided(
    model: str = "auto",
    *,
    accounts: Mapping[str, Sequence[ProviderAccount]] = ALL,
    signals: Mapping[tuple[str, str, str], Signal] | None = None,
    cached: Sequence[CachedPrefix] = (),
    policy: RoutingPolicy | None = None,
    learned: Learned | None = None,
    wishes: Preferences | None = None,
    ruling: Ruling | None = None,
    exploration: float = 0.0,
    turn: int = 0,
    request_id: str = "req_1",
    **facts: Any,
) -> Decision:
    known = RequestFacts(
        model=model, target=parse_model(model), preferences=wishes, **{"input_chars": 2000, **facts}
    )
    snapshot = Snapshot(
        accounts=accounts,
        signal_of=lambda *place: (signals or {}).get(place, UNKNOWN),
        cached=cached,
        turn_of=lambda split: turn,
        exploration=exploration,
    )
    return decide(request_id, known, ruling or Ruling(revision=0), snapshot, Policy(policy, 3, learned), NOW)


def called(decision: Decision) -> list[str]:
    """`provider/model` of the candidates, best first."""
    return [f"{one.provider}/{one.model}" for one in decision.candidates]


def reasons(decision: Decision) -> dict[str, str]:
    """`provider/model` → why it was left out."""
    return {f"{one.provider}/{one.model}": one.reason for one in decision.excluded}
