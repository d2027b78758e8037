import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.reading import FAMILIES, Family
from libs.routing.learn import BOUND, HALF_LIFE, LEAST_RATINGS, REACH, Rating, learn

NOW = 1_800_000_000.0
PRIORS: dict[str, dict[Family, float]] = {
    "openai/a": dict.fromkeys(FAMILIES, 0.7), "openai/b": dict.fromkeys(FAMILIES, 0.5) | {"code": 0.95}, "mistral/c": dict.fromkeys(FAMILIES, 0.02),
}


def rating(score: float, model: str = "openai/a", family: Family = "code", **fields: Any) -> Rating:
    return Rating(**({"model": model, "score": score, "at": NOW, "families": {family: 1.0}} | fields))


def posterior(ratings: list[Rating], model: str = "openai/a", family: Family = "code") -> float:
    """What counts for the router: the learned quality where there is one, else the prior."""
    known = learn(ratings, PRIORS.get, NOW).models.get(model, {}).get(family)
    return known.posterior if known else PRIORS[model][family]


shares = st.dictionaries(st.sampled_from(FAMILIES), st.floats(0, 1), max_size=3)
ratings = st.builds(
    Rating, model=st.sampled_from(sorted(PRIORS)), score=st.floats(0, 1), at=st.floats(NOW - 2 * REACH, NOW + 100), families=shares,
    expected=st.none() | st.floats(0, 1),
)
# Few different ones, many times: enough for the threshold, and quickly made.
crowds = st.lists(st.tuples(ratings, st.integers(1, 60)), max_size=8).map(lambda found: [one for one, times in found for _ in range(times)])


def test_without_ratings_nothing_is_learned() -> None:
    assert learn([], PRIORS.get, NOW).models == {}


@settings(max_examples=60)
@given(crowds)
def test_nothing_moves_further_than_the_bound_or_out_of_range(crowd: list[Rating]) -> None:
    for model, families in learn(crowd, PRIORS.get, NOW).models.items():
        assert families
        for family, quality in families.items():
            assert quality.prior == PRIORS[model][family]
            assert 0 <= quality.posterior <= 1
            assert abs(quality.posterior - quality.prior) <= BOUND + 1e-4
            assert quality.ratings >= LEAST_RATINGS


@settings(max_examples=60)
@given(crowds, st.randoms(use_true_random=False))
def test_order_does_not_matter(crowd: list[Rating], shuffle: random.Random) -> None:
    other = list(crowd)
    shuffle.shuffle(other)
    assert learn(other, PRIORS.get, NOW) == learn(crowd, PRIORS.get, NOW)


@settings(max_examples=60)
@given(crowds, st.integers(20, 60), st.floats(0, 1), st.floats(0, 1))
def test_a_better_rating_never_makes_its_model_worse(crowd: list[Rating], count: int, one: float, other: float) -> None:
    lower, higher = sorted((one, other))
    rest = [*crowd, *[rating(0.6) for _ in range(count)]]
    assert posterior([*rest, rating(higher)]) >= posterior([*rest, rating(lower)])


def test_bad_ratings_pull_a_model_down_and_good_ones_up_the_more_the_more_there_are() -> None:
    other = [rating(0.95, "openai/b") for _ in range(200)]
    down = [posterior([*other, *[rating(0.55) for _ in range(n)]]) for n in (0, 19, 20, 60)]
    assert down[0] == down[1] == 0.7
    assert down[1] > down[2] > down[3] > 0.55
    assert posterior([*other, *[rating(0.1) for _ in range(60)]]) == pytest.approx(0.7 - BOUND)
    assert posterior([*other, *[rating(1) for _ in range(100)]]) > 0.75


def test_only_the_families_that_were_rated_move() -> None:
    learned = learn([rating(0) for _ in range(100)], PRIORS.get, NOW)
    assert set(learned.models) == {"openai/a"}
    assert set(learned.models["openai/a"]) == {"code"}


def test_a_prompt_of_two_families_counts_for_each_by_its_share() -> None:
    mixed = {"code": 0.75, "math": 0.25}
    learned = learn([rating(0, families=mixed) for _ in range(40)], PRIORS.get, NOW).models["openai/a"]
    assert {family: quality.ratings for family, quality in learned.items()} == {"code": 30}
    assert set(learn([rating(0, families={}) for _ in range(140)], PRIORS.get, NOW).models["openai/a"]) == set(FAMILIES)


def test_a_model_that_gets_the_hard_prompts_is_not_blamed_for_them() -> None:
    as_expected = [rating(0.3, expected=0.3) for _ in range(200)]
    assert posterior(as_expected) == 0.7
    assert posterior([rating(0.3) for _ in range(200)]) < 0.65


def test_raters_that_always_press_the_same_thumb_change_little() -> None:
    kind = [rating(1, model, expected=0.6) for model in PRIORS for _ in range(500)]
    only = [rating(1, expected=0.6) for _ in range(500)]
    bound = 0.7 + BOUND
    assert posterior(only) == pytest.approx(bound)
    many = {f"openai/m{n}": dict.fromkeys(FAMILIES, 0.7) for n in range(10)}
    everybody = learn([rating(1, model, expected=0.6) for model in many for _ in range(500)], many.get, NOW)
    assert all(quality["code"].posterior < 0.78 for quality in everybody.models.values())
    # Whoever is worse than the others still falls behind them.
    assert posterior([*kind, *[rating(0.4, expected=0.6) for _ in range(500)]]) < 0.7


def test_old_ratings_fade() -> None:
    fresh, aged, gone = (posterior([rating(0, at=NOW - age) for _ in range(40)]) for age in (0, 3 * HALF_LIFE, REACH + 1))
    assert fresh < aged < gone == 0.7
    assert learn([rating(0, at=NOW - REACH - 1)], PRIORS.get, NOW).ratings == 0


def test_a_model_that_only_the_settings_know_moves_from_what_was_expected_of_it() -> None:
    learned = learn([rating(0.2, "local/x", expected=0.8) for _ in range(100)], PRIORS.get, NOW)
    quality = learned.models["local/x"]["code"]
    assert quality.prior == pytest.approx(0.8)
    assert quality.posterior == pytest.approx(0.65)
    assert learn([rating(0.2, "local/x") for _ in range(100)], PRIORS.get, NOW).models == {}


def test_it_says_when_and_since_when() -> None:
    learned = learn([rating(1), rating(0, "nobody/knows")], PRIORS.get, NOW)
    assert (learned.at, learned.since, learned.ratings) == ("2027-01-15T08:00:00Z", "2026-01-20T08:00:00Z", 1)
