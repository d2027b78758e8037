"""Who chooses: the router itself, those it is held against, and somebody who knows the truth."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from msgspec import Struct

from libs.contracts.decisions import AttemptOutcome, Candidate, Ruling, Target
from libs.contracts.errors import RouterError
from libs.contracts.policies import RoutingPolicy
from libs.contracts.requests import RequestFacts
from libs.contracts.telemetry import Observed, Rest
from libs.routing.decide import decide, shortlisted
from libs.routing.estimate import CHARS_PER_TOKEN
from libs.routing.policy import Policy
from libs.routing.score import WEIGHTS
from libs.routing.snapshot import Snapshot
from services.router.breakers import Breakers
from services.router.fallback import following
from services.router.settings import RouterSettings
from services.router.signals import Signals
from services.router.turns import Turns
from tests.bench.simulation.stakes import Stakes
from tests.bench.simulation.world import START, Prompt, Windows, World

SETTINGS = RouterSettings()
WORKSPACE = "simulation"


class Choice(Struct, frozen=True):
    """Candidates, best first; empty when there is none."""

    candidates: list[Candidate]
    explored: bool = False


class Strategy(Protocol):
    """Chooses, and again after a failure."""

    def choose(self, prompt: Prompt, stakes: Stakes, windows: Windows) -> Choice: ...

    def after(self, choice: Choice, attempts: Sequence[AttemptOutcome], at: float) -> Candidate | None: ...

    def sent(self, candidate: Candidate, prompt: Prompt, at: float) -> bool:
        """A call is made; whether it is a probe."""
        ...

    def hear(self, observed: Observed, at: float) -> None: ...


class TheRouter:
    """The decision, the signals, the breakers and the order of fallbacks that serve live traffic, on a clock of ours."""

    def __init__(self, world: World, *, reads: bool = True, listens: bool = True) -> None:
        """`reads`: prompts are classified. `listens`: telemetry changes estimates; breakers and pauses hold in any case."""
        self._world, self._reads, self._listens = world, reads, listens
        self._breakers = Breakers(SETTINGS, START - 60.0, Random(f"{world.seed} breakers").uniform)
        self._signals = Signals(SETTINGS.signals_half_life)
        self._turns = Turns(lambda _: 0)
        self._policy, self._revision = Policy(), 0

    def choose(self, prompt: Prompt, stakes: Stakes, windows: Windows) -> Choice:
        at = prompt.at
        facts = RequestFacts(
            model=f"auto:{prompt.mode}", target=Target(mode=prompt.mode), input_chars=prompt.input_tokens * CHARS_PER_TOKEN,
            reading=prompt.reading if self._reads else None,
        )
        try:
            decision = decide(f"req_{prompt.number}", facts, Ruling(revision=0), self._snapshot(at), self._policy_at(at), at)
        except RouterError:
            return Choice([])
        self._turns.advance(WORKSPACE, decision.candidates[0].provider)
        return Choice(shortlisted(decision, SETTINGS.max_attempts).candidates, decision.chosen_for == "exploration")

    def after(self, choice: Choice, attempts: Sequence[AttemptOutcome], at: float) -> Candidate | None:
        def rest_of(one: Candidate) -> Rest | None:
            return self._breakers.rest(one.provider, one.account, one.model, at)

        index = following(choice.candidates, attempts, self._world.accounts.__contains__, rest_of)
        return None if index is None else choice.candidates[index]

    def sent(self, candidate: Candidate, prompt: Prompt, at: float) -> bool:
        self._signals.note_sent(candidate, prompt.input_tokens, at)
        return self._breakers.chosen(candidate.provider, candidate.account, candidate.model, at)

    def hear(self, observed: Observed, at: float) -> None:
        for tally in observed.tallies:
            self._breakers.note(tally, at)
        if self._listens:
            self._signals.note(observed, at)

    def _snapshot(self, at: float) -> Snapshot:
        return Snapshot(
            accounts=self._world.accounts,
            rest_of=lambda provider, account, model: self._breakers.rest(provider, account, model, at),
            signal_of=lambda provider, account, model: self._signals.of(provider, account, model, at),
            turn_of=lambda split: self._turns.of(WORKSPACE, split),
            exploration=SETTINGS.exploration if self._listens else 0.0,
        )

    def _policy_at(self, at: float) -> Policy:
        revision, overrides = self._world.overrides(at)
        if revision != self._revision:
            self._policy, self._revision = Policy(RoutingPolicy(models=overrides), revision), revision
        return self._policy


Rank = Callable[[Prompt, Stakes], Sequence[int]]
"""Indices of models, best first."""


class Fixed:
    """A rule that learns nothing: the first of a list, and the next ones where that fails."""

    def __init__(self, world: World, rank: Rank) -> None:
        self._world, self._rank = world, rank

    def choose(self, prompt: Prompt, stakes: Stakes, windows: Windows) -> Choice:
        return Choice(self._at_their_accounts(self._rank(prompt, stakes)[: SETTINGS.max_attempts])[: SETTINGS.max_attempts])

    def after(self, choice: Choice, attempts: Sequence[AttemptOutcome], at: float) -> Candidate | None:
        return choice.candidates[len(attempts)] if len(attempts) < len(choice.candidates) else None

    def sent(self, candidate: Candidate, prompt: Prompt, at: float) -> bool:
        return False

    def hear(self, observed: Observed, at: float) -> None:
        """It does not listen."""

    def _at_their_accounts(self, indices: Sequence[int]) -> list[Candidate]:
        models = [self._world.models[index] for index in indices]
        return [
            Candidate(provider=model.provider, account=one.account, model=model.id)
            for model in models for one in self._world.accounts[model.provider]
        ]


class Oracle(Fixed):
    """Knows prices, speeds, faults and which accounts have something left; not which call of a flaky model is the one that fails."""

    def choose(self, prompt: Prompt, stakes: Stakes, windows: Windows) -> Choice:
        best = [one for one in self._at_their_accounts(self._rank(prompt, stakes)) if windows.left(one.provider, one.account, prompt.at) > 0]
        return Choice(best[: SETTINGS.max_attempts])


def strategies(world: World) -> dict[str, Strategy]:
    """By name; the oracle first."""
    count = len(world.models)
    rng = Random(f"{world.seed} random")
    by_quality = sorted(range(count), key=lambda index: -world.models[index].quality)
    return {
        "oracle": Oracle(world, _truly_best),
        "oracle of the catalog": Oracle(world, _best_by_catalog),
        "router": TheRouter(world),
        "router, prompts unread": TheRouter(world, reads=False),
        "router, deaf to signals": TheRouter(world, listens=False),
        "always best": Fixed(world, lambda prompt, stakes: by_quality),
        "always cheapest": Fixed(world, lambda prompt, stakes: sorted(range(count), key=lambda index: stakes.truths[index].usd)),
        "round robin": Fixed(world, lambda prompt, stakes: [(prompt.number // len(WEIGHTS) + step) % count for step in range(count)]),
        "random": Fixed(world, lambda prompt, stakes: rng.sample(range(count), count)),
    }


def _truly_best(prompt: Prompt, stakes: Stakes) -> list[int]:
    """Knows what each model will make of this prompt."""
    return _best([utility * (1.0 - truth.failing) for utility, truth in zip(stakes.utilities, stakes.truths, strict=True)])


def _best_by_catalog(prompt: Prompt, stakes: Stakes) -> list[int]:
    """Knows family and difficulty of the prompt, and of quality what the catalog says: what it is wrong about nobody can tell beforehand."""
    return _best([
        (utility + stakes.by_quality * (truth.catalog_quality - truth.quality)) * (1.0 - truth.failing)
        for utility, truth in zip(stakes.utilities, stakes.truths, strict=True)
    ])


def _best(worth: list[float]) -> list[int]:
    return sorted(range(len(worth)), key=lambda index: -worth[index])
