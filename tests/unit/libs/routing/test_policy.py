"""What a workspace's policy does to a decision."""

import pytest

from libs.contracts.errors import RoutingError
from libs.contracts.policies import Learned, LearnedQuality, ModelOverride, RoutingPolicy, Weights
from libs.routing.score import WEIGHTS
from tests.unit.libs.routing.world import ALL, account, called, decided, reasons


def test_allow_and_deny() -> None:
    decision = decided(policy=RoutingPolicy(allow=["openai/*", "anthropic/claude-haiku-*"], deny=["openai/gpt-4o"]))
    assert {name.partition("/")[0] for name in called(decision)} == {"openai", "anthropic"}
    assert "openai/gpt-4o" not in called(decision)
    assert reasons(decision)["openai/gpt-4o"] == reasons(decision)["gemini/gemini-4-argon"] == "not allowed by the workspace's routing policy"
    assert decision.policy_revision == 3


def test_it_holds_for_a_named_model_too() -> None:
    with pytest.raises(RoutingError, match="not allowed by the workspace's routing policy"):
        decided("gpt-4o", policy=RoutingPolicy(deny=["*/gpt-4o"]))


def test_regions() -> None:
    accounts = ALL | {"openai": [account("openai", region="us"), account("openai", "2", region="eu")]}
    decision = decided(accounts=accounts, policy=RoutingPolicy(regions=["eu"]))
    assert {(one.provider, one.account) for one in decision.candidates} == {("openai", "2")}
    assert reasons(decision)["mistral/mistral-large-4"] == "no account in region eu"


def test_weights_are_scaled_and_shown() -> None:
    decision = decided("auto:cost", policy=RoutingPolicy(weights={"cost": Weights(cost=1, quality=2, latency=1)}))
    assert decision.weights == (0.25, 0.5, 0.25)
    assert "the workspace's weights" in decision.reason
    for one in decision.candidates:
        assert one.score == pytest.approx(0.25 * one.cost + 0.5 * one.quality + 0.25 * one.latency, abs=2e-4)


def test_a_negotiated_price_counts_and_names_its_version() -> None:
    policy = RoutingPolicy(models={"openai/gpt-5": ModelOverride(input_usd_per_mtok="0.01", output_usd_per_mtok="0.01")})
    plain = next(one for one in decided().candidates if one.model == "gpt-5")
    own = next(one for one in decided(policy=policy).candidates if one.model == "gpt-5")
    assert plain.expected_usd
    assert own.expected_usd
    assert own.expected_usd < plain.expected_usd / 10
    assert own.price_version == "workspace"


def test_what_feedback_taught_counts_only_where_learning_is_on() -> None:
    learned = Learned(
        at="2026-11-24T00:00:00Z", since="2026-10-01T00:00:00Z", ratings=60,
        models={"openai/gpt-5": {family: LearnedQuality(prior=0.9, posterior=0.1, ratings=60) for family in ("math", "code", "writing")}},
    )
    off = next(one for one in decided(learned=learned).candidates if one.model == "gpt-5")
    on = next(one for one in decided(learned=learned, policy=RoutingPolicy(learning=True)).candidates if one.model == "gpt-5")
    assert on.quality < off.quality
    assert (off.catalog_quality, on.catalog_quality) == (None, pytest.approx(off.quality, abs=1e-3))


class TestPriority:
    def test_it_moves_the_weights_where_nobody_named_a_mode(self) -> None:
        cost, quality, latency = WEIGHTS["balance"]
        assert decided().weights == (cost, quality, latency)
        assert decided(metadata={"priority": "low"}).weights == pytest.approx((cost + latency, quality, 0))
        urgent = decided(metadata={"priority": " High "})
        assert urgent.weights == pytest.approx((cost / 2, quality, latency + cost / 2))
        assert "metadata.priority is high" in urgent.reason

    @pytest.mark.parametrize("model", ["auto:balance", "auto:cost", "gpt-4o:latency"])
    def test_a_named_mode_keeps_its_weights(self, model: str) -> None:
        decision = decided(model, metadata={"priority": "high"})
        assert decision.weights == WEIGHTS[decision.mode]

    def test_other_values_move_nothing(self) -> None:
        assert decided(metadata={"priority": "p3"}).weights == WEIGHTS["balance"]
