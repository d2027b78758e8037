"""A canonical request as a body for the Messages API."""

from hashlib import sha256
from typing import Any

import msgspec

from services.provider_worker.dialect import Call
from services.provider_worker.dialects.anthropic.history import History, thinks_before_last_call
from services.provider_worker.dialects.anthropic.models import traits
from services.provider_worker.dialects.anthropic.refusal import cannot, malformed
from services.provider_worker.dialects.anthropic.strict import FORMAT, Strict
from services.provider_worker.dialects.anthropic.thinking import thinking
from services.provider_worker.dialects.anthropic.tools import choice, definitions, is_forced, undeclared
from services.provider_worker.dialects.settings import LOGPROBS, is_default, stop_strings

Json = dict[str, Any]

_JSON_MODE = "Answer with one valid JSON object and nothing else."
# Translated here, or without any meaning for the provider.
_READ = frozenset({
    "model", "stream", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "temperature",
    "top_p", "reasoning", "text", "user", "safety_identifier", "stop", "service_tier", "metadata", "store", "background",
    "background_options", "previous_response_id", "conversation", "include", "stream_options", "router_mode", "router_model",
    "router_provider", "provider",
})
_JSON_OBJECT: Json = {"type": "object"}
_TIERS = {"default": "standard_only", "auto": "auto"}
_encode = msgspec.json.Encoder().encode


class RequestWriter:
    """Writes one request: `made` is the body, `adapted` says what was changed or dropped."""

    def __init__(self, call: Call) -> None:
        self.made: Json = {}
        self.adapted: list[str] = []
        self._call, self._request, self._facts = call, call.request, traits(call.model)
        self.strict = Strict(self._facts, self.adapted)
        self._system: list[str] = []

    def write(self) -> bytes:
        """The JSON to send. Raises ProviderFailure for what Anthropic cannot express."""
        request = self._request
        if request.get("prompt") is not None:
            raise cannot("a stored prompt template", "prompt")
        history = History(self._call.model, self._call.envelopes, self.adapted).read(request.get("input"))
        self.made = {"model": self._call.model, "max_tokens": self._max_tokens(), "messages": history.turns}
        self._instruct(history)
        self._format()
        if blocks := [{"type": "text", "text": text} for text in self._system if text.strip()]:
            self.made["system"] = blocks
        self._tools(history)
        self._reasoning(history)
        self._sampling()
        self._settings()
        if self._call.stream:
            self.made["stream"] = True
        return _encode(self.made)

    def _max_tokens(self) -> int:
        """Anthropic wants a cap; OpenAI's absent one means as much as the model can."""
        most = self._call.max_output_tokens or self._facts.max_output
        wanted = self._request.get("max_output_tokens")
        return most if wanted is None else min(wanted, most)

    def _instruct(self, history: History) -> None:
        instructions = self._request.get("instructions") or ""
        if not isinstance(instructions, str):
            raise cannot("instructions other than a string", "instructions")
        self._system = [instructions, *history.system]

    def _format(self) -> None:
        wanted = (self._request.get("text") or {}).get("format") or {}
        kind = wanted.get("type", "text")
        if kind == "json_schema":
            self.made["output_config"] = {"format": {"type": "json_schema", "schema": self.strict.format(wanted["schema"])}}
        elif kind == "json_object":
            self.adapted.append("json_object was asked for in the system prompt: Anthropic has no JSON mode without a schema")
            self._system.append(_JSON_MODE)
            self.strict.unenforced[FORMAT] = _JSON_OBJECT
        elif kind != "text":
            raise cannot(f"the output format {kind}", "text.format.type")

    def _tools(self, history: History) -> None:
        tools = definitions(self._request, self.strict)
        chosen = choice(self._request, self._facts)
        if tools:
            self.made["tools"] = tools
            if chosen is not None:
                self.made["tool_choice"] = chosen
        elif is_forced(chosen):
            raise malformed("tool_choice asks for a call, but there are no tools", "tool_choice")
        elif history.tool_names:
            self.adapted.append("the history calls tools that the request does not define; they were declared, and calls switched off")
            self.made["tools"], self.made["tool_choice"] = undeclared(history.tool_names), {"type": "none"}

    def _reasoning(self, history: History) -> None:
        mode, effort = thinking(
            self._request.get("reasoning") or {}, self._facts, max_tokens=self.made["max_tokens"],
            forced=is_forced(self.made.get("tool_choice")), resumable=thinks_before_last_call(history.turns), adapted=self.adapted,
        )
        if mode is not None:
            self.made["thinking"] = mode
        if effort is not None:
            self.made.setdefault("output_config", {})["effort"] = effort

    def _sampling(self) -> None:
        temperature, top_p = self._request.get("temperature"), self._request.get("top_p")
        if temperature is None and top_p is None:
            return
        if not self._facts.sampling or self.made.get("thinking", {}).get("type") in ("enabled", "adaptive"):
            if temperature not in (None, 1) or top_p not in (None, 1):
                why = "with thinking" if self._facts.sampling else "on this model"
                self.adapted.append(f"temperature and top_p were dropped: Anthropic does not take them {why}")
            return
        if temperature is not None:
            self.made["temperature"] = min(max(temperature, 0), 1)
            if self.made["temperature"] != temperature:
                self.adapted.append(f"temperature {temperature} was sent as {self.made['temperature']}: Anthropic takes 0 to 1")
            if top_p not in (None, 1):
                self.adapted.append("top_p was dropped: Anthropic takes it or temperature")
        elif top_p is not None:
            self.made["top_p"] = top_p

    def _settings(self) -> None:
        request = self._request
        self._stops()
        person = request.get("safety_identifier") or request.get("user")
        if person:
            # Anthropic asks for an opaque id; what clients send is often a mail address.
            self.made["metadata"] = {"user_id": sha256(person.encode()).hexdigest()}
        tier = request.get("service_tier")
        if tier in _TIERS:
            self.made["service_tier"] = _TIERS[tier]
        elif tier is not None:
            self.adapted.append(f"service_tier {tier} was dropped")
        self._drop_unknown()

    def _stops(self) -> None:
        given = stop_strings(self._request)
        # "each stop sequence must contain non-whitespace"
        stops = [text for text in given if text.strip()]
        if len(stops) < len(given):
            self.adapted.append(f"{len(given) - len(stops)} stop strings of blanks were left out: Anthropic takes none")
        if stops:
            self.made["stop_sequences"] = stops

    def _drop_unknown(self) -> None:
        unknown = [name for name, value in self._request.items() if name not in _READ and not is_default(name, value)]
        if (self._request.get("text") or {}).get("verbosity"):
            unknown.append("text.verbosity")
        if LOGPROBS in (self._request.get("include") or ()):
            unknown.append(LOGPROBS)
        if unknown:
            self.adapted.append(f"dropped, unknown to Anthropic: {', '.join(sorted(unknown))}")
