"""How long a request is taken to be where nobody has counted. Pure; needs nothing but the contracts."""

from libs.contracts.requests import RequestFacts

CHARS_PER_TOKEN = 4
DEFAULT_OUTPUT_TOKENS = 400
"""Expected answer where the prompt was not read."""


def input_tokens(facts: RequestFacts) -> int:
    """Tokens of text that the request sends, estimated."""
    return facts.input_chars // CHARS_PER_TOKEN + 1


def output_tokens(facts: RequestFacts) -> int:
    """Tokens that the request asks for at most; where it does not say, what is expected of any."""
    return 0 if facts.embeddings else facts.max_output_tokens or DEFAULT_OUTPUT_TOKENS
