"""Schemas without references, and by an allow-list."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import validator_for

from services.provider_worker.dialects.json_schema import DEEPEST, BadSchema, inlined, restricted

Json = dict[str, Any]


def test_a_schema_without_references_stays_as_it_is() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "enum": ["$ref"]}}, "required": ["a"], "additionalProperties": False}
    assert inlined(schema) == schema


@pytest.mark.parametrize("pointer", ["#/$defs/a", "#/$defs/slash~1and~0tilde", "#/$defs/two%20words", "#/properties/list/prefixItems/0"])
def test_references_follow_json_pointers(pointer: str) -> None:
    whole = {"type": "string", "minLength": 2}
    schema = {
        "properties": {"x": {"$ref": pointer}, "list": {"prefixItems": [whole]}},
        "$defs": {"a": whole, "slash/and~tilde": whole, "two words": whole},
    }
    assert inlined(schema)["properties"]["x"] == whole
    assert "$defs" not in inlined(schema)


@pytest.mark.parametrize("keyword", ["items", "not", "additionalProperties", "contains", "if"])
def test_references_are_followed_wherever_a_schema_stands(keyword: str) -> None:
    assert inlined({keyword: {"$ref": "#/$defs/a"}, "$defs": {"a": {"type": "string"}}}) == {keyword: {"type": "string"}}


@pytest.mark.parametrize("keyword", ["default", "const", "enum", "examples"])
def test_what_only_looks_like_a_reference_is_a_value(keyword: str) -> None:
    schema = {keyword: [{"$ref": "#/$defs/none"}]}
    assert inlined(schema) == schema


def test_names_of_properties_are_no_keywords() -> None:
    schema = {"properties": {"$ref": {"type": "string"}, "$defs": {"type": "string"}, "allOf": {"type": "string"}}}
    assert inlined(schema) == schema


def test_what_stands_beside_a_reference_is_kept_and_its_texts_win() -> None:
    schema = {
        "properties": {"x": {"$ref": "#/$defs/a", "description": "near", "required": ["b"]}},
        "$defs": {"a": {"description": "far", "type": "object", "properties": {"b": {"type": "string"}}, "required": ["c"]}},
    }
    assert inlined(schema)["properties"]["x"] == {
        "description": "near", "required": ["b", "c"], "type": "object", "properties": {"b": {"type": "string"}},
    }


def test_a_part_that_contradicts_the_others_stays_apart() -> None:
    schema = {"allOf": [{"type": "string", "minLength": 1}, {"minLength": 3}, {"maxLength": 9}]}
    assert inlined(schema) == {"type": "string", "minLength": 1, "maxLength": 9, "allOf": [{"minLength": 3}]}


def test_the_same_property_in_two_parts_holds_to_both() -> None:
    schema = {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"minLength": 1}, "b": {}}}]}
    assert inlined(schema) == {"properties": {"a": {"type": "string", "minLength": 1}, "b": {}}}


@pytest.mark.parametrize(("schema", "words"), [
    ({"$ref": "#"}, "# is recursive"),
    ({"not": {"$ref": "#/$defs/a"}, "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}}}, "#/not/items/if is"),
    ({"items": {"$ref": "#/nowhere"}}, "#/items refers to #/nowhere, which is not there"),
    ({"items": {"$ref": "#/items/0/x"}}, "which is not there"),
    ({"items": {"$ref": "other.json#/a"}}, "only references of the form #/"),
    ({"items": {"$ref": "#anchor"}}, "only references of the form #/"),
])
def test_p17_a_reference_that_cannot_be_followed_names_its_place(schema: Json, words: str) -> None:
    with pytest.raises(BadSchema) as caught:
        inlined(schema)
    assert words in str(caught.value)


def test_p17_size_and_depth_are_bounded() -> None:
    laughs = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 10} for i in range(50)}
    with pytest.raises(BadSchema, match="too large"):
        inlined({"$ref": "#/$defs/d0", "$defs": laughs | {"d50": {}}})
    chain = {f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(2000)}
    with pytest.raises(BadSchema, match="references"):
        inlined({"$ref": "#/$defs/d0", "$defs": chain | {"d2000": {}}})
    deep: Json = {"type": "string"}
    for _ in range(10 * DEEPEST):
        deep = {"type": "array", "items": deep}
    with pytest.raises(BadSchema, match="deeper"):
        inlined(deep)


def test_keywords_that_are_not_taken_move_into_the_description() -> None:
    moved: set[str] = set()
    schema = {"type": "object", "$comment": "c", "properties": {"a": {"type": "string", "pattern": "^x", "description": "An a."}}, "minProperties": 1}
    made = restricted(schema, lambda name, _: name in ("type", "properties", "description"), moved)
    assert made == {
        "type": "object", "properties": {"a": {"type": "string", "description": 'An a.\n{"pattern":"^x"}'}}, "description": '{"minProperties":1}',
    }
    assert moved == {"pattern", "minProperties"}


_LEAF = st.sampled_from([{"type": "string"}, {"type": "integer", "minimum": 2}, {"enum": ["a", 3]}, {"$ref": "#/$defs/one"}, {"$ref": "#/$defs/two"}])
_SCHEMAS = st.recursive(_LEAF, lambda inner: st.one_of(
    st.builds(lambda a, b: {"type": "object", "properties": {"a": a, "b": b}, "required": ["a"]}, inner, inner),
    st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner), st.builds(lambda a, b: {"allOf": [a, b]}, inner, inner),
    st.builds(lambda a: {"type": "array", "items": a}, inner), st.builds(lambda a: {"not": a}, inner),
), max_leaves=8)
_VALUES = st.recursive(st.none() | st.integers(0, 4) | st.sampled_from(["a", "b"]), lambda inner: st.one_of(
    st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
), max_leaves=6)


@given(schema=_SCHEMAS, value=_VALUES)
def test_inlining_changes_no_verdict(schema: Json, value: Any) -> None:
    definitions = {"one": {"type": "object", "properties": {"b": {"$ref": "#/$defs/two"}}}, "two": {"type": "string", "maxLength": 1}}
    whole = schema | {"$defs": definitions}
    assert validator_for(inlined(whole)).is_valid(value) == validator_for(whole).is_valid(value)
