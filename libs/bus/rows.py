"""Ledger rows from messages, pure: what was decided, as columns."""

from typing import Any

import msgspec
from msgspec import structs

from libs.contracts.decisions import Decision
from libs.contracts.errors import ErrorInfo
from libs.contracts.ledger import AttemptRow, DeliveryRow, FeedbackRow, LedgerRow, RequestRow, Table
from libs.contracts.reading import Reading
from libs.contracts.requests import Admitted, Routed, Ruled, Screened
from libs.contracts.state import issued_key

_encode = msgspec.json.Encoder().encode


def encode_row(table: Table, row: RequestRow | AttemptRow | DeliveryRow | FeedbackRow) -> LedgerRow:
    """A row as it travels."""
    return LedgerRow(table, _encode(row))


def request_row(message: Admitted, *, ended_by: str, status: str, now: float, **columns: Any) -> RequestRow:
    """A request's row from the last message of its path; `columns` sets what the message does not say."""
    facts = message.facts
    routed: dict[str, Any]
    if isinstance(message, Routed):
        decision = message.decision
        routed = {
            "mode": decision.mode, "candidates": msgspec.Raw(decision.scored or b"[]"), "excluded": decision.excluded,
            "confidence": decision.confidence, **_explained(decision, facts.reading), "facts": structs.replace(facts, metadata={}, reading=None),
        }
    else:
        routed = {"mode": facts.override.mode or facts.target.mode or "balance"}
    return RequestRow(
        request_id=message.request_id,
        created_at=message.created_at,
        workspace=message.workspace,
        api_key_id=message.key_id,
        endpoint=message.endpoint,
        model_requested=facts.model,
        status=status,
        latency_ms=round((now - message.created_at) * 1000, 3),
        stream=message.stream,
        metadata=facts.metadata,
        ended_by=ended_by,
        dispatches=message.dispatch,
        hops=message.hops,
        traceparent=message.traceparent,
        idempotency_key=message.idempotency_key or issued_key(message.request_id),
        background=message.keeping is not None and message.keeping.background,
        **_decided(message),
        **routed,
        **columns,
    )


def _explained(decision: Decision, reading: Reading | None) -> dict[str, Any]:
    """Why it was decided so, and what was expected of the candidate that was called last."""
    called = decision.candidates[decision.chosen]
    understood = reading if reading is not None and not reading.because else None
    return {
        "task_family": max(understood.families, key=understood.families.__getitem__) if understood and understood.families else "",
        "difficulty": understood.difficulty if understood else 0.0,
        "reason": decision.reason,
        "chosen_for": decision.chosen_for,
        "candidate": f"{called.provider}/{called.model}",
        "expected_usd": called.expected_usd,
        "expected_s": called.expected_s,
        "expected_quality": called.quality if called.catalog_quality is None else called.catalog_quality,
        "reading": reading,
        "decision": {
            "weights": decision.weights, "input_tokens": decision.input_tokens, "output_tokens": decision.output_tokens,
            "policy_revision": decision.policy_revision,
        },
    }


def refused_row(message: Admitted, error: ErrorInfo, *, ended_by: str, status: str, now: float, **columns: Any) -> RequestRow:
    """The row of a request that ends in an error."""
    named: dict[str, Any] = {"http_status": error.status, "error_code": error.code}
    if error.provider:
        named["provider"] = error.provider
    return request_row(message, ended_by=ended_by, status=status, now=now, **(named | columns))


def _decided(message: Admitted) -> dict[str, Any]:
    """The columns that the stages' decisions fill."""
    warnings: list[Any] = []
    rule_trace: Any = []
    firewall_trace: list[Any] = []
    revisions: dict[str, int] = {}
    if isinstance(message, Screened):
        warnings += message.screening.warnings
        firewall_trace = message.screening.trace
        revisions["firewall"] = message.screening.revision
    if isinstance(message, Ruled):
        warnings += message.ruling.warnings
        rule_trace = msgspec.Raw(message.ruling.trace)
        revisions["routing"] = message.ruling.revision
    if isinstance(message, Routed):
        warnings += message.decision.warnings
    return {
        "warnings": warnings, "rule_trace": rule_trace, "firewall_trace": firewall_trace, "policy_revisions": revisions,
    }
