"""Tool definitions, tool_choice and JSON schemas at Gemini."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects.gemini import Gemini
from tests.conformance.answers import call, stream_bytes, streamed
from tests.conformance.generate_content import CITIES, NEW, OLD, WEATHER, Json, build, declared, refused, upstream
from tests.conformance.messages import user


def tool(**properties: Any) -> Json:
    return {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": properties}}


def one(schema: Any) -> tuple[Any, list[str]]:
    """A property's schema in the OpenAPI form, and what was adapted."""
    declaration, adapted, _ = declared(tool(x=schema))
    assert "parametersJsonSchema" not in declaration
    return declaration["parameters"]["properties"]["x"], adapted


def proper(schema: Any) -> tuple[Any, list[str]]:
    """A property's schema in the JSON Schema form, and what was adapted."""
    declaration, adapted, _ = declared(tool(x=schema))
    assert "parameters" not in declaration
    return declaration["parametersJsonSchema"]["properties"]["x"], adapted


def test_p15_p30_tools_keep_their_order() -> None:
    body, adapted = build({"tools": [WEATHER, CITIES]})
    assert body["tools"] == [{"functionDeclarations": [
        {
            "name": "get_weather", "description": "d",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
        {"name": "list_cities"},
    ]}]
    assert "toolConfig" not in body
    assert adapted == []


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}, {"type": "object", "properties": {}, "additionalProperties": False}])
def test_p18_no_parameters_are_left_out(parameters: Json | None) -> None:
    assert declared({"type": "function", "name": "f", "parameters": parameters})[0] == {"name": "f"}


@pytest.mark.parametrize("parameters", [{"type": "object", "additionalProperties": {"type": "string"}}, {"type": "object", "minProperties": 1}])
def test_p18_parameters_without_names_are_not_left_out(parameters: Json) -> None:
    declaration, _, _ = declared({"type": "function", "name": "f", "parameters": parameters})
    assert declaration["parametersJsonSchema"]["type"] == "object"


def test_a_schema_too_large_to_remember_is_converted_all_the_same() -> None:
    many = {f"name_{number}": {"type": "string"} for number in range(2000)}
    assert len(declared(tool(**many))[0]["parameters"]["properties"]) == 2000


def test_p16_only_documented_keywords_are_sent_and_the_others_are_told_to_the_model() -> None:
    schema = {"type": "string", "pattern": "^a", "format": "email", "description": "A name.", "contentEncoding": "base64", "minimum": 3}
    made, adapted = one(schema)
    assert made == {
        "type": "string", "pattern": "^a",
        "description": 'A name.\n{"format":"email","contentEncoding":"base64","minimum":3}',
    }
    assert adapted == ["tool get_weather: contentEncoding, format, minimum are not enforced by Gemini; moved into descriptions"]


def test_p16_a_property_may_be_called_like_a_keyword() -> None:
    made, adapted = one({"type": "object", "properties": {"$ref": {"type": "string"}, "additionalProperties": {"type": "string"}}})
    assert set(made["properties"]) == {"$ref", "additionalProperties"}
    assert adapted == []


@pytest.mark.parametrize("keyword", ["$schema", "$id", "$comment", "$anchor"])
def test_p16_what_says_nothing_goes_without_a_note(keyword: str) -> None:
    assert one({"type": "string", keyword: "x"}) == ({"type": "string"}, [])


@pytest.mark.parametrize(("schema", "expected"), [
    ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
    (
        {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d", "default": None},
        {"type": "string", "nullable": True, "description": "d"},
    ),
    (
        {"type": ["string", "integer"], "maxLength": 3, "maximum": 5},
        {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "integer", "maximum": 5}]},
    ),
    (
        {"oneOf": [{"type": "string"}, {"type": "boolean"}, {"type": "null"}]},
        {"anyOf": [{"type": "string", "nullable": True}, {"type": "boolean", "nullable": True}]},
    ),
    (
        {"anyOf": [{"type": ["string", "integer"]}, {"type": "boolean", "description": "near"}], "description": "far"},
        {"anyOf": [
            {"type": "string", "description": "far"}, {"type": "integer", "description": "far"}, {"type": "boolean", "description": "near"},
        ]},
    ),
    ({"const": "on"}, {"type": "string", "enum": ["on"]}),
    ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
    ({"type": ["string", "null"], "enum": ["a", None]}, {"type": "string", "nullable": True, "enum": ["a"]}),
    ({"properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"a": {"type": "string"}}}),
    (
        {"allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "string"}}, "required": ["b"]},
        ]},
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
    ),
])
def test_p18_unions_constants_and_enums(schema: Json, expected: Json) -> None:
    assert one(schema) == (expected, [])


