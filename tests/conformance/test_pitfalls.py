"""Every translation point is held by a test, or says why not, for each dialect that it concerns."""

import importlib
import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from docs.pitfalls import ROOT, NamedTest, Point, holding, named_tests, points
from tests.conformance.answers import DIALECTS

COUNT = 84
# A module of its own: `test_gemini_history` is about Gemini. `openai` is also spoken as `chat`, which has modules of its own.
_MODULE = re.compile(rf"test_({'|'.join(DIALECTS)})(?:_|$)")
_NAMED = re.compile(rf"""["']({'|'.join(DIALECTS)})["']""")

each = pytest.mark.parametrize("point", points(), ids=lambda point: f"p{point.number}")


def test_every_point_is_listed_once() -> None:
    assert [point.number for point in points()] == list(range(1, COUNT + 1))


def test_tests_are_named_after_points_that_exist() -> None:
    assert {number for test in named_tests() for number in test.numbers} <= set(range(1, COUNT + 1))


def test_a_name_may_carry_several_points() -> None:
    assert NamedTest("", "test_p72_p77_status_decides").numbers == [72, 77]
    assert NamedTest("", "test_p73_429_has_two_meanings").numbers == [73]


@each
def test_a_point_is_held_or_says_why_not(point: Point) -> None:
    assert holding(point) or point.reason


@each
def test_tests_under_other_names_are_there(point: Point) -> None:
    for test in holding(point):
        assert re.search(rf"^(?:async )?def {test.name}\(", (ROOT / test.path).read_text(), re.MULTILINE), test


@each
def test_every_dialect_that_a_point_concerns_is_run(point: Point) -> None:
    assert set(point.dialects) | set(point.reasons) <= set(DIALECTS)
    run = {dialect for test in holding(point) for dialect in _dialects(test)}
    untouched = [dialect for dialect in point.dialects if dialect not in run and dialect not in point.reasons]
    assert untouched == [], f"run by no test of point {point.number}, and no reason is given"


@cache
def _dialects(test: NamedTest) -> frozenset[str]:
    """What a test runs: the dialect its module is named after, those that it is parametrized with, and those that it names."""
    stem = test.path.rpartition("/")[2].removesuffix(".py")
    own = _MODULE.match(stem)
    if not test.path.startswith("tests/conformance/"):
        return frozenset()
    function = getattr(importlib.import_module(f"tests.conformance.{stem}"), test.name)
    return frozenset([*([own[1]] if own else []), *_parameters(function), *_NAMED.findall(inspect.getsource(function))])


def _parameters(function: Callable[..., Any]) -> list[str]:
    found: list[str] = []
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            found += [value for values in mark.args[1] for value in _flat(values) if isinstance(value, str) and value in DIALECTS]
    return found


def _flat(values: Any) -> list[Any]:
    values = getattr(values, "values", values) if type(values).__name__ == "ParameterSet" else values
    return list(values) if isinstance(values, (list, tuple)) else [values]
