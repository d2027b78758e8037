"""One attempt: call the candidate's provider and send the answer to the edge. How it ends is in `ending.py`."""

import asyncio
import logging
import time
from functools import lru_cache
from typing import Any

import httpx
import msgspec

from libs.bus.pace import Pace
from libs.bus.service import Bus
from libs.contracts.deltas import Event, Started
from libs.contracts.requests import Routed
from libs.responses.frame import Frame
from libs.responses.sse import ServerSentEvent, SseParser, StreamTooLarge
from services.provider_worker import checks, compaction, continuation, story
from services.provider_worker.accounts import Account, Accounts
from services.provider_worker.dialect import Call, Dialect, Outcome, ProviderFailure, Reader, Upstream
from services.provider_worker.dialects import limits
from services.provider_worker.ending import Ending, Progress
from services.provider_worker.exchange import Exchange, Timeouts, send
from services.provider_worker.fetch import Fetcher
from services.provider_worker.media import inlined
from services.provider_worker.operations import Operation, operation
from services.provider_worker.relay import Relay, tells
from services.provider_worker.ruled import capped, with_headers
from services.provider_worker.screening import Screens, Stopped
from services.provider_worker.settings import WorkerSettings
from services.provider_worker.stopwatch import Stopwatch
from services.provider_worker.telemetry import Telemetry
from services.provider_worker.whole import as_stream

log = logging.getLogger("tokenrouter.attempt")

ERROR_EXCERPT = 1 << 20
SCREENED = frozenset({"responses", "chat.completions", "messages", "compact"})
"""Endpoints whose answer is text."""
MEDIA_SECONDS = 30.0
"""Seconds that fetching images may take, at most."""


class Tools(msgspec.Struct, frozen=True):
    """What every attempt of a worker uses."""

    bus: Bus
    settings: WorkerSettings
    accounts: Accounts
    transport: httpx.AsyncBaseTransport
    fetcher: Fetcher
    telemetry: Telemetry
    screens: Screens


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


_decode = msgspec.json.Decoder(dict).decode
_decode_items = msgspec.json.Decoder(list).decode
_pace = Pace()


