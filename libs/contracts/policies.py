"""What lives in NATS KV and every service serves from memory: API keys, firewall rules, routing rules."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from libs.contracts.health import Dollars
from libs.contracts.reading import Family

Scope = Literal["prompt", "response", "metadata"]
FirewallType = Literal["substring", "regex", "detector"]
FirewallAction = Literal["block", "mask", "warn"]


class ApiKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A client's key, stored under the SHA-256 of its secret."""

    id: str
    workspace: str
    name: str
    created_at: float
    revoked: bool = False
    project: str = ""
    """The project it belongs to; empty: the request may name one."""


class FirewallRule(Struct, frozen=True, kw_only=True):
    """A firewall rule as the API shows it."""

    id: int
    user_id: int
    name: str
    is_enabled: bool
    priority: int
    scope: Scope
    type: FirewallType
    pattern: str
    action: FirewallAction
    replacement: str | None = None
    exceptions: list[str] = []
    """Matches that are none: texts with `*` for anything, compared with the whole match in any case, or `/regex/`, found in it."""
    observe: bool = False
    """Hits go on record, and nothing else happens."""
    projects: list[str] = []
    """Only requests of these; empty: of all."""
    api_keys: list[str] = []
    """Only requests with these keys, by id or name; empty: with all."""
    created_at: str
    updated_at: str


class RoutingRule(Struct, frozen=True, kw_only=True):
    """A routing rule as the API shows it."""

    id: int
    user_id: int
    name: str
    is_enabled: bool
    priority: int
    match_json: dict[str, Any]
    action_json: dict[str, Any]
    created_at: str
    updated_at: str


class FirewallRules(Struct, frozen=True, kw_only=True):
    """A workspace's firewall rules: one KV value, changed by compare-and-set."""

    next_id: int = 1
    salt: str = ""
    """Of the hashes that stand for matches in the audit; random, never shown. Empty: no hashes."""
    rules: list[FirewallRule] = []


class RoutingRules(Struct, frozen=True, kw_only=True):
    """A workspace's routing rules: one KV value, changed by compare-and-set."""

    next_id: int = 1
    rules: list[RoutingRule] = []


class ModelOverride(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a workspace knows better than the catalog; None leaves the catalog's word."""

    input_usd_per_mtok: Dollars | None = None
    cached_input_usd_per_mtok: Dollars | None = None
    cache_write_usd_per_mtok: Dollars | None = None
    output_usd_per_mtok: Dollars | None = None
    """A negotiated price; a rate that is left out is the catalog's."""
    context_window: Annotated[int, Meta(ge=1)] | None = None
    max_output: Annotated[int, Meta(ge=1)] | None = None
    quality: Annotated[float, Meta(ge=0, le=1)] | None = None
    """For all families that `quality_by_family` does not name."""
    quality_by_family: dict[Family, Annotated[float, Meta(ge=0, le=1)]] = {}
    ttft_s: Annotated[float, Meta(gt=0)] | None = None
    tokens_per_s: Annotated[float, Meta(gt=0)] | None = None
    auto: bool | None = None
    """Whether `auto` may choose it."""


class Weights(Struct, frozen=True, kw_only=True):
    """What cost, quality and latency count in a mode; they are scaled to add up to 1."""

    cost: Annotated[float, Meta(ge=0)]
    quality: Annotated[float, Meta(ge=0)]
    latency: Annotated[float, Meta(ge=0)]


class RoutingPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a workspace settles for all its requests: one KV value, `policy.{workspace}`. Empty, it changes nothing."""

    allow: list[str] = []
    """Globs of `provider/model`, such as `openai/*`; empty allows all."""
    deny: list[str] = []
    """The same, beats `allow`."""
    regions: list[str] = []
    """Only accounts in these; an account without a region is in none. Empty: anywhere."""
    data_collection: Literal["allow", "deny"] = "allow"
    weights: dict[Literal["balance", "cost", "quality", "latency"], Weights] = {}
    """Instead of the mode's own."""
    exploration: Annotated[float, Meta(ge=0, le=0.2)] | None = None
    """Share of requests that may try a model whose speed is not known; None: the router's setting."""
    classify: bool = True
    """False: prompts are not read, every request gets the no-prompt answer."""
    models: dict[str, ModelOverride] = {}
    """`provider/model` → what is known better."""
    learning: bool = False
    """Quality as learned from this workspace's feedback counts."""


class LearnedQuality(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What feedback says of a model at one family of tasks, shrunk towards the catalog."""

    prior: float
    posterior: float
    ratings: int


class Learned(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Quality re-estimated from a workspace's feedback: one KV value, `learned.{workspace}`. It counts where the policy's `learning`
    is on."""

    at: str
    """When it was estimated, ISO 8601."""
    since: str
    """Feedback from here on is in it."""
    ratings: int
    models: dict[str, dict[Family, LearnedQuality]]
    """`provider/model` → family."""


class PriceList(Struct, frozen=True, kw_only=True):
    """A price list newer than the one that ships with us: one KV value, `list` in its own bucket. Deleted, ours is back in force."""

    at: str
    """The day on which it was taken, ISO 8601."""
    source: str
    """Its address, or the name of the file."""
    sha256: str
    """Of the data unpacked, in hex."""
    data: bytes
    """zlib; JSON as the genai-prices project publishes it."""
