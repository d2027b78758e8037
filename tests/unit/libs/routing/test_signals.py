"""What the signals of the last minutes do to a decision."""

from collections import Counter

import pytest

from libs.contracts.telemetry import CachedPrefix, Signal
from libs.routing.first import COLD, EXPLORED_WITHIN, STAYING
from libs.routing.score import blended
from tests.unit.libs.routing.world import ALL, NOW, account, called, decided, reasons


def place(name: str, account: str = "default") -> tuple[str, str, str]:
    provider, _, model = name.partition("/")
    return provider, account, model


def test_a_model_that_became_slow_loses_its_place() -> None:
    best = called(decided("auto:latency"))[0]
    decision = decided("auto:latency", signals={place(best): Signal(observed=40, ttft_s=30.0, tokens_per_s=3.0)})
    assert called(decision)[0] != best
    seen = next(one for one in decision.candidates if f"{one.provider}/{one.model}" == best)
    assert seen.observed == 40
    assert seen.ttft_s > 20
    assert seen.latency == 0.0


def test_what_was_seen_outweighs_the_catalog_as_it_grows() -> None:
    assert blended(1.0, 5.0, 0) == 1.0
    assert blended(1.0, None, 10) == 1.0
    assert 1.0 < blended(1.0, 5.0, 1) < blended(1.0, 5.0, 10) < 5.0


def test_a_model_that_fails_is_worth_less() -> None:
    best = decided().candidates[0]
    name = f"{best.provider}/{best.model}"
    failing = decided(signals={place(name): Signal(observed=20, failing=0.5)})
    now = next(one for one in failing.candidates if f"{one.provider}/{one.model}" == name)
    assert now.failing == 0.5
    assert now.score < 0.6 * best.score
    assert called(failing)[0] != name


class TestLimits:
    def test_an_account_with_too_little_left_is_passed_over(self) -> None:
        accounts = ALL | {"openai": [account("openai"), account("openai", "2", rank=1)]}
        low = {("openai", "default", "gpt-4o"): Signal(tokens_left=100)}
        decision = decided("gpt-4o", accounts=accounts, signals=low)
        assert [one.account for one in decision.candidates] == ["2"]
        assert "100 tokens left" in reasons(decision)["openai/gpt-4o"]
        small = decided("gpt-4o", accounts=accounts, signals=low, input_chars=4, max_output_tokens=50)
        assert [one.account for one in small.candidates] == ["default", "2"]

    def test_it_is_asked_after_all_when_nobody_else_is_left(self) -> None:
        assert called(decided("gpt-4o", signals={("openai", "default", "gpt-4o"): Signal(requests_left=0)})) == ["openai/gpt-4o"]


class TestCache:
    def marks(self, name: str, tokens: int = 90_000) -> list[CachedPrefix]:
        provider, account, model = place(name)
        return [CachedPrefix(prefix="p", provider=provider, account=account, model=model, tokens=tokens, at=NOW - 30)]

    def test_a_cached_beginning_is_cheaper(self) -> None:
        name = "openai/gpt-5"
        without = next(one for one in decided(input_chars=400_000).candidates if one.model == "gpt-5")
        cached = next(one for one in decided(input_chars=400_000, cached=self.marks(name)).candidates if one.model == "gpt-5")
        assert cached.cached_tokens == 90_000
        assert without.expected_usd
        assert cached.expected_usd
        assert cached.expected_usd < 0.5 * without.expected_usd
        assert cached.score > without.score

    def test_a_conversation_stays_where_the_gain_of_leaving_is_small(self) -> None:
        plain = decided(input_chars=8000)
        second = next(one for one in plain.candidates if (one.provider, one.model) != (plain.candidates[0].provider, plain.candidates[0].model))
        assert plain.candidates[0].score - second.score < STAYING, "the catalog has moved: choose another pair"
        decision = decided(input_chars=8000, cached=self.marks(f"{second.provider}/{second.model}", 10))
        assert (decision.candidates[0].model, decision.chosen_for) == (second.model, "cache")
        assert len(decision.candidates) == len(plain.candidates)

    def test_and_leaves_where_it_is_large(self) -> None:
        worst = called(decided("auto:cost"))[-1]
        decision = decided("auto:cost", cached=self.marks(worst, 10))
        assert called(decision)[0] != worst
        assert decision.chosen_for == "score"


class TestExploration:
    def shares(self, exploration: float, warm: bool, requests: int = 3000) -> Counter[str]:
        signals = {(one.provider, one.account, one.model): Signal(observed=9.0) for one in decided().candidates} if warm else {}
        return Counter(
            decided(exploration=exploration, signals=signals, request_id=f"req_{number}").chosen_for for number in range(requests)
        )

    def test_its_rate_is_bounded(self) -> None:
        assert 0 < self.shares(0.05, warm=False)["exploration"] < 0.08 * 3000

    def test_what_is_known_is_not_explored(self) -> None:
        assert self.shares(0.05, warm=True)["exploration"] == 0
        assert self.shares(0.0, warm=False)["exploration"] == 0

    def test_only_what_comes_near_is_tried_and_it_says_so(self) -> None:
        best = decided().candidates[0].score
        tried = [decision for n in range(300) if (decision := decided(exploration=1.0, request_id=f"req_{n}")).chosen_for == "exploration"]
        assert tried
        for decision in tried:
            assert decision.candidates[0].score >= best - EXPLORED_WITHIN - 1e-4
            assert decision.candidates[0].observed < COLD
            assert "its speed was not known" in decision.reason
        assert len({decision.candidates[0].model for decision in tried}) > 1

    @pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o"])
    def test_a_named_model_is_never_left_for_it(self, model: str) -> None:
        assert {decided(model, exploration=1.0, request_id=f"req_{n}").candidates[0].model for n in range(50)} == {"gpt-4o"}
