"""What is on record of requests."""

from typing import Any

from openai import BaseModel
from openai.pagination import AsyncNextCursorPage, SyncNextCursorPage
from pydantic import Field

from tokenrouter_sdk.types.routing import Candidate, Excluded, Notice, Reading, RuleTrace


class Tokens(BaseModel):
    """As the provider counted them; cached and cache-written ones are part of `input`, reasoning of `output`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0


class LogEntry(BaseModel):
    """A request as the list shows it; None where nothing is known."""

    request_id: str
    response_id: str
    created_at: str
    """ISO 8601, UTC."""
    endpoint: str
    model_requested: str
    model: str | None = None
    provider: str | None = None
    mode: str | None = None
    confidence: float | None = None
    status: str
    """completed, incomplete, failed, refused, rejected or cancelled."""
    http_status: int
    error_code: str | None = None
    tokens: Tokens
    cost_usd: float | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    """Until the first token."""
    stream: bool = False
    background: bool = False
    sandbox: bool = False
    metadata: dict[str, str] = {}
    warnings: list[Notice] = []
    rule_trace: list[RuleTrace] = []
    """The routing rules that were looked at."""
    firewall_trace: list[RuleTrace] = []
    """The firewall rules that hit."""
    attempts: int = 0
    idempotency_key: str | None = None
    reason: str | None = None
    """Why this model, in one sentence."""
    task_family: str | None = None
    """What the prompt was taken for."""
    chosen_for: str | None = None
    """`score`, `order`, `split`, `exploration` or `cache`."""


class Hop(BaseModel):
    """A stage's stay on the request's way."""

    stage: str
    instance: str
    at: str
    took_ms: float


class Attempt(BaseModel):
    """One provider call."""

    attempt: int
    started_at: str
    provider: str
    account: str
    model: str
    status: str
    http_status: int | None = None
    error_code: str | None = None
    billing: str | None = None
    """none, billed or maybe."""
    tokens: Tokens
    cost_usd: float | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    provider_request_id: str | None = None
    provider_response_id: str | None = None
    adapted: list[str] = []


class LogRecord(LogEntry):
    """All that is known of one request."""

    candidates: list[Candidate] = []
    excluded: list[Excluded] = []
    expected_usd: float | None = None
    expected_s: float | None = None
    expected_quality: float | None = None
    reading: Reading | None = None
    decision: dict[str, Any] | None = None
    """What the candidates were scored by."""
    hops: list[Hop] = []
    attempt_rows: list[Attempt] = []


class LogPage(SyncNextCursorPage[LogEntry]):
    """Iterate over it for the entries of this page and of those after it."""

    next: str | None = Field(alias="next_cursor", default=None)


class AsyncLogPage(AsyncNextCursorPage[LogEntry]):
    """Iterate over it for the entries of this page and of those after it."""

    next: str | None = Field(alias="next_cursor", default=None)
