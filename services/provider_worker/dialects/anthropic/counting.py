"""Anthropic's count of input tokens. https://platform.claude.com/docs/en/api/messages-count-tokens"""

from services.provider_worker.dialect import Upstream
from services.provider_worker.dialects import token_count

# Any other field is refused: "max_tokens: Extra inputs are not permitted".
_SENT = frozenset({"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"})


def request(answer: Upstream) -> Upstream:
    """The request to count the tokens of the request `answer`."""
    sent = {name: value for name, value in token_count.fields(answer).items() if name in _SENT}
    return token_count.counting(answer, f"{answer.path}/count_tokens", sent)


def read(body: bytes) -> int:
    """The tokens. Raises ProviderFailure."""
    return token_count.read("Anthropic", body, "input_tokens")
