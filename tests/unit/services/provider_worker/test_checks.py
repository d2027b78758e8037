"""Answers are held against the client's own schema, whatever is in it, and nothing of them is repeated."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.provider_worker.checks import FORMAT, LONGEST_CACHED, violations

Json = dict[str, Any]

CITY: Json = {
    "type": "object", "properties": {"city": {"type": "string", "maxLength": 20}, "days": {"type": "integer", "maximum": 14}},
    "required": ["city"], "additionalProperties": False,
}


def called(arguments: Any, schema: Json, name: str = "get_weather") -> list[str]:
    """What is noted of a call with these arguments: text as it is, everything else as JSON."""
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return violations([{"type": "function_call", "name": name, "arguments": text}], {"get_weather": schema})


def answered(*texts: str, schema: Json = CITY) -> list[str]:
    content = [{"type": "output_text", "text": text} for text in texts]
    return violations([{"type": "message", "content": [*content, {"type": "refusal", "refusal": "no"}]}], {FORMAT: schema})


def test_p47_what_fits_is_not_mentioned() -> None:
    assert called({"city": "Oslo", "days": 3}, CITY) == []
    assert answered('{"city":"Oslo"}') == []


def test_p47_arguments_that_break_the_schema_are_noted_with_their_place() -> None:
    [note] = called({"city": "Oslo", "days": 15}, CITY)
    assert note.startswith("the call of get_weather does not fit its schema at .days: ")


def test_p47_an_answer_that_breaks_the_schema_is_noted() -> None:
    [note] = answered('{"city":"Oslo"}', '{"days":1}')
    assert note.startswith("the answer does not fit its schema")
    assert '"city" is a required property' in note


@pytest.mark.parametrize("text", ['{"city":"Os', "Oslo", '{"city":}', "\ud800"])
def test_p47_cut_off_json_is_noted_without_quoting_it(text: str) -> None:
    assert answered(text) == ["the answer is not valid JSON"]
    assert called(text, CITY) == ["the call of get_weather is not valid JSON"]


def test_p47_a_call_without_arguments_is_a_call_with_an_empty_object() -> None:
    assert called("", {"type": "object"}) == []
    assert len(called("", CITY)) == 1


def test_p47_only_what_has_a_schema_is_checked() -> None:
    assert called({"days": "x"}, CITY, name="other_tool") == []
    assert violations([{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}], {"get_weather": CITY}) == []
    assert violations([{"type": "reasoning", "summary": []}, {"type": "web_search_call"}], {FORMAT: CITY}) == []


SECRET = "fake-secret-4711"


@pytest.mark.parametrize(("schema", "value"), [
    ({"type": "integer"}, SECRET), ({"const": 1}, SECRET), ({"enum": ["a", "b"]}, SECRET), ({"pattern": "^x"}, SECRET),
    ({"maxLength": 3}, SECRET), ({"minLength": 99}, SECRET), ({"not": {"type": "string"}}, SECRET), ({"uniqueItems": True}, [SECRET] * 2),
    ({"contains": {"type": "integer"}}, [SECRET]), ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, SECRET),
    ({"oneOf": [{"type": "string"}, {"maxLength": 99}]}, SECRET), ({"maximum": 5}, 4711), ({"multipleOf": 2}, 4711),
    ({"additionalProperties": False}, {SECRET: 1}), ({"unevaluatedProperties": False}, {SECRET: 1}),
    ({"propertyNames": {"maxLength": 3}}, {SECRET: 1}), ({"additionalProperties": {"type": "integer"}}, {SECRET: SECRET}),
    ({"patternProperties": {"^fake": {"type": "integer"}}}, {SECRET: SECRET}),
    ({"additionalProperties": {"propertyNames": False}}, {SECRET: {SECRET: 1}}),
    ({"maxProperties": 0}, {SECRET: 1}), ({"maxItems": 0}, [SECRET]), ({"items": False}, [SECRET]), ({"required": ["a"]}, {SECRET: 1}),
    ({"dependentRequired": {SECRET[:4]: ["a"]}, "additionalProperties": {"required": ["x"]}}, {SECRET: {}}),
])
def test_p47_neither_values_nor_the_models_own_names_are_quoted(schema: Json, value: Any) -> None:
    [note] = called(value, schema)
    assert "4711" not in note


@pytest.fixture
def visitors() -> Iterator[tuple[int, list[Any]]]:
    """A port that listens, and who came."""
    came: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                came.append(address)
                connection.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        yield port, came
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_p47_references_into_the_network_are_not_followed(visitors: tuple[int, list[Any]]) -> None:
    port, came = visitors
    base = f"http://127.0.0.1:{port}/schema.json"
    for schema in (
        {"$ref": base}, {"$ref": f"{base}#/a"}, {"$id": base, "$ref": "other.json"}, {"$schema": base, "type": "object"},
        {"properties": {"a": {"allOf": [{"$ref": base}]}}}, {"$dynamicRef": base},
    ):
        assert not any("does not fit" in note for note in called({"a": 1}, schema))
    # The listener is real: what did connect would be seen, and anything before this would be first.
    with socket.create_connection(("127.0.0.1", port), timeout=5) as own:
        assert own.recv(1) == b""
        assert came == [own.getsockname()]


def test_p47_references_into_files_are_not_followed(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"type":"integer"}')
    assert called("\"text\"", {"$ref": file.as_uri()}) == called("\"text\"", {"$ref": str(file)})
    assert not any("integer" in note for note in called("\"text\"", {"$ref": file.as_uri()}))


def test_p47_references_inside_the_schema_are_followed() -> None:
    tree: Json = {
        "$ref": "#/$defs/a~1b", "$defs": {"a/b": {
            "type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/a~1b"}}},
        }},
    }
    grown: Json = {"name": "leaf"}
    for _ in range(25):
        grown = {"name": "n", "children": [grown, {"name": "n"}]}
    assert called(grown, tree) == []
    grown["children"][0]["children"][0]["name"] = 7
    [note] = called(grown, tree)
    assert ".children[0].children[0].name" in note


BRANCHES: Json = {"oneOf": [{"type": "array", "items": {"$ref": "#"}}, {"type": "array", "items": {"$ref": "#"}}, {"type": "string"}]}
DOUBLING: Json = {
    "$ref": "#/$defs/a0",
    "$defs": {f"a{number}": {"allOf": [{"$ref": f"#/$defs/a{number + 1}"}] * 2} for number in range(40)} | {"a40": {"type": "integer"}},
}
BY_NAME: Json = {"patternProperties": {"": {"$ref": "#"}, "^": {"$ref": "#"}, "$": {"$ref": "#"}}}
DECOY: Json = {
    "$ref": "#/$defs/in/properties/x",
    "$defs": {"a": True, "in": {"$id": "http://schemas.example/", "$defs": BRANCHES, "properties": {"x": {"$ref": "#/$defs"}}}},
}


def _nested(depth: int, value: Any, name: str = "") -> Any:
    for _ in range(depth):
        value = {name: value} if name else [value]
    return value


@pytest.mark.parametrize(("schema", "value"), [
    (BRANCHES, _nested(30, 5)), (DOUBLING, 5), (BY_NAME, _nested(40, 5, "x")), (DECOY, _nested(30, 5)),
    ({"$ref": "#"}, {}), ({"anyOf": [{"$ref": "#"}, {"type": "string"}]}, 5),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, 5),
    ({"$dynamicAnchor": "a", "items": {"anyOf": [{"$dynamicRef": "#a"}, {"$dynamicRef": "#a"}, {"$dynamicRef": "#a"}]}}, _nested(40, 5)),
])
def test_p47_a_schema_whose_work_multiplies_is_left_alone_and_that_is_said(schema: Json, value: Any) -> None:
    began = time.process_time()
    assert called(value, schema) == ["the call of get_weather could not be held against its schema: that would take too long"]
    assert time.process_time() - began < 2


def test_p47_the_same_schema_is_used_for_values_that_are_little_work() -> None:
    assert len(called([["text"]], BRANCHES)) == 1
    assert called("\"text\"", BRANCHES) == []


@pytest.mark.parametrize("pattern", [
    "^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(x+x+)+y", "^(?=(a+)+$)(a|aa)+$", r"^(a*)*\1b$", "^((a{1000}){1000}){1000}$",
])
def test_p47_no_pattern_takes_long(pattern: str) -> None:
    began = time.process_time()
    called({"a": "a" * 5000 + "!", "x": "x" * 5000}, {"properties": {"a": {"pattern": pattern}, "x": {"pattern": pattern}}})
    assert time.process_time() - began < 2


@pytest.mark.parametrize("depth", [50, 300, 900, 5000])
def test_p47_deep_schemas_and_deep_values_break_nothing(depth: int) -> None:
    schema: Json = {"type": "integer"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    [note] = called("[" * depth + '"x"' + "]" * depth, schema)
    assert len(note) < 600
    assert "does not fit" in note if depth == 50 else "could not be held" in note


def test_p47_deep_arguments_for_a_small_schema_break_nothing() -> None:
    [note] = called("[" * 200_000 + "]" * 200_000, CITY)
    assert "nested too deeply" in note


@pytest.mark.parametrize("schema", [
    {"type": "banana"}, {"properties": 7}, {"pattern": "("}, {"required": "city"}, {"$ref": "#/nowhere"}, {"$schema": "x"}, {"items": None},
])
def test_p47_a_schema_that_is_none_breaks_nothing(schema: Json) -> None:
    assert not any("does not fit" in note for note in called({"a": 1}, schema))


def test_p47_a_large_schema_is_checked_as_well() -> None:
    names = {f"property_number_{number}": {"type": "string"} for number in range(4000)}
    assert len(msgspec.json.encode(names)) > LONGEST_CACHED
    assert called({"property_number_7": "x"}, {"properties": names}) == []
    [note] = called({"property_number_7": 4711}, {"properties": names})
    assert ".property_number_7" in note
