"""Errors of the chat API's servers, as HTTP answers and inside a stream or a body that was answered with 200."""

from collections.abc import Mapping
from typing import Any

from libs.contracts.decisions import Billing
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.provider_errors import SNIPPET, Meaning, Said

# Codes and types of errors, for those that come without a status.
_STATUS = {
    "rate_limit_exceeded": 429, "rate_limit_error": 429, "insufficient_quota": 429, "tokens": 429, "requests": 429,
    "invalid_request_error": 400, "BadRequestError": 400, "invalid_prompt": 400, "context_length_exceeded": 400,
    "invalid_api_key": 401, "authentication_error": 401, "permission_error": 403, "model_not_found": 404, "NotFoundError": 404,
    "timeout": 504,
}
_MODEL_UNKNOWN = frozenset({"model_not_found", "invalid_model", "model_not_available"})
# DeepSeek's whole message.
_NO_MODEL = "model not exist"
# This model, or this server, refuses what others take.
_ELSEWHERE = frozenset({
    "unsupported_parameter", "unsupported_value",
    # Mistral on messages whose order or ids we made fit: https://docs.mistral.ai/api
    "invalid_request_message_order", "invalid_function_call",
})
# Groq: the model wrote a call or a JSON that does not parse. https://console.groq.com/docs/errors
_MODEL_FAILED = frozenset({"tool_use_failed", "json_validate_failed"})
# xAI tells a wrong key with 400.
_WRONG_KEY = ("incorrect api key", "invalid api key")
# DeepSeek, when a history lacks what only it could have written.
_LACKS_THINKING = "must be passed back"
_FLAGGED = ("flagged", "requires moderation")


def http_failure(name: str, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailure:
    """An HTTP error."""
    said = _with_upstream(provider_errors.said(body))
    return provider_errors.failure(name, status, headers, said, _known(status, said))


def error_failure(name: str, said: Said, billing: Billing) -> ProviderFailure:
    """An error without an HTTP status of its own; OpenRouter and vLLM put the status into `code`."""
    said = _with_upstream(said)
    status = _STATUS.get(said.code, _STATUS.get(said.type, 500))
    if said.code.isdecimal() and 400 <= int(said.code) < 600:
        status = int(said.code)
    means = _known(status, said) or provider_errors.meaning(status, said)
    return ProviderFailure(
        f"{name} ended the answer with an error: {said.message[:SNIPPET] or 'no message'}", code=means.code,
        fallback=means.fallback, billing=billing, param=said.param, raw=said.raw,
    )


def _known(status: int, said: Said) -> Meaning | None:
    text = said.message.lower()
    if said.code in _MODEL_UNKNOWN or said.type in _MODEL_UNKNOWN or (status == 400 and text == _NO_MODEL):
        return Meaning("model_not_found", True)
    if said.code in _MODEL_FAILED:
        return Meaning("upstream_error", True, "maybe")
    if status == 400 and any(phrase in text for phrase in _WRONG_KEY):
        return Meaning("provider_key_invalid", True)
    if status == 403 and any(phrase in text for phrase in _FLAGGED):
        return Meaning("invalid_request", True)
    if status in (400, 422) and (_LACKS_THINKING in text or said.code in _ELSEWHERE or said.type in _ELSEWHERE):
        return Meaning("invalid_request", True)
    return None


def _with_upstream(said: Said) -> Said:
    """OpenRouter hides what the provider behind it said in the metadata."""
    error = said.raw.get("error") if isinstance(said.raw, dict) else None
    metadata: Any = error.get("metadata") if isinstance(error, dict) else None
    hidden = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(hidden, str) or not hidden:
        return said
    message = f"{said.message}: {hidden}"
    return Said(message=message, type=said.type, code=said.code, param=said.param, raw=said.raw)
