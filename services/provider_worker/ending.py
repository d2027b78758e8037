"""How an attempt ends: whole, handed on to another candidate, failed before the client's eyes, or left by the client.

Each way makes its ledger rows durable before the edge hears of it.
"""

import asyncio
import logging
import time
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct, structs

from libs.bus import metrics
from libs.bus.ledger import NotDurable
from libs.bus.refusal import NOT_RECORDED
from libs.bus.rows import encode_row
from libs.bus.service import Bus
from libs.contracts import subjects
from libs.contracts.decisions import Candidate
from libs.contracts.deltas import Completed, Failed, Released
from libs.contracts.errors import ErrorInfo
from libs.contracts.failure import error_of
from libs.contracts.ledger import LedgerRow
from libs.contracts.requests import AttemptFailed, Delivered, Routed, advance
from libs.responses.builder import ResponseBuilder
from libs.responses.frame import Frame
from services.provider_worker import continuation, story
from services.provider_worker.dialect import Outcome, ProviderFailure, Reader, Usage
from services.provider_worker.keep import NotKept, keep
from services.provider_worker.relay import Relay
from services.provider_worker.screening import Screen, Stopped
from services.provider_worker.settings import WorkerSettings
from services.provider_worker.text import output_text

log = logging.getLogger("tokenrouter.attempt")
Json = dict[str, Any]

# A stage that takes the request over has this long before the edge takes it for lost.
RELEASE_WINDOW = 2.0
NO_USAGE = Usage(source="none")
_encode = msgspec.json.Encoder().encode
# Looking a labelled metric up costs as much as encoding a message.
_counted = cache(metrics.ATTEMPTS.labels)
_tokens = cache(metrics.TOKENS.labels)


class Progress(Struct):
    """What the attempt has come to so far."""

    started_at: float = 0.0
    """Unix seconds of the provider call; 0: not called yet."""
    provider_request_id: str = ""
    frame: Frame | None = None
    request: Json = {}
    """Canonical, after masking, without what earlier attempts delivered."""
    reader: Reader | None = None
    screen: Screen | None = None
    """The firewall's eye on the answer; None: no rule looks at it."""
    outcome: Outcome | None = None
    """The whole answer, once the provider has ended it."""
    earlier: list[Json] = []
    """Output items that earlier attempts delivered."""
    adapted: list[str] = []
    warnings: list[str] = []


