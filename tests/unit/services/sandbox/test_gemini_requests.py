"""What Gemini refuses, and in which words."""

from typing import Any

import pytest

from services.sandbox import gemini
from services.sandbox.asked import Asked, Problem
from services.sandbox.dialect import Head
from services.sandbox.gemini import signature

OLD, NEW = "gemini-2.5-flash", "gemini-3.1-pro-preview"
USER = {"role": "user", "parts": [{"text": "Hi"}]}
MODEL = {"role": "model", "parts": [{"text": "Hello"}]}
SIGNED = signature.sign("clock", {"zone": "CET"})


def read(body: dict[str, Any], model: str = OLD) -> Asked:
    head = Head(path={"version": "v1beta", "model": model, "method": "generateContent"})
    return gemini.read({"contents": [USER]} | body, head)


def refusal(body: dict[str, Any], model: str = OLD) -> dict[str, Any]:
    with pytest.raises(Problem) as caught:
        read(body, model)
    said: dict[str, Any] = gemini.error(caught.value)["error"]
    assert (said["code"], said["status"]) == (400, "INVALID_ARGUMENT")
    return said


def called(*signatures: str | None, args: Any = None) -> dict[str, Any]:
    call = {"functionCall": {"name": "clock", "args": args or {"zone": "CET"}}}
    return {"role": "model", "parts": [call | ({"thoughtSignature": given} if given else {}) for given in signatures]}


def returned(count: int = 1) -> dict[str, Any]:
    return {"role": "user", "parts": [{"functionResponse": {"name": "clock", "response": {"output": "noon"}}}] * count}


def declared(parameters: dict[str, Any], name: str = "clock") -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": [{"name": name, "parameters": parameters}]}]}


@pytest.mark.parametrize("keyword", [
    "$schema", "additionalProperties", "exclusiveMinimum", "uniqueItems", "propertyNames", "multipleOf", "const", "$ref", "oneOf", "allOf",
])  # fmt: skip
def test_a_schema_keyword_that_it_does_not_know(keyword: str) -> None:
    parameters = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string", keyword: 1}}}
    said = refusal(declared(parameters))
    at = "tools[0].function_declarations[0].parameters.properties[1].value"
    assert said["message"] == f"Invalid JSON payload received. Unknown name \"{keyword}\" at '{at}': Cannot find field."
    assert said["details"][0]["fieldViolations"] == [{"field": at, "description": said["message"]}]


def test_all_that_is_unknown_is_named_at_once() -> None:
    said = refusal({"stream_options": {}, "generationConfig": {"max_tokens": 5}})
    assert said["message"].split("\n") == [
        "Invalid JSON payload received. Unknown name \"stream_options\": Cannot find field.",
        "Invalid JSON payload received. Unknown name \"max_tokens\" at 'generation_config': Cannot find field.",
    ]
    assert said["details"][0]["fieldViolations"][0].keys() == {"description"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (declared({"type": ["string", "null"]}), "Proto field is not repeating, cannot start list."),
        (declared({"type": "map"}), "(type.googleapis.com/google.ai.generativelanguage.v1beta.Type), \"map\""),
        (declared({"type": "string", "enum": [1]}), "enum[0]' (TYPE_STRING), 1"),
        ({"generationConfig": {"temperature": "hot"}}, "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\""),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "?"}}]}]}, "Base64 decoding failed"),
        ({"contents": [{"parts": [{"functionResponse": {"name": "f", "response": "noon"}}]}]}, "google.protobuf.Struct"),
        ({"contents": ["Hi"]}, "v1beta.Content), \"Hi\""),
    ],
)
def test_values_of_the_wrong_type(body: dict[str, Any], said: str) -> None:
    assert said in refusal(body)["message"]


