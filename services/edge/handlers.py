"""Requests from the socket to the bus and back, whatever API they come by."""

import asyncio
import logging
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from litestar import Request
from litestar.types import ASGIApp, Receive, Scope
from nats.errors import Error as NatsError

from libs.bus import metrics
from libs.bus.health import Registry
from libs.bus.logs import AccessLog
from libs.bus.rows import encode_row, refused_row
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.decisions import Target
from libs.contracts.errors import ErrorInfo, InternalError, InvalidRequest, RouterError
from libs.contracts.message import Body as Carried
from libs.contracts.policies import ApiKey
from libs.contracts.requests import Admitted, RequestFacts
from libs.contracts.state import Idempotency, Keeping, StoredResponse
from libs.responses.canonical import canonical
from libs.responses.frame import Frame
from libs.state.store import Store
from libs.vault.seal import context, seal
from services.edge import ids
from services.edge.admission import KEY_HEADERS, Admission, admit
from services.edge.answer import Answer, Delivery, error_body
from services.edge.apis import Api
from services.edge.arrival import Arrival, check_size, headers_of
from services.edge.background import Background
from services.edge.body import ClientGone, parse, read
from services.edge.choices import Choices, RecordedChoices
from services.edge.flight import Flight
from services.edge.flights import Flights, unavailable
from services.edge.formats.format import Format
from services.edge.history import History, Resolved, Turn
from services.edge.idempotency import IdempotencyKeys, checked, fingerprint_of, repeated_headers
from services.edge.keys import Keys
from services.edge.landing import delivery_row, ended_here, left_row, lost_rows
from services.edge.recorded import Followed, Recorded
from services.edge.rule_sets import RuleSets
from services.edge.settings import EdgeSettings

log = logging.getLogger("tokenrouter.edge")
Json = dict[str, Any]
MAX_PROVIDER_KEY = 512
MAX_PROJECT = 128
_counted = cache(metrics.REQUESTS.labels)
_seconds = cache(metrics.REQUEST_SECONDS.labels)
STORAGE_PATIENCE = 3.0
"""Seconds of failing ledger publishes after which nothing new is admitted."""


