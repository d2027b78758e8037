"""A chat completion around its message: what it cost, why it ended, who served it, or how it failed."""

from collections.abc import Sequence
from typing import Any

import msgspec

from libs.contracts.errors import InvalidRequest, ProviderError, RateLimited
from services.edge.formats.chat_message import CALLS, logprobs_of, message_of

Json = dict[str, Any]

_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
_encode = msgspec.json.Encoder().encode


def whole(responses: Sequence[Json], *, functions: bool = False) -> tuple[int, bytes]:
    """HTTP status and body of a completion, a choice for each response; that of a failure when one of them failed."""
    for response in responses:
        if response.get("status") == "failed":
            status, error = failure(response)
            return status, _encode(error)
    first = responses[0]
    completion = {
        "id": id_of(first),
        "object": "chat.completion",
        "created": first.get("created_at") or 0,
        "model": first.get("model") or "",
        "choices": [_choice(response, index, functions=functions) for index, response in enumerate(responses)],
        "usage": summed([usage_of(response.get("usage")) for response in responses]),
        "service_tier": service_tier(first),
        "system_fingerprint": None,
        "metadata": first.get("metadata") or {},
    }
    return 200, _encode(completion | _routing(responses))


def _choice(response: Json, index: int, *, functions: bool) -> Json:
    return {
        "index": index,
        "message": message_of(response, functions=functions),
        "logprobs": logprobs_of(response),
        "finish_reason": finish_reason(response, functions=functions),
    }


def _routing(responses: Sequence[Json]) -> Json:
    """The facts of the first choice; with several, what all of them cost, and the facts of each."""
    told = [response.get("tokenrouter") or {} for response in responses]
    if len(told) == 1:
        return facts_of(responses[0])
    costs = [one.get("cost_usd") for one in told]
    total = None if None in costs else sum(cost or 0 for cost in costs)
    return facts_of(responses[0]) | {"tokenrouter": told[0] | {"cost_usd": total, "choices": told}}


def facts_of(response: Json) -> Json:
    """What is ours in it."""
    return {name: response[name] for name in ("request_id", "tokenrouter") if name in response}


def id_of(response: Json) -> str:
    """The completion's id, from that of the response."""
    return "chatcmpl-" + str(response.get("id") or "").removeprefix("resp_")


def finish_reason(response: Json, *, functions: bool) -> str:
    """OpenAI's word for why it ended."""
    if response.get("status") == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        return "content_filter" if reason == "content_filter" else "length"
    if any(item.get("type") in CALLS for item in response.get("output") or ()):
        return "function_call" if functions else "tool_calls"
    return "stop"


def usage_of(usage: Json | None) -> Json:
    """Chat's names for the counts; zeros where nothing is known."""
    given = usage or {}
    read, written = given.get("input_tokens_details") or {}, given.get("output_tokens_details") or {}
    return {
        "prompt_tokens": given.get("input_tokens", 0),
        "completion_tokens": given.get("output_tokens", 0),
        "total_tokens": given.get("total_tokens", 0),
        "prompt_tokens_details": {
            "cached_tokens": read.get("cached_tokens", 0), "cache_write_tokens": read.get("cache_write_tokens", 0), "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": written.get("reasoning_tokens", 0), "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    }


def summed(usages: list[Json]) -> Json:
    """The sum of several of them, field by field."""
    return {
        name: summed([usage[name] for usage in usages]) if isinstance(value, dict) else sum(usage[name] for usage in usages)
        for name, value in usages[0].items()
    }


def service_tier(response: Json) -> str | None:
    """Null for a tier that the chat API does not know."""
    tier = response.get("service_tier")
    return tier if tier in _TIERS else None


def failure(response: Json) -> tuple[int, Json]:
    """HTTP status and body for a response that failed, in the documented shape."""
    told, request_id = response.get("tokenrouter") or {}, str(response.get("request_id") or "")
    known = told.get("error")
    if isinstance(known, dict):
        return known.get("http_status") or ProviderError.status, {"error": known, "request_id": request_id, "detail": known.get("message")}
    error = response.get("error") or {}
    code, message = str(error.get("code") or ""), str(error.get("message") or "The provider ended the answer with a failure.")
    kind = RateLimited if code == RateLimited.code else InvalidRequest if code.startswith("invalid_") else ProviderError
    info = kind(message, code=code if kind is InvalidRequest else None, provider=told.get("provider")).info
    return info.status, info.body(request_id)
