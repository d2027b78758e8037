"""What a request's settings become at Gemini."""

import msgspec
import pytest

from services.provider_worker.dialects.gemini import Gemini
from tests.conformance.answers import call
from tests.conformance.generate_content import CITIES, FLASH, NEW, OLD, PRO, WEATHER, Json, build, config, refused, upstream


def test_p1_p13_p14_a_plain_request_and_its_safety_settings() -> None:
    body, adapted = build({"instructions": "Be kind.", "max_output_tokens": 100, "metadata": {"team": "a"}, "store": True})
    safety = body.pop("safetySettings")
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "generationConfig": {"maxOutputTokens": 100},
    }
    assert {setting["threshold"] for setting in safety} == {"OFF"}
    assert len(safety) == 4
    assert adapted == []


def test_the_path_names_model_and_method() -> None:
    paths = [Gemini().build(call({"input": "Hi"}, model=model, stream=stream)).path for model, stream in (
        (NEW, True), (NEW, False), ("models/gemini-x", False), ("tunedModels/mine", False), ("a b?key=1#", False),
    )]
    assert paths == [
        f"/v1beta/models/{NEW}:streamGenerateContent?alt=sse", f"/v1beta/models/{NEW}:generateContent",
        "/v1beta/models/gemini-x:generateContent", "/v1beta/tunedModels/mine:generateContent",
        "/v1beta/models/a%20b%3Fkey%3D1%23:generateContent",
    ]


def test_the_key_goes_into_its_own_header() -> None:
    assert Gemini().authorize("AIza-not-a-real-key") == {"x-goog-api-key": "AIza-not-a-real-key"}
    assert Gemini().authorize("") == {}


def test_p8_the_cap_is_never_above_the_model() -> None:
    assert "maxOutputTokens" not in config({}, max_output_tokens=8192)
    assert config({"max_output_tokens": 99_999}, max_output_tokens=8192)["maxOutputTokens"] == 8192
    assert config({"max_output_tokens": 100}, max_output_tokens=8192)["maxOutputTokens"] == 100


def test_p8_thinking_leaves_room_for_the_answer() -> None:
    wanted = {"reasoning": {"effort": "high"}, "max_output_tokens": 4096}
    body, adapted = build(wanted, OLD)
    assert body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 2048}
    assert "2048" in adapted[0]
    assert config(wanted | {"max_output_tokens": 1}, OLD)["thinkingConfig"] == {"thinkingBudget": 0}
    assert config(wanted | {"max_output_tokens": 100}, "gemini-2.5-pro")["thinkingConfig"] == {"thinkingBudget": 128}


def test_p9_sampling_by_model() -> None:
    body, adapted = build({"temperature": 2.5, "top_p": 0.5}, OLD)
    assert (body["generationConfig"], adapted) == ({"temperature": 2, "topP": 0.5}, ["temperature 2.5 was sent as 2: Gemini takes 0 to 2"])
    assert config({"temperature": 1.7}, OLD) == {"temperature": 1.7}
    for model in (NEW, FLASH, "gemini-3.5-flash-lite", "gemini-flash-latest"):
        body, adapted = build({"temperature": 0.2}, model)
        assert ("generationConfig" in body, len(adapted)) == (False, 1)
    assert build({"temperature": 1, "top_p": 1})[1] == []


def test_p10_stop_strings() -> None:
    assert config({"stop": "END"})["stopSequences"] == ["END"]
    body, adapted = build({"stop": list("abcdef")})
    assert body["generationConfig"]["stopSequences"] == list("abcde")
    assert len(adapted) == 1


def test_p11_unknown_fields_are_dropped_and_named() -> None:
    fields = {"n": 2, "top_logprobs": 3, "text": {"verbosity": "low"}, "service_tier": "scale", "truncation": "disabled", "user": "ada"}
    body, adapted = build(fields)
    assert set(body) == {"contents", "safetySettings"}
    assert adapted == [
        "message.output_text.logprobs was left out: Gemini tells no log probabilities on this model",
        "service_tier scale was dropped", "dropped, unknown to Gemini: n, text.verbosity, user",
    ]
    assert config({"seed": 0}) == {"seed": 0}
    assert "logprobs" in build({"include": ["message.output_text.logprobs"]})[1][0]


