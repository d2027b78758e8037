"""What is true, whoever chooses: prompts, what each model makes of them, and how providers fare from minute to minute. All of it is
drawn from the seed before anybody chooses, so that every strategy meets the same world."""

import math
from random import Random
from typing import Literal, get_args

from msgspec import Struct

from libs.catalog.models import Model, curated
from libs.contracts.decisions import Mode
from libs.contracts.health import ProviderAccount
from libs.contracts.policies import ModelOverride
from libs.contracts.reading import FAMILIES, Family, Reading
from tests.bench.simulation.prompts import readings

START = 1_795_564_800.0
"""2026-11-25, Unix seconds: the catalog's prices of that day hold."""
RATE = 3.0
"""Requests a second, on average."""
STEP = 10.0
"""Seconds for which speeds stay as they are."""
MODES: tuple[Mode, ...] = get_args(Mode)

WRONG_PRIOR, WRONG_SPEED = 0.35, 0.25
"""How far the catalog is off: spread of the logit of a model's quality in a family, and of the logarithm of its speed."""
LUCK, WORDINESS, JITTER = 0.3, 0.25, 0.2
"""Spread of a model's quality from prompt to prompt (logit), of the length of its answers and of single calls' times (logarithms)."""
DRIFTS = ((0.25, 900.0), (0.2, 300.0))
"""Of a provider, and of a model: spread of the logarithm of the speed, and seconds after which it has forgotten where it was."""
ROUGHLY = 0.1
"""Spread of the difficulty of prompts that read alike."""
HARDNESS = 2.0
"""How much the hardest prompt lowers the logit of quality below an average one."""
LENGTHS: dict[Family, float] = {
    "code": 220, "math": 200, "science": 150, "knowledge": 110, "reasoning": 150, "writing": 280, "tools": 80,
}
"""Tokens of an answer, median: about those of the recorded answers that docs/routing-quality.md names."""
VARIETY = 0.5
"""Spread of their logarithm within a family."""
LIMITS: dict[tuple[str, str], int] = {
    ("openai", "default"): 90, ("openai", "2"): 60, ("anthropic", "default"): 60, ("gemini", "default"): 100,
    ("deepseek", "default"): 90, ("mistral", "default"): 120,
}
"""Requests a minute that an account may make: about 180 are to be served."""

FaultKind = Literal["silent", "error", "flaky", "slow"]
"""The worst first."""


class Fault(Struct, frozen=True, kw_only=True):
    """Something that goes wrong for a while. Times are shares of the run."""

    kind: FaultKind
    provider: str
    model: str = ""
    """Empty: all of the provider's."""
    begins: float
    ends: float

    def strikes(self, model: Model, share: float) -> bool:
        return self.provider == model.provider and self.model in ("", model.id) and self.begins <= share < self.ends


class PriceChange(Struct, frozen=True, kw_only=True):
    """From then on a model costs so many times as much. Routers hear of it as a workspace's override."""

    provider: str
    model: str
    factor: float
    at: float
    """Share of the run."""


FAULTS = (
    Fault(kind="slow", provider="gemini", begins=0.08, ends=0.16),
    Fault(kind="error", provider="openai", begins=0.2, ends=0.25),
    Fault(kind="flaky", provider="deepseek", begins=0.3, ends=0.42),
    Fault(kind="slow", provider="openai", begins=0.45, ends=0.52),
    Fault(kind="silent", provider="gemini", begins=0.55, ends=0.58),
    Fault(kind="flaky", provider="gemini", model="gemini-3.8-flash", begins=0.64, ends=0.72),
    Fault(kind="error", provider="mistral", begins=0.74, ends=0.8),
    Fault(kind="error", provider="anthropic", begins=0.84, ends=0.88),
)
CHANGES = (
    PriceChange(provider="openai", model="gpt-5-mini", factor=0.25, at=0.35),
    PriceChange(provider="gemini", model="gemini-3.8-flash", factor=3.0, at=0.5),
    PriceChange(provider="mistral", model="mistral-large-4", factor=0.4, at=0.7),
)
SLOWED = 4.0
FAILING: dict[FaultKind | None, float] = {"silent": 1.0, "error": 1.0, "flaky": 0.4}
"""Probability that a call fails."""