def test_both_spellings_and_single_elements_are_read() -> None:
    asked = read({"contents": {"parts": {"text": "Hi"}}, "generation_config": {"max_output_tokens": 5}, "systemInstruction": None})
    assert (asked.text, asked.limit) == ("Hi", 5)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"type": "OBJECT", "properties": {"a": {"type": "OBJECT"}}}, "properties[a].properties: should be non-empty for OBJECT type"),
        ({"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}, "properties[a].items: missing field."),
        ({"type": "OBJECT", "properties": {"a": {"type": "INTEGER", "enum": ["1"]}}}, "properties[a].enum: only allowed for STRING type"),
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING", "enum": [""]}}}, "properties[a].enum[0]: cannot be empty"),
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["b"]}, "parameters.required[0]: property is not defined"),
        ({"type": "STRING", "properties": {"a": {"type": "STRING"}}}, "parameters.properties: only allowed for OBJECT type"),
    ],
)
def test_schemas_that_make_no_sense(parameters: dict[str, Any], said: str) -> None:
    message = refusal(declared(parameters))["message"]
    assert message.startswith("* GenerateContentRequest.tools[0].function_declarations[0].parameters")
    assert said in message


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ([], "contents is not specified"),
        ([{"role": "assistant", "parts": [{"text": "Hi"}]}], "Please use a valid role: user, model."),
        ([{"role": "system", "parts": [{"text": "Hi"}]}], "Please use a valid role: user, model."),
        ([{"role": "user", "parts": []}], "contents.parts must not be empty"),
        ([{"role": "user", "parts": [{}]}], "must have one initialized field"),
        ([USER, called(None, None), returned(1)], "number of function response parts is equal to the number of function call parts"),
        ([USER, called(None), returned(2)], "number of function response parts is equal to the number of function call parts"),
        ([USER, called(None), USER], "number of function response parts is equal to the number of function call parts"),
        ([USER, called(None)], "number of function response parts is equal to the number of function call parts"),
        ([USER, MODEL, returned()], "function response turn comes immediately after a function call turn"),
        ([called(None), returned()], "function call turn comes immediately after a user turn or after a function response turn"),
        ([USER, MODEL, called(None), returned()], "function call turn comes immediately after a user turn"),
    ],
)
def test_turns_out_of_order(contents: list[Any], said: str) -> None:
    assert said in refusal({"contents": contents})["message"]


def test_calls_and_results_in_order() -> None:
    asked = read({"contents": [USER, called(None, None), returned(2), called(None), returned()]})
    assert asked.results == ["noon"] * 3


# Gemini 3 wants the signature of each step of the current turn back.


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ([USER, called(None), returned()], "missing a thought_signature in functionCall parts"),
        ([USER, called(SIGNED), returned(), called(None), returned()], "position 4"),
        ([USER, called("AAAA"), returned()], "Corrupted thought signature."),
        ([USER, called(SIGNED, args={"zone": "UTC"}), returned()], "Corrupted thought signature."),
    ],
)
def test_p40_signatures_that_do_not_come_back(contents: list[Any], said: str) -> None:
    assert said in refusal({"contents": contents}, NEW)["message"]


@pytest.mark.parametrize(
    "contents",
    [
        [USER, called(SIGNED), returned()],
        [USER, called(SIGNED.replace("+", "-").replace("/", "_")), returned()],
        # Only the first of parallel calls has one.
        [USER, called(SIGNED, None), returned(2)],
        # Of earlier turns none is wanted.
        [USER, called(None), returned(), MODEL, USER],
        # History from elsewhere.
        [USER, called("skip_thought_signature_validator"), returned()],
    ],
)
def test_p40_signatures_that_do(contents: list[Any]) -> None:
    assert read({"contents": contents}, NEW).model == NEW


@pytest.mark.parametrize(
    ("body", "model", "said"),
    [
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 5, "thinkingLevel": "low"}}}, NEW, "only one of thinking budget and"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}, OLD, "Thinking level is not supported"),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "minimal"}}}, NEW, "MINIMAL is not supported for this model"),
        ({"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, "gemini-2.5-pro", "only works in thinking mode"),
        ({"generationConfig": {"responseMimeType": "application/json"}} | declared({}), OLD, "response mime type: 'application/json'"),
        ({"generationConfig": {"responseSchema": {"type": "STRING"}}}, OLD, "needs the response mime type"),
        ({"generationConfig": {"stopSequences": list("abcdef")}}, OLD, "at most 5 stop sequences"),
        ({"generationConfig": {"temperature": 2.1}}, OLD, "temperature"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["clock"]}}} | declared({}), OLD, "ANY"),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}} | declared({}), OLD, "not declared: x"),
        (declared({}, name="9 lives"), OLD, "Invalid function name"),
    ],
)
def test_settings_that_contradict(body: dict[str, Any], model: str, said: str) -> None:
    assert said in refusal(body, model)["message"]


def test_an_unknown_model_is_not_found() -> None:
    with pytest.raises(Problem) as caught:
        read({}, "gemini-nonsense")
    assert gemini.error(caught.value)["error"]["status"] == "NOT_FOUND"
