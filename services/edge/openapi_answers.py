"""The bodies that the other routes answer with, in JSON Schema."""

import types
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from libs.contracts.decisions import Decision
from libs.contracts.models import MODES
from services.edge.logs_query import MAY_BE_EMPTY, STATUSES, Logged, LoggedAttempt, LoggedHop, LoggedWhole
from services.edge.openapi_parts import Schema, listing, null, of, ref

_CHAT_USAGE = of("object", required=["prompt_tokens", "completion_tokens", "total_tokens"], properties={
    name: of("integer") for name in ("prompt_tokens", "completion_tokens", "total_tokens")
} | {name: of("object", additionalProperties=of("integer")) for name in ("prompt_tokens_details", "completion_tokens_details")})
_CHAT = of("object", "OpenAI's chat completion.", required=["id", "object", "created", "model", "choices", "usage"], properties={
    "id": of("string", examples=["chatcmpl-00000000000040008000000000000001"]),
    "object": {"const": "chat.completion"},
    "created": of("integer", "Unix seconds."),
    "model": of("string"),
    "choices": of("array", items=of("object", required=["index", "message", "finish_reason"], properties={
        "index": of("integer"),
        "message": of("object", required=["role", "content"], properties={
            "role": {"const": "assistant"}, "content": null("string"), "refusal": null("string"),
            "tool_calls": of("array", items=of("object")), "annotations": of("array", items=of("object")),
            "reasoning_content": of("string", "The thoughts that the model shows."),
        }),
        "logprobs": null("object"),
        "finish_reason": {"enum": ["stop", "length", "tool_calls", "content_filter", "function_call"]},
    })),
    "usage": _CHAT_USAGE,
    "service_tier": null("string"),
    "system_fingerprint": null("string"),
    "metadata": of("object", additionalProperties=of("string")),
    "request_id": of("string"),
    "tokenrouter": ref("TokenRouter"),
})
_MESSAGE = of("object", "Anthropic's Message.", required=["id", "type", "role", "model", "content", "stop_reason", "usage"], properties={
    "id": of("string", examples=["msg_00000000000040008000000000000001"]),
    "type": {"const": "message"},
    "role": {"const": "assistant"},
    "model": of("string"),
    "content": of("array", items=of("object", required=["type"], properties={"type": of("string")})),
    "stop_reason": null("string"),
    "stop_sequence": null("string"),
    "stop_details": null("object"),
    "usage": of("object", required=["input_tokens", "output_tokens"], properties={
        "input_tokens": of("integer", "Without cached and cache-written ones."),
        "cache_creation_input_tokens": of("integer"), "cache_read_input_tokens": of("integer"), "output_tokens": of("integer"),
    }),
    "tokenrouter": ref("TokenRouter"),
})
_MESSAGES_ERROR = {
    "description": "Anthropic's error object, and in it all that the error of the other routes says.",
    "allOf": [ref("Error"), of("object", required=["type"], properties={
        "type": {"const": "error"},
        "error": of("object", required=["type", "message", "details"], properties={
            "type": of("string", examples=["invalid_request_error", "not_found_error", "overloaded_error"]),
            "details": of("object", properties={"error_code": of("string", "The same as `code`.")}),
        }),
    })],
}
_EMBEDDINGS = listing(
    of("object", required=["object", "index", "embedding"], properties={
        "object": {"const": "embedding"}, "index": of("integer"),
        "embedding": {"type": ["array", "string"], "items": of("number"), "description": "Base64 of 32-bit floats where that was asked for."},
    }),
    model=of("string"),
    usage=of("object", properties={"prompt_tokens": of("integer"), "total_tokens": of("integer")}),
    tokenrouter=ref("TokenRouter"),
)
_COMPACTION = of("object", required=["id", "object", "created_at", "output", "usage"], properties={
    "id": of("string"),
    "object": {"const": "response.compaction"},
    "created_at": of("integer", "Unix seconds."),
    "output": of("array", "The user's messages and an item of type compaction; the next request's input begins with them.", items=of("object")),
    "usage": {"anyOf": [ref("Usage"), {"type": "null"}]},
    "model": null("string"), "metadata": null("object"), "request_id": null("string"), "tokenrouter": ref("TokenRouter"),
})
SCORED_BY = of("object", properties={
    "chosen_for": {"enum": list(get_args(Decision.__annotations__["chosen_for"])), "description": "Why the first candidate is the first."},
    "weights": of("object", properties={name: of("number") for name in ("cost", "quality", "latency")}),
    "reading": {"anyOf": [ref("Reading"), {"type": "null"}]},
    "expected": of("object", properties={name: of("integer") for name in ("input_tokens", "output_tokens")}),
    "policy_revision": of("integer", "Of the workspace's routing policy; 0 when it has none."),
})
_PREVIEW = of("object", required=["object", "request_id", "route", "decision"], properties={
    "object": {"const": "routing.preview"},
    "request_id": of("string"),
    "route": of("object", properties={name: of("string") for name in ("provider", "model", "account")}),
    "decision": of("object", properties={
        "mode": {"enum": list(MODES)}, "reason": of("string", "The choice in one sentence."), "confidence": of("number"),
        **SCORED_BY["properties"],
        "candidates": of("array", items=ref("Candidate")), "excluded": of("array", items=ref("Excluded")),
    }),
    "rule_trace": of("array", items=ref("RuleTrace")),
    "firewall": of("object", properties={"checked": of("integer"), "masked": of("integer"), "trace": of("array", items=ref("RuleTrace"))}),
    "warnings": of("array", items=ref("Warning")),
})
_SCREENED = {
    "action": {"enum": ["pass", "warn", "mask", "block"]},
    "blocked_by": {"anyOf": [of("object", properties={"rule_id": of("integer"), "name": of("string")}), {"type": "null"}]},
    "checked": of("integer", "Rules that were looked at."),
    "masked": of("integer", "Places replaced."),
    "rule_trace": of("array", "The rules that hit, with every place.", items=ref("RuleTrace")),
    "warnings": of("array", items=ref("Warning")),
}
_FIREWALL_PREVIEW = of("object", required=["object", "request_id", "request", *_SCREENED], properties={
    "object": {"const": "firewall.preview"},
    "request_id": of("string"),
    **_SCREENED,
    "request": of("object", "As it would go on, masked."),
    "response": of("object", "The same of the answer.", properties=_SCREENED | {
        "hold_back": of("integer", "Characters that a stream would hold back."),
        "output": null("array", "As the client would get it; null when blocked."),
    }),
    "took_ms": of("number"),
})
_PRICES = {
    name: null("number") for name in ("inputCostPerToken", "outputCostPerToken", "cachedInputCostPerToken", "cacheWriteCostPerToken")
}
_MODEL = of("object", "OpenAI's Model, with what is known of it.", required=["id", "object", "created", "owned_by"], properties={
    "id": of("string", "What `model` takes."),
    "object": {"const": "model"},
    "created": of("integer", "Unix seconds; of the catalog."),
    "owned_by": of("string"),
    "pricing": of("object", "US dollars per token; null is not known, 0 is free.", properties={
        **_PRICES,
        "tiers": null("array", "All rates of requests with more than so many input tokens.", items=of(
            "object", properties={"aboveInputTokens": of("integer"), **_PRICES},
        )),
        "currency": {"const": "USD"},
        "version": null("string", "Where the price comes from: the price list and its version, `settings` or `workspace`."),
        "checked": null("string", "The day that the price list is of."),
    }),
    "context_window": null("integer"),
    "max_output_tokens": null("integer"),
    "capabilities": of("array", items=of("string")),
    "provider": null("string", "Null for names that leave it to the router."),
    "quality": null("number", "From 0 to 1: the mean of `quality_by_family`. Embedding models are on a scale of their own."),
    "quality_by_family": null("object", additionalProperties=ref("FamilyQuality")),
    "overridden": of("array", "What the workspace's routing policy or its feedback changed.", items=of("string")),
    "mode": {"enum": list(MODES), "description": "Of names that leave the model to the router."},
    "sandbox": of("boolean", "Present and true where a sandbox provider answers."),
})
_ITEM = of("object", "An item of a conversation, with every field that OpenAI's type has.", required=["id", "type"], properties={
    "id": of("string"), "type": null("string"),
})
_PAGE = {"first_id": null("string"), "last_id": null("string"), "has_more": of("boolean")}


