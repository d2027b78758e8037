"""Sampling and other settings: only what the server takes, the rest by name in the trace."""

from typing import Any

from services.provider_worker.dialects.chat import logprobs
from services.provider_worker.dialects.chat.draft import Draft
from services.provider_worker.dialects.settings import is_default, stop_strings

Json = dict[str, Any]

# Translated elsewhere, or without any meaning for the provider.
_READ = frozenset({
    "model", "stream", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "max_output_tokens", "reasoning",
    "text", "metadata", "store", "background", "background_options", "previous_response_id", "conversation", "include",
    "stream_options", "router_mode", "router_model", "router_provider", "provider", "safety_identifier", "prompt",
    "stop", "top_logprobs",
})


def parameters(draft: Draft, *, thinks: bool) -> Json:
    """The settings to send. `thinks`: the model will think, which makes some of them pointless."""
    made: Json = {}
    dropped: dict[str, list[str]] = {}
    for name, value in _wanted(draft):
        why = _why_not(name, draft, thinks=thinks)
        if why is None:
            made[draft.quirks.renamed.get(name, name)] = _limited(name, value, draft)
        elif not is_default(name, value):
            dropped.setdefault(why, []).append(name)
    for why, names in dropped.items():
        draft.note(f"dropped, {why}: {', '.join(sorted(names))}")
    return made | logprobs.ask(draft, thinks=thinks) | _max_tokens(draft)


def _why_not(name: str, draft: Draft, *, thinks: bool) -> str | None:
    """Why a setting is not sent; None when it is."""
    if name not in draft.quirks.parameters:
        return f"not taken by {draft.name}"
    if draft.call.reasoning and name in draft.quirks.unless_reasoning:
        return f"not taken by {draft.name} for models that think"
    return f"without effect while {draft.name} thinks" if thinks and name in draft.quirks.ignored_while_thinking else None


def _wanted(draft: Draft) -> list[tuple[str, Any]]:
    request = draft.request
    wanted = [(name, value) for name, value in request.items() if name not in _READ and value is not None]
    if stops := stop_strings(request):
        wanted.append(("stop", stops))
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
    if name == "stop" and len(value) > draft.quirks.max_stops:
        draft.note(f"only the first {draft.quirks.max_stops} stop strings were sent: {draft.name} takes no more")
        return value[: draft.quirks.max_stops]
    return value


def _max_tokens(draft: Draft) -> Json:
    wanted, most = draft.request.get("max_output_tokens"), draft.call.max_output_tokens
    if wanted is None:
        return {}
    if most is not None and wanted > most:
        draft.note(f"max_output_tokens {wanted} was lowered to {most}, the most that the model writes")
        wanted = most
    return {draft.quirks.max_tokens_field: wanted}
