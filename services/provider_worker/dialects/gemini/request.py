"""A canonical request as a body for generateContent."""

from typing import Any

import msgspec

from services.provider_worker.dialect import Call
from services.provider_worker.dialects.gemini.content import texts
from services.provider_worker.dialects.gemini.history import History
from services.provider_worker.dialects.gemini.models import traits
from services.provider_worker.dialects.gemini.refusal import cannot, malformed
from services.provider_worker.dialects.gemini.sampling import SETTINGS, sampling
from services.provider_worker.dialects.gemini.thinking import thinking
from services.provider_worker.dialects.gemini.tools import Schemas, choice, definitions, response_schema
from services.provider_worker.dialects.settings import is_default

Json = dict[str, Any]

# Off is what Google documents as the default of its newest models; older ones block by probability, each in its own way. What must
# never be said is blocked regardless. https://ai.google.dev/gemini-api/docs/generate-content/safety-settings
SAFETY = [
    {"category": f"HARM_CATEGORY_{name}", "threshold": "OFF"}
    for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
]
# Translated here, or without any meaning for the provider.
_READ = frozenset({
    "model", "stream", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens",
    "reasoning", "text", "service_tier", "metadata", "store", "background", "background_options",
    "previous_response_id", "conversation", "include", "stream_options", "router_mode", "router_model", "router_provider", "provider",
    *SETTINGS,
})
_encode = msgspec.json.Encoder().encode


class RequestWriter:
    """Writes one request; `adapted` says what was changed or dropped, `schemas` holds what Gemini does not enforce."""

    def __init__(self, call: Call) -> None:
        self.adapted: list[str] = []
        self.schemas: Schemas = {}
        self._call, self._request, self._facts = call, call.request, traits(call.model)
        self._made: Json = {}
        self._settings: Json = {}

    def write(self) -> bytes:
        """The JSON to send. Raises ProviderFailure for what Gemini cannot express."""
        request, call = self._request, self._call
        if request.get("prompt") is not None:
            raise cannot("a stored prompt template", "prompt")
        history = History(call.model, call.envelopes, self.adapted, modern=self._facts.modern).read(request.get("input"))
        self._made["contents"] = history.turns
        if system := [*_instructions(request.get("instructions")), *history.system]:
            self._made["systemInstruction"] = {"parts": system}
        self._tools()
        self._format()
        self._limits()
        self._settings |= sampling(self._request, self._facts, self.adapted)
        self._tier()
        self._unknown()
        self._made["safetySettings"] = SAFETY
        if self._settings:
            self._made["generationConfig"] = self._settings
        return _encode(self._made)

    def _tools(self) -> None:
        tools, chosen = definitions(self._request, self.adapted, self.schemas), choice(self._request)
        if tools:
            self._made["tools"] = [{"functionDeclarations": tools}]
            if chosen is not None:
                self._made["toolConfig"] = {"functionCallingConfig": chosen}
        elif chosen is not None and chosen["mode"] == "ANY":
            raise malformed("tool_choice asks for a call, but there are no tools", "tool_choice")

    def _format(self) -> None:
        wanted = (self._request.get("text") or {}).get("format") or {}
        kind = wanted.get("type", "text")
        if kind == "text":
            return
        if kind not in ("json_schema", "json_object"):
            raise cannot(f"the output format {kind}", "text.format.type")
        if "tools" in self._made and not self._goes_with_tools():
            return
        self._settings["responseMimeType"] = "application/json"
        if kind == "json_schema":
            self._settings |= response_schema(wanted["schema"], self.adapted, self.schemas)

    def _goes_with_tools(self) -> bool:
        """Whether the output format can be asked for beside the tools. Raises ProviderFailure when both are needed."""
        mode = self._made.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode")
        if mode == "ANY":
            # Gemini answers 400: forced calls and a response mime type exclude each other.
            self.adapted.append("text.format was left out: a tool must be called, so that no text comes")
            return False
        if not self._facts.modern and mode != "NONE":
            raise cannot("structured output together with tools on this model", "text.format")
        if not self._facts.modern:
            del self._made["tools"], self._made["toolConfig"]
            self.adapted.append("the tools were left out: none may be called, and this model takes none beside structured output")
        return True

    def _limits(self) -> None:
        wanted, most = self._request.get("max_output_tokens"), self._call.max_output_tokens
        if wanted is not None:
            self._settings["maxOutputTokens"] = wanted if most is None else min(wanted, most)
        reasoning = self._request.get("reasoning") or {}
        thoughts = thinking(reasoning, self._facts, self._settings.get("maxOutputTokens"), self.adapted)
        if thoughts is not None:
            self._settings["thinkingConfig"] = thoughts

    def _tier(self) -> None:
        tier = self._request.get("service_tier")
        if tier in ("flex", "priority"):
            self._made["serviceTier"] = tier
        # `default` is Gemini's own default.
        elif tier not in (None, "auto", "default"):
            self.adapted.append(f"service_tier {tier} was dropped")

    def _unknown(self) -> None:
        request = self._request
        unknown = [name for name, value in request.items() if name not in _READ and not is_default(name, value)]
        if (request.get("text") or {}).get("verbosity"):
            unknown.append("text.verbosity")
        if unknown:
            self.adapted.append(f"dropped, unknown to Gemini: {', '.join(sorted(unknown))}")


def _instructions(given: Any) -> list[Json]:
    if given is not None and not isinstance(given, str):
        raise cannot("instructions other than a string", "instructions")
    return texts(given, "instructions")
