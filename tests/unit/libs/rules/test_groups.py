"""Conditions put together, and their trace."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.libs.rules.world import facts, holds, looked, rule, said, traced

YES, NO = {"stream": True}, {"stream": False}


@pytest.mark.parametrize(
    ("match", "held"),
    [
        ({"any": [NO, YES]}, True), ({"any": [NO, NO]}, False), ({"all": [YES, YES]}, True), ({"all": [YES, NO]}, False),
        ({"not": NO}, True), ({"not": YES}, False), ({"not": YES | {"has_tools": True}}, True), ({"not": YES | {"has_tools": False}}, False),
        ({"any": [YES | {"has_tools": True}, NO]}, False), ({"any": [{"all": [YES, {"not": NO}]}]}, True), ({"any": [YES], "has_tools": True}, False),
        ({}, True),
    ],
    ids=str,
)
def test_groups(match: dict[str, Any], held: bool) -> None:
    assert holds(match, stream=True) is held


def test_everything_is_looked_at_and_told() -> None:
    match = {"any": [{"stream": True}, {"has_tools": True, "mode": "cost"}], "not": {"project": "red"}}
    trace = traced(said(rule(1, match), about=facts(stream=True, project="red", model="auto:cost")))[0]
    assert not trace.matched
    some, none = trace.conditions
    assert (some.field, some.matched, none.field, none.matched) == ("any", True, "not", False)
    assert [(one.field, one.matched, one.seen) for one in some.conditions] == [("stream", True, True), ("all", False, None)]
    assert [(one.field, one.matched, one.seen) for one in some.conditions[1].conditions] == [("has_tools", False, False), ("mode", True, "cost")]
    assert [(one.field, one.expected, one.seen) for one in none.conditions] == [("project", "red", "red")]


def test_a_group_shows_what_it_saw_in_its_members_alone() -> None:
    condition = looked({"not": {"contains": "secret"}}, text="my secret is hunter2")
    assert (condition.expected, condition.seen) == (None, None)
    assert condition.conditions[0].seen == ["secret"]


MATCHES: Any = st.recursive(
    st.sampled_from([YES, NO]),
    lambda inner: st.one_of(
        st.builds(lambda members: {"any": members}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda members: {"all": members}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda member: {"not": member}, inner),
    ),
    max_leaves=8,
)


def true(match: dict[str, Any]) -> bool:
    field, expected = next(iter(match.items()))
    match field:
        case "any":
            return any(map(true, expected))
        case "all":
            return all(map(true, expected))
        case "not":
            return not true(expected)
        case _:
            return bool(expected)


@given(MATCHES)
def test_any_nesting_means_what_it_says(match: dict[str, Any]) -> None:
    assert holds(match, stream=True) is true(match)