class Edge:
    """Everything the routes need."""

    def __init__(self, bus: Bus, settings: EdgeSettings) -> None:
        self.bus, self.settings = bus, settings
        self.keys = Keys()
        self.rule_sets = RuleSets(bus, self.keys)
        self.registry = Registry()
        self.flights = Flights(bus, settings, self.registry)
        self.background = Background(bus, settings, self.registry, self.flights)
        self.vault_key = ""
        self._log = AccessLog(bus.service, bus.instance)
        self._tasks: set[asyncio.Task[None]] = set()

    async def prepare(self, _: object) -> None:
        """Make what needs the connection; the first thing after it is there."""
        self.history = History(self.bus.responses, self.bus.conversations)
        claims = Store(self.bus.connection, self.bus.js, subjects.IDEMPOTENCY_STREAM, subjects.STATE_BODIES_BUCKET)
        self.idempotency = IdempotencyKeys(claims, self.bus.responses, self.bus.instance, self._works_on)

    def apply_vault(self, key: str, value: bytes | None, revision: int) -> None:
        """Take the workers' public key from KV."""
        if key == "worker_public_key" and value:
            self.vault_key = value.decode()

    def caller(self, request: Request[Any, Any, Any]) -> ApiKey:
        """Who asks. Raises Unauthorized."""
        return self.keys.caller(request.headers)

    async def create(self, api: Api, scope: Scope, receive: Receive) -> ASGIApp:
        """Carry a request of some API out, and answer with whatever comes back for it."""
        arrival = Arrival(headers_of(scope))
        try:
            check_size(scope)
            arrival.key = self.keys.caller(arrival.headers)
            raw = await read(receive, arrival.headers.get("content-length"), self.settings.max_body_bytes)
            body = parse(raw)
            if api.trial_of is not None:
                arrival.trial = api.trial_of(body, self.registry.accounts())
            return await self._answer(api, arrival, body, raw, arrival.key)
        except ClientGone:
            return self._reject(api, arrival, InvalidRequest("the client left", status=499).info, known=False)
        except Exception as error:
            return self._reject(api, arrival, self.told(error, arrival))

    async def _answer(self, api: Api, arrival: Arrival, body: Json, raw: bytes, key: ApiKey) -> ASGIApp:
        request, resolved, admission = await self._understood(api, arrival, body, raw, key)
        form = api.format(body, admission.stream_format)
        idempotency_key, count = checked(arrival.headers.get("idempotency-key")), api.choices(body)
        keeping = _keeping(api, body, request, resolved, idempotent=bool(idempotency_key))
        if idempotency_key and keeping is not None:
            repeated = await self.idempotency.claim(
                key.workspace, idempotency_key, keeping.fingerprint, arrival.request_id, count=count
            )
            if repeated is not None and count > 1:
                answers = await self.idempotency.answers(key.workspace, repeated.request_id, count)
                return RecordedChoices(answers, body, stream=admission.stream, idempotency_key=idempotency_key)
            if repeated is not None:
                return self._repeat(repeated, form, admission, idempotency_key, key.workspace)
        try:
            arrival.message = message = await self._admitted(api, arrival, admission, key, keeping, idempotency_key)
            self._check_services()
            if keeping is not None and keeping.background:
                return await self._begin_background(message, request, form)
            if count > 1:
                return Choices(await self._flights_for(message, count, arrival), body, self.bus.claims, self.land)
            flight = await self.flights.launch(message, streaming=admission.stream)
        except BaseException:
            if idempotency_key:
                self._later(self.idempotency.release(key.workspace, idempotency_key, arrival.request_id))
            raise
        return Answer(flight, form, self.bus.claims, self.land)

    async def _understood(
        self, api: Api, arrival: Arrival, body: Json, raw: bytes, key: ApiKey, cached: Turn | None = None
    ) -> tuple[Json, Resolved, Admission]:
        """The canonical request, what it builds on, and what is to be known of it. Raises RouterError."""
        asked = api.request_of(body)
        if api.facts_of is None:
            request = canonical(asked)
            resolved = await self.history.resolved(key.workspace, request, cached)
            facts = None
        else:
            request, facts = asked, api.facts_of(asked)
            resolved = Resolved(request=request)
        same = raw if resolved.request is body else b""
        admission = admit(resolved.request, arrival.headers, self.settings.stream_format, self.registry.accounts(), facts, same)
        return request, resolved, admission

    async def begin_turn(
        self, api: Api, arrival: Arrival, body: Json, key: ApiKey, cached: Turn | None
    ) -> tuple[Flight, Resolved]:
        """Launch a streamed request that did not come as an HTTP request of its own. Raises RouterError, NatsError and TimeoutError."""
        request, resolved, admission = await self._understood(api, arrival, body, b"", key, cached)
        keeping = _keeping(api, body, request, resolved, idempotent=False)
        arrival.key = key
        arrival.message = message = await self._admitted(api, arrival, admission, key, keeping, "")
        self._check_services()
        return await self.flights.launch(message, streaming=True), resolved

    def _repeat(
        self, stored: StoredResponse, form: Format, admission: Admission, idempotency_key: str, workspace: str
    ) -> ASGIApp:
        """The answer that the key's first request got, or is getting."""
        headers = repeated_headers(idempotency_key)
        self._log("repeated", request_id=stored.request_id, stream=admission.stream)
        if admission.stream and (stored.background or not stored.over):
            return Followed(stored, form, self.background.events(workspace, stored), request_id=stored.request_id, headers=headers)
        return Recorded(stored, form, stream=admission.stream, request_id=stored.request_id, headers=headers)

    async def _begin_background(self, message: Admitted, request: Json, form: Format) -> ASGIApp:
        frame = Frame(
            request, response_id=message.response_id, request_id=message.request_id, created_at=int(message.created_at),
            model=message.facts.model, metadata={**message.facts.metadata, "request_id": message.request_id},
        )
        stored = await self.background.start(message, frame.render({}, status="queued"))
        _counted(message.endpoint, "200").inc()
        if message.stream:
            return Followed(stored, form, self.background.events(message.workspace, stored), request_id=message.request_id)
        return Recorded(stored, form, stream=False, request_id=message.request_id)

    async def _flights_for(self, message: Admitted, count: int, arrival: Arrival) -> list[Flight]:
        """One request for each of several answers, under ids that follow the first."""
        flights = [await self.flights.launch(message, streaming=message.stream)]
        try:
            for number in range(1, count):
                request_id = ids.sibling(message.request_id, number)
                keys = self._provider_keys(arrival.headers, message.workspace, request_id)
                further = msgspec.structs.replace(message, request_id=request_id, provider_keys=keys)
                flights.append(await self.flights.launch(further, streaming=message.stream))
        except BaseException:
            for flight in flights:
                self.land(flight, Delivery(outcome="disconnected"), None)
            raise
        return flights

    async def _admitted(
        self, api: Api, arrival: Arrival, admission: Admission, key: ApiKey, keeping: Keeping | None, idempotency_key: str
    ) -> Admitted:
        body = Carried(inline=admission.body, size=len(admission.body))
        if self.flights.hears():
            body = await self.bus.claims.stow(admission.body)
        received_at, timeout = arrival.received_at, self.settings.request_timeout
        if keeping is not None and keeping.background:
            timeout = self.settings.background_timeout
        return Admitted(
            request_id=arrival.request_id,
            workspace=key.workspace,
            key_id=key.id,
            created_at=received_at,
            deadline=received_at + timeout,
            expires_at=time.time() + self.settings.dispatch_window,
            edge=self.bus.instance,
            traceparent=ids.traceparent(arrival.headers.get("traceparent"), arrival.span),
            endpoint=api.endpoint,
            stream=admission.stream and api.streams,
            facts=admission.facts,
            body=body,
            provider_keys=self._provider_keys(arrival.headers, key.workspace, arrival.request_id),
            keeping=keeping,
            idempotency_key=idempotency_key,
            preview=api.endpoint == "preview",
            trial=arrival.trial,
            key_name=key.name,
            project=key.project or _project(arrival.headers),
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

    def _works_on(self, claim: Idempotency) -> bool:
        """Whether some edge still carries out the request that holds an idempotency key."""
        if claim.edge == self.bus.instance:
            return self.flights.has(claim.request_id) or time.time() - claim.at < self.settings.dispatch_window
        return self.registry.alive(claim.edge) and time.time() - claim.at < self.settings.request_timeout

    def told(self, error: Exception, arrival: Arrival) -> ErrorInfo:
        """What a client hears of something that went wrong on the way in."""
        if isinstance(error, RouterError):
            return error.info
        if isinstance(error, NatsError | TimeoutError):
            return unavailable("the message bus did not take the request").info
        log.error("admission failed", exc_info=error, extra={"request_id": arrival.request_id})
        return InternalError("the router failed; the log has the request id").info

    def _reject(self, api: Api, arrival: Arrival, error: ErrorInfo, *, known: bool = True) -> ASGIApp:
        """Answer with an error; on record when the caller is known."""
        self.note_rejected(api.endpoint, arrival, error, known=known)
        return error_body(error, arrival.request_id, api.errors())

    def note_rejected(self, endpoint: str, arrival: Arrival, error: ErrorInfo, *, known: bool = True) -> None:
        """Put a request on record that was not carried out."""
        _counted(endpoint, str(error.status)).inc()
        ms = round((time.time() - arrival.received_at) * 1000, 2)
        self._log("rejected", request_id=arrival.request_id, status=error.status, code=error.code, ms=ms)
        if arrival.key is not None and known and endpoint != "preview":
            told = arrival.message or self._bare(endpoint, arrival, arrival.key)
            row = refused_row(told, error, ended_by=f"edge/{self.bus.instance}", status="rejected", now=time.time(), rank=1)
            self.bus.note([encode_row("requests", row)])

    def _bare(self, endpoint: str, arrival: Arrival, key: ApiKey) -> Admitted:
        """A request that was not understood, as far as it goes on record."""
        at = arrival.received_at
        return Admitted(
            request_id=arrival.request_id, workspace=key.workspace, key_id=key.id, created_at=at, deadline=at, expires_at=at,
            edge=self.bus.instance, traceparent="", endpoint=endpoint, facts=RequestFacts(model="", target=Target()), body=Carried(),
        )

    def land(self, flight: Flight, delivery: Delivery, error: ErrorInfo | None) -> None:
        """The answer is over: cancel what goes on without a reader, and record how it was delivered."""
        message, now, instance = flight.message, time.time(), self.bus.instance
        if delivery.outcome == "disconnected" or not flight.over:
            delivery.outcome = "disconnected"
            self.flights.cancel(flight, "client disconnected")
        self.flights.land(flight)
        if message.preview:
            return
        rows = [encode_row("deliveries", delivery_row(message, delivery, instance, now))]
        if error is not None and ended_here(error):
            rows += lost_rows(flight, error, now, instance)
        elif delivery.outcome == "disconnected":
            rows.append(left_row(message, now, instance))
        self.bus.note(rows)
        if message.idempotency_key and delivery.outcome != "delivered":
            self._later(self.idempotency.release(message.workspace, message.idempotency_key, message.request_id))
        status = str(delivery.http_status or 499)
        _counted(message.endpoint, status).inc()
        _seconds(message.endpoint).observe(now - message.created_at)
        self._log(
            "answered", request_id=message.request_id, status=delivery.http_status, outcome=delivery.outcome,
            ms=round((now - message.created_at) * 1000, 2), stream=message.stream, dispatches=message.dispatch,
        )

    def _later(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _project(headers: Mapping[str, str]) -> str:
    """The project that the client names, as OpenAI's clients do. A key that belongs to one does not leave it to the client."""
    named = headers.get("openai-project", "").strip()
    if len(named) > MAX_PROJECT or not named.isprintable():
        raise InvalidRequest("the OpenAI-Project header does not name a project", param="OpenAI-Project")
    return named


def _keeping(api: Api, body: Json, request: Json, resolved: Resolved, *, idempotent: bool) -> Keeping | None:
    """What is to be kept of the answer."""
    if api.endpoint == "preview":
        return None
    store = bool(request.get("store", api.stores)) and api.facts_of is None
    # Counting a conversation's tokens and compacting it only read it.
    conversation = resolved.conversation if api.stores else ""
    if not (store or idempotent or conversation):
        return None
    return Keeping(
        store=store, idempotent=idempotent, background=bool(request.get("background")) and api.stores, history=resolved.history,
        ancestors=resolved.ancestors, conversation=conversation, fingerprint=fingerprint_of(api.endpoint, body),
    )
