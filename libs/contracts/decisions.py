"""What each stage decides; travels with the request and ends in the ledger."""

from typing import Literal

from msgspec import Struct

from libs.contracts.message import RuleTrace, Warning

Mode = Literal["balance", "cost", "quality", "latency"]
Billing = Literal["none", "billed", "maybe"]


class Target(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request or a rule asks for; None leaves the choice to the router."""

    provider: str | None = None
    model: str | None = None
    mode: Mode | None = None


class Share(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way of a weighted split."""

    weight: float
    provider: str | None = None
    model: str | None = None
    mode: Mode | None = None


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What rules allow a request at most; None: as much as it asks for."""

    max_output_tokens: int | None = None
    timeout: float | None = None
    """Seconds from the request's arrival."""
    max_attempts: int | None = None
    max_usd: float | None = None
    """Candidates that are expected to cost more are left out."""


class Screening(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """firewall: which rules hit, and what was done."""

    revision: int
    """Of the workspace's firewall rules; 0 when it has none."""
    checked: int = 0
    """Enabled rules that were looked at."""
    trace: list[RuleTrace] = []
    """The rules that matched."""
    warnings: list[Warning] = []
    masked: int = 0
    """Places replaced."""


class Ruling(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """rules: the actions of the matching rules, merged."""

    revision: int
    matched: list[RuleTrace] = []
    """The rules whose actions apply."""
    trace: bytes = b"[]"
    """Every enabled rule with its conditions, a JSON array of RuleTrace: written once, read by nobody on the way."""
    target: Target = Target()
    """Only what the rules set."""
    split: list[Share] = []
    """Weighted ways of the strongest rule that has some; the router takes one and it goes over `target`."""
    split_by: int = 0
    """The rule that has them."""
    split_at: float | None = None
    """0 to 1: where the sticky field's value falls in the split; None: the router's turns decide."""
    fallbacks: list[Target] = []
    """Tried in this order behind `target`, and nothing else."""
    pinned: bool = False
    """`target` and nothing else."""
    exclude: list[str] = []
    """Globs of `provider/model` that may not serve it."""
    headers: dict[str, str] = {}
    """To be sent to the provider."""
    limits: Limits = Limits()
    warnings: list[Warning] = []


class PriceTier(Struct, frozen=True, array_like=True):
    """A rate that holds once the request has more than `above` input tokens."""

    above: int
    usd_per_mtok: str


class Price(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """USD per million tokens as decimal strings; a missing rate is None, never zero."""

    version: str
    """Source and date of the price: `genai-prices 0.2.3`, `genai-prices 2026-11-20 (3f2a91c)`, `settings` or `workspace`."""
    checked: str = ""
    """The day of the price list, ISO 8601; empty for a price of the settings' or of a workspace's own."""
    input: str | None = None
    cached_input: str | None = None
    cache_write: str | None = None
    output: str | None = None
    input_tiers: list[PriceTier] = []
    cached_input_tiers: list[PriceTier] = []
    cache_write_tiers: list[PriceTier] = []
    output_tiers: list[PriceTier] = []


class Candidate(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A model at a provider that could serve the request, with its score terms (0..1, higher is better)."""

    provider: str
    account: str = "default"
    """`own`: the key comes with the request."""
    model: str
    price: Price | None = None
    """None: the price is not known."""
    score: float = 0.0
    cost: float = 0.0
    quality: float = 0.0
    latency: float = 0.0
    expected_usd: float | None = None
    expected_s: float = 0.0
    """Seconds to the end of the answer."""
    ttft_s: float = 0.0
    tokens_per_s: float = 0.0
    """What `expected_s` was made of."""
    observed: float = 0.0
    """Answers that this speed was seen in, as far as they still count; 0: it is the catalog's estimate."""
    failing: float = 0.0
    """Share of recent calls that failed."""
    catalog_quality: float | None = None
    """`quality` without what was learned from feedback; None when that makes no difference."""
    cached_tokens: int = 0
    """Input tokens expected to be read from the provider's prompt cache."""
    price_version: str = ""
    max_output_tokens: int | None = None
    """What the model can write at most, where known."""
    reasoning: bool = False
    """It can think before it answers."""
    sandbox: bool = False


class Excluded(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A model that was looked at and left out."""

    provider: str
    model: str
    reason: str
    until: float = 0.0
    """Unix seconds from which it may be called again, for one that is only left alone for now."""


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """router: the ranked candidates and which one is to be called."""

    mode: Mode
    candidates: list[Candidate]
    """Best first. On the bus only those that may be tried."""
    scored: bytes = b""
    """On the bus: all candidates, a JSON array of Candidate for the ledger and for explanations."""
    chosen: int = 0
    excluded: list[Excluded] = []
    warnings: list[Warning] = []
    confidence: float = 0.0
    """0..1: how clear the choice was."""
    reason: str = ""
    """The choice in one sentence."""
    weights: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of cost, quality, latency."""
    chosen_for: Literal["score", "order", "split", "exploration", "cache", "pin", "chain"] = "score"
    """Why the first candidate is the first."""
    input_tokens: int = 0
    """Estimated."""
    output_tokens: int = 0
    """Expected."""
    policy_revision: int = 0
    """Of the workspace's routing policy; 0 when it has none."""


class AttemptOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One provider call that is over."""

    attempt: int
    provider: str
    account: str = "default"
    model: str
    status: Literal["completed", "incomplete", "failed", "cancelled"]
    code: str | None = None
    http_status: int | None = None
    retry_after: float | None = None
    """Seconds the provider asked us to wait."""
    message: str = ""
    param: str | None = None
    """The request's field that was at fault."""
    billing: Billing = "none"
