"""How many tokens a request has, roughly, where nobody counts them. Pure."""

from typing import Any

import msgspec

from libs.responses.text import facts, texts

Json = dict[str, Any]

BYTES_PER_TOKEN = 4
"""Of UTF-8: four letters of English, two of Greek, more than one ideograph."""
IMAGE_TOKENS = 1000
"""A screenshot, roughly, at any provider."""
_READ = frozenset({"instructions", "input", "text"})
_PLACES = frozenset({"image_url", "file_url", "url"})
_encode = msgspec.json.Encoder().encode


def tokens_in(text: str) -> int:
    """Of one text; at least 1."""
    return max(1, -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN))


def request_tokens(request: Json) -> tuple[int, str]:
    """Of a canonical request, and in words how they were found."""
    known = facts(request)
    tokens = sum(tokens_in(text) for path, text in texts(request) if path[0] in _READ and path[-1] not in _PLACES)
    tokens += known["images"] * IMAGE_TOKENS
    if request.get("tools"):
        tokens += len(_encode(request["tools"])) // BYTES_PER_TOKEN
    left_out = " without its files and recordings" if known["files"] or known["audio"] else ""
    return tokens, f"the tokens were estimated from the length of the request{left_out}: the provider has no way to count them"
