"""Requests to count tokens: Responses requests, of which only what a model reads is of interest.

https://platform.openai.com/docs/api-reference/responses/input-tokens
"""

from typing import Any

Json = dict[str, Any]

_READ = frozenset({
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text", "response_format", "truncation",
    "previous_response_id", "conversation", "metadata", "router_mode", "router_model", "router_provider", "provider",
})


def request_of(body: Json) -> Json:
    """The Responses request to be counted. What only says how an answer would be written, delivered or kept is left out, so that the
    same body may be sent here and to /responses."""
    return {name: value for name, value in body.items() if name in _READ}
