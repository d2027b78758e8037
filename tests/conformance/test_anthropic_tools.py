"""What tools and output formats become at Anthropic."""

from typing import Any

import msgspec
import pytest

from services.provider_worker.dialects.anthropic import Anthropic
from tests.conformance.answers import call, stream_bytes, streamed
from tests.conformance.messages import ALWAYS, BETWEEN, CITIES, MIDDLE, NEW, OLD, WEATHER, Json, build, refused, upstream, user


def test_p15_p30_tools_keep_their_order_and_get_an_object_schema() -> None:
    body, _ = build({"tools": [WEATHER, CITIES]})
    assert body["tools"] == [
        {"name": "get_weather", "description": "d", "input_schema": {"type": "object", "properties": {}}},
        {"name": "list_cities", "input_schema": {"type": "object"}},
    ]
    assert "tool_choice" not in body


def test_p19_strict_tools_keep_only_what_the_grammar_takes() -> None:
    schema = {
        "$schema": "x", "type": "object", "required": ["n"],
        "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "A number."},
            "list": {"type": "array", "maxItems": 3, "items": {"oneOf": [{"const": 1}, {"type": "string", "pattern": "^a"}]}},
            "minimum": {"type": ["string", "null"], "format": "date"},
        },
    }
    tool = WEATHER | {"parameters": schema, "strict": True}
    body, adapted = build({"tools": [tool]})
    made = body["tools"][0]
    assert made["strict"] is True
    properties = made["input_schema"]["properties"]
    assert properties["n"] == {"type": "integer", "description": 'A number.\n{"minimum":1}'}
    assert properties["list"] == {
        "type": "array", "items": {"anyOf": [{"const": 1}, {"type": "string", "description": '{"pattern":"^a"}'}]},
        "description": '{"maxItems":3}',
    }
    assert properties["minimum"] == {"type": ["string", "null"], "format": "date"}
    assert made["input_schema"]["additionalProperties"] is False
    assert "$schema" not in made["input_schema"]
    assert adapted == [
        "tool get_weather: maxItems, minimum, pattern are not enforced by Anthropic; moved into descriptions",
        "tool get_weather: oneOf was sent as anyOf; Anthropic has no oneOf",
    ]
    assert upstream({"tools": [tool]}).schemas == {"get_weather": schema}
    assert build({"tools": [WEATHER | {"parameters": schema}]})[0]["tools"][0]["input_schema"] == schema