class Attempt:
    """A call in the making. `run` never raises, except CancelledError when the process goes down."""

    def __init__(self, tools: Tools, message: Routed, reply: str) -> None:
        self._tools, self._message, self._reply = tools, message, reply
        self._candidate = message.decision.candidates[message.decision.chosen]
        number = len(message.attempts) + 1
        self._ids: dict[str, Any] = {"request_id": message.request_id, "dispatch": message.dispatch, "attempt": number}
        earlier = message.delivered
        keeping = message.keeping
        # In the background the stream BACKGROUND keeps them; a continued answer's begin is with another attempt.
        keeps = keeping is not None and message.stream and not keeping.background and earlier is None
        self._relay = Relay(tools.bus, reply, self._ids, earlier.count if earlier else 0, keeps=keeps)
        self._progress = Progress()
        self._ending = Ending(tools.bus, tools.settings, message, reply, self._ids, self._relay, self._progress)
        self._stopwatch = Stopwatch(tools.telemetry, message)
        self._silent_since: float | None = None
        """Since when the provider has said nothing, while one waits for it."""
        self._heard = False
        self.edge, self.deadline = message.edge, message.deadline
        self.background = keeping is not None and keeping.background
        """It outlives its edge."""
        self.told: ProviderFailure | None = None
        """Set before its task is cancelled because it took too long."""
        self.cancelled = False
        """Set before its task is cancelled because nobody waits any more."""

    @property
    def ends(self) -> bool:
        """Told to end already, or ending by itself: a cancellation would tear its last words, or have it end twice."""
        return self.cancelled or self.told is not None or self._ending.begun

    def overdue(self, now: float) -> ProviderFailure | None:
        """Why the attempt has waited for too long; None while it has not."""
        message, settings, since = self._message, self._tools.settings, self._silent_since
        if now > message.deadline:
            return ProviderFailure("the request's deadline passed", code="upstream_timeout", fallback=False, billing="maybe")
        if since is None:
            return None
        if not self._heard and message.patience is not None and now - since > message.patience:
            what = f"no answer began within {message.patience:g} seconds, so the next candidate was tried"
            return ProviderFailure(what, code="upstream_timeout", billing="maybe")
        allowed = settings.idle_timeout if self._heard else settings.first_byte_timeout
        if now - since > allowed:
            what = "the provider fell silent" if self._heard else "the provider did not begin to answer"
            return ProviderFailure(f"{what} for {allowed:g} seconds", code="upstream_timeout", billing="maybe")
        return None

    async def run(self) -> None:
        """Carry the attempt out, within the request's deadline."""
        try:
            await self._call()
        except ProviderFailure as failure:
            await self._failed(failure)
        except Stopped as stopped:
            await self._ending.stopped(stopped.error)
        except asyncio.CancelledError:
            if self.told is not None:
                await self._failed(self.told)
            elif self.cancelled:
                await self._ending.cancelled()
            else:
                raise
        except Exception:
            log.exception("attempt broke", extra={"request_id": self._message.request_id})
            # A defect of ours: what the client has of the answer may be all of it, so nobody goes on with it.
            what = "the router could not process the provider's answer"
            await self._failed(ProviderFailure(what, fallback=self._relay.first_at is None, billing="maybe"))

    async def _failed(self, failure: ProviderFailure) -> None:
        if failure.code == "expired":
            return
        self._ending.begun = True
        # Neither what broke before the call nor what a client's own short deadline cuts off (`fallback` is False then) says
        # anything about the provider.
        if self._progress.started_at or failure.code == "provider_key_invalid":
            await self._tools.telemetry.failed(self._candidate, failure)
        await self._ending.failed(failure)

    async def _call(self) -> None:
        tools, message = self._tools, self._message
        await self._wait_for_turn()
        account = tools.accounts.choose(message, self._candidate)
        # Before the call: an answer that could not be judged would be paid for and not shown.
        self._progress.screen = await tools.screens.of(message) if message.endpoint in SCREENED else None
        request = _decode(await tools.bus.claims.fetch(message.body))
        dialect = tools.accounts.dialect(self._candidate, request)
        call = await self._prepare(request, dialect, account)
        special = operation(message.endpoint, dialect)
        upstream = (special or dialect).build(call)
        if isinstance(upstream, Outcome):
            # Nobody needs to be asked.
            await self._start()
            outcome = upstream
        else:
            outcome = await self._exchanged(upstream, special or dialect, dialect, call, account)
        if message.endpoint == "compact":
            outcome = compaction.compacted(outcome, self._progress.request, call.frame, call.envelopes, call.model)
        self._progress.adapted += outcome.notes
        await self._ending.finished(outcome)

    async def _exchanged(
        self, upstream: Upstream, reads: Dialect | Operation, dialect: Dialect, call: Call, account: Account
    ) -> Outcome:
        """Call the provider and read its answer."""
        self._progress.adapted += upstream.adapted
        await self._start()
        self._silent_since = time.time()
        self._stopwatch.called()
        exchange = await self._send(dialect, upstream, account)
        try:
            self._progress.provider_request_id = exchange.request_id()
            if exchange.status >= 400:
                raise await self._refusal(dialect, exchange)
            await self._note_limits(exchange)
            outcome = await self._answer(reads, call, exchange)
            self._stopwatch.ended(outcome)
        finally:
            self._silent_since = None
            await exchange.close()
        if not self._heard:
            await self._tools.telemetry.answered(self._candidate, probe=self._message.probe)
        await self._screen(outcome)
        self._progress.adapted += self._violations(outcome, upstream)
        return outcome

    async def _screen(self, outcome: Outcome) -> None:
        """The answer as the firewall lets it pass. Raises Stopped."""
        screen = self._progress.screen
        if screen is None or self._progress.outcome is not None:
            return
        # Where it is blocked, what it cost stays on record.
        self._progress.outcome = outcome
        await screen.outcome(outcome)
        outcome.notes = [*outcome.notes, *screen.notes]

    async def _wait_for_turn(self) -> None:
        """A call that is tried again keeps the distance that the router set."""
        wait = self._message.not_before - time.time()
        if wait > 0:
            await asyncio.sleep(wait)

    async def _prepare(self, request: dict[str, Any], dialect: Dialect, account: Account) -> Call:
        message, candidate, tools = self._message, self._candidate, self._tools
        # The frame echoes what the client sent, not what follows here.
        frame = Frame(
            request,
            response_id=message.response_id,
            request_id=message.request_id,
            created_at=int(message.created_at),
            model=candidate.model,
            metadata=story.metadata_of(message),
            # A relaunch begins with attempt 1 again, behind what the client has.
            attempt=self._ids["attempt"] + (len(message.delivered.by) if message.delivered else 0),
        )
        self._progress.frame, self._progress.request = frame, request
        envelopes = tools.accounts.envelopes(message.workspace, account.name)
        if message.endpoint != "embeddings":
            request = compaction.opened(request, envelopes)
        if message.endpoint == "compact":
            request = compaction.request_of(request)
        if message.delivered is not None:
            self._progress.earlier = _decode_items(await tools.bus.claims.fetch(message.delivered.items))
            request = continuation.request_after(request, self._progress.earlier)
        request, notes = capped(request, message.ruling, message.endpoint)
        self._progress.adapted += notes
        return Call(
            model=candidate.model,
            request=await self._with_media(request, dialect),
            stream=message.stream,
            frame=frame,
            envelopes=envelopes,
            max_output_tokens=candidate.max_output_tokens,
            reasoning=candidate.reasoning,
            frugal=message.decision.mode in ("cost", "latency") and not message.facts.effort,
        )

    async def _with_media(self, request: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
        """With the images and files inside that this provider does not fetch itself."""
        if not dialect.inlines or not (self._message.facts.images or self._message.facts.files):
            return request
        # Fetching takes longer than a dispatch lives, so the edge hears of the start before it.
        await self._start()
        try:
            async with asyncio.timeout(MEDIA_SECONDS):
                request, notes = await inlined(request, dialect.inlines, self._tools.fetcher, dialect.fetches)
        except TimeoutError:
            raise ProviderFailure("images and files could not be fetched in time", code="invalid_request", param="input") from None
        self._progress.adapted += notes
        return request

    async def _start(self) -> None:
        """Tell the edge, before the provider is called, that from here on nothing may be dispatched anew."""
        if self._progress.started_at:
            return
        now = time.time()
        if now > self._message.expires_at:
            raise ProviderFailure("the dispatch expired before the call", code="expired")
        self._progress.started_at = now
        candidate, bus = self._candidate, self._tools.bus
        started = Started(**self._ids, worker=bus.instance, provider=candidate.provider, model=candidate.model)
        await bus.publish(self._reply, started)
        # Two turns of the loop put it on the wire before the provider's connection is even asked for.
        await asyncio.sleep(0)

    async def _send(self, dialect: Dialect, upstream: Upstream, account: Account) -> Exchange:
        fixed = _headers(tuple(dialect.authorize(account.key).items()), self._message.stream)
        changing = {"traceparent": self._message.traceparent, **upstream.headers}
        if self._message.ruling.headers:
            changing = with_headers(changing, self._message.ruling, dict(httpx.Headers(fixed)))
        headers = httpx.Headers([*fixed, *((name.encode(), value.encode()) for name, value in changing.items())])
        # The worker's watchdog looks after silence; a timer for each read would cost more.
        timeouts = Timeouts(connect=self._tools.settings.connect_timeout, read=None)
        return await send(self._tools.transport, account.base_url + upstream.path, headers, upstream.content, timeouts)

    async def _refusal(self, dialect: Dialect, exchange: Exchange) -> ProviderFailure:
        failure = dialect.failure(exchange.status, exchange.headers, await exchange.excerpt(ERROR_EXCERPT))
        if failure.retry_after is None and failure.code != "insufficient_quota":
            failure.retry_after = limits.wait_after(exchange.status, exchange.headers)
        return failure

    async def _note_limits(self, exchange: Exchange) -> None:
        seconds = limits.exhausted_for(exchange.headers)
        if seconds:
            await self._tools.telemetry.exhausted(self._candidate, seconds)
        self._tools.telemetry.limited(self._candidate, exchange.headers)

    async def _answer(self, dialect: Dialect | Operation, call: Call, exchange: Exchange) -> Outcome:
        limit = self._tools.settings.max_response_bytes
        if not call.stream or isinstance(dialect, Operation):
            return dialect.read(await exchange.body(limit), call)
        if exchange.content_type() == "application/json":
            # Asked for a stream, some servers answer an error, or everything at once.
            return await self._whole(dialect, call, await exchange.body(limit))
        return await self._stream(exchange, dialect.reader(call))

    async def _whole(self, dialect: Dialect, call: Call, body: bytes) -> Outcome:
        outcome = dialect.read(body, call)
        await self._screen(outcome)
        await self._relay.take(as_stream(call.frame, outcome))
        await self._relay.flush()
        return outcome

    async def _stream(self, exchange: Exchange, reader: Reader) -> Outcome:
        """Relay the answer as it comes, one message for each read."""
        self._progress.reader = reader
        parser = SseParser()
        async for part in exchange.parts(self._tools.settings.max_response_bytes):
            _pace.tick()
            self._silent_since = time.time()
            try:
                parsed = parser.feed(part)
            except StreamTooLarge as error:
                raise ProviderFailure(str(error), billing="maybe") from error
            if await self._read(parsed, reader):
                break
        else:
            # Some servers forget the last blank line, others the last event.
            await self._take([*(event for one in parser.close() for event in reader.feed(one)), *reader.end()], reader)
        if reader.outcome is None:
            raise ProviderFailure("the provider's stream ended without its terminal event", billing="maybe")
        return reader.outcome

    async def _read(self, parsed: list[ServerSentEvent], reader: Reader) -> bool:
        """Pass on what one read brought; whether the answer is whole."""
        events: list[Event] = []
        try:
            for one in parsed:
                events += reader.feed(one)
        except ProviderFailure:
            # What came before the failure belongs to the answer, unless none of it is out yet: then another candidate begins anew.
            if self._relay.first_at is not None:
                await self._pass_on(events)
            raise
        return await self._take(events, reader)

    async def _pass_on(self, events: list[Event]) -> None:
        """Send what the firewall lets pass. Raises Stopped once everything before a blocked text is out."""
        screen = self._progress.screen
        if screen is None:
            await self._relay.take(events)
            return
        passing = await screen.events(events)
        if passing:
            await self._relay.take(passing)
        screen.check()

    async def _take(self, events: list[Event], reader: Reader) -> bool:
        """Pass events on; whether the answer is whole."""
        if events:
            # The provider's time, not that of the firewall, which may hold the first words back.
            if self._stopwatch.waits and tells(events):
                self._stopwatch.began(time.time())
            await self._pass_on(events)
            if not self._heard and not self._relay.waits:
                self._heard = True
                await self._tools.telemetry.answered(self._candidate, probe=self._message.probe)
        if reader.outcome is not None:
            await self._flush()
        return reader.outcome is not None

    async def _flush(self) -> None:
        """The answer is whole: nothing is held any more."""
        screen = self._progress.screen
        rest = await screen.rest() if screen is not None else []
        if rest:
            await self._relay.take(rest)
        await self._relay.flush()
        if screen is not None:
            screen.check()

    def _violations(self, outcome: Outcome, upstream: Upstream) -> list[str]:
        if not upstream.schemas or outcome.status != "completed":
            return []
        found = checks.violations(outcome.response.get("output") or [], upstream.schemas)
        self._progress.warnings += found
        return found
