"""A canonical request as a body for the Messages API."""

from hashlib import sha256
from typing import Any

import msgspec

from services.provider_worker.dialect import Call
from services.provider_worker.dialects.anthropic.history import History, thinks_before_last_call
from services.provider_worker.dialects.anthropic.models import Traits, traits
from services.provider_worker.dialects.anthropic.refusal import cannot
from services.provider_worker.dialects.anthropic.schema import restricted
from services.provider_worker.dialects.anthropic.thinking import thinking
from services.provider_worker.dialects.anthropic.tools import choice, definitions, is_forced, undeclared

Json = dict[str, Any]

_JSON_MODE = "Answer with one valid JSON object and nothing else."
# Translated here, or without any meaning for the provider.
_READ = frozenset({
    "model", "stream", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "temperature",
    "top_p", "reasoning", "text", "user", "safety_identifier", "stop", "service_tier", "metadata", "store", "background",
    "background_options", "previous_response_id", "conversation", "include", "stream_options", "router_mode", "router_model",
    "router_provider", "provider",
})
_TIERS = {"default": "standard_only", "auto": "auto"}
_encode = msgspec.json.Encoder().encode


def body(call: Call) -> tuple[bytes, list[str]]:
    """The JSON to send and what was adapted. Raises ProviderFailure for what Anthropic cannot express."""
    request, facts = call.request, traits(call.model)
    adapted: list[str] = []
    if request.get("prompt") is not None:
        raise cannot("a stored prompt template", "prompt")
    history = History(call.model, call.envelopes, adapted).read(request.get("input"))
    made: Json = {"model": call.model, "max_tokens": _max_tokens(call, facts), "messages": history.turns}
    system = [request["instructions"], *history.system] if request.get("instructions") else history.system
    _format(request, facts, made, system, adapted)
    if blocks := [{"type": "text", "text": text} for text in system if text.strip()]:
        made["system"] = blocks
    _tools(request, facts, history, made, adapted)
    _reasoning(request, facts, history, made, adapted)
    _sampling(request, facts, made, adapted)
    _settings(request, made, adapted)
    if call.stream:
        made["stream"] = True
    return _encode(made), adapted


def _max_tokens(call: Call, facts: Traits) -> int:
    """Anthropic wants a cap; OpenAI's absent one means as much as the model can."""
    most = call.max_output_tokens or facts.max_output
    wanted = call.request.get("max_output_tokens")
    return most if wanted is None else min(wanted, most)


def _format(request: Json, facts: Traits, made: Json, system: list[str], adapted: list[str]) -> None:
    wanted = (request.get("text") or {}).get("format") or {}
    kind = wanted.get("type", "text")
    if kind == "json_schema":
        if not facts.structured:
            raise cannot("structured output on this model", "text.format")
        schema = restricted(wanted["schema"], adapted, "text.format")
        made["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    elif kind == "json_object":
        adapted.append("json_object was asked for in the system prompt: Anthropic has no JSON mode without a schema")
        system.append(_JSON_MODE)
    elif kind != "text":
        raise cannot(f"the output format {kind}", "text.format.type")


def _tools(request: Json, facts: Traits, history: History, made: Json, adapted: list[str]) -> None:
    tools = definitions(request, facts, adapted)
    if tools:
        made["tools"] = tools
        chosen = choice(request, facts)
        if chosen is not None:
            made["tool_choice"] = chosen
    elif history.tool_names:
        adapted.append("the history calls tools that the request does not define; they were declared, and calls switched off")
        made["tools"], made["tool_choice"] = undeclared(history.tool_names), {"type": "none"}


def _reasoning(request: Json, facts: Traits, history: History, made: Json, adapted: list[str]) -> None:
    mode, effort = thinking(
        request.get("reasoning") or {}, facts, max_tokens=made["max_tokens"], forced=is_forced(made.get("tool_choice")),
        resumable=thinks_before_last_call(history.turns), adapted=adapted,
    )
    if mode is not None:
        made["thinking"] = mode
    if effort is not None:
        made.setdefault("output_config", {})["effort"] = effort


def _sampling(request: Json, facts: Traits, made: Json, adapted: list[str]) -> None:
    temperature, top_p = request.get("temperature"), request.get("top_p")
    if temperature is None and top_p is None:
        return
    if not facts.sampling or made.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        if temperature not in (None, 1) or top_p not in (None, 1):
            why = "with thinking" if facts.sampling else "on this model"
            adapted.append(f"temperature and top_p were dropped: Anthropic does not take them {why}")
        return
    if temperature is not None:
        made["temperature"] = min(max(temperature, 0), 1)
        if made["temperature"] != temperature:
            adapted.append(f"temperature {temperature} was lowered to 1, Anthropic's highest")
        if top_p not in (None, 1):
            adapted.append("top_p was dropped: Anthropic takes it or temperature")
    elif top_p is not None:
        made["top_p"] = top_p


def _settings(request: Json, made: Json, adapted: list[str]) -> None:
    stop = request.get("stop")
    if stop:
        made["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    person = request.get("safety_identifier") or request.get("user")
    if person:
        # Anthropic asks for an opaque id; what clients send is often a mail address.
        made["metadata"] = {"user_id": sha256(person.encode()).hexdigest()}
    tier = request.get("service_tier")
    if tier in _TIERS:
        made["service_tier"] = _TIERS[tier]
    elif tier is not None:
        adapted.append(f"service_tier {tier} was dropped")
    unknown = [name for name, value in request.items() if name not in _READ and value not in (None, "disabled", 0)]
    if (request.get("text") or {}).get("verbosity"):
        unknown.append("text.verbosity")
    if "message.output_text.logprobs" in (request.get("include") or ()):
        unknown.append("message.output_text.logprobs")
    if unknown:
        adapted.append(f"dropped, unknown to Anthropic: {', '.join(sorted(unknown))}")