class Ending:
    """The endings of one attempt; exactly one of them is called."""

    def __init__(
        self, bus: Bus, settings: WorkerSettings, message: Routed, reply: str, ids: dict[str, Any], relay: Relay, progress: Progress
    ) -> None:
        self._bus, self._settings, self._message, self._reply = bus, settings, message, reply
        self._ids, self._relay, self._progress = ids, relay, progress
        self._candidate = message.decision.candidates[message.decision.chosen]
        self.begun = False
        """The attempt is over, and its last words are being written."""

    async def finished(self, outcome: Outcome) -> None:
        """The answer is whole: make its rows durable, then let the client see that it is."""
        self.begun = True
        ending = self._ending(
            outcome.usage,
            status=outcome.status,
            error_code="upstream_error" if outcome.status == "failed" else "",
            model=_model_of(outcome, self._candidate),
            provider_response_id=outcome.provider_response_id,
        )
        await self._close(outcome, ending)

    async def stopped(self, error: ErrorInfo) -> None:
        """The firewall does not let the answer go on: the provider is not listened to any more, and nothing after this is said."""
        self.begun = True
        _counted(self._candidate.provider, "stopped").inc()
        log.warning("answer stopped", extra={"request_id": self._message.request_id, "code": error.code})
        outcome = self._broken_off()
        usage = outcome.usage
        billing = "none" if not self._progress.started_at else "billed" if usage.source == "provider" else "maybe"
        ending = self._ending(
            usage, status="refused", http_status=200, error_code=error.code, billing=billing, model=_model_of(outcome, self._candidate),
            provider_response_id=outcome.provider_response_id,
        )
        if self._message.stream and self._progress.started_at:
            # The client asked for a stream and the provider was paid for one, so its events tell, even where nothing is out yet.
            await self._open_stream()
            outcome.status = "failed"
            outcome.response["error"] = {"code": error.code, "message": error.message}
            await self._close(outcome, ending, error)
        else:
            await self._refuse_with(error, ending)

    async def _open_stream(self) -> None:
        """The events before the first of the answer, where they are not out yet."""
        await self._relay.flush()
        if self._relay.first_at is None and self._message.delivered is None and self._progress.frame is not None:
            await self._relay.take(ResponseBuilder(self._progress.frame).start())
            await self._relay.flush()

    async def failed(self, failure: ProviderFailure) -> None:
        """The provider refused or broke."""
        candidate, relay = self._candidate, self._relay
        _counted(candidate.provider, "failed").inc()
        log.warning(
            "attempt failed",
            extra={
                "request_id": self._message.request_id, "provider": candidate.provider, "account": candidate.account,
                "model": candidate.model, "code": failure.code, "status": failure.status, "after_first_delta": relay.first_at is not None,
            },
        )
        if relay.first_at is None:
            await self._release(failure)
        elif self._may_continue(failure):
            await self._hand_on(failure)
        else:
            await self._fail_visibly(failure)

    async def cancelled(self) -> None:
        """The client is gone: the provider's connection is closed; what was produced until then stays on record."""
        reader = self._progress.reader
        usage = reader.abandon().usage if reader is not None else NO_USAGE
        billing = "maybe" if self._progress.started_at else "none"
        ending = self._ending(usage, status="cancelled", http_status=0, error_code="client_closed", billing=billing)
        _counted(self._candidate.provider, "cancelled").inc()
        self._bus.commit(self._rows(ending, http_status=499, now=time.time()))

    def _may_continue(self, failure: ProviderFailure) -> bool:
        """Whether another candidate can go on from here: whole items are out and nothing of a further one."""
        if not (self._settings.continue_after_items and failure.fallback and self._relay.at_boundary):
            return False
        items = continuation.items_in(self._relay.done)
        return time.time() < self._message.deadline and all(item.get("type") in continuation.CONTINUABLE for item in items)

    async def _hand_on(self, failure: ProviderFailure) -> None:
        """The client has whole items only: the next candidate continues behind them."""
        self._note_screening()
        usage = self._broken_off().usage
        ending = self._failure(failure, usage)
        row = encode_row("attempts", self._attempt_row(ending, time.time()))
        await self._ask_for_another(failure, row, await self._delivered(usage, ending))

    async def _delivered(self, usage: Usage, ending: story.Ending) -> Delivered:
        items = [*self._progress.earlier, *continuation.items_in(self._relay.done)]
        body = await self._bus.claims.stow(_encode(items))
        by = f"{self._candidate.provider}/{self._candidate.model}"
        delivered = continuation.added(self._message.delivered, body, len(items), by, usage, ending.spent["cost_usd"])
        return delivered if delivered.first_at else structs.replace(delivered, first_at=self._relay.first_at or 0.0)

    async def _fail_visibly(self, failure: ProviderFailure) -> None:
        """Half an item is out, so the stream ends with `response.failed` and all that was said until then."""
        if self._progress.screen is not None and self._progress.reader is not None:
            try:
                await self._relay.take(await self._progress.screen.rest())
            except Stopped as stopped:
                await self.stopped(stopped.error)
                return
        outcome = self._broken_off()
        outcome.status = "failed"
        outcome.response["error"] = {"code": "server_error", "message": f"{self._candidate.provider}: {failure.message}"}
        await self._close(outcome, self._failure(failure, outcome.usage))

    def _broken_off(self) -> Outcome:
        """What there was of the answer, as far as the firewall lets it pass."""
        progress = self._progress
        if progress.reader is None:
            outcome = progress.outcome
            if outcome is None:
                return Outcome(status="failed", response={"output": continuation.items_in(self._relay.done)}, usage=NO_USAGE)
            return outcome
        outcome = progress.outcome or progress.reader.outcome or progress.reader.abandon()
        if progress.screen is not None:
            progress.screen.cut(outcome)
        return outcome

    def _failure(self, failure: ProviderFailure, usage: Usage) -> story.Ending:
        billing = "billed" if usage.source == "provider" else "maybe"
        return self._ending(usage, status="failed", http_status=failure.status or 0, error_code=failure.code, billing=billing)

    async def _release(self, failure: ProviderFailure) -> None:
        """Nothing of this attempt is visible: the router may have another candidate."""
        ending = self._ending(
            NO_USAGE, status="failed", http_status=failure.status or 0, error_code=failure.code, billing=failure.billing
        )
        now = time.time()
        row = encode_row("attempts", self._attempt_row(ending, now))
        if not failure.fallback or now > self._message.deadline:
            await self._refuse(failure, row, ending)
        else:
            await self._ask_for_another(failure, row, self._message.delivered)

    async def _ask_for_another(self, failure: ProviderFailure, row: LedgerRow, delivered: Delivered | None) -> None:
        message, candidate = self._message, self._candidate
        self._bus.commit([row])
        expires_at = min(time.time() + RELEASE_WINDOW, message.deadline)
        released = Released(**self._ids, expires_at=expires_at, begun=delivered is not None)
        await self._bus.publish(self._reply, released)
        attempts = [*message.attempts, story.outcome_of(message, candidate, failure)]
        failed = advance(message, AttemptFailed, attempts=attempts, expires_at=expires_at, delivered=delivered)
        await self._bus.publish(subjects.failed(candidate.provider, message.workspace), failed, self._reply)

    async def _refuse(self, failure: ProviderFailure, attempt: LedgerRow, ending: story.Ending) -> None:
        """No other candidate would do better: the client hears what was wrong."""
        message = self._message
        failed = error_of([*message.attempts, story.outcome_of(message, self._candidate, failure)])
        error = structs.replace(failed, rule_trace=message.ruling.matched)
        await self._end_in(error, attempt, ending)

    async def _refuse_with(self, error: ErrorInfo, ending: story.Ending) -> None:
        """The answer is whole, or as good as, and the client is not shown any of it."""
        ending = structs.replace(ending, http_status=error.status)
        self._note_screening()
        await self._end_in(error, encode_row("attempts", self._attempt_row(ending, time.time())), ending)

    async def _end_in(self, error: ErrorInfo, attempt: LedgerRow, ending: story.Ending) -> None:
        """An error instead of an answer; the rows first."""
        message = self._message
        row = story.ended_row(
            message, self._candidate, self._total(ending), http_status=error.status, now=time.time(), worker=self._bus.instance,
            ttft_ms=self._ttft_ms(),
        )
        row.error_code = error.code
        if not await self._durable([attempt, encode_row("requests", row)]):
            error = NOT_RECORDED
        output = message.delivered.items if message.delivered else None
        await self._bus.publish(self._reply, Failed(**self._ids, error=error, output=output))

    def _note_screening(self) -> None:
        """What the rules found in the answer belongs to the request's story."""
        screen = self._progress.screen
        if screen is not None:
            self._message = structs.replace(self._message, screening=screen.told(self._message.screening))

    async def _close(self, outcome: Outcome, ending: story.Ending, error: ErrorInfo | None = None) -> None:
        """The last words of the request: rows first, then the response. `error`: what the router itself stopped it for."""
        now = time.time()
        self._note_screening()
        # Where the response cannot be stowed, the attempt fails, so nothing may be on record yet.
        whole = self._response(outcome, ending, now, error)
        response = await self._bus.claims.stow(whole)
        durable, kept = await asyncio.gather(
            self._durable(self._rows(ending, http_status=200, now=now)), self._kept(outcome.status, whole)
        )
        if not (durable and kept):
            await self._bus.publish(self._reply, Failed(**self._ids, error=NOT_RECORDED))
            return
        completed = Completed(
            **self._ids,
            seq=self._relay.seq,
            status=outcome.status,
            response=response,
            provider=self._candidate.provider,
            model=ending.model,
            output_tokens=ending.usage.output_tokens,
        )
        await self._bus.publish(self._reply, completed)
        _counted(self._candidate.provider, outcome.status).inc()
        _tokens(self._candidate.provider, "input").inc(ending.usage.input_tokens)
        _tokens(self._candidate.provider, "output").inc(ending.usage.output_tokens)

    def _response(self, outcome: Outcome, ending: story.Ending, now: float, error: ErrorInfo | None) -> bytes:
        frame, message, said = self._progress.frame, self._message, outcome.response
        assert frame is not None
        ending = self._total(ending)
        if message.delivered is not None:
            said = said | {"output": [*self._progress.earlier, *(said.get("output") or [])], "usage": continuation.usage_of(ending.usage)}
        if message.endpoint == "input_tokens":
            return _encode(said | {"request_id": message.request_id})
        told = story.tokenrouter_of(message, self._candidate, self._progress.adapted, self._progress.warnings) | {
            "cost_usd": None if ending.spent["cost_usd"] is None else float(ending.spent["cost_usd"]),
            "latency_ms": round((now - message.created_at) * 1000, 1),
        }
        if error is not None:
            told["error"] = error.body(message.request_id)["error"]
        if message.endpoint == "embeddings":
            return _encode(said | {"request_id": message.request_id, "tokenrouter": told})
        learned = self._progress.warnings or self._progress.screen is not None
        more: Json = {"metadata": story.metadata_of(message, self._progress.warnings)} if learned else {}
        return _encode(
            frame.render(
                said,
                status=outcome.status,
                completed_at=int(now) if outcome.status == "completed" else None,
                output_text=output_text(said),
                tokenrouter=told,
                **more,
            )
        )

    async def _durable(self, rows: list[LedgerRow]) -> bool:
        """Whether the rows became durable in time."""
        try:
            await self._bus.commit(rows)
        except NotDurable:
            return False
        return True

    async def _kept(self, status: str, response: bytes) -> bool:
        """Whether the answer was kept, where it is to be."""
        try:
            await keep(self._bus, self._message, self._progress.request, status, response, self._relay.kept)
        except NotKept:
            return False
        return True

    def _ending(self, usage: Usage, **how: Any) -> story.Ending:
        """How the attempt ended, with what all endings have."""
        progress, first_at = self._progress, self._relay.first_at
        return story.Ending(
            usage=usage,
            spent=story.spent(self._candidate, usage),
            ttft_ms=None if first_at is None else round((first_at - progress.started_at) * 1000, 3),
            provider_request_id=progress.provider_request_id,
            adapted=progress.adapted,
            warnings=progress.warnings,
            **how,
        )

    def _total(self, ending: story.Ending) -> story.Ending:
        """The ending of the whole request: with what earlier attempts delivered, where they did."""
        earlier = self._message.delivered
        if earlier is None:
            return ending
        usage, own = continuation.summed(earlier, ending.usage), ending.spent
        if usage.source == "none" and self._relay.first_at is None:
            # It gave nothing, so what was paid for the rest stays known.
            own = own | {"cost_usd": "0"}
        return structs.replace(ending, usage=usage, spent=story.total(earlier, usage, own))

    def _ttft_ms(self) -> float | None:
        """From admission to the first piece of the answer, whoever wrote it."""
        earlier = self._message.delivered
        first_at = earlier.first_at if earlier is not None else self._relay.first_at
        return round((first_at - self._message.created_at) * 1000, 3) if first_at else None

    def _attempt_row(self, ending: story.Ending, now: float) -> Any:
        started_at = self._progress.started_at or now
        return story.attempt_row(self._message, self._candidate, ending, started_at=started_at, now=now, worker=self._bus.instance)

    def _rows(self, ending: story.Ending, *, http_status: int, now: float) -> list[LedgerRow]:
        request = story.ended_row(
            self._message, self._candidate, self._total(ending), http_status=http_status, now=now, worker=self._bus.instance,
            ttft_ms=self._ttft_ms(),
        )
        return [encode_row("requests", request), encode_row("attempts", self._attempt_row(ending, now))]


def _model_of(outcome: Outcome, candidate: Candidate) -> str:
    """The model as the provider names it, where it does."""
    model = outcome.response.get("model")
    return model if isinstance(model, str) else candidate.model
