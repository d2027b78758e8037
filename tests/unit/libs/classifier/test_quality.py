"""Expected quality from priors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.classifier.classifier import Classifier
from libs.classifier.prompt import Prompt
from libs.classifier.quality import abilities, ability_of, packed, quality
from libs.contracts.reading import FAMILIES, Reading

CLASSIFIER = Classifier.load()
PROMPTS = [
    "Tom has 5 apples and buys 3 more. How many apples does he have?",
    "Find the number of ordered pairs $(a,b)$ of integers such that $\\frac{a^2+b^2}{ab-1}$ is an integer and $1\\le a\\le b\\le 1000$.",
    "Who wrote the novel that the opera La traviata is based on?",
    "Write a Python function that returns the second largest number of a list.",
]
READINGS = [CLASSIFIER.read(Prompt(text=text), {}) for text in PROMPTS]
SHARE = st.floats(0, 1)
PRIORS = st.lists(SHARE, min_size=len(FAMILIES), max_size=len(FAMILIES))
STRONG, MIDDLE, WEAK = [0.9] * 7, [0.75] * 7, [0.55] * 7


@given(PRIORS, st.sampled_from(READINGS))
def test_quality_is_a_share(prior: list[float], reading: Reading) -> None:
    found = quality(reading, abilities([ability_of(prior)]))
    assert found.shape == (1,)
    assert 0 <= found[0] <= 1


@given(PRIORS, st.integers(0, 6), st.floats(0.01, 0.5), st.sampled_from(READINGS))
def test_a_better_prior_never_means_less_quality_within_the_family(prior: list[float], family: int, more: float, reading: Reading) -> None:
    better = list(prior)
    better[family] = min(1.0, better[family] + more)
    worse_quality, better_quality = quality(reading, abilities([ability_of(prior), ability_of(better)]))
    assert better_quality >= worse_quality - 1e-6


def test_cheap_models_come_close_on_easy_prompts_and_fall_back_on_hard_ones() -> None:
    models = abilities([ability_of(STRONG), ability_of(WEAK)])
    easy, hard = (quality(reading, models) for reading in READINGS[:2])
    assert easy[0] - easy[1] < hard[0] - hard[1]
    assert (easy > hard).all()


@pytest.mark.parametrize("reading", [None, CLASSIFIER.read(Prompt(text=""), {})])
def test_without_a_reading_it_is_the_mean_of_the_priors(reading: Reading | None) -> None:
    models = abilities([ability_of(STRONG), ability_of([0.2, 0.4, 0.6, 0.8, 0.5, 0.5, 0.5])])
    assert quality(reading, models) == pytest.approx([0.9, 0.5])


def test_a_demand_of_another_model_file_is_not_used() -> None:
    old = Reading(version="old", families={"math": 1.0}, difficulty=0.5, output_tokens=100, demand=packed(np.array([0.5, 0.5])), sure=1.0)
    assert quality(old, abilities([ability_of(MIDDLE)])) == pytest.approx([0.75])


def test_the_family_of_the_prompt_decides() -> None:
    coder, writer = [0.9, *[0.6] * 6], [0.6, *[0.6] * 4, 0.9, 0.6]
    code = quality(READINGS[3], abilities([ability_of(coder), ability_of(writer)]))
    assert code[0] > code[1]


def test_no_models_are_no_models() -> None:
    assert quality(None, abilities([])).tolist() == []


def test_priors_have_to_be_of_all_families() -> None:
    with pytest.raises(ValueError, match="3 priors for 7 families"):
        ability_of([0.5, 0.5, 0.5])


def test_an_ability_cannot_be_changed_by_whoever_has_it() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ability_of(MIDDLE)[0] = 1.0
    assert np.isfinite(ability_of(MIDDLE)).all()