def test_p11_penalties_and_log_probabilities_where_the_model_has_them() -> None:
    asked = {"presence_penalty": 0.5, "frequency_penalty": 2, "logit_bias": {"1": 5}, "top_logprobs": 3}
    body, adapted = build(asked, "gemini-2.0-flash")
    assert body["generationConfig"] == {"presencePenalty": 0.5, "frequencyPenalty": 1.99, "responseLogprobs": True, "logprobs": 3}
    assert adapted == ["frequency_penalty 2 was sent as 1.99", "dropped, unknown to Gemini: logit_bias"]
    assert config({"include": ["message.output_text.logprobs"]}, "gemini-2.0-flash") == {"responseLogprobs": True}
    body, adapted = build(asked)
    assert ("generationConfig" in body, len(adapted)) == (False, 3)
    assert build({"presence_penalty": 0, "frequency_penalty": 0, "logit_bias": {}, "top_logprobs": 0})[1] == []


def test_p12_stream_options_do_not_leak() -> None:
    assert set(build({"stream_options": {"include_usage": True}})[0]) == {"contents", "safetySettings"}


def test_service_tiers() -> None:
    assert build({"service_tier": "flex"})[0]["serviceTier"] == "flex"
    for tier in ("auto", "default"):
        body, adapted = build({"service_tier": tier})
        assert ("serviceTier" in body, adapted) == (False, [])


@pytest.mark.parametrize(("model", "effort", "expected"), [
    (OLD, None, None), (OLD, "none", {"thinkingBudget": 0}), (OLD, "minimal", {"thinkingBudget": 1024}),
    (OLD, "medium", {"thinkingBudget": 8192}), (OLD, "xhigh", {"thinkingBudget": 24_576}),
    ("gemini-2.5-pro", "none", {"thinkingBudget": 128}), ("gemini-2.5-pro", "max", {"thinkingBudget": 32_768}),
    ("gemini-2.5-flash-lite-preview-09-2025", "high", {"thinkingBudget": 24_576}),
    ("gemini-2.0-flash", "high", None), ("gemini-2.5-flash-image", "low", None), ("gemma-4-31b-it", "low", None),
    ("gemini-3-pro-preview", "medium", {"thinkingLevel": "HIGH"}), ("gemini-3-pro-preview", "minimal", {"thinkingLevel": "LOW"}),
    (PRO, "medium", {"thinkingLevel": "MEDIUM"}), (PRO, "none", {"thinkingLevel": "LOW"}),
    ("gemini-3-flash-preview", "none", {"thinkingLevel": "MINIMAL"}), (FLASH, "minimal", {"thinkingLevel": "MINIMAL"}),
    ("gemini-3.8-flash", "minimal", {"thinkingLevel": "LOW"}), ("gemini-3.1-flash-image-preview", "low", {"thinkingLevel": "HIGH"}),
    (NEW, "max", {"thinkingLevel": "HIGH"}), (NEW, "low", {"thinkingLevel": "LOW"}), ("gemini-flash-latest", "high", {"thinkingLevel": "HIGH"}),
    ("models/gemini-5-xenon", "high", {"thinkingLevel": "HIGH"}),
])
def test_p36_effort_by_model(model: str, effort: str | None, expected: Json | None) -> None:
    sent = msgspec.json.decode(upstream({"reasoning": {"effort": effort}}, model).content)
    assert sent.get("generationConfig", {}).get("thinkingConfig") == expected


