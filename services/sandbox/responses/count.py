"""Counts the input tokens of OpenAI Responses requests.

https://platform.openai.com/docs/api-reference/responses/input-tokens
"""

from typing import Any

from msgspec import structs

from services.sandbox.asked import Asked, Problem, Usage
from services.sandbox.dialect import Head
from services.sandbox.responses.read import read as read_answer

Json = dict[str, Any]

_FIELDS = frozenset({
    "conversation", "input", "instructions", "model", "parallel_tool_calls", "personality", "previous_response_id", "reasoning", "text",
    "tool_choice", "tools", "truncation",
})  # fmt: skip


def read(request: Json, head: Head) -> Asked:
    """What is to be counted. Raises Problem."""
    unknown = next((name for name in request if name not in _FIELDS), None)
    if unknown:
        raise Problem(400, f"Unknown parameter: '{unknown}'.", param=unknown, code="unknown_parameter")
    return structs.replace(read_answer(request, head), words=False, cache="off")


def write(request: Json, asked: Asked, usage: Usage) -> Json:
    """The count."""
    return {"object": "response.input_tokens", "input_tokens": usage.read}
