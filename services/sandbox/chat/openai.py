"""OpenAI's Chat Completions.

https://platform.openai.com/docs/api-reference/chat
"""

import re
from typing import Any

from services.sandbox import ids, models
from services.sandbox.asked import Problem, Usage
from services.sandbox.chat.provider import Fault, Mistake, Provider

_TEXT = frozenset({"text"})
_FAULTS: dict[Mistake, Fault] = {
    "model_missing": Fault("you must provide a model parameter"),
    "model_unknown": Fault("The model `{model}` does not exist or you do not have access to it.", 404, code="model_not_found"),
    "field_unknown": Fault("Unrecognized request argument supplied: {name}"),
    "temperature": Fault(
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got {value} instead.",
        param="temperature", code="decimal_above_max_value",
    ),
    "temperature_fixed": Fault(
        "Unsupported value: 'temperature' does not support {value} with this model. Only the default (1) value is supported.",
        param="temperature", code="unsupported_value",
    ),
    "limit": Fault("Invalid '{name}': expected an integer of at least 1, but got {value} instead.", param="{name}", code="invalid_value"),
    "limit_field": Fault(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        param="max_tokens", code="unsupported_parameter",
    ),
    "messages_missing": Fault("Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter"),
    "messages_empty": Fault(
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        param="messages", code="empty_array",
    ),
    "role_unknown": Fault(
        "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.",
        param="messages[{index}].role", code="invalid_value",
    ),
    "part_unknown": Fault(
        "Invalid value: '{kind}'. Supported values are: {known}.", param="messages[{index}].content[{number}].type", code="invalid_value",
    ),
    "content_missing": Fault(
        "Invalid value for 'content': expected a string, got null.", param="messages.[{index}].content", code="invalid_type",
    ),
    "calls_unanswered": Fault(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following "
        "tool_call_ids did not have response messages: {ids}",
        param="messages.[{index}].role",
    ),
    "result_orphan": Fault(
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        param="messages.[{index}].role",
    ),
    "tool_shape": Fault(
        "Missing required parameter: 'tools[{index}].function'.", param="tools[{index}].function", code="missing_required_parameter",
    ),
    "tool_name": Fault(
        "Invalid 'tools[{index}].function.name': string does not match pattern. Expected a string that matches the pattern "
        "'^[a-zA-Z0-9_-]+$'.",
        param="tools[{index}].function.name", code="invalid_value",
    ),
    "tool_strict": Fault(
        "Invalid schema for function '{name}': {fault}", param="tools[{index}].function.parameters", code="invalid_function_parameters",
    ),
    "choice_unknown": Fault(
        "Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.", param="tool_choice", code="invalid_value",
    ),
    "choice_unfound": Fault(
        "Invalid value for 'tool_choice': no function named '{name}' was specified in the 'tools' parameter.", param="tool_choice",
    ),
    "format_unknown": Fault(
        "Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
        param="response_format.type", code="invalid_value",
    ),
    "json_unnamed": Fault(
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", param="messages",
    ),
}  # fmt: skip
_ERROR_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"), 429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None), 503: ("server_error", None), 529: ("server_error", None),
}  # fmt: skip


def _error(problem: Problem) -> dict[str, Any]:
    kind, code = _ERROR_TYPES.get(problem.status, ("invalid_request_error", None))
    return {"error": {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code or code}}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.read, "completion_tokens": usage.written, "total_tokens": usage.read + usage.written,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.thinking, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    }  # fmt: skip


OPENAI = Provider(
    models=models.OPENAI,
    listed=models.OPENAI_LISTED,
    faults=_FAULTS,
    fields=frozenset({
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
        "messages", "metadata", "modalities", "model", "moderation", "n", "parallel_tool_calls", "prediction", "presence_penalty",
        "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier",
        "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs",
        "top_p", "user", "verbosity", "web_search_options",
    }),
    message_fields={
        "developer": frozenset({"role", "content", "name"}), "system": frozenset({"role", "content", "name"}),
        "user": frozenset({"role", "content", "name"}), "tool": frozenset({"role", "content", "tool_call_id"}),
        "assistant": frozenset({"role", "content", "name", "refusal", "audio", "tool_calls", "annotations"}),
    },
    parts={
        "developer": _TEXT, "system": _TEXT, "tool": _TEXT, "assistant": frozenset({"text", "refusal"}),
        "user": frozenset({"text", "image_url", "input_audio", "file"}),
    },
    fixed=re.compile(r"o\d|gpt-5(?!-chat)"),
    limits=("max_completion_tokens", "max_tokens"),
    # Only when asked to, as in the sandbox's Responses.
    thinks=lambda model, request: request.get("reasoning_effort") not in (None, "none", "minimal"),
    error=_error,
    headers=lambda: {"x-request-id": ids.letters("req_"), "openai-version": "2020-10-01"},
    card=lambda name: {"id": name, "object": "model", "created": 1760000000, "owned_by": "sandbox"},
    new_id=lambda: ids.letters("chatcmpl-", 29),
    new_call_id=lambda number: ids.letters("call_", 24),
    always={"service_tier": "default", "system_fingerprint": "fp_5a4db0c5"},
    refuses=True,
    indexed_calls=False,
    finishes={"end": "stop", "max_tokens": "length", "stop_sequence": "stop", "tools": "tool_calls", "refusal": "stop"},
    breakdown={
        "error": {
            "message": "The server had an error while processing your request. Sorry about that! [sandbox]",
            "type": "server_error", "param": None, "code": None,
        },
    },
    usage=_usage,
    usage_asked=True,
)  # fmt: skip