@pytest.mark.parametrize(("model", "effort", "notes"), [
    (OLD, "none", 0), ("gemini-2.5-pro", "none", 1), (NEW, "none", 1), (NEW, "xhigh", 1), (NEW, "high", 0), ("gemini-2.0-flash", "low", 1),
    ("gemini-2.0-flash", "none", 0),
])
def test_p36_another_effort_than_asked_for_is_named(model: str, effort: str, notes: int) -> None:
    assert len(build({"reasoning": {"effort": effort}}, model)[1]) == notes


def test_p38_thoughts_are_asked_for_only_when_wanted() -> None:
    assert config({"reasoning": {"summary": "auto"}})["thinkingConfig"] == {"includeThoughts": True}
    assert config({"reasoning": {"effort": "low", "generate_summary": "auto"}}, OLD)["thinkingConfig"] == {
        "thinkingBudget": 1024, "includeThoughts": True,
    }
    assert config({"reasoning": {"effort": "none", "summary": "auto"}}, OLD)["thinkingConfig"] == {"thinkingBudget": 0}
    assert "thinkingConfig" not in config({"reasoning": {"summary": "auto"}}, "gemini-2.0-flash")


SCHEMA: Json = {"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 5}}, "required": ["n"], "additionalProperties": False}
WANTED: Json = {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}}


def test_p45_structured_output() -> None:
    body, adapted = build(WANTED)
    assert body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseSchema": {
            "type": "object", "properties": {"n": {"type": "integer", "description": '{"multipleOf":5}'}}, "required": ["n"],
        },
    }
    assert adapted == ["text.format: multipleOf are not enforced by Gemini; moved into descriptions"]
    assert config({"text": {"format": {"type": "json_object"}}}) == {"responseMimeType": "application/json"}


def test_p47_the_original_schema_is_what_the_answer_is_held_against() -> None:
    assert upstream(WANTED).schemas == {"": SCHEMA}


def test_p45_a_map_goes_as_json_schema_proper() -> None:
    schema = {"type": "object", "properties": {"m": {"type": "object", "additionalProperties": {"type": "integer"}}}}
    wanted = {"text": {"format": {"type": "json_schema", "name": "n", "schema": schema}}}
    assert config(wanted)["responseJsonSchema"] == schema


def test_p46_older_models_have_no_structured_output_beside_tools() -> None:
    failure = refused(WANTED | {"tools": [WEATHER]}, OLD)
    assert (failure.fallback, failure.param) == (True, "text.format")
    body, adapted = build(WANTED | {"tools": [WEATHER], "tool_choice": "none"}, OLD)
    assert "tools" not in body
    assert "toolConfig" not in body
    assert "responseSchema" in body["generationConfig"]
    assert any("tools" in note for note in adapted)
    assert "responseSchema" in config(WANTED | {"tools": [WEATHER, CITIES]})


@pytest.mark.parametrize("model", [OLD, NEW])
def test_p46_a_forced_call_leaves_no_text_to_format(model: str) -> None:
    body, adapted = build(WANTED | {"tools": [WEATHER], "tool_choice": "required"}, model)
    assert "generationConfig" not in body
    assert len(adapted) == 1


@pytest.mark.parametrize("fields", [
    {"prompt": {"id": "pmpt_1"}}, {"text": {"format": {"type": "grammar"}}}, {"tools": [WEATHER], "tool_choice": {"type": "hosted"}},
    {"instructions": [{"role": "user"}]},
    {"input": [{"type": "message", "role": "system", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]}]},
])
def test_what_has_no_twin_is_refused_and_may_go_elsewhere(fields: Json) -> None:
    assert refused(fields).fallback


@pytest.mark.parametrize("fields", [
    {"input": [7]}, {"input": [{"type": "message", "role": "user", "content": [7]}]}, {"tools": [{"type": "function"}]},
    {"text": {"format": {"type": "json_schema"}}}, {"temperature": "hot"},
    {"input": [{"type": "message", "role": "user", "content": {"a": 1}}]},
])
def test_a_request_that_makes_no_sense_is_refused_for_good(fields: Json) -> None:
    assert not refused(fields, OLD).fallback
