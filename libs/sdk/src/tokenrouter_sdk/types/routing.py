"""How a request was routed, as answers, previews and logs tell it."""

from typing import Any

from openai import BaseModel


class Condition(BaseModel):
    """One condition of a routing rule, as it was evaluated."""

    field: str
    expected: Any = None
    matched: bool
    seen: Any = None
    conditions: list["Condition"] = []
    """Of a group: `any`, `all` or `not`."""


class Hit(BaseModel):
    """A place in which a firewall rule hit, without the text."""

    item: str
    """`input[0].content[1].text`, `metadata.note`, `output[0].arguments`."""
    start: int
    end: int
    """Characters of the text there as it was before masking, end exclusive."""
    detector: str = ""
    hash: str = ""
    """Equal for equal texts in a workspace."""


class RuleTrace(BaseModel):
    """A rule that was looked at."""

    kind: str
    """`routing` or `firewall`."""
    rule_id: int
    name: str
    priority: int
    matched: bool
    conditions: list[Condition] = []
    action: Any = None
    """The actions of a routing rule; `block`, `mask` or `warn` of a firewall rule."""
    scope: str | None = None
    hits: int | None = None
    """All of them; `matches` holds the first."""
    observed: bool = False
    """The rule only observes: its action was not carried out."""
    matches: list[Hit] = []


class Notice(BaseModel):
    """Something the caller should know."""

    source: str
    """`firewall`, `routing`, `router` or `provider-worker`."""
    message: str
    rule_id: int | None = None


class Candidate(BaseModel):
    """A model at a provider that could serve the request. Its scores lie between 0 and 1; higher is better."""

    provider: str
    model: str
    account: str = "default"
    """`own`: the key came with the request."""
    score: float = 0.0
    cost: float = 0.0
    quality: float = 0.0
    latency: float = 0.0
    expected_usd: float | None = None
    expected_s: float = 0.0
    """Seconds to the end of the answer."""
    ttft_s: float = 0.0
    tokens_per_s: float = 0.0
    observed: float = 0.0
    """Answers that this speed was seen in, as far as they still count; 0: it is the catalog's estimate."""
    failing: float = 0.0
    """Share of recent calls that failed."""
    cached_tokens: int = 0
    """Input tokens expected to be read from the provider's prompt cache."""
    price_version: str = ""
    price: dict[str, Any] | None = None
    """USD per million tokens as decimal strings; None when it is not known."""
    sandbox: bool = False


class Excluded(BaseModel):
    """A model that was looked at and left out."""

    provider: str
    model: str
    reason: str
    until: float = 0.0
    """Unix seconds from which it may be called again, for one that is only left alone for now."""


class Reading(BaseModel):
    """What the router took the prompt for."""

    version: str
    families: dict[str, float] = {}
    difficulty: float | None = None
    """0 to 1: 0.5 is an average prompt of its family."""
    output_tokens: int | None = None
    sure: float | None = None
    because: str = ""
    """Why it was not understood; empty when it was."""


class ScoredBy(BaseModel):
    """What the candidates were scored by."""

    chosen_for: str | None = None
    """`score`, `order`, `split`, `exploration` or `cache`."""
    weights: dict[str, float] = {}
    reading: Reading | None = None
    expected: dict[str, int] = {}
    """`input_tokens` and `output_tokens`."""
    policy_revision: int = 0


class Routing(BaseModel):
    """The object `tokenrouter` of an answer."""

    request_id: str
    provider: str | None = None
    model: str | None = None
    mode: str | None = None
    confidence: float | None = None
    """How clear the choice was, 0 to 1."""
    reason: str = ""
    """The choice in one sentence."""
    price_version: str | None = None
    decision: ScoredBy | None = None
    """With `EXPLAIN`."""
    rule_trace: list[RuleTrace] = []
    """The rules that matched."""
    warnings: list[Notice] = []
    attempts: int | None = None
    """Provider calls it took."""
    fallback: bool = False
    """An earlier candidate failed."""
    adapted: list[str] = []
    """What the provider was asked otherwise than the request has it."""
    continued: dict[str, Any] | None = None
    """Of a stream that broke off: the providers that began it, `by`, and how many `items` they had delivered."""
    sandbox: bool = False
    """A sandbox provider answered."""
    error: dict[str, Any] | None = None
    """Of an answer that failed: what an error's body would have said."""
    cost_usd: float | None = None
    """At list price; None when the price or the usage is not known."""
    latency_ms: float | None = None
    candidates: list[Candidate] = []
    """Best first; only with EXPLAIN."""
    excluded: list[Excluded] = []
    """Only with EXPLAIN."""
    rules_evaluated: list[RuleTrace] = []
    """Only with EXPLAIN."""


def routing_of(answer: object) -> Routing:
    """How an answer was routed: a response, a chat completion, a list of embeddings, or the last event of a stream. Raises
    ValueError when it does not say, because it is not over or not the router's."""
    told = getattr(getattr(answer, "response", answer), "tokenrouter", None)
    if not isinstance(told, dict):
        raise ValueError(f"this {type(answer).__name__} does not say how it was routed; an answer does once it is over")
    return Routing.model_construct(**told)
