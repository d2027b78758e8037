"""A backtest needs nothing but the ledger: what it has of a request, fed into the same function, ends in the same choice."""

import base64
from typing import Any

import msgspec
import pytest
from msgspec import structs

from libs.catalog.models import find
from libs.contracts.decisions import Candidate, Excluded, Ruling
from libs.contracts.health import ProviderAccount
from libs.contracts.reading import Reading
from libs.contracts.requests import RequestFacts
from libs.contracts.telemetry import UNKNOWN, CachedPrefix, Signal
from libs.routing.accounts import NO_KEY
from libs.routing.decide import decide
from libs.routing.score import PRIOR_ANSWERS
from libs.routing.snapshot import Snapshot
from tests.e2e.stack import Stack
from tests.upstream import Upstream

_JSON = ("candidates", "excluded", "reading", "facts", "toJSONString(metadata)")
COLUMNS = ", ".join(["toUnixTimestamp64Micro(created_at) / 1e6", "chosen_for", "reason", *(f"base64Encode({name})" for name in _JSON)])


def signal_of(one: Candidate, at: float) -> Signal:
    """As the router knew it: the candidate has it blended with the catalog's estimate."""
    known = find(one.provider, one.model, at)
    if known is None or not one.observed:
        return Signal(failing=one.failing)

    def seen(blended: float, prior: float) -> float:
        return (blended * (PRIOR_ANSWERS + one.observed) - prior * PRIOR_ANSWERS) / one.observed

    return Signal(
        observed=one.observed, failing=one.failing, ttft_s=seen(one.ttft_s, known.ttft_s),
        tokens_per_s=seen(one.tokens_per_s, known.tokens_per_s),
    )


@pytest.mark.parametrize(
    "body",
    [
        {"model": "auto", "input": "Prove that there are infinitely many primes."},
        {"model": "auto:latency", "input": "Say hello.", "max_output_tokens": 50},
        {"model": "auto", "input": "Write a haiku.", "metadata": {"priority": "low", "task": "writing"}, "provider": {"ignore": ["anthropic"]}},
        {"model": "auto:quality", "input": [{"role": "user", "content": "Fix my code."}], "tools": [{"type": "web_search"}]},
        {"model": "gpt-4o", "input": "Who wrote Hamlet?", "provider": {"sort": "price"}},
    ],
)
def test_the_ledger_suffices(stack: Stack, upstream: Upstream, body: dict[str, Any]) -> None:
    for _ in range(3):
        answer = stack.post(body)
        assert answer.status_code == 200, answer.text
    request_id = answer.json()["request_id"]
    at, chosen_for, reason, *encoded = stack.row(request_id, COLUMNS)
    candidates, excluded, reading, facts, metadata = (base64.b64decode(one) for one in encoded)
    then = msgspec.json.decode(candidates, type=list[Candidate])
    left_out = msgspec.json.decode(excluded, type=list[Excluded])
    known = structs.replace(
        msgspec.json.decode(facts, type=RequestFacts), reading=msgspec.json.decode(reading, type=Reading),
        metadata=msgspec.json.decode(metadata, type=dict[str, str]),
    )
    signals = {(one.provider, one.account, one.model): signal_of(one, float(at)) for one in then}
    providers = [*(one.provider for one in then), *(one.provider for one in left_out)]
    keyless = {one.provider for one in left_out if one.reason == NO_KEY}
    snapshot = Snapshot(
        accounts={provider: [ProviderAccount(provider=provider, configured=provider not in keyless)] for provider in providers},
        signal_of=lambda *target: signals.get(target, UNKNOWN),
        cached=[
            CachedPrefix(prefix=known.prefix, provider=one.provider, account=one.account, model=one.model, tokens=one.cached_tokens, at=0.0)
            for one in then if one.cached_tokens
        ],
    )
    again = decide(request_id, known, Ruling(revision=0), snapshot, now=float(at))
    # Speeds are blended back from three digits, which may change the last digit of the figures behind the reason.
    assert (again.chosen_for, again.reason.partition(";")[0]) == (chosen_for, reason.partition(";")[0])
    assert [(one.provider, one.model) for one in again.candidates] == [(one.provider, one.model) for one in then]
    assert [one.score for one in again.candidates] == pytest.approx([one.score for one in then], abs=1e-3)
