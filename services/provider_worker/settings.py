"""The worker's settings: timeouts, limits, and where its providers are configured."""

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
    continue_after_items: bool = True
    """When a provider dies between two items of a streamed answer, let the next candidate go on from there."""
    firewall_hold_back: int = 256
    """Characters of a streamed text that are held back for firewall rules on answers whose matches have no known bound."""
    providers_file: str = ""
    """TOML file with further providers, in the form of libs/catalog/providers.toml."""
    egress_allow: str = ""
    """Hosts that may have private addresses, separated by commas: names, `*.suffix`, addresses or networks. Without it only what a
    base URL names by address or by a name without dots may be private."""
    vault_key: str = ""
    """Private key for the keys that clients send; read from {home}/vault/worker.key when empty."""
    sandbox: bool = False
    """The base URLs point to the local sandbox providers."""
