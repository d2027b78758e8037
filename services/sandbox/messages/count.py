"""Counts the input tokens of Anthropic Messages requests.

https://docs.anthropic.com/en/api/messages-count-tokens
"""

from typing import Any

from msgspec import structs

from services.sandbox.asked import Asked, Problem, Usage
from services.sandbox.dialect import Head
from services.sandbox.messages.read import read as read_answer

Json = dict[str, Any]

_FIELDS = frozenset({
    "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "mcp_servers", "context_management",
})  # fmt: skip


def read(request: Json, head: Head) -> Asked:
    """What is to be counted. Raises Problem."""
    unknown = next((name for name in request if name not in _FIELDS), None)
    if unknown:
        raise Problem(400, f"{unknown}: Extra inputs are not permitted")
    return structs.replace(read_answer(request | {"max_tokens": 1}, head), words=False, cache="off")


def write(request: Json, asked: Asked, usage: Usage) -> Json:
    """The count."""
    return {"input_tokens": usage.read}
