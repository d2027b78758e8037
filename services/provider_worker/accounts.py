"""The accounts that can be called: from the environment, or with a key that came with the request."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, structs

from libs.catalog.providers import Profile, builtin
from libs.contracts.decisions import Candidate
from libs.contracts.health import OfferedModel, ProviderAccount
from libs.contracts.models import PROVIDERS
from libs.contracts.requests import Routed
from libs.vault.envelopes import Envelopes, envelope_key
from libs.vault.seal import CannotOpen, context, unseal
from services.provider_worker.dialect import Dialect, ProviderFailure
from services.provider_worker.providers import Providers

OWN = "own"
"""The account that stands for the key in the request."""
MOST_ACCOUNTS = 9
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SAID = {"true": True, "false": False}


class BadAccount(ValueError):
    """A provider's variable cannot be used; the message names it."""


class Account(Struct, frozen=True, kw_only=True):
    """A provider as this worker can call it."""

    provider: str
    name: str = "default"
    rank: int = 0
    base_url: str
    key: str = ""
    configured: bool = False
    """It may be called without a key from the client."""
    sandbox: bool = False
    region: str = ""
    weight: float | None = None
    """None: it has no share, but its turn after the accounts of a lower rank."""
    keeps_data: bool = True
    models: tuple[OfferedModel, ...] = ()


def configured(environ: Mapping[str, str], profiles: Iterable[Profile], *, sandbox: bool) -> list[Account]:
    """The accounts that `{PROVIDER}_API_KEY`, `_BASE_URL`, `_MODELS`, `_REGION`, `_WEIGHT` and `_KEEPS_DATA` configure, and with `_2`
    to `_9` behind them further ones of the same provider. The providers of the contract are always there, for clients that bring a
    key. Raises BadAccount."""
    return [account for profile in profiles for account in _accounts(environ, profile, sandbox)]


def _accounts(environ: Mapping[str, str], profile: Profile, sandbox: bool) -> list[Account]:
    first = _account(environ, profile, "", sandbox)
    more = [
        made for number in range(2, MOST_ACCOUNTS + 1)
        if (made := _account(environ, profile, f"_{number}", sandbox)).configured
    ]
    there = [account for account in (first, *more) if account.configured or (account is first and profile.id in PROVIDERS)]
    return _sharing(there)


def _sharing(accounts: list[Account]) -> list[Account]:
    """Those that have a weight take the place of the first of them together."""
    shared = min((account.rank for account in accounts if account.weight is not None), default=0)
    return [account if account.weight is None else structs.replace(account, rank=shared) for account in accounts]


def _account(environ: Mapping[str, str], profile: Profile, suffix: str, sandbox: bool) -> Account:
    key, base_url = (environ.get(f"{profile.prefix}_{field}{suffix}", "").strip() for field in ("API_KEY", "BASE_URL"))
    inherited = environ.get(f"{profile.prefix}_BASE_URL", "").strip() or profile.base_url
    own = profile is not builtin().get(profile.id)
    named = environ.get(f"{profile.prefix}_MODELS{suffix}", "") or environ.get(f"{profile.prefix}_MODELS", "")
    known = {model.id: model for model in profile.models}
    models = [known.get(name) or OfferedModel(id=name) for part in named.split(",") if (name := part.strip())]
    return Account(
        provider=profile.id,
        name=suffix.removeprefix("_") or "default",
        rank=int(suffix.removeprefix("_") or 1) - 1,
        base_url=_trimmed(base_url or inherited, profile),
        key=key,
        configured=bool(key or base_url) or (own and profile.keyless and not suffix),
        sandbox=sandbox,
        region=_region(environ, f"{profile.prefix}_REGION{suffix}"),
        weight=_weight(environ, f"{profile.prefix}_WEIGHT{suffix}"),
        keeps_data=_said(environ, f"{profile.prefix}_KEEPS_DATA{suffix}", profile.keeps_data),
        models=tuple(models or profile.models),
    )


def _region(environ: Mapping[str, str], name: str) -> str:
    given = environ.get(name, "").strip().lower()
    if given and not _REGION.fullmatch(given):
        raise BadAccount(f"{name} must be a name such as eu or us-east-1, not {given!r}")
    return given


def _weight(environ: Mapping[str, str], name: str) -> float | None:
    given = environ.get(name, "").strip()
    if not given:
        return None
    try:
        weight = float(given)
    except ValueError:
        weight = 0.0
    if not (math.isfinite(weight) and weight > 0):
        raise BadAccount(f"{name} must be a number above 0, not {given!r}")
    return weight


def _said(environ: Mapping[str, str], name: str, otherwise: bool) -> bool:
    given = environ.get(name, "").strip().lower()
    if given and given not in _SAID:
        raise BadAccount(f"{name} must be true or false, not {given!r}")
    return _SAID.get(given, otherwise)


def _trimmed(base_url: str, profile: Profile) -> str:
    """Without a last slash, and without the version where that belongs to the dialect's path, though people write it here."""
    url = base_url.rstrip("/")
    if profile.dialect == "gemini":
        return url.removesuffix("/v1beta").removesuffix("/v1")
    in_path = profile.dialect == "anthropic" or str(profile.chat.get("path", "")).startswith("/v1/")
    return url.removesuffix("/v1") if in_path else url


class Accounts:
    """The accounts by provider and name; opens the keys that clients sent."""

    def __init__(self, known: list[Account], providers: Providers, vault_key: str) -> None:
        self._known = {(account.provider, account.name): account for account in known}
        self._providers = providers
        self._vault_key = vault_key
        self._envelope_key = envelope_key(vault_key)

    def dialect(self, candidate: Candidate, request: dict[str, Any] | None = None) -> Dialect:
        """Which API serves the canonical request at a candidate."""
        return self._providers.dialect(candidate.provider, candidate.model, request, reasoning=candidate.reasoning)

    def envelopes(self, workspace: str, account: str) -> Envelopes:
        """Seals opaque state for one workspace and account."""
        return Envelopes(self._envelope_key, workspace, account)

    def choose(self, message: Routed, candidate: Candidate) -> Account:
        """The account to call. Raises ProviderFailure."""
        if candidate.account == OWN:
            return self._with_own_key(message, candidate)
        account = self._known.get((candidate.provider, candidate.account))
        if account is None:
            what = f"this worker has no account {candidate.account!r}"
            raise ProviderFailure(what, code="provider_key_invalid")
        return account

    def _with_own_key(self, message: Routed, candidate: Candidate) -> Account:
        provider = candidate.provider
        try:
            key = unseal(message.provider_keys[provider], self._vault_key, context(message.workspace, provider, message.request_id))
        except (CannotOpen, KeyError):
            raise ProviderFailure("the key sent for this provider cannot be opened", code="provider_key_invalid") from None
        first = self._known[provider, "default"]
        # The sandbox must not see a real key.
        base_url = self._providers.base_url(provider) if first.sandbox else first.base_url
        return Account(provider=provider, name=OWN, base_url=base_url, key=key, configured=True)

    def announced(self) -> list[ProviderAccount]:
        """The accounts as routers and edges may know them."""
        return [
            ProviderAccount(
                provider=account.provider, account=account.name, rank=account.rank, has_key=bool(account.key),
                configured=account.configured, sandbox=account.sandbox, region=account.region,
                weight=1.0 if account.weight is None else account.weight, keeps_data=account.keeps_data, models=list(account.models),
            )
            for account in self._known.values()
        ]
