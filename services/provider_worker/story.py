"""What a response tells of its own routing: metadata, the `tokenrouter` object, and the ledger's rows. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw

from libs.bus.rows import request_row
from libs.catalog.cost import cost
from libs.contracts.decisions import AttemptOutcome, Candidate
from libs.contracts.ledger import AttemptRow, RequestRow
from libs.contracts.message import RuleTrace, Warning
from libs.contracts.requests import Delivered, Routed
from libs.firewall.findings import shortened
from libs.routing.explain import scored_by
from services.provider_worker.dialect import ProviderFailure, Usage

_encode = msgspec.json.Encoder().encode


def warnings_of(message: Routed, more: Sequence[str] = ()) -> list[Warning]:
    """What the stages warned of, in their order; `more` is what the worker found in the answer."""
    found = [Warning(source="provider-worker", message=text) for text in [*_interruption(message), *more]]
    return [*message.screening.warnings, *message.ruling.warnings, *message.decision.warnings, *found]


def _interruption(message: Routed) -> list[str]:
    done = message.delivered
    if done is None:
        return []
    items = "1 item" if done.count == 1 else f"{done.count} items"
    return [f"{' and '.join(done.by)} broke off after {items}; another candidate went on from there"]


def traces_of(message: Routed) -> list[RuleTrace]:
    """The rules that matched; of many matches the first."""
    return [*shortened(message.screening.trace), *message.ruling.matched]


def metadata_of(message: Routed, more: Sequence[str] = ()) -> dict[str, str]:
    """The caller's pairs, and ours over them; strings only, as OpenAI's type has it."""
    decision = message.decision
    pairs = {
        **message.facts.metadata,
        "provider": decision.candidates[decision.chosen].provider,
        "request_id": message.request_id,
        "routing_mode": decision.mode,
        "routing_confidence": f"{decision.confidence:.2f}",
    }
    if decision.reason:
        pairs["routing_reason"] = decision.reason
    traces, warnings = traces_of(message), warnings_of(message, more)
    if traces:
        pairs["rule_trace"] = _encode(traces).decode()
    if warnings:
        pairs["warnings"] = _encode(warnings).decode()
    return pairs


def tokenrouter_of(
    message: Routed, candidate: Candidate, adapted: Sequence[str] = (), warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """The additive top-level object, without cost and latency."""
    decision = message.decision
    story: dict[str, Any] = {
        "request_id": message.request_id,
        "provider": candidate.provider,
        "model": candidate.model,
        "mode": decision.mode,
        "confidence": decision.confidence,
        "reason": decision.reason,
        "price_version": candidate.price.version if candidate.price else None,
        "rule_trace": traces_of(message),
        "warnings": warnings_of(message, warnings),
        "attempts": len(message.attempts) + 1,
        "fallback": bool(message.attempts),
    }
    if adapted:
        story["adapted"] = adapted
    if message.delivered is not None:
        story["continued"] = {"by": message.delivered.by, "items": message.delivered.count}
    if candidate.sandbox:
        story["sandbox"] = True
    if message.facts.explain:
        story["decision"] = scored_by(decision, message.facts.reading)
        story["candidates"] = Raw(decision.scored)
        story["excluded"] = decision.excluded
        story["rules_evaluated"] = Raw(message.ruling.trace)
    return story


def spent(candidate: Candidate, usage: Usage) -> dict[str, Any]:
    """The columns that tokens and cost fill; the cost is null when the price is not known or no usage was reported."""
    usd = None
    if usage.source != "none":
        usd = cost(
            candidate.price,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "usage_source": usage.source,
        "cost_usd": None if usd is None else format(usd, "f"),
        "price_version": candidate.price.version if candidate.price else "",
    }


def total(earlier: Delivered, usage: Usage, own: dict[str, Any]) -> dict[str, Any]:
    """The same columns for all attempts together; `own` are the last one's."""
    last, before = own["cost_usd"], earlier.cost_usd
    usd = None if last is None or before is None else format(Decimal(last) + Decimal(before), "f")
    counted = {name: getattr(usage, name) for name in own if name in Usage.__struct_fields__}
    return own | counted | {"cost_usd": usd, "usage_source": "estimated"}


class Ending(msgspec.Struct, kw_only=True):
    """How an attempt ended, as far as the ledger needs it."""

    status: str
    http_status: int = 200
    error_code: str = ""
    billing: str = "billed"
    model: str = ""
    usage: Usage
    spent: dict[str, Any]
    ttft_ms: float | None = None
    provider_request_id: str = ""
    provider_response_id: str = ""
    adapted: list[str] = []
    warnings: list[str] = []
    """What the worker found in the answer."""


def attempt_row(message: Routed, candidate: Candidate, ending: Ending, *, started_at: float, now: float, worker: str) -> AttemptRow:
    """The row of one provider call."""
    return AttemptRow(
        request_id=message.request_id,
        created_at=message.created_at,
        workspace=message.workspace,
        dispatch=message.dispatch,
        attempt=len(message.attempts) + 1,
        started_at=started_at,
        provider=candidate.provider,
        account=candidate.account,
        model=ending.model or candidate.model,
        status=ending.status,
        http_status=ending.http_status,
        error_code=ending.error_code,
        billing=ending.billing,
        latency_ms=round((now - started_at) * 1000, 3),
        ttft_ms=ending.ttft_ms,
        provider_request_id=ending.provider_request_id,
        provider_response_id=ending.provider_response_id,
        worker=worker,
        own_key=candidate.provider in message.provider_keys,
        sandbox=candidate.sandbox,
        adapted=ending.adapted,
        rank=2,
        **ending.spent,
    )


def ended_row(
    message: Routed, candidate: Candidate, ending: Ending, *, http_status: int, now: float, worker: str, ttft_ms: float | None
) -> RequestRow:
    """The request's row, for a request that ends with this attempt."""
    row = request_row(
        message,
        ended_by=f"provider-worker/{worker}",
        status=ending.status,
        now=now,
        provider=candidate.provider,
        model=ending.model or candidate.model,
        http_status=http_status,
        error_code=ending.error_code,
        ttft_ms=ttft_ms,
        sandbox=candidate.sandbox,
        attempts=len(message.attempts) + 1,
        **ending.spent,
    )
    row.warnings = warnings_of(message, ending.warnings)
    return row


def outcome_of(message: Routed, candidate: Candidate, failure: ProviderFailure) -> AttemptOutcome:
    """What the router should know of a failed attempt."""
    return AttemptOutcome(
        attempt=len(message.attempts) + 1,
        provider=candidate.provider,
        account=candidate.account,
        model=candidate.model,
        status="failed",
        code=failure.code,
        http_status=failure.status,
        retry_after=failure.retry_after,
        message=failure.message,
        param=failure.param,
        billing=failure.billing,
    )
