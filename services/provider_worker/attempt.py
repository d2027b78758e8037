"""One attempt: call the candidate's provider, send the answer to the edge, and leave the ledger's rows behind."""

import asyncio
import logging
import time
from functools import cache, lru_cache
from typing import Any

import httpx
import msgspec

from libs.bus import metrics
from libs.bus.ledger import NotDurable
from libs.bus.pace import Pace
from libs.bus.refusal import NOT_RECORDED
from libs.bus.rows import encode_row
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.deltas import Completed, Deltas, Event, Failed, Released, Started
from libs.contracts.failure import error_of
from libs.contracts.ledger import LedgerRow
from libs.contracts.requests import AttemptFailed, Routed, advance
from libs.responses.frame import Frame
from libs.responses.sse import SseParser, StreamTooLarge
from services.provider_worker import story
from services.provider_worker.accounts import Accounts
from services.provider_worker.dialect import Call, Dialect, Outcome, ProviderFailure, Reader, Upstream, Usage
from services.provider_worker.exchange import Exchange, Timeouts, send
from services.provider_worker.settings import Account, WorkerSettings
from services.provider_worker.text import output_text

log = logging.getLogger("tokenrouter.attempt")

# A stage that takes the request over has this long before the edge takes it for lost.
RELEASE_WINDOW = 2.0
NO_USAGE = Usage(source="none")


@lru_cache(maxsize=64)
def _headers(authorization: tuple[tuple[str, str], ...], stream: bool) -> list[tuple[bytes, bytes]]:
    """The headers that do not change from call to call."""
    fixed = {
        "content-type": "application/json",
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",
        "user-agent": "tokenrouter",
        **dict(authorization),
    }
    return [(name.encode(), value.encode()) for name, value in fixed.items()]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict).decode

# Events that say nothing yet: until another one comes, the answer may still move to another candidate.
_OPENING = ("response.created", "response.in_progress", "response.queued")


_pace = Pace()
# Looking a labelled metric up costs as much as encoding a message.
_counted = cache(metrics.ATTEMPTS.labels)
_tokens = cache(metrics.TOKENS.labels)