@pytest.mark.parametrize(("schema", "expected"), [
    ({"type": "string", "enum": ["", "a"]}, {"type": "string", "description": '{"enum":["","a"]}'}),
    ({"type": "boolean", "const": True}, {"type": "boolean", "description": '{"enum":[true]}'}),
    (
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "ghost"]},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "description": '{"required":["ghost"]}'},
    ),
    (
        {"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}]},
        {"type": "object", "properties": {"a": {"type": "string"}}, "description": '{"anyOf":[{"required":["a"]}]}'},
    ),
])
def test_p18_what_gemini_would_refuse_moves_into_the_description(schema: Json, expected: Json) -> None:
    made, adapted = one(schema)
    assert made == expected
    assert len(adapted) == 1


@pytest.mark.parametrize("schema", [
    {}, {"type": "object"}, {"type": "object", "additionalProperties": {"type": "string"}}, {"type": "array"}, {"enum": [1, 2]},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, {"type": "null"}, {"description": "anything"},
    {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
    {"anyOf": [{"type": "string"}, {"type": "array"}]},
])
def test_p16_what_the_openapi_form_cannot_say_goes_as_json_schema_proper(schema: Json) -> None:
    assert proper(schema) == (schema, [])


def test_p16_json_schema_proper_is_restricted_too() -> None:
    made, adapted = proper({"type": "object", "additionalProperties": {"type": "string", "pattern": "^a"}, "minProperties": 1})
    assert made == {
        "type": "object", "additionalProperties": {"type": "string", "description": '{"pattern":"^a"}'}, "description": '{"minProperties":1}',
    }
    assert adapted == ["tool get_weather: minProperties, pattern are not enforced by Gemini; moved into descriptions"]
    assert proper({"const": 5})[0] == {"enum": [5]}
    assert proper({"type": ["integer", "null"], "enum": [1, None]})[0] == {"anyOf": [{"type": ["integer"], "enum": [1]}, {"type": "null"}]}


def test_p17_references_are_put_in_place() -> None:
    schema = {
        "type": "object", "properties": {"from": {"$ref": "#/$defs/place", "description": "Start."}, "to": {"$ref": "#/definitions/old"}},
        "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}, "description": "A place."}},
        "definitions": {"old": {"$ref": "#/$defs/place"}},
    }
    declaration, adapted, _ = declared({"type": "function", "name": "travel", "parameters": schema})
    place = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert declaration["parameters"]["properties"] == {
        "from": place | {"description": "Start."}, "to": place | {"description": "A place."},
    }
    assert adapted == []


@pytest.mark.parametrize(("schema", "place"), [
    ({"$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}}}}, "properties": {"x": {"$ref": "#/$defs/n"}}}, "#/properties/x/properties/next"),
    ({"properties": {"x": {"$ref": "#"}}}, "#/properties/x"),
    ({"properties": {"x": {"$ref": "#/$defs/none"}}}, "#/properties/x"),
    ({"properties": {"x": {"type": "array", "items": {"$ref": "https://example.com/schema.json"}}}}, "#/properties/x/items"),
])
def test_p17_a_schema_that_cannot_be_written_out_is_refused_with_its_place(schema: Json, place: str) -> None:
    failure = refused({"tools": [CITIES, {"type": "function", "name": "walk", "parameters": {"type": "object"} | schema}]})
    assert (failure.fallback, failure.param) == (True, "tools[1].parameters")
    assert "walk" in failure.message
    assert place in failure.message


def test_p17_a_schema_that_explodes_is_refused() -> None:
    pairs = {f"d{i}": {"type": "object", "properties": {"a": {"$ref": f"#/$defs/d{i + 1}"}, "b": {"$ref": f"#/$defs/d{i + 1}"}}} for i in range(60)}
    bomb = {"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": pairs | {"d60": {"type": "string"}}}
    assert "too large" in refused({"tools": [{"type": "function", "name": "f", "parameters": bomb}]}).message


def test_pain28_the_original_schema_is_kept_for_the_check() -> None:
    lossy = tool(x={"type": "string", "format": "email"})
    assert declared(lossy)[2] == {"get_weather": lossy["parameters"]}
    assert declared(tool(x={"type": "string"}))[2] == {}
    strict = tool(x={"type": "string"}) | {"strict": True}
    assert declared(strict)[2] == {"get_weather": strict["parameters"]}


NAMED = [{"type": "function", "name": "get_weather"}]


@pytest.mark.parametrize(("choice", "expected", "count"), [
    ("auto", None, 2), ("none", {"mode": "NONE"}, 2), ("required", {"mode": "ANY"}, 2),
    ({"type": "function", "name": "get_weather"}, {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}, 2),
    ({"type": "allowed_tools", "mode": "required", "tools": NAMED}, {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}, 2),
    ({"type": "allowed_tools", "mode": "auto", "tools": NAMED}, None, 1),
])
def test_p21_tool_choice(choice: Any, expected: Json | None, count: int) -> None:
    body, adapted = build({"tools": [WEATHER, CITIES], "tool_choice": choice})
    assert body.get("toolConfig", {}).get("functionCallingConfig") == expected
    assert len(body["tools"][0]["functionDeclarations"]) == count
    assert adapted == []


@pytest.mark.parametrize("choice", [
    {"type": "function", "name": "ghost"}, {"type": "allowed_tools", "mode": "auto", "tools": []},
    {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "ghost"}]},
])
def test_p21_a_choice_that_names_no_tool_is_refused(choice: Json) -> None:
    assert not refused({"tools": [WEATHER], "tool_choice": choice}).fallback


def test_p21_a_forced_call_needs_a_tool() -> None:
    assert not refused({"tool_choice": "required"}).fallback
    assert "toolConfig" not in build({"tool_choice": "none"})[0]


@pytest.mark.parametrize("name", ["maps.get_weather", "7days", "-dash", "ünï", "x" * 200, "a:b"])
def test_p24_names_come_back_as_the_client_wrote_them(name: str) -> None:
    request = {"input": "Hi", "tools": [WEATHER | {"name": name}], "tool_choice": {"type": "function", "name": name}}
    body, _ = build(request)
    sent = body["tools"][0]["functionDeclarations"][0]["name"]
    assert sent.isascii()
    assert len(sent) <= 64
    assert sent[0].isalpha() or sent[0] == "_"
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == [sent]
    stream = stream_bytes("gemini", "tools").replace(b'"get_weather"', b'"%b"' % sent.encode())
    _, outcome = streamed(Gemini(), stream, made=call(request, model=NEW))
    assert [item["name"] for item in outcome.response["output"] if item["type"] == "function_call"] == [name, "list_cities"]


@pytest.mark.parametrize("kind", ["web_search", "file_search", "code_interpreter", "computer", "mcp", "image_generation", "namespace"])
def test_p28_built_in_tools_are_refused_and_may_go_elsewhere(kind: str) -> None:
    failure = refused({"tools": [WEATHER, {"type": kind}]})
    assert (failure.fallback, failure.param) == (True, "tools[1].type")


def test_p29_a_freeform_tool_is_a_function_and_back() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
    shell = {"type": "custom", "name": "get_weather", "description": "Run.", "format": grammar}
    request = {"input": "Hi", "tools": [shell], "tool_choice": {"type": "custom", "name": "get_weather"}}
    body, _ = build(request)
    [declaration] = body["tools"][0]["functionDeclarations"]
    assert declaration["parameters"]["required"] == ["input"]
    assert "start: X" in declaration["description"]
    stream = stream_bytes("gemini", "tools").replace(b'{"city": "San Francisco, CA","station": 9007199254740993123}', b'{"input": "ls -l"}')
    events, outcome = streamed(Gemini(), stream, made=call(request, model=NEW))
    item = next(item for item in outcome.response["output"] if item["type"] == "custom_tool_call")
    assert (item["input"], item["name"], item["call_id"]) == ("ls -l", "get_weather", "jm4owj31")
    assert [event["delta"] for event in events if event["type"] == "response.custom_tool_call_input.delta"] == ["ls -l"]


def test_parameters_of_another_type_than_object_make_no_sense() -> None:
    assert not refused({"tools": [WEATHER | {"parameters": {"type": "string"}}]}).fallback


def test_multi_turn_with_tools_from_start_to_end() -> None:
    request: Json = {"input": [user("Weather?")], "tools": [WEATHER, CITIES]}
    made = call(request, model=OLD)
    _, outcome = streamed(Gemini(), stream_bytes("gemini", "tools"), made=made)
    calls = [item for item in outcome.response["output"] if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": item["call_id"], "output": "sunny"} for item in calls]
    body, adapted = build(request | {"input": [*request["input"], *outcome.response["output"], *results]}, OLD)
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert [part["functionResponse"]["name"] for part in body["contents"][2]["parts"]] == ["get_weather", "list_cities"]
    assert adapted == []


_ATOMS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "string", "null", "object", "#", "#/$defs/a"])
_KEYWORDS = st.sampled_from([
    "type", "properties", "items", "required", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "$defs", "nullable", "additionalProperties",
    "description", "minLength", "minimum", "format", "prefixItems", "not", "default", "title",
])
_JSON = st.recursive(
    _ATOMS | st.sampled_from(["string", "integer", "object", "array", "boolean", "number"]).map(lambda kind: {"type": kind}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYWORDS | st.sampled_from(["a", "b"]), inner, max_size=4), max_leaves=25,
)


