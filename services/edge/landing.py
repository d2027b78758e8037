"""What the edge puts on record when an answer is over: how it was delivered, and the story of what nobody else can tell."""

import time

from libs.bus.rows import encode_row, refused_row
from libs.contracts.errors import ErrorInfo, InvalidRequest
from libs.contracts.ledger import AttemptRow, DeliveryRow, LedgerRow
from libs.contracts.requests import Admitted
from services.edge.answer import Delivery
from services.edge.flight import Flight


def left_row(message: Admitted, now: float, instance: str) -> LedgerRow:
    """The client left; a worker that was at work on the answer tells more, and outranks this."""
    error = InvalidRequest("the client left", status=499, code="client_closed").info
    row = refused_row(message, error, ended_by=f"edge/{instance}", status="cancelled", now=now, rank=1)
    return encode_row("requests", row)


def lost_rows(flight: Flight, error: ErrorInfo, now: float, instance: str) -> list[LedgerRow]:
    """The story of a request that nobody but the edge can tell; a worker that lives after all outranks it. The request's row first,
    then those of its attempts."""
    message, started = flight.message, flight.started
    row = refused_row(
        message, error, ended_by=f"edge/{instance}", status="failed", now=now, rank=1,
        model=started.model if started else "", provider=started.provider if started else "", attempts=started.attempt if started else 0,
    )
    rows = [encode_row("requests", row)]
    if started is not None:
        attempt = AttemptRow(
            request_id=message.request_id, created_at=message.created_at, workspace=message.workspace,
            dispatch=message.dispatch, attempt=started.attempt, started_at=now - (time.monotonic() - flight.started_at),
            provider=started.provider, model=started.model, status="failed", http_status=0, error_code=error.code, billing="maybe",
            input_tokens=0, output_tokens=0, cached_tokens=0, cache_write_tokens=0, reasoning_tokens=0, usage_source="none",
            cost_usd=None, price_version="", latency_ms=round((time.monotonic() - flight.started_at) * 1000, 3), ttft_ms=None,
            provider_request_id="", provider_response_id="", worker=started.worker, own_key=started.provider in message.provider_keys,
            sandbox=False, adapted=[], rank=1,
        )
        rows.append(encode_row("attempts", attempt))
    return rows


def ended_here(error: ErrorInfo) -> bool:
    """Whether the edge itself ended the request; otherwise whoever did has written its row."""
    return error.code in ("worker_lost", "service_unavailable", "firewall_unavailable") or (
        error.code == "upstream_timeout" and error.provider is None
    )


def delivery_row(message: Admitted, delivery: Delivery, edge: str, now: float) -> DeliveryRow:
    first = delivery.first_byte_at if delivery.first_byte_at is not None else now
    return DeliveryRow(
        request_id=message.request_id,
        created_at=message.created_at,
        workspace=message.workspace,
        edge=edge,
        http_status=delivery.http_status,
        outcome=delivery.outcome,
        bytes_sent=delivery.bytes_sent,
        ttfb_ms=round((first - message.created_at) * 1000, 3),
        total_ms=round((now - message.created_at) * 1000, 3),
        dispatches=message.dispatch,
        rank=1,
    )
