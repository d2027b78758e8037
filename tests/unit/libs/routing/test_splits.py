"""Weighted splits."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.decisions import Ruling, Share
from libs.routing.splits import way
from tests.unit.libs.routing.world import ALL, account, called, decided

TEN_THOUSAND = 10_000


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6).filter(lambda weights: sum(weights) > 1), st.integers(0, 1 << 20))
def test_every_way_gets_its_share_wherever_the_count_begins(weights: list[float], start: int) -> None:
    taken = Counter(way(weights, turn) for turn in range(start, start + TEN_THOUSAND))
    for index, weight in enumerate(weights):
        assert abs(taken[index] / TEN_THOUSAND - weight / sum(weights)) < 0.002


@given(st.lists(st.sampled_from([0.0, 1.0, 3.0]), min_size=1, max_size=5).filter(any), st.integers(0, 1 << 20))
def test_a_way_without_weight_is_never_taken(weights: list[float], turn: int) -> None:
    assert weights[way(weights, turn)] > 0


def test_a_split_goes_over_what_the_request_asks_for() -> None:
    ruling = Ruling(revision=1, split=[Share(weight=3, model="gpt-4o"), Share(weight=1, provider="anthropic", mode="quality")], split_by=7)
    taken = [decided("gpt-4.1-mini:cost", ruling=ruling, turn=turn) for turn in range(400)]
    first = Counter(called(decision)[0].partition("/")[0] for decision in taken)
    assert abs(first["openai"] - 300) <= 3
    assert first["anthropic"] == 400 - first["openai"]
    assert {decision.mode for decision in taken if decision.candidates[0].provider == "anthropic"} == {"quality"}
    assert {decision.chosen_for for decision in taken} == {"split"}
    assert "its turn in the split of a rule" in taken[1].reason or "the only candidate" in taken[1].reason


def test_accounts_of_one_rank_share_by_weight_and_the_next_rank_waits() -> None:
    three = [account("openai", "default", weight=1.0), account("openai", "2", weight=3.0), account("openai", "3", rank=1)]
    orders = [
        [one.account for one in decided("gpt-4o", accounts=ALL | {"openai": three}, turn=turn).candidates] for turn in range(400)
    ]
    first = Counter(order[0] for order in orders)
    assert abs(first["2"] - 300) <= 3
    assert first["3"] == 0
    assert {order[-1] for order in orders} == {"3"}
