"""The shapes of the edge's API in JSON Schema, for the OpenAPI document; rule shapes come from their types instead.

Field meanings follow https://platform.openai.com/docs/api-reference/responses where they are OpenAI's.
"""

from typing import Any, get_args

from libs.contracts.models import MODES, PROVIDERS
from services.edge.formats import StreamFormat

Schema = dict[str, Any]


def _of(kind: str, description: str = "", **more: Any) -> Schema:
    return {"type": kind, **({"description": description} if description else {}), **more}


def _null(kind: str, description: str = "", **more: Any) -> Schema:
    """A field that is always present, null where empty."""
    return {"type": [kind, "null"], **({"description": description} if description else {}), **more}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_INPUT_ITEM = {
    "description": "A message, a tool's result, or any other item of OpenAI's Responses API. A content part without a message around it "
    "is taken as the user's; chat forms (`text`, `image_url`, role `tool`, `tool_calls`) are accepted and rewritten.",
    "anyOf": [
        _of("object", "A message.", required=["role", "content"], properties={
            "type": {"const": "message"},
            "role": {"enum": ["user", "assistant", "system", "developer"]},
            "content": {"anyOf": [_of("string"), _of("array", items=_of(
                "object", "Types input_text, input_image, input_file, input_audio, output_text, refusal.",
                required=["type"], properties={"type": _of("string")},
            ))]},
        }),
        _of("object", "A tool's result.", required=["type", "call_id", "output"], properties={
            "type": {"const": "function_call_output"}, "call_id": _of("string"), "output": {"type": ["string", "array"]},
        }),
        _of("object", "Any other item; passed on as it is.", required=["type"], properties={"type": _of("string")}),
    ],
}

_REQUEST = _of(
    "object", "OpenAI's Responses request. An explicit null means absent; fields that are not listed are passed on.",
    required=["input"],
    properties={
        "input": {"anyOf": [_of("string"), _of("array", minItems=1, items=_ref("InputItem"))]},
        "model": _of(
            "string", "`auto`, `auto:<mode>`, `<model>`, `<model>:<mode>`, `<provider>/<model>` or `<provider>:<model>`.",
            default="auto:balance", examples=["auto:cost", "gpt-4o:quality", "anthropic/claude-haiku-4-5"],
        ),
        "instructions": _of("string", "The system prompt."),
        "max_output_tokens": _of("integer", minimum=1),
        "max_tool_calls": _of("integer", minimum=0),
        "temperature": _of("number", minimum=0, maximum=2),
        "top_p": _of("number", minimum=0, maximum=1),
        "top_logprobs": _of("integer", minimum=0, maximum=20),
        "stream": _of("boolean", "Answer with server-sent events.", default=False),
        "stream_options": _of("object", properties={
            "format": {"enum": list(get_args(StreamFormat)), "description": "The same as the header X-TokenRouter-Stream-Format."},
            "include_usage": _of("boolean"),
        }),
        "tools": _of("array", "Function tools, flat or nested under `function`; OpenAI's built-in tools run at OpenAI only.", items=_of("object")),
        "tool_choice": {"anyOf": [{"enum": ["auto", "none", "required"]}, _of("object", "Names a tool, flat or nested.")]},
        "parallel_tool_calls": _of("boolean"),
        "metadata": _of(
            "object", "Echoed in the response and visible to routing rules. Keys have at most 64 characters, values at most 512.",
            maxProperties=16, additionalProperties=_of("string", maxLength=512),
        ),
        "text": _of("object", "`{format: {type: text | json_object | json_schema, …}}`; the older `{type, json_schema}` is accepted too."),
        "response_format": _of("object", "The chat form of the output format; not together with `text`."),
        "reasoning": _of("object", properties={"effort": _of("string"), "summary": _of("string")}),
        "include": _of("array", items=_of("string")),
        "prompt": _of("object", "A stored prompt at OpenAI; may stand in place of input."),
        "truncation": _of("string"),
        "service_tier": _of("string"),
        "store": _of("boolean", "Accepted and passed on; this router does not store responses yet."),
        "user": _of("string"),
        "prompt_cache_key": _of("string"),
        "safety_identifier": _of("string"),
        "previous_response_id": _of("string", "Not supported yet: 400 previous_response_not_found."),
        "conversation": {"type": ["string", "object"], "description": "Not supported yet: 400."},
        "background": _of("boolean", "Not supported yet: true is a 400."),
        "router_mode": {"enum": list(MODES), "description": "Stronger than the mode in `model`, weaker than a rule."},
        "router_model": _of("string", "Stronger than `model`, weaker than a rule."),
        "router_provider": {"enum": list(PROVIDERS), "description": "Forces the provider; weaker than a rule."},
    },
)

_USAGE = _of("object", required=["input_tokens", "output_tokens", "total_tokens"], properties={
    "input_tokens": _of("integer", "Cached and cache-written tokens included."),
    "input_tokens_details": _of("object", properties={"cached_tokens": _of("integer"), "cache_write_tokens": _of("integer")}),
    "output_tokens": _of("integer", "Reasoning tokens included."),
    "output_tokens_details": _of("object", properties={"reasoning_tokens": _of("integer")}),
    "total_tokens": _of("integer"),
})