class Attempt:
    """A call in the making. `run` never raises, except CancelledError when the process goes down."""

    def __init__(
        self, bus: Bus, settings: WorkerSettings, accounts: Accounts, transport: httpx.AsyncBaseTransport, message: Routed, reply: str
    ) -> None:
        self._bus, self._settings, self._accounts, self._transport = bus, settings, accounts, transport
        self._message, self._reply = message, reply
        self._candidate = message.decision.candidates[message.decision.chosen]
        self._number = len(message.attempts) + 1
        self._seq = 0
        self._committed = False
        self._started_at = 0.0
        self._first_delta_at: float | None = None
        self._reader: Reader | None = None
        self._frame: Frame | None = None
        self._provider_request_id = ""
        self._adapted: list[str] = []
        self.deadline, self.edge = message.deadline, message.edge
        self.cancelled = False
        """Set before its task is cancelled because nobody waits any more."""
        self.overdue = False
        """Set before its task is cancelled because the deadline passed."""

    @property
    def ending(self) -> bool:
        """Told to end already; a second cancellation would tear its last words."""
        return self.cancelled or self.overdue

    async def run(self) -> None:
        """Carry the attempt out, within the request's deadline."""
        try:
            await self._call()
        except ProviderFailure as failure:
            await self._fail(failure)
        except asyncio.CancelledError:
            if self.overdue:
                late = ProviderFailure("the request's deadline passed", code="upstream_timeout", fallback=False, billing="maybe")
                await self._fail(late)
            elif self.cancelled:
                await self._record_cancelled()
            else:
                raise
        except Exception:
            log.exception("attempt broke", extra={"request_id": self._message.request_id})
            await self._fail(ProviderFailure("the router could not process the provider's answer", billing="maybe"))

    async def _call(self) -> None:
        account = self._accounts.choose(self._message, self._candidate)
        dialect = self._accounts.dialect(self._candidate.provider)
        call = await self._prepare()
        upstream = dialect.build(call)
        self._adapted = upstream.adapted
        await self._start()
        exchange = await self._send(dialect, upstream, account)
        try:
            self._provider_request_id = exchange.request_id()
            if exchange.status >= 400:
                body = await exchange.body(1 << 20)
                raise dialect.failure(exchange.status, exchange.headers, body)
            if self._message.stream:
                outcome = await self._stream(exchange, dialect.reader(call))
            else:
                outcome = dialect.read(await exchange.body(self._settings.max_response_bytes), call)
        finally:
            await exchange.close()
        await self._finish(outcome)

    async def _prepare(self) -> Call:
        message, candidate = self._message, self._candidate
        request = _decode(await self._bus.claims.fetch(message.body))
        self._frame = Frame(
            request,
            response_id=message.response_id,
            request_id=message.request_id,
            created_at=int(message.created_at),
            model=candidate.model,
            metadata=story.metadata_of(message),
        )
        return Call(
            model=candidate.model, request=request, stream=message.stream, frame=self._frame,
            envelopes=self._accounts.envelopes(message.workspace, "default"), max_output_tokens=candidate.max_output_tokens
        )

    async def _start(self) -> None:
        """Tell the edge, before the provider is called, that from here on nothing may be dispatched anew."""
        if time.time() > self._message.expires_at:
            raise ProviderFailure("the dispatch expired before the call", code="expired")
        self._started_at = time.time()
        started = Started(
            **self._ids(), worker=self._bus.instance, provider=self._candidate.provider, model=self._candidate.model
        )
        await self._bus.publish(self._reply, started)
        # Two turns of the loop put it on the wire before the provider's connection is even asked for.
        await asyncio.sleep(0)

    async def _send(self, dialect: Dialect, upstream: Upstream, account: Account) -> Exchange:
        settings, stream = self._settings, self._message.stream
        fixed = _headers(tuple(dialect.authorize(account.key).items()), stream)
        changing = {"traceparent": self._message.traceparent, **upstream.headers}
        headers = httpx.Headers([*fixed, *((name.encode(), value.encode()) for name, value in changing.items())])
        read = max(settings.idle_timeout, settings.first_byte_timeout) if stream else settings.first_byte_timeout
        timeouts = Timeouts(connect=settings.connect_timeout, read=read)
        return await send(self._transport, account.base_url + upstream.path, headers, upstream.content, timeouts)

    async def _stream(self, exchange: Exchange, reader: Reader) -> Outcome:
        """Relay the answer as it comes, one message for each read; opening events wait for the first that says something."""
        self._reader = reader
        parser = SseParser()
        held: list[Event] = []
        async for part in exchange.parts():
            _pace.tick()
            try:
                parsed = parser.feed(part)
            except StreamTooLarge as error:
                raise ProviderFailure(str(error), billing="maybe") from error
            held += [event for one in parsed for event in reader.feed(one)]
            if reader.outcome is not None or self._committed or any(event.type not in _OPENING for event in held):
                await self._relay(held)
                held = []
            if reader.outcome is not None:
                return reader.outcome
        # Some servers forget the last blank line.
        held += [event for one in parser.close() for event in reader.feed(one)]
        if reader.outcome is None:
            raise ProviderFailure("the provider's stream ended without its terminal event", billing="maybe")
        await self._relay(held)
        return reader.outcome

    async def _relay(self, events: list[Event]) -> None:
        if not events:
            return
        if self._first_delta_at is None:
            self._first_delta_at = time.time()
        self._committed = True
        await self._bus.publish(self._reply, Deltas(**self._ids(), seq=self._seq, events=await self._sized(events)))
        self._seq += 1

    async def _sized(self, events: list[Event]) -> list[Event]:
        """The events as they can travel: an oversized one by claim check."""
        if sum(len(event.data) for event in events) < 400_000:
            return events
        travelling = []
        for event in events:
            body = await self._bus.claims.stow(event.data)
            travelling.append(Event(event.type, body.inline, body.claim))
        return travelling

    async def _finish(self, outcome: Outcome) -> None:
        """The answer is whole: make its rows durable, then let the client see that it is."""
        now = time.time()
        model = outcome.response.get("model")
        ending = self._ending(
            outcome.usage,
            status=outcome.status,
            error_code="upstream_error" if outcome.status == "failed" else "",
            model=model if isinstance(model, str) else self._candidate.model,
            provider_response_id=outcome.provider_response_id,
        )
        response = self._closing(outcome, ending, now)
        if await self._durable(self._rows(ending, http_status=200, now=now)):
            await self._complete(outcome.status, response, ending)

    async def _durable(self, rows: list[LedgerRow]) -> bool:
        """Whether the rows became durable in time; when not, the client hears that."""
        try:
            await self._bus.commit(rows)
        except NotDurable:
            await self._bus.publish(self._reply, Failed(**self._ids(), error=NOT_RECORDED))
            return False
        return True

    def _closing(self, outcome: Outcome, ending: story.Ending, now: float) -> bytes:
        assert self._frame is not None
        message, candidate = self._message, self._candidate
        told = story.tokenrouter_of(message, candidate) | {
            "cost_usd": None if ending.spent["cost_usd"] is None else float(ending.spent["cost_usd"]),
            "latency_ms": round((now - message.created_at) * 1000, 1),
        }
        return _encode(
            self._frame.render(
                outcome.response,
                status=outcome.status,
                completed_at=int(now) if outcome.status == "completed" else None,
                output_text=output_text(outcome.response),
                tokenrouter=told,
            )
        )

    async def _complete(self, status: str, response: bytes, ending: story.Ending) -> None:
        completed = Completed(
            **self._ids(),
            seq=self._seq,
            status=status,
            response=await self._bus.claims.stow(response),
            provider=self._candidate.provider,
            model=ending.model,
            output_tokens=ending.usage.output_tokens,
        )
        await self._bus.publish(self._reply, completed)
        _counted(self._candidate.provider, status).inc()
        _tokens(self._candidate.provider, "input").inc(ending.usage.input_tokens)
        _tokens(self._candidate.provider, "output").inc(ending.usage.output_tokens)

    async def _fail(self, failure: ProviderFailure) -> None:
        if failure.code == "expired":
            return
        _counted(self._candidate.provider, "failed").inc()
        log.warning(
            "attempt failed",
            extra={
                "request_id": self._message.request_id, "provider": self._candidate.provider, "model": self._candidate.model,
                "code": failure.code, "status": failure.status, "after_first_delta": self._committed,
            },
        )
        if self._committed:
            await self._fail_visibly(failure)
        else:
            await self._release(failure)

    async def _fail_visibly(self, failure: ProviderFailure) -> None:
        """Deltas are out, so the stream ends with `response.failed` and all that was said until then."""
        assert self._reader is not None
        outcome = self._reader.abandon()
        now = time.time()
        outcome.status = "failed"
        outcome.response["error"] = {"code": "server_error", "message": f"{self._candidate.provider}: {failure.message}"}
        billing = "billed" if outcome.usage.source == "provider" else "maybe"
        ending = self._ending(
            outcome.usage, status="failed", http_status=failure.status or 0, error_code=failure.code, billing=billing
        )
        response = self._closing(outcome, ending, now)
        if await self._durable(self._rows(ending, http_status=200, now=now)):
            await self._complete("failed", response, ending)

    async def _release(self, failure: ProviderFailure) -> None:
        """Nothing is visible yet: the router may have another candidate."""
        now = time.time()
        ending = self._ending(
            NO_USAGE, status="failed", http_status=failure.status or 0, error_code=failure.code, billing=failure.billing
        )
        message, candidate = self._message, self._candidate
        row = story.attempt_row(
            message, candidate, ending, started_at=self._started_at or now, now=now, worker=self._bus.instance
        )
        outcome = story.outcome_of(message, candidate, failure)
        if not failure.fallback or now > message.deadline:
            await self._refuse(failure, [encode_row("attempts", row)], ending)
            return
        self._bus.commit([encode_row("attempts", row)])
        expires_at = min(time.time() + RELEASE_WINDOW, message.deadline)
        await self._bus.publish(self._reply, Released(**self._ids(), expires_at=expires_at))
        failed = advance(message, AttemptFailed, attempts=[*message.attempts, outcome], expires_at=expires_at)
        await self._bus.publish(subjects.failed(candidate.provider, message.workspace), failed, self._reply)

    async def _refuse(self, failure: ProviderFailure, rows: list[LedgerRow], ending: story.Ending) -> None:
        """No other candidate would do better: the client hears what was wrong."""
        error = error_of([*self._message.attempts, story.outcome_of(self._message, self._candidate, failure)])
        if failure.param is not None:
            error = msgspec.structs.replace(error, param=failure.param)
        row = story.ended_row(
            self._message, self._candidate, ending, http_status=error.status, now=time.time(), worker=self._bus.instance, ttft_ms=None
        )
        row.error_code = error.code
        if await self._durable([*rows, encode_row("requests", row)]):
            await self._bus.publish(self._reply, Failed(**self._ids(), error=error))

    async def _record_cancelled(self) -> None:
        """The client is gone: the provider's connection is closed; what was produced until then stays on record."""
        outcome = self._reader.abandon() if self._reader is not None else None
        usage = outcome.usage if outcome else NO_USAGE
        ending = self._ending(usage, status="cancelled", http_status=0, error_code="client_closed", billing="maybe")
        _counted(self._candidate.provider, "cancelled").inc()
        self._bus.commit(self._rows(ending, http_status=499, now=time.time()))

    def _ending(self, usage: Usage, **how: Any) -> story.Ending:
        """How the attempt ended, with what all endings have."""
        return story.Ending(
            usage=usage,
            spent=story.spent(self._candidate, usage),
            ttft_ms=self._since_start(self._first_delta_at),
            provider_request_id=self._provider_request_id,
            adapted=self._adapted,
            **how,
        )

    def _rows(self, ending: story.Ending, *, http_status: int, now: float) -> list[LedgerRow]:
        message, candidate, worker = self._message, self._candidate, self._bus.instance
        ttft_ms = None if self._first_delta_at is None else round((self._first_delta_at - message.created_at) * 1000, 3)
        request = story.ended_row(message, candidate, ending, http_status=http_status, now=now, worker=worker, ttft_ms=ttft_ms)
        attempt = story.attempt_row(message, candidate, ending, started_at=self._started_at or now, now=now, worker=worker)
        return [encode_row("requests", request), encode_row("attempts", attempt)]

    def _since_start(self, at: float | None) -> float | None:
        return None if at is None else round((at - self._started_at) * 1000, 3)

    def _ids(self) -> dict[str, Any]:
        return {"request_id": self._message.request_id, "dispatch": self._message.dispatch, "attempt": self._number}
