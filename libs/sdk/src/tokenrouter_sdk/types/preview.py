"""What the router would do with a request, without doing it."""

from __future__ import annotations

from typing import Any

from openai import BaseModel
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from tokenrouter_sdk.options import Mode
from tokenrouter_sdk.types.routing import Candidate, Excluded, Notice, RuleTrace, ScoredBy


class PreviewRequest(ResponseCreateParamsBase, total=False):
    """A Responses request."""

    stream: bool | None
    router_mode: Mode
    router_provider: str
    router_model: str
    provider: dict[str, Any]
    """Preferences among providers: order, only, ignore, sort, max_price, data_collection, allow_fallbacks."""


class Choice(ScoredBy):
    """The router's decision."""

    mode: str | None = None
    reason: str = ""
    """The choice in one sentence."""
    candidates: list[Candidate] = []
    """Best first."""
    excluded: list[Excluded] = []
    confidence: float | None = None


class Route(BaseModel):
    """Where the request would go first."""

    provider: str
    model: str


class Preview(BaseModel):
    """The whole of it."""

    request_id: str
    decision: Choice | None = None
    """None when the request would not reach the router."""
    route: Route | None = None
    rule_trace: list[RuleTrace] = []
    firewall: dict[str, Any] = {}
    """What the firewall would do."""
    warnings: list[Notice] = []


class Screened(BaseModel):
    """What the firewall would do with an answer."""

    action: str
    """`pass`, `warn`, `mask` or `block`."""
    blocked_by: dict[str, Any] | None = None
    checked: int = 0
    """Rules that were looked at."""
    masked: int = 0
    """Places replaced."""
    rule_trace: list[RuleTrace] = []
    warnings: list[Notice] = []
    hold_back: int | None = None
    """Characters that a stream would hold back."""
    output: list[dict[str, Any]] | None = None


class FirewallPreview(Screened):
    """What it would do with a request, and under `response` with an answer."""

    request_id: str
    request: dict[str, Any] = {}
    """As it would go on, masked."""
    response: Screened | None = None
