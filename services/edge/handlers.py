"""POST /v1/responses, from the socket to the bus and back."""

import logging
import time
from collections.abc import Mapping
from functools import cache

from litestar.types import ASGIApp, Receive, Scope
from nats.errors import Error as NatsError

from libs.bus import metrics
from libs.bus.health import Registry
from libs.bus.logs import AccessLog
from libs.bus.rows import encode_row, refused_row
from libs.bus.service import Bus
from libs.contracts.decisions import Target
from libs.contracts.errors import ErrorInfo, HeadersTooLarge, InternalError, InvalidRequest, RouterError
from libs.contracts.ledger import AttemptRow, DeliveryRow, LedgerRow
from libs.contracts.message import Body as Carried
from libs.contracts.policies import ApiKey
from libs.contracts.requests import Admitted, RequestFacts
from libs.vault.seal import context, seal
from services.edge import ids
from services.edge.admission import KEY_HEADERS, Admission, admit
from services.edge.answer import Answer, Delivery, error_body
from services.edge.body import ClientGone, parse, read
from services.edge.flight import Flight
from services.edge.flights import Flights, unavailable
from services.edge.formats import writer
from services.edge.keys import Keys
from services.edge.settings import EdgeSettings

log = logging.getLogger("tokenrouter.edge")
MAX_HEADER_BYTES = 64 * 1024
MAX_PROVIDER_KEY = 512
_counted = cache(metrics.REQUESTS.labels)
_seconds = cache(metrics.REQUEST_SECONDS.labels)
STORAGE_PATIENCE = 3.0
"""Seconds of failing ledger publishes after which nothing new is admitted."""