_TOLD = _of("object", "How the request was routed; what OpenAI's type has no place for.", properties={
    "request_id": _of("string"),
    "provider": _of("string"),
    "model": _of("string"),
    "mode": {"enum": list(MODES)},
    "confidence": _of("number", "0.5 (a tie) to 1."),
    "rule_trace": _of("array", "The rules that matched; with X-TokenRouter-Explain all that were looked at.", items=_ref("RuleTrace")),
    "warnings": _of("array", items=_ref("Warning")),
    "attempts": _of("integer", "Provider calls it took."),
    "fallback": _of("boolean", "An earlier candidate failed."),
    "sandbox": _of("boolean", "Present and true when a sandbox provider answered."),
    "cost_usd": _null("number", "At list price; null when the price or the usage is not known."),
    "latency_ms": _of("number", "From admission to the end of the provider's answer."),
    "candidates": _of("array", "With X-TokenRouter-Explain: the ranked candidates and their scores.", items=_ref("Candidate")),
    "excluded": _of("array", "With X-TokenRouter-Explain: what was left out, and why.", items=_ref("Excluded")),
    "error": _ref("ErrorDetails"),
})

_RESPONSE = _of("object", "OpenAI's Response object with every field, null where empty, and three of ours.", properties={
    "id": _of("string", examples=["resp_00000000000040008000000000000001"]),
    "object": {"const": "response"},
    "created_at": _of("integer", "Unix seconds."),
    "completed_at": _null("integer"),
    "status": {"enum": ["in_progress", "completed", "incomplete", "failed"]},
    "model": _of("string", "The model that answered."),
    "output": _of("array", "OpenAI's output items: message, reasoning, function_call and others.", items=_of("object")),
    "error": _null("object", properties={"code": _of("string"), "message": _of("string")}),
    "incomplete_details": _null("object", properties={"reason": _of("string")}),
    "usage": {"anyOf": [_ref("Usage"), {"type": "null"}]},
    "metadata": _of(
        "object", "The caller's pairs, and over them provider, request_id, routing_mode, routing_confidence, and rule_trace and "
        "warnings as JSON text when there are any.", additionalProperties=_of("string"),
    ),
    "tools": _of("array", items=_of("object")),
    "tool_choice": {"type": ["string", "object"]},
    "parallel_tool_calls": _of("boolean"),
    "text": _of("object"),
    "reasoning": _of("object"),
    "temperature": _null("number"),
    "top_p": _null("number"),
    "top_logprobs": _null("integer"),
    "max_output_tokens": _null("integer"),
    "max_tool_calls": _null("integer"),
    "truncation": _null("string"),
    "service_tier": _null("string"),
    "store": _of("boolean"),
    "background": _of("boolean"),
    "presence_penalty": _of("number"),
    "frequency_penalty": _of("number"),
    "instructions": {"type": ["string", "array", "null"]},
    **{name: _null("string") for name in (
        "previous_response_id", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "user",
    )},
    **{name: {"description": "OpenAI's; null where the provider did not send it."} for name in (
        "access_programs", "conversation", "image", "input_transformations", "moderation", "prompt", "prompt_cache_diagnostics",
        "prompt_cache_options", "tool_usage",
    )},
    "request_id": _of("string", "Ours. Also in the header x-tokenrouter-request-id."),
    "output_text": _of("string", "Ours. All text of the answer in one string; only on a response that has ended."),
    "tokenrouter": _ref("TokenRouter"),
})

_ERROR_DETAILS = _of("object", required=["type", "message", "code", "http_status", "request_id"], properties={
    "type": _of("string", examples=["routing_error"]),
    "message": _of("string"),
    "code": _of("string", examples=["no_eligible_provider"]),
    "param": _null("string", "The field or header that is wrong."),
    "http_status": _of("integer"),
    "provider": _null("string", "The provider that failed."),
    "raw": {"description": "The provider's own error; null."},
    "request_id": _of("string"),
    "rule_trace": _of("array", "The rules behind a block or a routing error.", items=_ref("RuleTrace")),
    "metadata": _of("object", "`{rule_trace}` once more, where one SDK looks for it."),
})

_STREAM_EVENT = _of(
    "object", "The JSON in an event's `data`. In the format `openai`, `type` is OpenAI's event name and equals the SSE field `event`; "
    "the stream begins with response.created and response.in_progress, ends with one of response.completed, response.incomplete and "
    "response.failed, which carry the whole Response, and then with the connection. There is no `[DONE]`.",
    required=["type", "sequence_number"],
    properties={"type": _of("string"), "sequence_number": _of("integer", "From 0 without gaps."), "response": _ref("Response")},
)

SCHEMAS: dict[str, Schema] = {
    "ResponseRequest": _REQUEST,
    "InputItem": _INPUT_ITEM,
    "Response": _RESPONSE,
    "Usage": _USAGE,
    "TokenRouter": _TOLD,
    "StreamEvent": _STREAM_EVENT,
    "ErrorDetails": _ERROR_DETAILS,
    "Error": _of("object", required=["error", "request_id", "detail"], properties={
        "error": _ref("ErrorDetails"),
        "request_id": _of("string"),
        "detail": _of("string", "The message once more, for older clients."),
    }),
    "Readiness": _of("object", properties={
        "ready": _of("boolean"),
        "bus": _of("boolean", "Connected to NATS."),
        "services": _of("object", "Whether some instance of each service takes work.", additionalProperties=_of("boolean")),
        "instance": _of("string"),
    }),
}
