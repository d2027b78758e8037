"""The rows of the ledger. They travel as JSON, a row an object, so that ClickHouse parses what the writer encoded."""

from typing import Any, Literal

from msgspec import Struct

from libs.contracts.message import Message

Table = Literal["requests", "attempts", "deliveries", "feedback"]


class RequestRow(Struct, kw_only=True):
    """A request's whole story, written once by whoever ended it. Key: workspace, created_at, request_id."""

    request_id: str
    created_at: float
    workspace: str
    api_key_id: str
    endpoint: str
    model_requested: str
    model: str = ""
    provider: str = ""
    mode: str = "balance"
    status: str
    """completed, incomplete, failed, refused, rejected, cancelled."""
    http_status: int = 200
    error_code: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    usage_source: str = "none"
    """provider, estimated or none."""
    cost_usd: str | None = None
    """Decimal; None when the price or the usage is not known."""
    price_version: str = ""
    latency_ms: float
    ttft_ms: float | None = None
    stream: bool
    metadata: dict[str, str]
    sandbox: bool = False
    ended_by: str
    rank: int = 2
    """The row with the highest rank wins: 2 from the worker or stage that ended it, 1 from an edge that gave up."""
    dispatches: int
    attempts: int = 0
    confidence: float = 0.0
    warnings: Any
    rule_trace: Any
    firewall_trace: Any
    candidates: Any = ()
    excluded: Any = ()
    hops: Any
    """[[stage, instance, unix seconds, ms], …]"""
    policy_revisions: dict[str, int]
    traceparent: str
    idempotency_key: str = ""
    background: bool = False
    task_family: str = ""
    """What the prompt was taken for: the likeliest family of its reading; empty when it was not read, or not with enough certainty."""
    difficulty: float = 0.0
    """0 to 1, of the same reading."""
    reason: str = ""
    """The choice in one sentence."""
    chosen_for: str = ""
    """score, order, split, exploration or cache; empty when the router chose nothing."""
    candidate: str = ""
    """`provider/model` of the candidate that was called last, as the catalog names it: `model` may be a dated snapshot of it."""
    expected_usd: float | None = None
    """Of that candidate, as are the next two; None when its price is not known."""
    expected_s: float | None = None
    """Seconds to the end of the answer."""
    expected_quality: float | None = None
    """0 to 1, of this prompt, without what was learned from feedback: feedback is compared with it, and would else be with itself."""
    reading: Any = None
    """A Reading; None when the prompt was not read."""
    decision: Any = None
    """What deciding again takes and no other column has: `{weights, input_tokens, output_tokens, policy_revision}`."""
    facts: Any = None
    """RequestFacts without its metadata and reading, which have columns of their own."""


class AttemptRow(Struct, kw_only=True):
    """One provider call. Key: workspace, created_at, request_id, dispatch, attempt."""

    request_id: str
    created_at: float
    workspace: str
    dispatch: int
    attempt: int
    started_at: float
    provider: str
    account: str = "default"
    """Name of the provider's account; `own` for a key that came with the request."""
    model: str
    status: str
    http_status: int
    error_code: str
    billing: str
    """none, billed or maybe."""
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_source: str
    cost_usd: str | None
    price_version: str
    latency_ms: float
    ttft_ms: float | None
    provider_request_id: str
    provider_response_id: str
    worker: str
    own_key: bool
    """The client's header brought the key."""
    sandbox: bool
    adapted: list[str]
    """What the adapter changed or dropped for this provider."""
    rank: int


class DeliveryRow(Struct, kw_only=True):
    """What only the edge knows. Key: workspace, created_at, request_id."""

    request_id: str
    created_at: float
    workspace: str
    edge: str
    http_status: int
    outcome: str
    """delivered, disconnected or failed."""
    bytes_sent: int
    ttfb_ms: float
    total_ms: float
    dispatches: int
    rank: int


class FeedbackRow(Struct, kw_only=True):
    """What a client thinks of an answer. Key: workspace, created_at, request_id, api_key_id; the newest `at` wins."""

    feedback_id: str
    """`fb_…`"""
    request_id: str
    workspace: str
    api_key_id: str
    at: float
    """Unix seconds."""
    created_at: float
    """Of the request."""
    score: float
    """0 to 1."""
    label: str = ""
    comment: str = ""


class LedgerRow(Struct, frozen=True, array_like=True):
    """A row and the table it belongs to."""

    table: str
    json: bytes


class LedgerBatch(Message, frozen=True, kw_only=True, tag="ledger_batch"):
    """All rows that one process had due at once."""

    rows: list[LedgerRow]