def closed(**properties: Json) -> Json:
    """An object schema of which Anthropic can enforce all."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def test_p19_a_schema_that_is_enforced_whole_needs_no_check() -> None:
    schema = closed(city={"type": "string", "enum": ["a", "b"]}, at={"type": "string", "format": "date"})
    sent = upstream({"tools": [WEATHER | {"parameters": schema, "strict": True}], "text": {"format": {"type": "json_schema", "schema": schema}}})
    assert sent.schemas == {}
    assert sent.adapted == []


@pytest.mark.parametrize(("schema", "sent"), [
    ({"enum": [1, {"a": 2}]}, {"description": '{"enum":[1,{"a":2}]}'}),
    ({"const": "a"}, {"const": "a"}),
    ({"$ref": "#/$defs/a", "description": "d"}, {"$ref": "#/$defs/a", "description": "d"}),
    ({"allOf": [{"$ref": "#/$defs/a"}], "description": "d"}, {"type": "string", "description": "d"}),
    ({"allOf": [{"type": "string"}, {"enum": ["a"]}]}, {"allOf": [{"type": "string"}, {"enum": ["a"]}]}),
    ({"oneOf": [{"type": "null"}], "anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "null"}], "description": '{"anyOf":[{"type":"string"}]}'}),
    ({"type": "array", "items": [{"type": "null"}], "minItems": 1}, {"type": "array", "minItems": 1, "description": '{"items":[{"type":"null"}]}'}),
])
def test_p18_p19_forms_that_the_grammar_lacks_are_described(schema: Json, sent: Json) -> None:
    whole = closed(x=schema) | {"$defs": {"a": {"type": "string"}}}
    body, _ = build({"text": {"format": {"type": "json_schema", "schema": whole}}})
    assert body["output_config"]["format"]["schema"]["properties"]["x"] == sent


def test_p17_references_to_elsewhere_are_refused() -> None:
    schema = closed(x={"$ref": "https://example.com/a.json"})
    assert refused({"text": {"format": {"type": "json_schema", "schema": schema}}}).param == "text.format.schema"


NODE: Json = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
RECURSIVE: list[Json] = [
    {"type": "object", "properties": {"child": {"$ref": "#"}}, "required": ["child"]},
    {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
    {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"type": "array", "items": {"$ref": "#/$defs/a"}}}},
    {"type": "object", "properties": {"tree": {"type": "array", "items": {"$ref": "#/properties/tree"}}}, "required": ["tree"]},
]


@pytest.mark.parametrize("schema", RECURSIVE)
def test_p17_recursive_schemas_are_not_emptied(schema: Json) -> None:
    failure = refused({"text": {"format": {"type": "json_schema", "schema": schema}}})
    assert (failure.param, failure.fallback) == ("text.format.schema", True)
    tool = WEATHER | {"parameters": schema | {"type": "object"}, "strict": True}
    sent = upstream({"tools": [tool, WEATHER | {"name": "other", "parameters": closed(), "strict": True}]})
    body = msgspec.json.decode(sent.content)
    assert body["tools"][0]["input_schema"] == tool["parameters"]
    assert [made.get("strict") for made in body["tools"]] == [None, True]
    assert sent.schemas == {"get_weather": tool["parameters"]}
    assert len(sent.adapted) == 1


def test_p17_references_that_end_are_kept() -> None:
    shared = {"a": {"anyOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/c"}]}, "b": {"$ref": "#/$defs/c"}, "c": {"type": "string"}}
    schema = closed(x={"$ref": "#/$defs/a"}, y={"$ref": "#/$defs/b"}) | {"$defs": shared}
    body, adapted = build({"text": {"format": {"type": "json_schema", "schema": schema}}})
    assert body["output_config"]["format"]["schema"] == schema
    assert adapted == []


def test_p19_what_is_over_the_limits_of_all_schemas_is_left_to_the_model() -> None:
    tools = [WEATHER | {"name": f"tool_{number}", "parameters": closed(), "strict": True} for number in range(22)]
    sent = upstream({"tools": tools})
    assert [tool.get("strict") for tool in msgspec.json.decode(sent.content)["tools"]] == [True] * 20 + [None] * 2
    assert set(sent.schemas) == {"tool_20", "tool_21"}
    optional = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(13)}}
    union = closed(**{f"p{n}": {"type": ["string", "null"]} for n in range(9)})
    for schema in (optional, union):
        tools = [WEATHER | {"name": name, "parameters": schema, "strict": True} for name in ("first", "second")]
        sent = upstream({"tools": [*tools, WEATHER | {"parameters": closed(), "strict": True}]})
        assert [tool.get("strict") for tool in msgspec.json.decode(sent.content)["tools"]] == [True, None, True]
        assert set(sent.schemas) == {"second"}
        assert len(sent.adapted) == 1
    assert refused({"text": {"format": {"type": "json_schema", "schema": closed(a=optional, b=optional)}}}).fallback


def test_p19_older_models_have_no_strict_tools() -> None:
    sent = upstream({"tools": [WEATHER | {"strict": True}]}, "claude-3-haiku-20240307")
    assert "strict" not in msgspec.json.decode(sent.content)["tools"][0]
    assert set(sent.schemas) == {"get_weather"}
    assert len(sent.adapted) == 1


@pytest.mark.parametrize(("choice", "expected"), [
    ("auto", None), ("none", {"type": "none"}), ("required", {"type": "any"}),
    ({"type": "function", "name": "get_weather"}, {"type": "tool", "name": "get_weather"}),
    ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]}, None),
    ({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_weather"}]}, {"type": "any"}),
])
def test_p21_tool_choice(choice: Any, expected: Json | None) -> None:
    body, _ = build({"tools": [WEATHER, CITIES], "tool_choice": choice})
    assert body.get("tool_choice") == expected
    assert len(body["tools"]) == (1 if isinstance(choice, dict) and choice["type"] == "allowed_tools" else 2)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "get_weather"}])
def test_p21_a_forced_choice_without_tools_is_refused(choice: Any) -> None:
    failure = refused({"tool_choice": choice})
    assert (failure.param, failure.fallback) == ("tool_choice", False)
    assert "tool_choice" not in build({"tool_choice": "auto"})[0]


def test_p21_models_that_refuse_a_forced_choice_are_not_asked() -> None:
    for model in (ALWAYS, BETWEEN, "claude-fable-5-1", "claude-mythos-preview"):
        assert refused({"tools": [WEATHER], "tool_choice": "required"}, model).fallback
    assert not refused({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}}).fallback


def test_p21_a_forced_choice_switches_thinking_off() -> None:
    request = {"tools": [WEATHER], "tool_choice": "required", "reasoning": {"effort": "high"}}
    for model, expected in ((OLD, None), (MIDDLE, {"type": "disabled"}), (NEW, {"type": "disabled"})):
        body, adapted = build(request, model)
        assert body.get("thinking") == expected
        assert len(adapted) == 1


@pytest.mark.parametrize(("choice", "expected"), [("auto", "auto"), ("required", "any")])
def test_p22_parallel_calls_are_switched_off_inside_tool_choice(choice: str, expected: str) -> None:
    body, _ = build({"tools": [WEATHER], "tool_choice": choice, "parallel_tool_calls": False})
    assert body["tool_choice"] == {"type": expected, "disable_parallel_tool_use": True}
    assert "tool_choice" not in build({"parallel_tool_calls": False})[0]


def test_p24_names_come_back_as_the_client_wrote_them() -> None:
    dotted = WEATHER | {"name": "maps.get_weather"}
    made = call({"input": "Hi", "tools": [dotted]}, model=MIDDLE)
    sent = msgspec.json.decode(Anthropic().build(made).content)["tools"][0]["name"]
    assert "." not in sent
    stream = stream_bytes("anthropic", "tools").replace(b'"get_weather"', b'"%b"' % sent.encode())
    _, outcome = streamed(Anthropic(), stream, made=made)
    assert outcome.response["output"][1]["name"] == "maps.get_weather"


def test_p24_long_names_stay_apart() -> None:
    tools = [WEATHER | {"name": "x" * 200 + end} for end in "ab"]
    body, _ = build({"tools": tools, "tool_choice": {"type": "function", "name": tools[1]["name"]}})
    names = [tool["name"] for tool in body["tools"]]
    assert len(set(names)) == 2
    assert max(map(len, names)) <= 128
    assert body["tool_choice"]["name"] == names[1]


@pytest.mark.parametrize("kind", ["web_search", "file_search", "code_interpreter", "computer", "mcp", "image_generation", "namespace"])
def test_p28_built_in_tools_are_refused_and_may_go_elsewhere(kind: str) -> None:
    failure = refused({"tools": [WEATHER, {"type": kind}]})
    assert failure.fallback
    assert failure.param == "tools[1].type"


def test_p29_a_freeform_tool_is_a_function_and_back() -> None:
    tool = {"type": "custom", "name": "get_weather", "description": "Run.", "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}}
    request = {"tools": [tool], "tool_choice": {"type": "custom", "name": "get_weather"}}
    body, _ = build(request)
    assert body["tools"][0]["input_schema"]["required"] == ["input"]
    assert "start: X" in body["tools"][0]["description"]
    assert body["tool_choice"] == {"type": "tool", "name": "get_weather"}
    stream = stream_bytes("anthropic", "thinking_omitted").replace(b'{\\"city\\": \\"Paris\\"}', b'{\\"input\\": \\"ls -l\\"}')
    events, outcome = streamed(Anthropic(), stream, made=call({"input": "Hi"} | request, model=NEW))
    item = outcome.response["output"][-1]
    assert (item["type"], item["input"], item["name"]) == ("custom_tool_call", "ls -l", "get_weather")
    assert [e["delta"] for e in events if e["type"] == "response.custom_tool_call_input.delta"] == ["ls -l"]
    history = [user("go"), item, {"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "files"}]
    body, _ = build(request | {"input": history})
    assert body["messages"][1]["content"][0]["input"] == {"input": "ls -l"}


def test_p45_structured_output() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 5}}, "required": ["n"]}
    wanted = {"format": {"type": "json_schema", "name": "n", "schema": schema}}
    body, adapted = build({"text": wanted, "reasoning": {"effort": "low"}})
    assert body["output_config"]["effort"] == "low"
    assert body["output_config"]["format"]["schema"]["properties"]["n"] == {"type": "integer", "description": '{"maximum":5}'}
    assert adapted == ["text.format: maximum are not enforced by Anthropic; moved into descriptions"]
    assert upstream({"text": wanted}).schemas == {"": schema}
    assert refused({"text": wanted}, "claude-3-haiku-20240307").fallback
