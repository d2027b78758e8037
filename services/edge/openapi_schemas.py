"""The shapes of the Responses API and of errors in JSON Schema, and all others by name; rule shapes come from their types instead.

Field meanings follow https://platform.openai.com/docs/api-reference/responses where they are OpenAI's.
"""

from typing import get_args

from libs.contracts.models import MODES, PROVIDERS
from services.edge.formats.format import StreamFormat
from services.edge.openapi_answers import ANSWERS, SCORED_BY
from services.edge.openapi_parts import PREFERENCES, Schema, null, of, ref
from services.edge.openapi_policy import POLICY
from services.edge.openapi_requests import REQUESTS

_INPUT_ITEM = {
    "description": "A message, a tool's result, or any other item of OpenAI's Responses API. A content part without a message around it "
    "is taken as the user's; chat forms (`text`, `image_url`, role `tool`, `tool_calls`) are accepted and rewritten.",
    "anyOf": [
        of("object", "A message.", required=["role", "content"], properties={
            "type": {"const": "message"},
            "role": {"enum": ["user", "assistant", "system", "developer"]},
            "content": {"anyOf": [of("string"), of("array", items=of(
                "object", "Types input_text, input_image, input_file, input_audio, output_text, refusal.",
                required=["type"], properties={"type": of("string")},
            ))]},
        }),
        of("object", "A tool's result.", required=["type", "call_id", "output"], properties={
            "type": {"const": "function_call_output"}, "call_id": of("string"), "output": {"type": ["string", "array"]},
        }),
        of("object", "Any other item; passed on as it is.", required=["type"], properties={"type": of("string")}),
    ],
}

_REQUEST = of(
    "object", "OpenAI's Responses request. An explicit null means absent; fields that are not listed are passed on.",
    required=["input"],
    properties={
        "input": {"anyOf": [of("string"), of("array", minItems=1, items=ref("InputItem"))]},
        "model": of(
            "string", "`auto`, `auto:<mode>`, `<model>`, `<model>:<mode>`, `<provider>/<model>` or `<provider>:<model>`.",
            default="auto:balance", examples=["auto:cost", "gpt-4o:quality", "anthropic/claude-haiku-4-5"],
        ),
        "instructions": of("string", "The system prompt."),
        "max_output_tokens": of("integer", minimum=1),
        "max_tool_calls": of("integer", minimum=0),
        "temperature": of("number", minimum=0, maximum=2),
        "top_p": of("number", minimum=0, maximum=1),
        "top_logprobs": of("integer", minimum=0, maximum=20),
        "stream": of("boolean", "Answer with server-sent events.", default=False),
        "stream_options": of("object", properties={
            "format": {"enum": list(get_args(StreamFormat)), "description": "The same as the header X-TokenRouter-Stream-Format."},
            "include_usage": of("boolean"),
        }),
        "tools": of("array", "Function tools, flat or nested under `function`; OpenAI's built-in tools run at OpenAI only.", items=of("object")),
        "tool_choice": {"anyOf": [{"enum": ["auto", "none", "required"]}, of("object", "Names a tool, flat or nested.")]},
        "parallel_tool_calls": of("boolean"),
        "metadata": of(
            "object", "Echoed in the response and visible to routing rules. Keys have at most 64 characters, values at most 512.",
            maxProperties=16, additionalProperties=of("string", maxLength=512),
        ),
        "text": of("object", "`{format: {type: text | json_object | json_schema, …}}`; the older `{type, json_schema}` is accepted too."),
        "response_format": of("object", "The chat form of the output format; not together with `text`."),
        "reasoning": of("object", properties={"effort": of("string"), "summary": of("string")}),
        "include": of("array", items=of("string")),
        "prompt": of("object", "A stored prompt at OpenAI; may stand in place of input."),
        "truncation": of("string"),
        "service_tier": of("string"),
        "store": of("boolean", "Keep the response, to be read, continued and replayed.", default=True),
        "user": of("string"),
        "prompt_cache_key": of("string"),
        "safety_identifier": of("string"),
        "previous_response_id": of("string", "A stored response that this one continues. Not together with `conversation`."),
        "conversation": {
            "type": ["string", "object"], "description": "A conversation's id, or `{id}`: its items come first, and this turn's are added to it.",
            "properties": {"id": of("string")},
        },
        "background": of("boolean", "Answer at once with status `queued` and go on without the client. Such a response is always stored."),
        "stop": {"type": ["string", "array"], "items": of("string"), "description": "As in the chat API; for providers that have it."},
        "seed": of("integer", "As in the chat API; for providers that have it."),
        "presence_penalty": of("number", "As in the chat API; for providers that have it."),
        "frequency_penalty": of("number", "As in the chat API; for providers that have it."),
        "logit_bias": of("object", "As in the chat API; for providers that have it."),
        "router_mode": {"enum": list(MODES), "description": "Stronger than the mode in `model`, weaker than a rule."},
        "router_model": of("string", "Stronger than `model`, weaker than a rule."),
        "router_provider": {"enum": list(PROVIDERS), "description": "Forces the provider; weaker than a rule."},
        "provider": PREFERENCES,
    },
)

_USAGE = of("object", required=["input_tokens", "output_tokens", "total_tokens"], properties={
    "input_tokens": of("integer", "Cached and cache-written tokens included."),
    "input_tokens_details": of("object", properties={"cached_tokens": of("integer"), "cache_write_tokens": of("integer")}),
    "output_tokens": of("integer", "Reasoning tokens included."),
    "output_tokens_details": of("object", properties={"reasoning_tokens": of("integer")}),
    "total_tokens": of("integer"),
})

