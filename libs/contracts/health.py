"""What a service says of itself once a second; routers and edges keep the latest of each instance."""

from typing import Annotated

from msgspec import Meta, Struct

from libs.contracts.message import Message
from libs.contracts.reading import Family
from libs.contracts.telemetry import Rest

Dollars = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")]


class OfferedModel(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model that an operator's settings name, and what they say of it. Where they are silent, the catalog and the price list
    speak."""

    id: str
    context_window: Annotated[int, Meta(ge=1)] | None = None
    """Tokens, input and output together."""
    max_output: Annotated[int, Meta(ge=1)] | None = None
    """Tokens."""
    lacks: tuple[str, ...] = ()
    """Names from libs.catalog.capabilities, or types of built-in tools; beats everything else that is known."""
    has: tuple[str, ...] = ()
    """The same, for what the model can do."""
    input_usd_per_mtok: Dollars | None = None
    """USD per million tokens as a decimal string; "0" is a price, None is not known."""
    output_usd_per_mtok: Dollars | None = None
    quality: Annotated[float, Meta(ge=0, le=1)] | None = None
    """0 to 1, on the catalog's scale, for every family of tasks that `quality_by_family` does not name."""
    quality_by_family: dict[Family, Annotated[float, Meta(ge=0, le=1)]] = {}
    """The same, family by family: code, math, science, knowledge, reasoning, writing, tools."""
    auto: bool = False
    """`auto` may choose it."""


class ProviderAccount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider that a worker can call."""

    provider: str
    account: str = "default"
    rank: int = 0
    """Place in the order in which a provider's accounts are tried, 0 first."""
    has_key: bool = False
    """False: only requests that bring their own key can use it."""
    configured: bool = False
    """A key or a base URL is set, so the provider may be chosen without a key from the client."""
    sandbox: bool = False
    region: str = ""
    """Where it computes, in lower case, such as `eu`; empty: not said."""
    weight: float = 1.0
    """Share of the requests among the provider's accounts of the same rank."""
    keeps_data: bool = True
    """The provider keeps prompts for its own purposes, or may."""
    models: list[OfferedModel] = []
    """Models beyond the catalog, from the settings."""


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
    resting: list[Rest] = []
    """From routers: what they do not call at the moment, for a router that has just started and for people who ask."""