@given(schema=_JSON)
def test_p16_no_schema_breaks_the_request(schema: Any) -> None:
    """Whatever a client sends, it is refused, or becomes something that Gemini's documented checks accept."""
    with suppress(ProviderFailure):
        sent = upstream({"tools": [tool(x=schema)]})
        [declaration] = msgspec.json.decode(sent.content)["tools"][0]["functionDeclarations"]
        if "parameters" in declaration:
            assert faults(declaration["parameters"]) == []


_ONLY = {
    "properties": "object", "required": "object", "minProperties": "object", "maxProperties": "object", "items": "array", "minItems": "array",
    "maxItems": "array", "enum": "string", "minLength": "string", "maxLength": "string", "pattern": "string",
}
_FIELDS = {*_ONLY, "type", "nullable", "title", "description", "default", "format", "minimum", "maximum", "anyOf"}


def faults(schema: Json) -> list[str]:
    """What Gemini's errors complain about: an unknown name, a keyword beside another type, an empty object, list or enum."""
    found = [name for name in schema if name not in _FIELDS]
    found += [f"{name}: only allowed for {kind}" for name, kind in _ONLY.items() if name in schema and schema.get("type") != kind]
    if "anyOf" in schema:
        found += ["any_of must be the only field"] if len(schema) > 1 or not schema["anyOf"] else []
    elif schema.get("type") not in ("string", "number", "integer", "boolean", "array", "object"):
        found.append("no type")
    found += ["properties: should be non-empty"] if schema.get("type") == "object" and not schema.get("properties") else []
    found += ["items: missing field"] if schema.get("type") == "array" and not schema.get("items") else []
    found += ["enum: cannot be empty"] if not all(isinstance(value, str) and value for value in schema.get("enum", ())) else []
    found += ["property is not defined"] if not set(schema.get("required", ())) <= set(schema.get("properties", ())) else []
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]
    return found + [fault for child in inner for fault in faults(child)]