class Prompt(Struct, frozen=True, kw_only=True):
    """A request, what the classifier says of it, and when it comes."""

    number: int
    at: float
    """Unix seconds."""
    mode: Mode
    family: Family
    difficulty: float
    input_tokens: int
    output_tokens: int
    """Of a model of average wordiness."""
    reading: Reading | None
    """The classifier's own."""


class Truth(Struct, frozen=True, gc=False):
    """What one model would make of one prompt at that moment."""

    quality: float
    catalog_quality: float
    """What the catalog would have of it, if it knew family and difficulty."""
    usd: float
    tokens: float
    """Of its answer."""
    ttft_s: float
    writing_s: float
    failing: float
    """Probability that a call fails."""

    @property
    def seconds(self) -> float:
        return self.ttft_s + self.writing_s


class World:
    """`count` requests from the seed."""

    def __init__(self, seed: int, count: int) -> None:
        self.seed, self.length = seed, count / RATE
        self.models = curated(START)
        self.accounts = _accounts()
        self._place = {(model.provider, model.id): index for index, model in enumerate(self.models)}
        self._draw_models(Random(f"{seed} models"))
        self.prompts = _prompts(Random(f"{seed} prompts"), count)
        luck = Random(f"{seed} luck")
        self._luck = [[luck.gauss(0.0, LUCK) for _ in self.models] for _ in range(count)]

    def index(self, provider: str, model: str) -> int:
        return self._place[provider, model]

    def truths(self, prompt: Prompt) -> list[Truth]:
        """Of each model, at the moment when the prompt comes."""
        return [self.truth(index, prompt, prompt.at) for index in range(len(self.models))]

    def truth(self, index: int, prompt: Prompt, at: float) -> Truth:
        """Of one model, at that moment."""
        model, step = self.models[index], self._step(at)
        slow = self._slow[index][step]
        family = FAMILIES.index(prompt.family)
        logit = _logit(model.families[family]) + HARDNESS * (0.5 - prompt.difficulty)
        tokens = prompt.output_tokens * self._wordy[index]
        assert model.usd_per_input_token is not None
        assert model.usd_per_output_token is not None
        return Truth(
            quality=_sigmoid(logit + self._bias[index][family] + self._luck[prompt.number][index]),
            catalog_quality=_sigmoid(logit),
            usd=self._factor[index][step] * (prompt.input_tokens * model.usd_per_input_token + tokens * model.usd_per_output_token),
            tokens=tokens,
            ttft_s=model.ttft_s * slow,
            writing_s=tokens / model.tokens_per_s * slow,
            failing=FAILING.get(self._faults[index][step], 0.0),
        )

    def share(self, at: float) -> float:
        """How much of the run is over."""
        return (at - START) / self.length

    def fault(self, index: int, at: float) -> FaultKind | None:
        """The worst that is wrong with a model."""
        return self._faults[index][self._step(at)]

    def factor(self, index: int, at: float) -> float:
        """What a model costs, as a multiple of the catalog's price."""
        return self._factor[index][self._step(at)]

    def overrides(self, at: float) -> tuple[int, dict[str, ModelOverride]]:
        """How many prices have changed by then, and what a workspace's policy says of them."""
        changed = [change for change in CHANGES if change.at <= self.share(at)]
        found: dict[str, ModelOverride] = {}
        for change in changed:
            price = self.models[self.index(change.provider, change.model)].price
            assert price is not None
            found[f"{change.provider}/{change.model}"] = ModelOverride(
                input_usd_per_mtok=_times(price.input, change.factor), output_usd_per_mtok=_times(price.output, change.factor)
            )
        return len(changed), found

    def jitter(self, prompt: Prompt, index: int, attempt: int) -> tuple[float, float, float]:
        """Of one call: factors of both times, and the number from 0 to 1 that decides whether a flaky one fails."""
        rng = Random(f"{self.seed} {prompt.number} {index} {attempt}")
        return math.exp(rng.gauss(0.0, JITTER)), math.exp(rng.gauss(0.0, JITTER)), rng.random()

    def _draw_models(self, rng: Random) -> None:
        self._bias = [[rng.gauss(0.0, WRONG_PRIOR) for _ in FAMILIES] for _ in self.models]
        self._wordy = [math.exp(rng.gauss(0.0, WORDINESS)) for _ in self.models]
        self._steps = int(self.length / STEP) + 60
        shares = [self.share(START + step * STEP) for step in range(self._steps)]
        self._faults = [[_worst(model, share) for share in shares] for model in self.models]
        self._factor = [[_factor(model, share) for share in shares] for model in self.models]
        shared = {provider: _drift(rng, *DRIFTS[0], self._steps) for provider in self.accounts}
        self._slow = [self._speeds(rng, index, shared[model.provider]) for index, model in enumerate(self.models)]

    def _speeds(self, rng: Random, index: int, shared: list[float]) -> list[float]:
        off, own = rng.gauss(0.0, WRONG_SPEED), _drift(rng, *DRIFTS[1], self._steps)
        return [
            math.exp(off + together + alone) * (SLOWED if fault == "slow" else 1.0)
            for together, alone, fault in zip(shared, own, self._faults[index], strict=True)
        ]

    def _step(self, at: float) -> int:
        return min(self._steps - 1, max(0, int((at - START) / STEP)))


