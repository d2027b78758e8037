"""A call to a simulated provider: how it ends, and what the workers tell the routers of it."""

from typing import Any

from msgspec import Struct

from libs.contracts.decisions import AttemptOutcome, Candidate
from libs.contracts.telemetry import Observed, Remaining, Tally, Timing
from services.provider_worker.dialects.limits import FEW_REQUESTS
from tests.bench.simulation.world import Prompt, Windows, World

REFUSED_AFTER = 0.15
"""Seconds until a provider says no."""
TOLD_EVERY = 0.25
"""Seconds between two reports of workers on what went well; failures are told at once."""
SCARCE = FEW_REQUESTS
"""Requests left in a minute, from which on a good answer's headers are passed on."""


class Called(Struct, frozen=True, kw_only=True):
    """One call that is over."""

    outcome: AttemptOutcome
    seconds: float
    """Until it failed, or until its last byte."""
    told: list[tuple[float, Observed]]
    """What routers hear of it, and when."""

    @property
    def ok(self) -> bool:
        return self.outcome.status == "completed"


class Calls:
    """The providers, for one strategy."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.windows = Windows()

    def make(self, prompt: Prompt, candidate: Candidate, *, at: float, attempt: int, patience: float, probe: bool) -> Called:
        """`patience`: seconds for which a silent provider is waited for."""
        index = self._world.index(candidate.provider, candidate.model)
        if not self.windows.use(candidate.provider, candidate.account, at):
            return _limited(candidate, at, attempt)
        first, writing, draw = self._world.jitter(prompt, index, attempt)
        truth = self._world.truth(index, prompt, at)
        if self._world.fault(index, at) == "silent":
            return _failed(candidate, at, attempt, "upstream_timeout", patience)
        if draw < truth.failing:
            return _failed(candidate, at, attempt, "upstream_unavailable", REFUSED_AFTER)
        return self._answered(candidate, at, attempt, round(truth.tokens), truth.ttft_s * first, truth.writing_s * writing, probe)

    def _answered(
        self, candidate: Candidate, at: float, attempt: int, tokens: int, ttft_s: float, writing_s: float, probe: bool
    ) -> Called:
        target = _target(candidate)
        began = Observed(
            worker="w", tallies=[Tally(**target, ok=1, probed=probe)], timings=[Timing(**target, begun=1, ttft_s=ttft_s)],
            remaining=self._remaining(target, at),
        )
        ended = Observed(worker="w", timings=[Timing(**target, ended=1, output_tokens=tokens, writing_s=writing_s)])
        begun_at, ended_at = at + ttft_s, at + ttft_s + writing_s
        return Called(
            outcome=AttemptOutcome(attempt=attempt, **target, status="completed"), seconds=ttft_s + writing_s,
            told=[(begun_at if probe else _next_report(begun_at), began), (_next_report(ended_at), ended)],
        )

    def _remaining(self, target: dict[str, Any], at: float) -> list[Remaining]:
        left = self.windows.left(target["provider"], target["account"], at)
        return [Remaining(**target, requests=left, requests_reset=self.windows.back_at(at))] if left <= SCARCE else []


def _limited(candidate: Candidate, at: float, attempt: int) -> Called:
    target, back_at = _target(candidate), Windows.back_at(at)
    tally = Tally(**target, rest_until=back_at, code="rate_limit_exceeded")
    outcome = AttemptOutcome(attempt=attempt, **target, status="failed", code="rate_limit_exceeded", http_status=429, retry_after=back_at - at)
    return Called(outcome=outcome, seconds=REFUSED_AFTER, told=[(at + REFUSED_AFTER, Observed(worker="w", tallies=[tally]))])


def _failed(candidate: Candidate, at: float, attempt: int, code: str, seconds: float) -> Called:
    target = _target(candidate)
    observed = Observed(worker="w", tallies=[Tally(**target, failed=1, code=code)])
    outcome = AttemptOutcome(attempt=attempt, **target, status="failed", code=code, http_status=500 if code == "upstream_unavailable" else None)
    return Called(outcome=outcome, seconds=seconds, told=[(at + seconds, observed)])


def _target(candidate: Candidate) -> dict[str, Any]:
    return {"provider": candidate.provider, "account": candidate.account, "model": candidate.model}


def _next_report(at: float) -> float:
    return (at // TOLD_EVERY + 1) * TOLD_EVERY
