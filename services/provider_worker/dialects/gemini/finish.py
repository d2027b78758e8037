"""Why Gemini stopped, as the status of a response. https://ai.google.dev/api/generate-content#FinishReason"""

from typing import Literal

from services.provider_worker.dialect import ProviderFailure

Status = Literal["completed", "incomplete", "failed"]

_FILTERED = frozenset({
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "ESCALATION", "MODEL_ARMOR", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
})
# CONTINUATION: longer than one request may bring; going on takes a token that a Responses client cannot carry.
_CUT = frozenset({"MAX_TOKENS", "CONTINUATION"})
# The model tripped over its own answer; the next attempt usually does not.
_BROKEN = frozenset({
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE", "MISSING_THOUGHT_SIGNATURE",
    "OTHER",
})
_LOCKED_OUT = "PUP_LIMITED_DISABLED"


def status(finish_reason: str, *, blocked: bool) -> tuple[Status, str | None]:
    """The status, and the reason for an incomplete answer. `blocked`: there is no answer because of the prompt."""
    if finish_reason == "STOP":
        return "completed", None
    if finish_reason in _CUT:
        return "incomplete", "max_output_tokens"
    if finish_reason in _FILTERED or (blocked and not finish_reason):
        return "incomplete", "content_filter"
    # A reason that is not known yet is no proof of a whole answer.
    return ("failed", None) if finish_reason in _BROKEN or finish_reason == _LOCKED_OUT else ("incomplete", None)


def failure(finish_reason: str, complaint: str) -> ProviderFailure | None:
    """For an answer that another attempt may do better; None for any other."""
    if finish_reason == _LOCKED_OUT:
        return ProviderFailure(complaint, code="provider_key_invalid")
    return ProviderFailure(complaint, billing="billed") if finish_reason in _BROKEN else None
