"""Mistral.

https://docs.mistral.ai/api/endpoint/chat
"""

import re
import secrets
import uuid
from typing import Any

from services.sandbox import ids, models
from services.sandbox.asked import Problem, Usage
from services.sandbox.chat.provider import Fault, Mistake, Provider

_ORDER = "invalid_request_message_order"
_SAID = frozenset({"text", "thinking", "reference", "tool_reference"})
_SEEN = _SAID | {"image_url", "document_url", "file", "input_audio"}
_FAULTS: dict[Mistake, Fault] = {
    "model_missing": Fault("Field required", 422, "missing", param="model"),
    "model_unknown": Fault("Invalid model: {model}", 400, "invalid_model", "1500"),
    "field_unknown": Fault("Extra inputs are not permitted", 422, "extra_forbidden", param="{name}"),
    "temperature": Fault("Input should be less than or equal to 1.5", 422, "less_than_equal", param="temperature"),
    "limit": Fault("Input should be greater than or equal to 0", 422, "greater_than_equal", param="{name}"),
    "messages_missing": Fault("Field required", 422, "missing", param="messages"),
    "messages_empty": Fault("Conversation must have at least one message", 400, _ORDER, "3230"),
    "role_unknown": Fault(
        "Input tag '{role}' found using 'role' does not match any of the expected tags: 'system', 'user', 'assistant', 'tool'",
        422, "union_tag_invalid", param="messages.{index}",
    ),
    "message_field": Fault("Extra inputs are not permitted", 422, "extra_forbidden", param="messages.{index}.{role}.{name}"),
    "part_unknown": Fault(
        "Input tag '{kind}' found using 'type' does not match any of the expected tags: {known}",
        422, "union_tag_invalid", param="messages.{index}.{role}.content.{number}",
    ),
    "content_missing": Fault(
        "Assistant message must have either content or tool_calls, but not none.", 400, "invalid_request_assistant_message", "3240",
    ),
    "call_id": Fault("Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.", 400, "invalid_function_call", "3280"),
    "calls_unanswered": Fault("Not the same number of function calls and responses", 400, _ORDER, "3230"),
    "result_orphan": Fault("Unexpected tool call id {id} in tool results", 400, _ORDER, "3230"),
    "role_order": Fault("Unexpected role '{role}' after role '{before}'", 400, _ORDER, "3230"),
    "last_role": Fault(
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got {role}", 400, _ORDER, "3230",
    ),
    "tool_shape": Fault("Field required", 422, "missing", param="tools.{index}.function"),
    "tool_name": Fault(
        "Function name was {name} but must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64.",
        400, "invalid_function_call", "3280",
    ),
    "choice_unknown": Fault("Input should be 'auto', 'none', 'any' or 'required'", 422, "enum", param="tool_choice"),
    "choice_unfound": Fault("Tool choice {name} is not among the tools", 400, "invalid_request_error"),
    "format_unknown": Fault("Input should be 'text', 'json_object' or 'json_schema'", 422, "enum", param="response_format.type"),
}  # fmt: skip
_ERROR_TYPES = {
    429: ("rate_limited", "1300"), 500: ("internal_server_error", "1000"), 503: ("unreachable_backend", "1100"),
    529: ("unreachable_backend", "1100"),
}  # fmt: skip


def _error(problem: Problem) -> dict[str, Any]:
    if problem.status == 401:
        return {"detail": "Unauthorized"}
    if problem.status == 422:
        steps = [int(step) if step.isdecimal() else step for step in ["body", *(problem.param or "").split(".")]]
        return {"detail": [{"type": problem.kind, "loc": steps, "msg": problem.message, "input": problem.details}]}
    kind, code = _ERROR_TYPES.get(problem.status, ("invalid_request_error", None))
    said = {"message": problem.message, "type": problem.kind or kind, "param": None, "code": problem.code or code}
    return {"object": "error"} | said


def _card(name: str) -> dict[str, Any]:
    does = {"completion_chat": True, "function_calling": True, "reasoning": name.startswith("magistral"), "vision": True}
    return {
        "id": name, "object": "model", "created": 1760000000, "owned_by": "mistralai", "capabilities": does, "name": name,
        "description": "A sandbox's stand-in.", "max_context_length": 131072, "aliases": [], "deprecation": None, "type": "base",
    }  # fmt: skip


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.read, "total_tokens": usage.read + usage.written, "completion_tokens": usage.written,
        "prompt_tokens_details": {"cached_tokens": usage.cached}, "service_tier": "standard",
    }  # fmt: skip


MISTRAL = Provider(
    models=models.MISTRAL,
    listed=models.MISTRAL_LISTED,
    faults=_FAULTS,
    # No `stream_options`, `user`, `seed` or `max_completion_tokens`.
    fields=frozenset({
        "model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "metadata", "response_format", "tools",
        "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction", "parallel_tool_calls", "prompt_mode", "reasoning_effort",
        "guardrails", "safe_prompt", "prompt_cache_key", "service_tier", "min_tokens", "repetition_penalty", "top_k", "logprobs",
        "top_logprobs", "prompt_logprobs", "top_prompt_logprobs",
    }),
    message_fields={
        "system": frozenset({"role", "content"}), "user": frozenset({"role", "content"}),
        "assistant": frozenset({"role", "content", "tool_calls", "prefix"}),
        "tool": frozenset({"role", "content", "tool_call_id", "name"}),
    },
    parts={"system": _SAID, "user": _SEEN, "assistant": _SAID, "tool": _SEEN},
    follows={
        "system": frozenset({"system", "user", "assistant"}), "user": frozenset({"system", "user", "assistant"}),
        "assistant": frozenset({"user", "assistant", "tool"}), "tool": frozenset({"assistant", "tool"}),
    },
    call_id=re.compile(r"[a-zA-Z0-9]{9}"),
    choices=frozenset({"auto", "none", "any", "required"}),
    hottest=1.5,
    thinks=lambda model, request: model.startswith("magistral") or request.get("reasoning_effort") not in (None, "none"),
    caches=lambda request: bool(request.get("prompt_cache_key")),
    error=_error,
    headers=lambda: {"mistral-correlation-id": str(uuid.uuid4())},
    card=_card,
    new_id=lambda: secrets.token_hex(16),
    new_call_id=lambda number: ids.letters("", 9),
    logprobs=False,
    thoughts="parts",
    silent="",
    typed_calls=False,
    whole_calls=True,
    finishes={"end": "stop", "max_tokens": "length", "stop_sequence": "stop", "tools": "tool_calls", "refusal": "stop"},
    breakdown="error",
    usage=_usage,
)  # fmt: skip
