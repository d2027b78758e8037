"""Response objects with every field of OpenAI's type, null where empty."""

from typing import Any

from libs.responses.item_ids import item_id

# https://platform.openai.com/docs/api-reference/responses/object
EMPTY: dict[str, Any] = {
    "id": None, "object": "response", "created_at": 0, "status": "in_progress", "completed_at": None, "error": None,
    "incomplete_details": None, "instructions": None, "max_output_tokens": None, "max_tool_calls": None, "model": None,
    "output": [], "parallel_tool_calls": True, "previous_response_id": None, "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None}, "safety_identifier": None, "service_tier": "default", "store": True,
    "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_logprobs": 0,
    "top_p": 1.0, "truncation": "disabled", "usage": None, "user": None, "metadata": {}, "background": False,
    "presence_penalty": 0.0, "frequency_penalty": 0.0, "access_programs": None, "conversation": None, "image": None,
    "input_transformations": None, "moderation": None, "prompt": None, "prompt_cache_diagnostics": None,
    "prompt_cache_options": None, "prompt_cache_retention": None, "tool_usage": None,
}
ECHOED = frozenset({
    "background", "conversation", "frequency_penalty", "image", "instructions", "max_output_tokens", "max_tool_calls",
    "parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store", "temperature", "text", "tool_choice",
    "tools", "top_logprobs", "top_p", "truncation", "user",
})


class Frame:
    """The fields of a response that its request and its route decide; the dialect adds what the provider said."""

    def __init__(
        self, request: dict[str, Any], *, response_id: str, request_id: str, created_at: int, model: str, metadata: dict[str, str],
        attempt: int = 1,
    ) -> None:
        """`attempt`: which of the request's attempts writes this answer, counted from 1."""
        self.response_id, self._attempt = response_id, attempt
        self._fixed = {
            "id": response_id, "object": "response", "created_at": created_at, "metadata": metadata, "request_id": request_id,
        }
        echoed = {name: value for name, value in request.items() if name in ECHOED and value is not None}
        self._base = EMPTY | echoed | {"model": model, "tools": [_complete_tool(tool) for tool in request.get("tools") or []]}
        self._base["reasoning"] = EMPTY["reasoning"] | self._base["reasoning"]
        if not self._base["text"].get("format"):
            self._base["text"] = self._base["text"] | EMPTY["text"]
        if isinstance(self._base["conversation"], str):
            self._base["conversation"] = {"id": self._base["conversation"]}

    def render(self, said: dict[str, Any], **ours: Any) -> dict[str, Any]:
        """A response object: empty fields, under the request's echo, under what the provider said, under what is ours."""
        return self._base | {name: value for name, value in said.items() if value is not None} | self._fixed | ours

    def item_id(self, prefix: str, n: int) -> str:
        """The id of the answer's item `n`, counted from 0."""
        return item_id(prefix, self.response_id, n, self._attempt)


def _complete_tool(tool: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's response type wants `strict`, `description` and `parameters` on each function, null where not given."""
    if tool.get("type") != "function":
        return tool
    return {"strict": True, "description": None, "parameters": None} | tool
