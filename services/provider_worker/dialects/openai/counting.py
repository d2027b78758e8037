"""OpenAI's count of input tokens. https://platform.openai.com/docs/api-reference/responses/input-tokens"""

from services.provider_worker.dialect import Upstream
from services.provider_worker.dialects import token_count

# Any other field is refused.
_SENT = frozenset({
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text", "truncation",
})


def request(answer: Upstream) -> Upstream:
    """The request to count the tokens of the request `answer`."""
    sent = {name: value for name, value in token_count.fields(answer).items() if name in _SENT}
    return token_count.counting(answer, f"{answer.path}/input_tokens", sent)


def read(body: bytes) -> int:
    """The tokens. Raises ProviderFailure."""
    return token_count.read("OpenAI", body, "input_tokens")
