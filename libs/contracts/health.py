"""What a service says of itself once a second; routers and edges keep the latest of each instance."""

from msgspec import Struct

from libs.contracts.message import Message


class ProviderAccount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider that a worker can call."""

    provider: str
    has_key: bool = False
    """False: only requests that bring their own key can use it."""
    configured: bool = False
    """A key or a base URL is set, so the provider may be chosen without a key from the client."""
    sandbox: bool = False
    models: list[str] = []
    """Model ids beyond the catalog, from the settings."""


class Health(Message, frozen=True, kw_only=True, tag="health"):
    """A heartbeat. An instance that has been silent for a few beats is taken for dead."""

    service: str
    instance: str
    at: float
    ready: bool = True
    draining: bool = False
    providers: list[ProviderAccount] = []
    running: list[str] = []
    """Request ids that the instance works on; an edge whose request is missing here knows that its answer was lost."""
