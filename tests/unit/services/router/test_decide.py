"""The routing decision."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from libs.catalog.models import curated
from libs.contracts.decisions import Candidate, Decision, Target
from libs.contracts.errors import ModelNotFound, ProviderKeyMissing, RoutingError
from libs.contracts.health import ProviderAccount
from libs.contracts.models import parse_model
from libs.contracts.requests import RequestFacts
from services.router.decide import Available, decide, shortlisted
from services.router.score import WEIGHTS, confidence, goodness

BOTH = {name: ProviderAccount(provider=name, has_key=True, configured=True) for name in ("openai", "anthropic")}


def decided(model: str, ruled: Target | None = None, accounts: Any = BOTH, own_keys: tuple[str, ...] = (), **facts: Any) -> Decision:
    known = RequestFacts(model=model, target=parse_model(model), input_chars=facts.pop("input_chars", 2000), **facts)
    return decide("req_1", known, ruled or Target(), Available(accounts=accounts, own_keys=frozenset(own_keys)))


@pytest.mark.parametrize("mode", WEIGHTS)
def test_the_score_is_the_weighted_sum_and_the_order_follows_it(mode: Any) -> None:
    decision = decided(f"auto:{mode}")
    assert decision.mode == mode
    assert len(decision.candidates) == len(curated())
    cost, quality, latency = WEIGHTS[mode]
    for one in decision.candidates:
        assert one.score == pytest.approx(cost * one.cost + quality * one.quality + latency * one.latency, abs=2e-4)
    assert [one.score for one in decision.candidates] == sorted((one.score for one in decision.candidates), reverse=True)


def test_modes_choose_by_their_weights() -> None:
    best = {mode: decided(f"auto:{mode}").candidates[0] for mode in WEIGHTS}
    assert best["quality"].quality > best["cost"].quality
    assert best["cost"].cost >= best["quality"].cost
    assert best["latency"].latency == 1.0


@pytest.mark.parametrize(
    ("model", "expected"),
    [("gpt-4o", ("openai", "gpt-4o")), ("anthropic/claude-haiku-4-5", ("anthropic", "claude-haiku-4-5")), ("gpt-4o:cost", ("openai", "gpt-4o"))],
)
def test_a_named_model_is_the_only_candidate(model: str, expected: tuple[str, str]) -> None:
    decision = decided(model)
    assert [(one.provider, one.model) for one in decision.candidates] == [expected]
    assert decision.confidence == 1.0


def test_a_rule_beats_the_override_and_that_beats_the_model() -> None:
    override = Target(model="gpt-4.1")
    assert decided("gpt-4o", override=override).candidates[0].model == "gpt-4.1"
    assert decided("gpt-4o", Target(model="gpt-5"), override=override).candidates[0].model == "gpt-5"


def test_a_provider_set_by_a_rule_frees_a_model_it_does_not_have() -> None:
    decision = decided("gpt-4o", Target(provider="anthropic"))
    assert {one.provider for one in decision.candidates} == {"anthropic"}
    assert "gpt-4o" in decision.warnings[0].message


def test_a_model_set_by_a_rule_frees_a_provider_that_lacks_it() -> None:
    decision = decided("openai/gpt-4o", Target(model="claude-haiku-4-5"))
    assert decision.candidates[0].provider == "anthropic"
    assert decision.warnings


def test_errors_say_what_is_missing() -> None:
    with pytest.raises(ModelNotFound):
        decided("no-such-model")
    with pytest.raises(ModelNotFound):
        decided("openai/no-such-model")
    keyless = {"openai": BOTH["openai"], "anthropic": ProviderAccount(provider="anthropic")}
    with pytest.raises(ProviderKeyMissing, match="ANTHROPIC_API_KEY"):
        decided("anthropic/claude-haiku-4-5", accounts=keyless)
    with pytest.raises(RoutingError, match="no worker"):
        decided("gemini/gemini-2.5-pro")


def test_a_key_from_the_client_opens_a_provider_and_breaks_ties_only() -> None:
    keyless = {"openai": BOTH["openai"], "anthropic": ProviderAccount(provider="anthropic")}
    assert decided("anthropic/claude-haiku-4-5", accounts=keyless, own_keys=("anthropic",)).candidates
    plain, with_key = decided("auto"), decided("auto", own_keys=("anthropic",))
    assert plain.candidates[0] == with_key.candidates[0]


def test_what_a_model_cannot_do_excludes_it_with_the_reason() -> None:
    decision = decided("auto", builtin_tools=["web_search"])
    assert {one.provider for one in decision.candidates} == {"openai"}
    assert all("web_search" in one.reason for one in decision.excluded)
    long = decided("auto", input_chars=1_200_000)
    assert {one.model for one in long.excluded} >= {"gpt-4o", "gpt-4o-mini"}


def test_models_from_the_settings_have_no_price() -> None:
    accounts = {"openai": ProviderAccount(provider="openai", configured=True, models=["my-own"])}
    candidate = decided("openai/my-own", accounts=accounts).candidates[0]
    assert candidate.price is None
    assert candidate.expected_usd is None


def test_ties_are_spread() -> None:
    accounts = {"openai": ProviderAccount(provider="openai", configured=True, models=["a"])}
    accounts["anthropic"] = ProviderAccount(provider="anthropic", configured=True, models=["a"])
    facts = RequestFacts(model="a", target=Target(model="a"))
    available = Available(accounts=accounts, own_keys=frozenset())
    first = Counter(decide(f"req_{n}", facts, Target(), available).candidates[0].provider for n in range(1000))
    assert 400 < first["openai"] < 600


def test_only_candidates_that_may_be_tried_travel_and_all_are_on_record() -> None:
    whole = decided("auto:latency")
    short = shortlisted(whole)
    assert short.candidates[:3] == whole.candidates[:3]
    assert {one.provider for one in short.candidates} == {"openai", "anthropic"}
    recorded = msgspec.json.decode(short.scored, type=list[Candidate])
    assert [one.model for one in recorded] == [one.model for one in whole.candidates]
    assert all(one.price is None for one in recorded)


def test_goodness_and_confidence() -> None:
    assert goodness([1.0, 3.0, 2.0, None]) == [1.0, 0.0, 0.5, 0.0]
    assert goodness([2.0, 2.0]) == [1.0, 1.0]
    assert goodness([None]) == [0.0]
    assert confidence([0.7]) == 1.0
    assert confidence([0.7, 0.7]) == 0.5
