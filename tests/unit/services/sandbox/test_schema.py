"""Instances of schemas fit them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sandbox.schema import instance


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "word"),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"const": 7}, 7),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": ["null", "integer"]}, 1),
        ({"type": "string", "minLength": 6}, "word.."),
        ({"type": "string", "maxLength": 2}, "wo"),
        ({"type": "string", "format": "email"}, "sandbox@example.com"),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "minItems": 2, "items": {"type": "string"}}, ["word", "word"]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"allOf": [{"required": ["a"], "properties": {"a": {"const": 1}}}, {"required": ["b"]}]}, {"a": 1, "b": "word"}),
        ({"type": "object", "properties": {"a": {}, "b": {"const": 2}}, "required": ["b"]}, {"b": 2}),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 3}}}, 3),
    ],
)
def test_instance(schema: dict[str, Any], expected: object) -> None:
    assert instance(schema, "word") == expected


def test_a_recursive_schema_ends() -> None:
    node = {"type": "object", "required": ["next"], "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}
    depth, found = 0, instance(node)
    while found is not None:
        depth, found = depth + 1, found["next"]
    assert 0 < depth < 20


def test_a_schema_that_only_refers_to_itself_ends() -> None:
    assert instance({"$ref": "#"}) is None


@given(low=st.integers(-1000, 1000), width=st.integers(0, 50), kind=st.sampled_from(["integer", "number"]))
def test_numbers_keep_their_bounds(low: int, width: int, kind: str) -> None:
    assert low <= instance({"type": kind, "minimum": low, "maximum": low + width}) <= low + width
    assert instance({"type": kind, "exclusiveMinimum": low}) > low
    assert instance({"type": kind, "exclusiveMaximum": low}) < low
    assert instance({"type": kind, "maximum": low}) <= low


@given(low=st.integers(-1000, 1000), step=st.integers(1, 20))
def test_numbers_are_multiples(low: int, step: int) -> None:
    found = instance({"type": "integer", "minimum": low, "multipleOf": step})
    assert found % step == 0
    assert low <= found < low + step