_PLAIN: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_SHOWN: dict[str, Schema] = {
    "status": of("string"),
    "created_at": of("string", format="date-time"),
    "started_at": of("string", format="date-time"),
    **{name: null("string") for name in MAY_BE_EMPTY},
    "reading": {"anyOf": [ref("Reading"), {"type": "null"}]},
    "decision": null("object", "Weights of cost, quality and latency, estimated tokens, and the revision of the routing policy."),
    "warnings": of("array", items=ref("Warning")),
    "rule_trace": of("array", items=ref("RuleTrace")),
    "firewall_trace": of("array", items=ref("RuleTrace")),
    "candidates": of("array", items=ref("Candidate")),
    "excluded": of("array", items=ref("Excluded")),
    "hops": of("array", "The stages that the request went through.", items=ref("LogHop")),
    "adapted": of("array", "What was changed for the provider.", items=of("string")),
    "metadata": of("object", additionalProperties=of("string")),
}
"""Columns that are shown as something else than they are."""


def _logged(row: type[Struct], **more: Schema) -> Schema:
    """An entry of the ledger as logs_query shows it: counts of tokens together, JSON as JSON."""
    made: dict[str, Schema] = {}
    for name, kind in get_type_hints(row).items():
        if name.endswith("_tokens"):
            continue
        optional = get_origin(kind) in (Union, types.UnionType)
        plain = next(one for one in get_args(kind) if one is not type(None)) if optional else kind
        made[name] = _SHOWN.get(name) or (null(_PLAIN[plain]) if optional else of(_PLAIN[plain]))
    counted = ("input", "output", "cached", "cache_write", "reasoning")
    tokens = {"tokens": of("object", required=list(counted), properties={name: of("integer") for name in counted})}
    made |= tokens | more
    return of("object", required=list(made), properties=made)


