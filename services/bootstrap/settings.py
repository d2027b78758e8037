"""What bootstrap is told by its environment."""

from libs.bus.settings import BusSettings


class BootstrapSettings(BusSettings, frozen=True, kw_only=True):
    """Beyond the bus: the secrets an operator may choose instead of having them made."""

    api_key: str = ""
    """A client key to accept. Empty: one is made when there is none."""
    vault_key: str = ""
    """The vault's private key. Empty: `{home}/vault/worker.key`, made when it is not there."""
    nats_replicas: int = 1
    """Copies of each stream; 3 on a NATS cluster."""
    response_retention_days: float = 30.0
    """Days that stored responses and conversations are kept."""
    nats_wait: float = 30.0
    """Seconds to wait for NATS to come up."""
