"""Sampling and other settings: only what the server takes, the rest by name in the trace."""

from typing import Any

from services.provider_worker.dialects.chat.draft import Draft

Json = dict[str, Any]

# Translated elsewhere, or without any meaning for the provider.
_READ = frozenset({
    "model", "stream", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "reasoning",
    "text", "metadata", "store", "background", "background_options", "previous_response_id", "conversation", "include",
    "stream_options", "router_mode", "router_model", "router_provider", "provider", "safety_identifier", "prompt",
})
# A setting that only says what happens anyway is not worth a note.
_DEFAULTS: Json = {
    "n": 1, "temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0, "top_logprobs": 0,
    "truncation": "disabled", "service_tier": "auto",
}


def parameters(draft: Draft, *, thinks: bool) -> Json:
    """The settings to send. `thinks`: the model will think, which makes some of them pointless."""
    quirks, made, dropped, idle = draft.quirks, {}, [], []
    for name, value in _wanted(draft):
        if name not in quirks.parameters:
            if value != _DEFAULTS.get(name):
                dropped.append(name)
        elif thinks and name in quirks.ignored_while_thinking:
            if value != _DEFAULTS.get(name):
                idle.append(name)
        else:
            made[quirks.renamed.get(name, name)] = _limited(name, value, draft)
    if idle:
        draft.note(f"dropped, without effect while {draft.name} thinks: {', '.join(sorted(idle))}")
    if "message.output_text.logprobs" in (draft.request.get("include") or ()):
        dropped.append("message.output_text.logprobs")
    if dropped:
        draft.note(f"dropped, not taken by {draft.name}: {', '.join(sorted(dropped))}")
    return made | _max_tokens(draft)


def _wanted(draft: Draft) -> list[tuple[str, Any]]:
    request = draft.request
    wanted = [(name, value) for name, value in request.items() if name not in _READ and value is not None]
    if verbosity := (request.get("text") or {}).get("verbosity"):
        wanted.append(("verbosity", verbosity))
    if person := request.get("safety_identifier"):
        # The younger name of `user`, which fewer servers know.
        known = "safety_identifier" in draft.quirks.parameters or request.get("user")
        wanted.append(("safety_identifier" if known else "user", person))
    return wanted


def _limited(name: str, value: Any, draft: Draft) -> Any:
    if name == "temperature" and isinstance(value, int | float) and value > draft.quirks.max_temperature:
        draft.note(f"temperature {value} was lowered to {draft.quirks.max_temperature:g}, the highest that {draft.name} takes")
        return draft.quirks.max_temperature
    if name == "stop" and isinstance(value, list) and len(value) > draft.quirks.max_stops:
        raise draft.cannot(f"more than {draft.quirks.max_stops} stop strings", "stop")
    return value


def _max_tokens(draft: Draft) -> Json:
    wanted, most = draft.request.get("max_output_tokens"), draft.call.max_output_tokens
    if wanted is None:
        return {}
    if most is not None and wanted > most:
        draft.note(f"max_output_tokens {wanted} was lowered to {most}, the most that the model writes")
        wanted = most
    return {draft.quirks.max_tokens_field: wanted}