_TOLD = of("object", "How the request was routed; what OpenAI's type has no place for.", properties={
    "request_id": of("string"),
    "provider": of("string"),
    "model": of("string"),
    "mode": {"enum": list(MODES)},
    "confidence": of("number", "0.5 (a tie) to 1."),
    "rule_trace": of("array", "The rules that matched; with X-TokenRouter-Explain all that were looked at.", items=ref("RuleTrace")),
    "warnings": of("array", items=ref("Warning")),
    "attempts": of("integer", "Provider calls it took."),
    "fallback": of("boolean", "An earlier candidate failed."),
    "sandbox": of("boolean", "Present and true when a sandbox provider answered."),
    "cost_usd": null("number", "At list price; null when the price or the usage is not known."),
    "latency_ms": of("number", "From admission to the end of the provider's answer."),
    "reason": of("string", "The choice in one sentence."),
    "price_version": null("string", "Source and date of the price that the cost is reckoned with."),
    "decision": SCORED_BY | {"description": "With X-TokenRouter-Explain: what the candidates were scored by."},
    "candidates": of("array", "With X-TokenRouter-Explain: the ranked candidates and their scores.", items=ref("Candidate")),
    "excluded": of("array", "With X-TokenRouter-Explain: what was left out, and why.", items=ref("Excluded")),
    "error": ref("ErrorDetails"),
})

_RESPONSE = of("object", "OpenAI's Response object with every field, null where empty, and three of ours.", properties={
    "id": of("string", examples=["resp_00000000000040008000000000000001"]),
    "object": {"const": "response"},
    "created_at": of("integer", "Unix seconds."),
    "completed_at": null("integer"),
    "status": {"enum": ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]},
    "model": of("string", "The model that answered."),
    "output": of("array", "OpenAI's output items: message, reasoning, function_call and others.", items=of("object")),
    "error": null("object", properties={"code": of("string"), "message": of("string")}),
    "incomplete_details": null("object", properties={"reason": of("string")}),
    "usage": {"anyOf": [ref("Usage"), {"type": "null"}]},
    "metadata": of(
        "object", "The caller's pairs, and over them provider, request_id, routing_mode, routing_confidence, routing_reason, and rule_trace and "
        "warnings as JSON text when there are any.", additionalProperties=of("string"),
    ),
    "tools": of("array", items=of("object")),
    "tool_choice": {"type": ["string", "object"]},
    "parallel_tool_calls": of("boolean"),
    "text": of("object"),
    "reasoning": of("object"),
    "temperature": null("number"),
    "top_p": null("number"),
    "top_logprobs": null("integer"),
    "max_output_tokens": null("integer"),
    "max_tool_calls": null("integer"),
    "truncation": null("string"),
    "service_tier": null("string"),
    "store": of("boolean"),
    "background": of("boolean"),
    "presence_penalty": of("number"),
    "frequency_penalty": of("number"),
    "instructions": {"type": ["string", "array", "null"]},
    **{name: null("string") for name in (
        "previous_response_id", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "user",
    )},
    **{name: {"description": "OpenAI's; null where the provider did not send it."} for name in (
        "access_programs", "conversation", "image", "input_transformations", "moderation", "prompt", "prompt_cache_diagnostics",
        "prompt_cache_options", "tool_usage",
    )},
    "request_id": of("string", "Ours. Also in the header x-tokenrouter-request-id."),
    "output_text": of("string", "Ours. All text of the answer in one string; only on a response that has ended."),
    "tokenrouter": ref("TokenRouter"),
})

_ERROR_DETAILS = of("object", required=["type", "message", "code", "http_status", "request_id"], properties={
    "type": of("string", examples=["routing_error"]),
    "message": of("string"),
    "code": of("string", examples=["no_eligible_provider"]),
    "param": null("string", "The field or header that is wrong."),
    "http_status": of("integer"),
    "provider": null("string", "The provider that failed."),
    "raw": {"description": "The provider's own error; null."},
    "request_id": of("string"),
    "rule_trace": of("array", "The rules behind a block or a routing error.", items=ref("RuleTrace")),
    "metadata": of("object", "`{rule_trace}` once more, where one SDK looks for it."),
})

_STREAM_EVENT = of(
    "object", "The JSON in an event's `data`. In the format `openai`, `type` is OpenAI's event name and equals the SSE field `event`; "
    "the stream begins with response.created and response.in_progress, ends with one of response.completed, response.incomplete and "
    "response.failed, which carry the whole Response, and then with the connection. There is no `[DONE]`.",
    required=["type", "sequence_number"],
    properties={"type": of("string"), "sequence_number": of("integer", "From 0 without gaps."), "response": ref("Response")},
)

SCHEMAS: dict[str, Schema] = {
    "ResponseRequest": _REQUEST,
    "InputItem": _INPUT_ITEM,
    "Response": _RESPONSE,
    "Usage": _USAGE,
    "TokenRouter": _TOLD,
    "StreamEvent": _STREAM_EVENT,
    "ErrorDetails": _ERROR_DETAILS,
    "Error": of("object", required=["error", "request_id", "detail"], properties={
        "error": ref("ErrorDetails"),
        "request_id": of("string"),
        "detail": of("string", "The message once more, for older clients."),
    }),
    **REQUESTS,
    **ANSWERS,
    **POLICY,
    "Readiness": of("object", properties={
        "ready": of("boolean"),
        "bus": of("boolean", "Connected to NATS."),
        "services": of("object", "Whether some instance of each service takes work.", additionalProperties=of("boolean")),
        "instance": of("string"),
    }),
}
