"""DeepSeek.

https://api-docs.deepseek.com/api/create-chat-completion
"""

import re
import uuid
from typing import Any

from services.sandbox import ids, models
from services.sandbox.asked import Problem, Usage
from services.sandbox.chat.provider import Fault, Mistake, Provider
from services.sandbox.framing import KEPT_ALIVE

_TEXT = frozenset({"text"})
_TYPE = "Failed to deserialize the JSON body into the target type: "
_FAULTS: dict[Mistake, Fault] = {
    "model_missing": Fault(_TYPE + "missing field `model`"),
    "model_unknown": Fault("Model Not Exist"),
    "temperature": Fault("Invalid temperature value, the valid range of temperature is [0, 2]"),
    "limit": Fault("Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"),
    "messages_missing": Fault(_TYPE + "missing field `messages`"),
    "messages_empty": Fault("Empty input messages"),
    "role_unknown": Fault(
        _TYPE + "messages[{index}].role: unknown variant `{role}`, expected one of `system`, `user`, `assistant`, `tool`"
    ),
    "part_unknown": Fault(_TYPE + "messages[{index}]: unknown variant `{kind}`, expected `text`"),
    "content_array": Fault(_TYPE + "messages[{index}]: invalid type: sequence, expected a string"),
    "content_missing": Fault("Invalid assistant message: content or tool_calls must be set"),
    "calls_unanswered": Fault(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        "(insufficient tool messages following tool_calls message)"
    ),
    "result_orphan": Fault("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"),
    # https://api-docs.deepseek.com/guides/thinking_mode#tool-calls
    "reasoning_missing": Fault("The `reasoning_content` in the thinking mode must be passed back to the API."),
    "tool_shape": Fault(_TYPE + "tools[{index}]: missing field `function`"),
    "tool_name": Fault(
        "Invalid 'tools[{index}].function.name': string does not match pattern. Expected a string that matches the pattern "
        "'^[a-zA-Z0-9_-]+$'."
    ),
    "choice_unknown": Fault(_TYPE + "tool_choice: unknown variant `{choice}`, expected one of `none`, `auto`, `required`"),
    "choice_unfound": Fault("tool_choice: function '{name}' is not among the tools"),
    "choice_thinking": Fault("Thinking mode does not support this tool_choice"),
    "format_unknown": Fault("This response_format type is unavailable now"),
    "json_unnamed": Fault("Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'."),
}  # fmt: skip
_ERROR_TYPES = {
    401: "authentication_error", 402: "unknown_error", 429: "rate_limit_error", 500: "server_error", 503: "service_unavailable_error",
}  # fmt: skip


def _error(problem: Problem) -> dict[str, Any]:
    kind = _ERROR_TYPES.get(problem.status, "invalid_request_error")
    code = kind if problem.status >= 429 else "invalid_request_error"
    return {"error": {"message": problem.message, "type": kind, "param": None, "code": code}}


def _thinks(model: str, request: dict[str, Any]) -> bool:
    """By default; of the old names, one never did and one always does."""
    wanted = (request.get("thinking") or {}).get("type")
    return wanted == "enabled" if model == "deepseek-chat" else wanted != "disabled"


def _usage(usage: Usage) -> dict[str, Any]:
    thought = {"completion_tokens_details": {"reasoning_tokens": usage.thinking}} if usage.thinking else {}
    return {
        "prompt_tokens": usage.read, "completion_tokens": usage.written, "total_tokens": usage.read + usage.written,
        "prompt_tokens_details": {"cached_tokens": usage.cached}, **thought,
        "prompt_cache_hit_tokens": usage.cached, "prompt_cache_miss_tokens": usage.read - usage.cached,
    }  # fmt: skip


DEEPSEEK = Provider(
    models=models.DEEPSEEK,
    listed=models.DEEPSEEK_LISTED,
    faults=_FAULTS,
    # Others are ignored, `parallel_tool_calls` among them.
    fields=frozenset({
        "messages", "model", "thinking", "reasoning_effort", "frequency_penalty", "max_tokens", "presence_penalty", "response_format", "stop",
        "stream", "stream_options", "temperature", "top_p", "tools", "tool_choice", "logprobs", "top_logprobs", "user_id",
    }),
    message_fields=dict.fromkeys(("system", "user", "assistant", "tool"), frozenset()),
    parts={"system": _TEXT, "user": _TEXT, "assistant": _TEXT, "tool": frozenset()},
    sees=re.compile(r"deepseek-.*flash.*"),  # https://api-docs.deepseek.com/guides/vision
    formats=frozenset({"text", "json_object"}),
    thinks=_thinks,
    framing=KEPT_ALIVE,
    error=_error,
    headers=lambda: {"x-ds-trace-id": uuid.uuid4().hex},
    card=lambda name: {"id": name, "object": "model", "owned_by": "deepseek"},
    new_id=lambda: str(uuid.uuid4()),
    new_call_id=lambda number: ids.letters(f"call_{number:02}_", 24),
    always={"system_fingerprint": "fp_8802369eaa_prod0623_fp8_kvcache"},
    thoughts="field",
    silent="",
    finishes={"end": "stop", "max_tokens": "length", "stop_sequence": "stop", "tools": "tool_calls", "refusal": "content_filter"},
    breakdown="insufficient_system_resource",
    usage=_usage,
)  # fmt: skip
