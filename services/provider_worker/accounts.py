"""Which account and key a call uses, and which dialect speaks to it."""

from libs.contracts.decisions import Candidate
from libs.contracts.health import ProviderAccount
from libs.contracts.requests import Routed
from libs.vault.envelopes import Envelopes, envelope_key
from libs.vault.seal import CannotOpen, context, unseal
from services.provider_worker.dialect import Dialect, ProviderFailure
from services.provider_worker.dialects import DIALECTS
from services.provider_worker.settings import Account, direct


class Accounts:
    """The configured accounts; opens the keys that clients sent."""

    def __init__(self, configured: dict[str, Account], vault_key: str) -> None:
        self._configured = configured
        self._vault_key = vault_key
        self._envelope_key = envelope_key(vault_key)

    def envelopes(self, workspace: str, account: str) -> Envelopes:
        """Seals opaque state for one workspace and account."""
        return Envelopes(self._envelope_key, workspace, account)

    def dialect(self, provider: str) -> Dialect:
        return DIALECTS[provider]

    def choose(self, message: Routed, candidate: Candidate) -> Account:
        """The account to call; a key from the client's header goes before the configured one. Raises ProviderFailure."""
        account = self._configured[candidate.provider]
        sealed = message.provider_keys.get(candidate.provider)
        if sealed is None:
            return account
        try:
            key = unseal(sealed, self._vault_key, context(message.workspace, candidate.provider, message.request_id))
        except CannotOpen:
            raise ProviderFailure("the key sent for this provider cannot be opened", code="provider_key_invalid") from None
        own = direct(account)
        return Account(provider=own.provider, base_url=own.base_url, key=key, configured=True)

    def announced(self) -> list[ProviderAccount]:
        """The accounts as routers and edges may know them."""
        return [
            ProviderAccount(
                provider=account.provider,
                has_key=bool(account.key),
                configured=account.configured,
                sandbox=account.sandbox,
                models=list(account.models),
            )
            for account in self._configured.values()
        ]
