"""What a decision costs, the reading of the prompt included: `python -m tests.bench.decision`.

CPU of the very calls that the router makes for a request: decode the body, read the prompt, take a snapshot, decide, and write down what travels.
Every model of the catalog at five providers with an account each, speeds known of all of them.
"""

import gc
import json
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

from msgspec import structs

from libs.catalog.models import curated
from libs.classifier.classifier import Classifier
from libs.classifier.prompt import prompt_of
from libs.contracts.decisions import Ruling
from libs.contracts.health import ProviderAccount
from libs.contracts.models import PROVIDERS, parse_model
from libs.contracts.requests import RequestFacts
from libs.contracts.telemetry import Observed, Timing
from libs.responses.text import facts as counted
from libs.routing.decide import decide, shortlisted
from libs.routing.policy import Policy
from libs.routing.snapshot import Snapshot
from services.router.signals import Signals
from tests.bench.body import PROMPT

P50_BAR, P99_BAR = 0.3, 1.0
"""ms of CPU."""
ROUNDS = 2000
OUT = Path("var/decision.json")
NOW = 1_780_000_000.0
_PARAGRAPH = "The committee met in spring to look at the figures of last year, and found that costs had grown faster than income. "
_TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
BODIES: dict[str, dict[str, Any]] = {
    "a question": {"input": "What is the capital of Australia?"},
    "the bench's prompt": {"input": PROMPT},
    "a task of 2,000 characters": {"input": "Summarise the following report in three bullet points.\n" + _PARAGRAPH * 17},
    "a document of 60,000": {"input": "Which of the findings contradict each other?\n" + _PARAGRAPH * 520},
    "twenty turns with tools": {
        "instructions": "You are a careful assistant that plans journeys. " * 10, "tools": [_TOOL] * 12,
        "input": [
            {"type": "message", "role": role, "content": [{"type": kind, "text": f"Turn {turn}: {_PARAGRAPH * 3}"}]}
            for turn in range(10) for role, kind in (("user", "input_text"), ("assistant", "output_text"))
        ] + [{"type": "message", "role": "user", "content": "And in Rome?"}],
    },
}


def main() -> None:
    classifier, signals, policy = Classifier.load(), _signals(), Policy()
    figures = {name: _cost(body, classifier, signals, policy) for name, body in BODIES.items()}
    rows = [f"| {name} | {p50:.3f} | {p99:.3f} |" for name, (p50, p99) in figures.items()]
    print("\n".join(["| decision, ms of CPU | p50 | p99 |", "| --- | --- | --- |", *rows, f"| bar | {P50_BAR} | {P99_BAR} |"]))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\nall figures: {OUT}")


def _signals() -> Signals:
    signals = Signals(300.0)
    timings = [
        Timing(provider=one.provider, account="default", model=one.id, begun=9, ttft_s=9.0, ended=9, output_tokens=900, writing_s=9.0)
        for one in curated()
    ]
    signals.note(Observed(worker="w", timings=timings), NOW)
    return signals


def _cost(body: dict[str, Any], classifier: Classifier, signals: Signals, policy: Policy) -> tuple[float, float]:
    """p50 and p99 of one request after the other, ms of this thread's CPU."""
    raw = json.dumps(body).encode()
    facts = RequestFacts(model="auto", target=parse_model("auto"), **counted(body))
    accounts = {name: [ProviderAccount(provider=name, has_key=True, configured=True)] for name in PROVIDERS}

    def once(number: int) -> None:
        now = NOW + number * 0.001
        read = structs.replace(facts, reading=classifier.read(prompt_of(raw), facts.metadata))
        snapshot = Snapshot(
            accounts=accounts, exploration=0.01, signal_of=lambda provider, account, model: signals.of(provider, account, model, now)
        )
        shortlisted(decide(f"req_{number}", read, Ruling(revision=0), snapshot, policy, now), 3)

    for number in range(200):
        once(number)
    gc.collect()
    taken: list[float] = []
    for number in range(ROUNDS):
        begun = time.thread_time_ns()
        once(number)
        taken.append((time.thread_time_ns() - begun) / 1e6)
    cuts = quantiles(taken, n=100)
    return round(cuts[49], 3), round(cuts[98], 3)


if __name__ == "__main__":
    main()
