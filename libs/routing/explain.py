"""A decision in words and figures. Pure."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from libs.contracts.decisions import Candidate, Decision
from libs.contracts.reading import Reading

_HARD = (0.35, "easy"), (0.65, "medium"), (1.01, "hard")
_CHOSEN_FOR = {
    "order": "first in provider.order",
    "split": "its turn in the split of a rule",
    "exploration": "tried because its speed was not known",
    "cache": "kept for this conversation's prompt cache",
    "score": "best score",
    "pin": "pinned by a rule",
    "chain": "a rule's fallback, since nothing before it can be called",
}
_SAID_ANYWAY = frozenset({"pin", "chain"})
"""Even where there is nothing else."""


def task(reading: Reading | None) -> str:
    """What the prompt was taken for, in words; empty when it was not read or not understood."""
    if reading is None or reading.because or not reading.families:
        return ""
    family = max(reading.families, key=lambda name: reading.families[name])
    return f"{family}, {next(word for below, word in _HARD if reading.difficulty < below)}"


def reason(
    candidates: Sequence[Candidate], models: int, mode: str, chosen_for: str, reading: Reading | None, weighed: str,
    chain: Sequence[Candidate] = (),
) -> str:
    """The choice, why, and what it beat. `models`: how many came into question; `weighed`: what moved the weights; `chain`: what a rule has
    tried behind it."""
    first = candidates[0]
    dollars = "price not known" if first.expected_usd is None else f"${first.expected_usd:.3g}"
    known = task(reading)
    told = f"{known}: " if known else ""
    why = _CHOSEN_FOR[chosen_for] if models > 1 or chosen_for in _SAID_ANYWAY else "the only candidate"
    told += f"{first.provider}/{first.model}, {why}"
    if models > 1 and chosen_for not in _SAID_ANYWAY:
        told += f" of {models} for {mode}" + (f" ({weighed})" if weighed else "")
    behind = ", ".join(dict.fromkeys(f"{one.provider}/{one.model}" for one in chain))
    told += f"; behind it, by a rule: {behind}" if behind else ""
    return f"{told}; score {first.score:.2f}, quality {first.quality:.2f}, about {dollars} and {first.expected_s:.1f} s"


def scored_by(decision: Decision, reading: Reading | None) -> dict[str, Any]:
    """What the candidates were scored by, as clients see it."""
    return {
        "chosen_for": decision.chosen_for,
        "weights": dict(zip(("cost", "quality", "latency"), decision.weights, strict=True)),
        "reading": None if reading is None else structs.replace(reading, demand=b""),
        "expected": {"input_tokens": decision.input_tokens, "output_tokens": decision.output_tokens},
        "policy_revision": decision.policy_revision,
    }