_LOG_HEAD = {"object": {"const": "log"}, "response_id": of("string"), "status": {"enum": list(STATUSES)}}
ANSWERS: dict[str, Schema] = {
    "ChatCompletion": _CHAT,
    "Message": _MESSAGE,
    "MessagesError": _MESSAGES_ERROR,
    "TokenCount": of("object", required=["input_tokens"], properties={"input_tokens": of("integer")}),
    "InputTokens": of("object", required=["object", "input_tokens"], properties={
        "object": {"const": "response.input_tokens"}, "input_tokens": of("integer"),
    }),
    "EmbeddingsList": _EMBEDDINGS,
    "Compaction": _COMPACTION,
    "RoutingPreview": _PREVIEW,
    "FirewallPreview": _FIREWALL_PREVIEW,
    "Model": _MODEL,
    "ModelList": listing(ref("Model")),
    "Item": _ITEM,
    "ItemList": listing(ref("Item"), **_PAGE),
    "Conversation": of("object", required=["id", "object", "created_at", "metadata"], properties={
        "id": of("string", examples=["conv_000000000000000000000000000000000000000000000001"]),
        "object": {"const": "conversation"},
        "created_at": of("integer", "Unix seconds."),
        "metadata": of("object", additionalProperties=of("string")),
    }),
    "Feedback": of("object", required=["object", "id", "response_id", "request_id", "score", "label", "comment", "created_at"], properties={
        "object": {"const": "feedback"},
        "id": of("string", examples=["fb_00000000000000000000000000000001"]),
        "response_id": of("string"), "request_id": of("string"), "score": of("number"), "label": null("string"), "comment": null("string"),
        "created_at": of("integer", "Unix seconds; of the feedback."),
    }),
    "Deleted": of("object", required=["id", "object", "deleted"], properties={
        "id": of("string"), "object": {"enum": ["response", "conversation.deleted"]}, "deleted": {"const": True},
    }),
    "LogHop": of("object", properties={
        name: of("string", format="date-time") if name == "at" else of(_PLAIN[kind]) for name, kind in get_type_hints(LoggedHop).items()
    }),
    "LogAttempt": _logged(LoggedAttempt),
    "Log": _logged(Logged, **_LOG_HEAD),
    "LogWhole": _logged(LoggedWhole, **_LOG_HEAD, attempt_rows=of("array", "The provider calls.", items=ref("LogAttempt"))),
    "LogList": listing(ref("Log"), has_more=of("boolean"), next_cursor=null("string", "What `after` takes to go on.")),
}
