"""Which detectors a rule's pattern names, and what every detector keeps to."""

import pytest
import re2

from libs.firewall.detectors import PACKS, detectors
from libs.firewall.detectors.detector import Detector
from libs.firewall.ruleset import HOLD_BACK
from tests.unit.libs.firewall.detectors.finding import ruleset

ALL = [each for pack in PACKS.values() for each in pack]


def test_packs_and_detectors_are_named_with_commas() -> None:
    assert detectors("secrets") == PACKS["secrets"]
    assert [each.name for each in detectors(" email , Credit_Card,email ")] == ["email", "credit_card"]
    assert detectors("pii, email") == PACKS["pii"]
    assert len(detectors("secrets,pii,injection")) == len(ALL)


@pytest.mark.parametrize("pattern", ["", " , ", "nonsense", "email, e-mail"])
def test_an_unknown_name_is_told_with_the_known_ones(pattern: str) -> None:
    with pytest.raises(ValueError, match="detector") as told:
        detectors(pattern)
    assert "credit_card" in str(told.value)
    assert "secrets" in str(told.value)


def test_names_are_unique_and_snake_case() -> None:
    names = [each.name for each in ALL]
    assert len(names) == len(set(names))
    assert not set(names) & set(PACKS)
    assert all(name.replace("_", "").isalnum() and name == name.lower() for name in names)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_patterns_compile_have_no_empty_match_and_at_most_one_group_that_counts(each: Detector) -> None:
    for pattern in each.patterns:
        compiled = re2.compile(pattern)
        assert compiled.search("") is None
        assert set(compiled.groupindex) <= {"value"}


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_a_stream_needs_no_more_than_the_usual_hold_back(each: Detector) -> None:
    assert 0 < each.longest < HOLD_BACK


def test_few_patterns_have_no_literal() -> None:
    """Each of them reads all of every text: about 0.25 ms of 200 KB."""
    plain = " ".join(["0 1 2 a b"] * 40)
    assert len(ruleset("secrets,pii,injection").matching(plain.encode())) <= 12
