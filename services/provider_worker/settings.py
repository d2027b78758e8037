"""The worker's settings: timeouts, and the provider accounts that the environment configures."""

from collections.abc import Mapping

from msgspec import Struct

from libs.bus.settings import BusSettings


class WorkerSettings(BusSettings, frozen=True, kw_only=True):
    """Fields are read from `TOKENROUTER_<FIELD>`."""

    connect_timeout: float = 5.0
    """Seconds to reach the provider."""
    first_byte_timeout: float = 300.0
    """Seconds until the provider begins to answer; reasoning models think for minutes before they do."""
    idle_timeout: float = 120.0
    """Seconds between two reads of a streamed answer."""
    max_response_bytes: int = 64 << 20
    vault_key: str = ""
    """Private key for the keys that clients send; read from {home}/vault/worker.key when empty."""
    sandbox: bool = False
    """The base URLs point to the local sandbox providers."""


class Account(Struct, frozen=True, kw_only=True):
    """A provider as this worker can call it."""

    provider: str
    base_url: str
    key: str = ""
    configured: bool = False
    """A key or a base URL was set."""
    sandbox: bool = False
    models: tuple[str, ...] = ()


# Base URLs as each provider's own SDK takes them.
BASE_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "deepseek": "https://api.deepseek.com",
    "mistral": "https://api.mistral.ai",
}


def accounts(environ: Mapping[str, str], providers: list[str], *, sandbox: bool) -> dict[str, Account]:
    """The accounts that `{PROVIDER}_API_KEY`, `_BASE_URL` and `_MODELS` configure, by provider."""
    found = {}
    for provider in providers:
        name = provider.upper()
        key, base_url = environ.get(f"{name}_API_KEY", ""), environ.get(f"{name}_BASE_URL", "")
        found[provider] = Account(
            provider=provider,
            base_url=(base_url or BASE_URLS[provider]).rstrip("/"),
            key=key,
            configured=bool(key or base_url),
            sandbox=sandbox,
            models=tuple(model.strip() for model in environ.get(f"{name}_MODELS", "").split(",") if model.strip()),
        )
    return found


def direct(account: Account) -> Account:
    """The same provider for a client's own key: never the sandbox, which must not see a real key."""
    if not account.sandbox:
        return account
    return Account(provider=account.provider, base_url=BASE_URLS[account.provider], models=account.models)
