"""A response as a message of Anthropic's, or as an error of theirs.

https://platform.claude.com/docs/en/api/messages and …/errors
"""

from typing import Any

from services.edge.formats.chat_completion import failure
from services.edge.formats.messages_blocks import CALLS, blocks_of

Json = dict[str, Any]

_ERROR_TYPES = {
    401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error", 409: "conflict_error",
    413: "request_too_large", 429: "rate_limit_error", 503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
}
_PRIORITY = frozenset({"priority", "fast"})


def opening(response: Json) -> Json:
    """The message before it says anything."""
    return {
        "id": "msg_" + str(response.get("id") or "").removeprefix("resp_"),
        "type": "message",
        "role": "assistant",
        "model": response.get("model") or "",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": usage_of(response),
    }


def message_of(response: Json) -> Json:
    """The whole message."""
    content = [block for item in response.get("output") or () for block in blocks_of(item)]
    return opening(response) | {"content": content} | ending(response) | routing(response)


def ending(response: Json) -> Json:
    """Why the answer ended: `stop_reason`, `stop_sequence` and `stop_details`."""
    sequence = response.get("stop_sequence")
    reason = _stop_reason(response)
    details = {"type": "refusal", "category": None, "explanation": _refusal(response) or None} if reason == "refusal" else None
    return {"stop_reason": reason, "stop_sequence": sequence if reason == "stop_sequence" else None, "stop_details": details}


def _stop_reason(response: Json) -> str:
    if response.get("status") == "incomplete":
        reason = (response.get("incomplete_details") or {}).get("reason")
        return "refusal" if reason == "content_filter" else "max_tokens"
    if any(item.get("type") in CALLS for item in response.get("output") or ()):
        return "tool_use"
    if _refusal(response):
        return "refusal"
    return "stop_sequence" if isinstance(response.get("stop_sequence"), str) else "end_turn"


def _refusal(response: Json) -> str:
    messages = [item for item in response.get("output") or () if item.get("type") == "message"]
    return "".join(part.get("refusal") or "" for item in messages for part in item.get("content") or () if part.get("type") == "refusal")


def usage_of(response: Json) -> Json:
    """Anthropic counts what was read from and written to the cache apart from the input; zeros where nothing is known."""
    usage = response.get("usage") or {}
    given, written = usage.get("input_tokens_details") or {}, usage.get("output_tokens_details") or {}
    read, stored = given.get("cached_tokens") or 0, given.get("cache_write_tokens") or 0
    return {
        "input_tokens": max(0, (usage.get("input_tokens") or 0) - read - stored),
        "cache_creation_input_tokens": stored,
        "cache_read_input_tokens": read,
        "output_tokens": usage.get("output_tokens") or 0,
        "output_tokens_details": {"thinking_tokens": written.get("reasoning_tokens") or 0},
        "server_tool_use": _served(response),
        "service_tier": "priority" if response.get("service_tier") in _PRIORITY else "standard",
    }


def _served(response: Json) -> Json | None:
    blocks = [block for item in response.get("output") or () if item.get("type") == "web_search_call" for block in blocks_of(item)]
    searches = sum(block["type"] == "server_tool_use" for block in blocks)
    return {"web_search_requests": searches, "web_fetch_requests": 0} if searches else None


def routing(response: Json) -> Json:
    """What is ours in it."""
    return {"tokenrouter": response["tokenrouter"]} if "tokenrouter" in response else {}


def failed(response: Json) -> tuple[int, Json]:
    """HTTP status and body for a response that failed."""
    status, body = failure(response)
    return status, error_of(status, body)


def error_of(status: int, body: Json) -> Json:
    """The documented error in Anthropic's shape; what theirs does not have stays. Their SDK reads the code in `details`."""
    error = body["error"]
    return body | {"type": "error", "error": error | {"type": error_type(status), "details": {"error_code": error.get("code")}}}


def error_type(status: int) -> str:
    """Anthropic's word for it."""
    return _ERROR_TYPES.get(status) or ("api_error" if status >= 500 else "invalid_request_error")
