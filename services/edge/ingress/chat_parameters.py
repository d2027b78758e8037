"""Sampling, output and account settings of a Chat Completions request."""

from typing import Any

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.chat_fields import expect

Json = dict[str, Any]

# The same here and there; the last of them have no field in the Responses API, and the dialects map them.
_SAME = (
    "model", "stream", "metadata", "user", "safety_identifier", "service_tier", "moderation", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "temperature", "top_p", "router_mode", "router_model", "router_provider", "provider",
    "seed", "presence_penalty", "frequency_penalty", "logit_bias",
)
_FORMATS = frozenset({"text", "json_object", "json_schema"})
_SCHEMA_FIELDS = ("name", "description", "schema", "strict")


def parameters(given: Json) -> Json:
    """The settings of a checked body. Raises InvalidRequest."""
    _refuse_audio(given)
    made = {name: given[name] for name in _SAME if name in given}
    # Chat completions are only stored when asked for; responses unless told not to.
    made["store"] = given.get("store", False)
    limit = given.get("max_completion_tokens", given.get("max_tokens"))
    if limit is not None:
        made["max_output_tokens"] = limit
    if stops := _stops(given.get("stop")):
        made["stop"] = stops
    for token, bias in given.get("logit_bias", {}).items():
        if type(bias) not in (int, float):
            where = f"logit_bias.{token[:32]}"
            raise InvalidRequest(f"{where} must be a number.", param=where)
    reasoning = _reasoning(given)
    if reasoning:
        made["reasoning"] = reasoning
    return made | _logprobs(given) | _include(given, reasoning.get("effort", "")) | _text(given) | _stream_options(given)


def _refuse_audio(given: Json) -> None:
    for index, kind in enumerate(given.get("modalities", [])):
        if kind != "text":
            raise InvalidRequest(f'modalities[{index}] must be "text", the only kind of answer there is.', param=f"modalities[{index}]")


def _stops(stop: str | list[Any] | None) -> list[str]:
    if isinstance(stop, str):
        return [stop]
    return [expect(str, one, "a string", f"stop[{index}]") for index, one in enumerate(stop or [])]


def _logprobs(given: Json) -> Json:
    most = given.get("top_logprobs")
    if given.get("logprobs"):
        return {"top_logprobs": most or 0}
    if most:
        raise InvalidRequest("top_logprobs needs logprobs to be true.", param="top_logprobs")
    return {}


def _include(given: Json, effort: str) -> Json:
    """Thoughts are kept by the client. OpenAI seals them when asked to, and refuses to for a model that does not reason:
    https://github.com/pydantic/pydantic-ai/issues/2865"""
    wanted = ["message.output_text.logprobs"] if given.get("logprobs") else []
    if effort not in ("", "none"):
        wanted.append("reasoning.encrypted_content")
    return {"include": wanted} if wanted else {}


def _text(given: Json) -> Json:
    text: Json = {}
    if "response_format" in given:
        text["format"] = _format(given["response_format"])
    if "verbosity" in given:
        text["verbosity"] = given["verbosity"]
    return {"text": text} if text else {}


def _format(wanted: Json) -> Json:
    kind = wanted.get("type")
    if not isinstance(kind, str) or kind not in _FORMATS:
        raise InvalidRequest("response_format.type must be text, json_object or json_schema.", param="response_format.type")
    if kind != "json_schema":
        return {"type": kind}
    where = "response_format.json_schema"
    nested = expect(dict, wanted.get("json_schema"), "an object with name and schema", where)
    made = {"name": "response"} | {name: nested[name] for name in _SCHEMA_FIELDS if nested.get(name) is not None}
    expect(dict, made.get("schema"), "a JSON schema object", f"{where}.schema")
    expect(str, made["name"], "a string", f"{where}.name")
    return {"type": kind} | made


def _reasoning(given: Json) -> Json:
    """`reasoning_effort`, or the same in the object that OpenRouter and the Responses API have."""
    nested = given.get("reasoning", {})
    asked = {"effort": given.get("reasoning_effort", nested.get("effort")), "summary": nested.get("summary")}
    made = {name: value for name, value in asked.items() if value is not None}
    return {name: expect(str, value, "a string", f"reasoning.{name}") for name, value in made.items()}


def _stream_options(given: Json) -> Json:
    """Usage is the format's affair; what is left is a matter between the provider and its network."""
    options = given.get("stream_options", {})
    for name in ("include_usage", "include_obfuscation"):
        if options.get(name) is not None:
            expect(bool, options[name], "true or false", f"stream_options.{name}")
    hidden = options.get("include_obfuscation")
    return {} if hidden is None else {"stream_options": {"include_obfuscation": hidden}}
