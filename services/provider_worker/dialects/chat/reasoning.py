"""`reasoning.effort` in the server's terms."""

from fnmatch import fnmatchcase
from typing import Any

from services.provider_worker.dialects.chat.draft import Draft, malformed

Json = dict[str, Any]


def reasoning(draft: Draft, *, forced: bool) -> tuple[Json, bool]:
    """The fields that ask for it, and whether the model will think. `forced`: a tool must be called."""
    quirks = draft.quirks
    effort = (draft.request.get("reasoning") or {}).get("effort")
    if not isinstance(effort, str | None):
        raise malformed("reasoning.effort must be a string", "reasoning.effort")
    thinks = quirks.thinks_by_default if effort is None else effort != "none"
    if thinks and forced and quirks.forced_excludes_thinking:
        draft.note("thinking was switched off: it excludes a forced tool call")
        return dict(quirks.thinking_off), False
    if effort is None and thinks and draft.call.frugal and quirks.thinking_off:
        draft.note("thinking was switched off, as the mode asks for little cost or latency; set reasoning.effort to have it")
        return dict(quirks.thinking_off), False
    if effort is None:
        return {}, thinks
    if effort == "none" and quirks.thinking_off:
        return dict(quirks.thinking_off), False
    word = _efforts(draft).get(effort)
    if word is None:
        draft.note(f"reasoning.effort {effort} was dropped: {draft.name} does not take it for {draft.call.model}")
        return {}, quirks.thinks_by_default
    if word != effort:
        draft.note(f"reasoning.effort {effort} was sent as {word}")
    return _nested(quirks.effort_field, word) | (quirks.thinking_on if thinks else {}), thinks


def _efforts(draft: Draft) -> dict[str, str]:
    for pattern, efforts in draft.quirks.model_efforts.items():
        if fnmatchcase(draft.call.model, pattern):
            return efforts
    return draft.quirks.efforts


def _nested(path: str, value: str) -> Json:
    made: Any = value
    for name in reversed(path.split(".")):
        made = {name: made}
    return made  # type: ignore[no-any-return]