class Windows:
    """What each account has used of its limit in the minute that runs: of one strategy, since each has its own calls."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], tuple[int, int]] = {}

    def left(self, provider: str, account: str, at: float) -> int:
        minute, used = self._used.get((provider, account), (0, 0))
        return LIMITS[provider, account] - (used if minute == int(at // 60) else 0)

    def use(self, provider: str, account: str, at: float) -> bool:
        """Whether the call is let through."""
        left = self.left(provider, account, at)
        if left > 0:
            self._used[provider, account] = (int(at // 60), LIMITS[provider, account] - left + 1)
        return left > 0

    @staticmethod
    def back_at(at: float) -> float:
        """Unix seconds of the next minute."""
        return (at // 60 + 1) * 60


def _accounts() -> dict[str, list[ProviderAccount]]:
    found: dict[str, list[ProviderAccount]] = {}
    for provider, account in LIMITS:
        rank = len(found.setdefault(provider, []))
        found[provider].append(ProviderAccount(provider=provider, account=account, rank=rank, has_key=True, configured=True))
    return found


def _prompts(rng: Random, count: int) -> list[Prompt]:
    at, found = START, []
    for number in range(count):
        at += rng.expovariate(RATE)
        family, difficulty, reading = rng.choice(readings())
        difficulty = min(1.0, max(0.0, difficulty + rng.gauss(0.0, ROUGHLY)))
        tokens = max(5, round(LENGTHS[family] * math.exp(rng.gauss(0.0, VARIETY))))
        found.append(Prompt(
            number=number, at=at, mode=MODES[number % len(MODES)], family=family, difficulty=difficulty,
            input_tokens=max(20, round(400 * math.exp(rng.gauss(0.0, 1.0)))), output_tokens=tokens,
            reading=reading,
        ))
    return found


def _drift(rng: Random, spread: float, seconds: float, steps: int) -> list[float]:
    """A walk that is drawn back to zero."""
    keeps = math.exp(-STEP / seconds)
    value, found = rng.gauss(0.0, spread), []
    for _ in range(steps):
        value = keeps * value + rng.gauss(0.0, spread * math.sqrt(1 - keeps * keeps))
        found.append(value)
    return found


def _worst(model: Model, share: float) -> FaultKind | None:
    kinds = {fault.kind for fault in FAULTS if fault.strikes(model, share)}
    return next((kind for kind in get_args(FaultKind) if kind in kinds), None)


def _factor(model: Model, share: float) -> float:
    known = (change for change in CHANGES if (change.provider, change.model) == (model.provider, model.id))
    return math.prod(change.factor for change in known if change.at <= share)


def _times(rate: str | None, factor: float) -> str | None:
    return None if rate is None else f"{float(rate) * factor:.6f}"


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _sigmoid(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))
