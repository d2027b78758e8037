"""Lets a strategy serve all requests of a world, event by event, in virtual time."""

import heapq
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from libs.contracts.decisions import AttemptOutcome, Candidate, Mode
from libs.contracts.telemetry import Observed
from tests.bench.simulation.calls import Calls
from tests.bench.simulation.stakes import Stakes
from tests.bench.simulation.strategies import SETTINGS, Choice, Strategy
from tests.bench.simulation.world import Prompt, World


class Served(Struct, frozen=True, kw_only=True, gc=False):
    """What became of a request."""

    at: float
    mode: Mode
    utility: float
    """0 when nobody answered."""
    ok: bool
    calls: int
    quality: float = 0.0
    usd: float = 0.0
    seconds: float = 0.0
    explored: bool = False


class _Retry(Struct, frozen=True):
    prompt: Prompt
    choice: Choice
    attempts: list[AttemptOutcome]


def play(world: World, strategy: Strategy, stakes: Sequence[Stakes]) -> list[Served]:
    """One line for each prompt, in their order."""
    game = _Game(world, strategy, stakes)
    for prompt in world.prompts:
        game.plan(prompt.at, prompt)
    game.run()
    return [game.served[prompt.number] for prompt in world.prompts]


class _Game:
    def __init__(self, world: World, strategy: Strategy, stakes: Sequence[Stakes]) -> None:
        self._world, self._strategy, self._stakes = world, strategy, stakes
        self._calls = Calls(world)
        self._events: list[tuple[float, int, Any]] = []
        self._planned = 0
        self.served: dict[int, Served] = {}

    def plan(self, at: float, event: Prompt | _Retry | Observed) -> None:
        self._planned += 1
        heapq.heappush(self._events, (at, self._planned, event))

    def run(self) -> None:
        while self._events:
            at, _, event = heapq.heappop(self._events)
            match event:
                case Observed():
                    self._strategy.hear(event, at)
                case Prompt():
                    choice = self._strategy.choose(event, self._stakes[event.number], self._calls.windows)
                    self._call(event, choice, choice.candidates[0] if choice.candidates else None, [], at)
                case _Retry():
                    self._call(event.prompt, event.choice, self._strategy.after(event.choice, event.attempts, at), event.attempts, at)

    def _call(self, prompt: Prompt, choice: Choice, candidate: Candidate | None, attempts: list[AttemptOutcome], at: float) -> None:
        if candidate is None:
            self._end(prompt, choice, None, attempts, at)
            return
        probe = self._strategy.sent(candidate, prompt, at)
        done = self._calls.make(
            prompt, candidate, at=at, attempt=len(attempts) + 1, patience=SETTINGS.slow_start(prompt.mode), probe=probe
        )
        for told_at, observed in done.told:
            self.plan(told_at, observed)
        made = [*attempts, done.outcome]
        if done.ok:
            self._end(prompt, choice, candidate, made, at)
        elif len(made) < SETTINGS.max_attempts:
            self.plan(at + done.seconds, _Retry(prompt, choice, made))
        else:
            self._end(prompt, choice, None, made, at + done.seconds)

    def _end(self, prompt: Prompt, choice: Choice, candidate: Candidate | None, attempts: list[AttemptOutcome], at: float) -> None:
        """`at`: when the call that answered was made."""
        told: dict[str, Any] = {"at": prompt.at, "mode": prompt.mode, "calls": len(attempts), "explored": choice.explored}
        if candidate is None:
            self.served[prompt.number] = Served(utility=0.0, ok=False, **told)
            return
        index, lost = self._world.index(candidate.provider, candidate.model), at - prompt.at
        stakes = self._stakes[prompt.number]
        truth = stakes.truths[index]
        self.served[prompt.number] = Served(
            utility=stakes.utility(index, lost), ok=True, quality=truth.quality, usd=truth.usd, seconds=truth.seconds + lost, **told
        )
