"""What a request's settings become at Anthropic."""

import msgspec
import pytest

from services.provider_worker.dialects.anthropic import Anthropic
from tests.conformance.answers import call
from tests.conformance.messages import ALWAYS, BETWEEN, MIDDLE, NEW, OLD, WEATHER, Json, build, refused, upstream


def test_p1_a_plain_request() -> None:
    body, adapted = build({"instructions": "Be kind.", "max_output_tokens": 100, "metadata": {"team": "a"}, "store": True})
    assert body == {
        "model": MIDDLE, "max_tokens": 100, "system": [{"type": "text", "text": "Be kind."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }
    assert adapted == []


def test_the_key_goes_into_its_own_header() -> None:
    assert Anthropic().authorize("sk-ant-not-a-real-key") == {"x-api-key": "sk-ant-not-a-real-key"}
    assert Anthropic().authorize("") == {}


def test_p8_max_tokens_is_always_filled_and_never_above_the_model() -> None:
    assert build({})[0]["max_tokens"] == 64_000
    assert build({}, max_output_tokens=8192)[0]["max_tokens"] == 8192
    assert build({"max_output_tokens": 99_999}, max_output_tokens=8192)[0]["max_tokens"] == 8192


def test_p9_sampling_by_model() -> None:
    body, adapted = build({"temperature": 1.7}, OLD)
    assert body["temperature"] == 1
    assert adapted == ["temperature 1.7 was sent as 1: Anthropic takes 0 to 1"]
    body, adapted = build({"temperature": 0.2, "top_p": 0.5}, OLD)
    assert (body["temperature"], "top_p" in body, len(adapted)) == (0.2, False, 1)
    assert build({"top_p": 0.5}, OLD)[0]["top_p"] == 0.5
    body, adapted = build({"temperature": 0.2}, NEW)
    assert ("temperature" in body, len(adapted)) == (False, 1)
    assert build({"temperature": 1, "top_p": 1}, NEW)[1] == []
    assert "temperature" not in build({"temperature": 0.2, "reasoning": {"effort": "high"}}, OLD)[0]


def test_p10_stop_strings() -> None:
    assert build({"stop": "END"})[0]["stop_sequences"] == ["END"]
    assert build({"stop": ["a", "b"]})[0]["stop_sequences"] == ["a", "b"]
    body, adapted = build({"stop": ["a", "\n", ""]})
    assert body["stop_sequences"] == ["a"]
    assert adapted == ["1 stop strings of blanks were left out: Anthropic takes none"]
    assert "stop_sequences" not in build({"stop": [" "]})[0]


def test_p11_settings_of_the_chat_api_are_dropped_and_named() -> None:
    _, adapted = build({"seed": 0, "logit_bias": {"1": 5}, "presence_penalty": 0.5, "frequency_penalty": 0, "top_logprobs": 0})
    assert adapted == ["dropped, unknown to Anthropic: logit_bias, presence_penalty, seed"]
    assert "logprobs" in build({"include": ["message.output_text.logprobs"]})[1][0]


def test_p11_unknown_fields_are_dropped_and_named() -> None:
    body, adapted = build({"seed": 7, "top_logprobs": 3, "text": {"verbosity": "low"}, "service_tier": "flex", "truncation": "disabled"})
    assert set(body) == {"model", "max_tokens", "messages"}
    assert adapted == ["service_tier flex was dropped", "dropped, unknown to Anthropic: seed, text.verbosity, top_logprobs"]


def test_p12_stream_options_are_not_sent() -> None:
    body, adapted = build({"stream_options": {"include_usage": True, "include_obfuscation": False}})
    assert set(body) == {"model", "max_tokens", "messages"}
    assert adapted == []


def test_p13_only_an_opaque_user_id_is_sent() -> None:
    body, _ = build({"user": "ada@example.com", "metadata": {"secret": "no"}})
    assert set(body["metadata"]) == {"user_id"}
    assert "ada" not in body["metadata"]["user_id"]


@pytest.mark.parametrize(("model", "effort", "thinking", "level"), [
    (OLD, None, None, None), (OLD, "none", None, None), (OLD, "low", {"type": "enabled", "budget_tokens": 2048}, None),
    (OLD, "max", {"type": "enabled", "budget_tokens": 32_000}, None),
    (MIDDLE, "medium", {"type": "adaptive"}, "medium"), (MIDDLE, "xhigh", {"type": "adaptive"}, "high"),
    (MIDDLE, "none", {"type": "disabled"}, None), (NEW, None, None, None), (NEW, "none", {"type": "disabled"}, None),
    (NEW, "xhigh", {"type": "adaptive"}, "xhigh"), (NEW, "minimal", {"type": "adaptive"}, "low"),
    (ALWAYS, "none", None, "low"), (BETWEEN, "none", {"type": "between_tools"}, None),
    ("claude-3-5-haiku-20241022", "high", None, None), ("claude-next-generation", "high", {"type": "adaptive"}, "high"),
    ("us.anthropic.claude-opus-4-7-v1", "high", {"type": "adaptive"}, "high"), ("claude-haiku-5-5", "none", {"type": "disabled"}, None),
])
def test_p36_effort_by_model(model: str, effort: str | None, thinking: Json | None, level: str | None) -> None:
    body, _ = build({"reasoning": {"effort": effort}, "max_output_tokens": 64_000}, model)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == level


def test_p36_a_budget_leaves_room_for_the_answer() -> None:
    body, _ = build({"reasoning": {"effort": "high"}, "max_output_tokens": 4096}, OLD)
    assert body["thinking"]["budget_tokens"] == 2048
    body, adapted = build({"reasoning": {"effort": "high"}, "max_output_tokens": 1500}, OLD)
    assert "thinking" not in body
    assert len(adapted) == 1


def test_p38_a_summary_is_asked_for_only_when_wanted() -> None:
    assert build({"reasoning": {"summary": "auto"}}, NEW)[0]["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert "thinking" not in build({"reasoning": {"summary": "auto"}}, MIDDLE)[0]


@pytest.mark.parametrize("fields", [
    {"prompt": {"id": "pmpt_1"}}, {"text": {"format": {"type": "grammar"}}}, {"tools": [WEATHER], "tool_choice": {"type": "hosted"}},
    {"input": [{"type": "message", "role": "system", "content": [{"type": "input_image", "image_url": "https://x"}]}]},
    {"instructions": [{"type": "message", "role": "developer", "content": "Be kind."}]},
])
def test_what_has_no_twin_is_refused_and_may_go_elsewhere(fields: Json) -> None:
    assert refused(fields).fallback


def test_service_tiers() -> None:
    assert build({"service_tier": "default"})[0]["service_tier"] == "standard_only"
    assert build({"service_tier": "auto"})[0]["service_tier"] == "auto"


def test_log_probabilities_are_named_when_dropped() -> None:
    assert "logprobs" in build({"include": ["message.output_text.logprobs"]})[1][0]


def test_p45_json_mode_is_asked_for_in_words() -> None:
    body, adapted = build({"instructions": "Hi.", "text": {"format": {"type": "json_object"}}})
    assert "JSON" in body["system"][1]["text"]
    assert len(adapted) == 1
    assert upstream({"text": {"format": {"type": "json_object"}}}).schemas == {"": {"type": "object"}}


def test_the_stream_flag_follows_the_call() -> None:
    assert msgspec.json.decode(Anthropic().build(call({"input": "Hi"}, model=MIDDLE)).content)["stream"] is True
    assert "stream" not in build({"stream": True})[0]
