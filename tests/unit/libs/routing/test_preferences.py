"""What the request's `provider` object asks for."""

import pytest

from libs.catalog.models import curated
from libs.contracts.errors import RoutingError
from libs.contracts.health import OfferedModel
from libs.contracts.preferences import MaxPrice, Preferences
from libs.contracts.telemetry import Signal
from tests.unit.libs.routing.world import ALL, account, called, decided, reasons


def test_order_goes_first_and_the_rest_follows_by_score() -> None:
    plain = called(decided())
    decision = decided(wishes=Preferences(order=["mistral", "openai/gpt-4o"]))
    mistral = [name for name in plain if name.startswith("mistral/")]
    assert called(decision) == [*mistral, "openai/gpt-4o", *(name for name in plain if name not in mistral and name != "openai/gpt-4o")]
    assert decision.chosen_for == "order"
    assert "first in provider.order" in decision.reason


def test_without_fallbacks_only_the_order_is_left() -> None:
    decision = decided(wishes=Preferences(order=["mistral", "openai/gpt-4o"], allow_fallbacks=False))
    assert {name.partition("/")[0] for name in called(decision)} == {"mistral", "openai"}
    assert reasons(decision)["anthropic/claude-haiku-4-5"] == "not in the request's provider.order, and fallbacks are not allowed"
    assert len(decided(wishes=Preferences(allow_fallbacks=False)).candidates) == 1


def test_only_and_ignore() -> None:
    decision = decided(wishes=Preferences(only=["openai", "anthropic/claude-haiku-4-5"], ignore=["openai/gpt-4o"]))
    expected = {f"openai/{model.id}" for model in curated() if model.provider == "openai"} | {"anthropic/claude-haiku-4-5"}
    assert set(called(decision)) == expected - {"openai/gpt-4o"}
    assert reasons(decision)["openai/gpt-4o"] == "in the request's provider.ignore"
    assert reasons(decision)["gemini/gemini-4-argon"] == "not in the request's provider.only"


def test_a_wish_that_leaves_nobody_says_why() -> None:
    with pytest.raises(RoutingError, match=r"not in the request's provider\.only"):
        decided(wishes=Preferences(only=["nobody"]))
    with pytest.raises(RoutingError, match=r"provider\.ignore"):
        decided("gpt-4o", wishes=Preferences(ignore=["openai"]))


@pytest.mark.parametrize("mode", ["balance", "quality", "latency"])
def test_sort_by_price_beats_the_mode(mode: str) -> None:
    decision = decided(f"auto:{mode}", wishes=Preferences(sort="price"))
    dollars = [one.expected_usd for one in decision.candidates]
    assert dollars == sorted(dollars, key=lambda usd: float("inf") if usd is None else usd)
    assert decision.weights == (1.0, 0.0, 0.0)
    assert "sorted by price" in decision.reason


def test_sort_by_speed_goes_by_what_was_seen() -> None:
    slow = Signal(observed=50, ttft_s=9.0, tokens_per_s=2.0)
    best = decided(wishes=Preferences(sort="throughput")).candidates
    assert [one.tokens_per_s for one in best] == sorted((one.tokens_per_s for one in best), reverse=True)
    place = best[0].provider, best[0].account, best[0].model
    assert decided(wishes=Preferences(sort="throughput"), signals={place: slow}).candidates[0] != best[0]
    first = decided(wishes=Preferences(sort="latency"), signals={place: slow}).candidates
    assert [one.ttft_s for one in first] == sorted(one.ttft_s for one in first)


def test_max_price_leaves_out_the_dearer_and_the_unknown() -> None:
    accounts = ALL | {"mine": [account("mine", "default", OfferedModel(id="llama", auto=True))]}
    decision = decided(accounts=accounts, wishes=Preferences(max_price=MaxPrice(prompt=0.5, completion=2)))
    for one in decision.candidates:
        assert one.price
        assert float(one.price.input or "inf") <= 0.5
        assert float(one.price.output or "inf") <= 2
    assert reasons(decision)["openai/gpt-4o"].startswith("costs ")
    assert "is not known" in reasons(decision)["mine/llama"]


def test_denied_data_collection_leaves_out_who_may_keep_prompts() -> None:
    accounts = {"openai": [account("openai", keeps_data=False)], "deepseek": [account("deepseek", keeps_data=True)]}
    decision = decided(accounts=accounts, wishes=Preferences(data_collection="deny"))
    assert {one.provider for one in decision.candidates} == {"openai"}
    assert "data_collection" in reasons(decision)["deepseek/deepseek-flash"]


def test_what_is_not_heeded_is_told() -> None:
    assert [one.message for one in decided(wishes=Preferences(unheeded=["quantizations"])).warnings] == ["not heeded in provider: quantizations"]