class Edge:
    """Everything the routes need."""

    def __init__(self, bus: Bus, settings: EdgeSettings) -> None:
        self.bus, self.settings = bus, settings
        self.keys = Keys()
        self.registry = Registry()
        self.flights = Flights(bus, settings, self.registry)
        self.vault_key = ""
        self._log = AccessLog(bus.service, bus.instance)

    def apply_vault(self, key: str, value: bytes | None, revision: int) -> None:
        """Take the workers' public key from KV."""
        if key == "worker_public_key" and value:
            self.vault_key = value.decode()

    async def create_response(self, scope: Scope, receive: Receive) -> ASGIApp:
        """Admit a request and answer with whatever comes back for it."""
        received_at = time.time()
        request_id, span = ids.fresh()
        received = scope["headers"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in received}
        key: ApiKey | None = None
        message: Admitted | None = None
        try:
            if sum(len(name) + len(value) for name, value in received) > MAX_HEADER_BYTES:
                raise HeadersTooLarge(f"the headers are larger than {MAX_HEADER_BYTES} bytes")
            key = self.keys.authenticate(headers.get("authorization"))
            raw = await read(receive, headers.get("content-length"), self.settings.max_body_bytes)
            admission = admit(parse(raw), raw, headers, self.settings.stream_format, self.registry.accounts())
            message = await self._admitted(request_id, span, received_at, key, admission, headers)
            self._check_services()
            flight = await self.flights.launch(message, streaming=admission.stream)
        except RouterError as error:
            return self._reject(request_id, received_at, key, message, error.info)
        except ClientGone:
            return self._reject(request_id, received_at, None, None, InvalidRequest("the client left", status=499).info)
        except (NatsError, TimeoutError):
            return self._reject(request_id, received_at, key, message, unavailable("the message bus did not take the request").info)
        except Exception:
            log.exception("admission failed", extra={"request_id": request_id})
            return self._reject(request_id, received_at, key, message, InternalError("the router failed; the log has the request id").info)
        return Answer(flight, writer(admission.stream_format), self.bus.claims, self._land)

    async def _admitted(
        self, request_id: str, span: str, received_at: float, key: ApiKey, admission: Admission, headers: Mapping[str, str]
    ) -> Admitted:
        body = Carried(inline=admission.body, size=len(admission.body))
        if self.flights.hears():
            body = await self.bus.claims.stow(admission.body)
        return Admitted(
            request_id=request_id,
            workspace=key.workspace,
            key_id=key.id,
            created_at=received_at,
            deadline=received_at + self.settings.request_timeout,
            expires_at=time.time() + self.settings.dispatch_window,
            edge=self.bus.instance,
            traceparent=ids.traceparent(headers.get("traceparent"), span),
            stream=admission.stream,
            facts=admission.facts,
            body=body,
            provider_keys=self._provider_keys(headers, key.workspace, request_id),
        )

    def _provider_keys(self, headers: Mapping[str, str], workspace: str, request_id: str) -> dict[str, bytes]:
        """The keys in `X-<Provider>-Key` headers, sealed so that only provider-workers can open them."""
        sealed: dict[str, bytes] = {}
        for name, provider in KEY_HEADERS.items():
            secret = headers.get(name)
            if not secret:
                continue
            if len(secret) > MAX_PROVIDER_KEY or not secret.isascii() or not secret.isprintable():
                raise InvalidRequest(f"the {name} header does not hold a key", param=name)
            if not self.vault_key:
                raise unavailable("keys in headers cannot be sealed yet")
            sealed[provider] = seal(secret, self.vault_key, context(workspace, provider, request_id))
        return sealed

    def _check_services(self) -> None:
        """Refuse at once what cannot be carried out: better a quick 503 than a slow one."""
        if not self.flights.hears():
            raise unavailable("the message bus is not reachable")
        if self.bus.ledger_failing_for > STORAGE_PATIENCE:
            raise unavailable("decisions cannot be recorded", code="storage_unavailable")

    def _reject(
        self, request_id: str, received_at: float, key: ApiKey | None, message: Admitted | None, error: ErrorInfo
    ) -> ASGIApp:
        """Answer with an error; on record when the caller is known."""
        _counted("responses", str(error.status)).inc()
        self._log("rejected", request_id=request_id, status=error.status, code=error.code, ms=round((time.time() - received_at) * 1000, 2))
        if key is not None:
            told = message or self._bare(request_id, received_at, key)
            row = refused_row(told, error, ended_by=f"edge/{self.bus.instance}", status="rejected", now=time.time(), rank=1)
            self.bus.note([encode_row("requests", row)])
        return error_body(error, request_id)

    def _bare(self, request_id: str, received_at: float, key: ApiKey) -> Admitted:
        """A request that was not understood, as far as it goes on record."""
        return Admitted(
            request_id=request_id, workspace=key.workspace, key_id=key.id, created_at=received_at, deadline=received_at,
            expires_at=received_at, edge=self.bus.instance, traceparent="", facts=RequestFacts(model="", target=Target()), body=Carried(),
        )

    def _land(self, flight: Flight, delivery: Delivery, error: ErrorInfo | None) -> None:
        """The answer is over: cancel what goes on without a reader, and record how it was delivered."""
        message, now = flight.message, time.time()
        if delivery.outcome == "disconnected" or not flight.over:
            delivery.outcome = "disconnected"
            self.flights.cancel(flight, "client disconnected")
        self.flights.land(flight)
        rows = [encode_row("deliveries", _delivery_row(message, delivery, self.bus.instance, now))]
        if error is not None and _ended_here(error):
            rows += self._lost_rows(flight, error, now)
        elif delivery.outcome == "disconnected":
            rows.append(self._left_row(message, now))
        self.bus.note(rows)
        status = str(delivery.http_status or 499)
        _counted(message.endpoint, status).inc()
        _seconds(message.endpoint).observe(now - message.created_at)
        self._log(
            "answered", request_id=message.request_id, status=delivery.http_status, outcome=delivery.outcome,
            ms=round((now - message.created_at) * 1000, 2), stream=message.stream, dispatches=message.dispatch,
        )

    def _left_row(self, message: Admitted, now: float) -> LedgerRow:
        """The client left; a worker that was at work on the answer tells more, and outranks this."""
        error = InvalidRequest("the client left", status=499, code="client_closed").info
        row = refused_row(message, error, ended_by=f"edge/{self.bus.instance}", status="cancelled", now=now, rank=1)
        return encode_row("requests", row)

    def _lost_rows(self, flight: Flight, error: ErrorInfo, now: float) -> list[LedgerRow]:
        """The story of a request that nobody but the edge can tell; a worker that lives after all outranks it."""
        message, started = flight.message, flight.started
        row = refused_row(
            message, error, ended_by=f"edge/{self.bus.instance}", status="failed", now=now, rank=1,
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


def _ended_here(error: ErrorInfo) -> bool:
    """Whether the edge itself ended the request; otherwise whoever did has written its row."""
    return error.code in ("worker_lost", "service_unavailable", "firewall_unavailable") or (
        error.code == "upstream_timeout" and error.provider is None
    )


def _delivery_row(message: Admitted, delivery: Delivery, edge: str, now: float) -> DeliveryRow:
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
