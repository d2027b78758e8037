"""OpenAI's list of embeddings."""

from collections.abc import Sequence
from typing import Any

from services.sandbox import tokens
from services.sandbox.embeddings.vectors import base64, vector

Json = dict[str, Any]
Input = str | list[int]
"""A text, or its token ids."""


def inputs(given: Any) -> list[Input]:
    """The inputs one by one."""
    return given if isinstance(given, list) and not isinstance(given[0], int) else [given]


def count(wanted: Sequence[Input]) -> int:
    """Tokens."""
    return sum(max(1, tokens.count(one)) if isinstance(one, str) else len(one) for one in wanted)


def written(model: str, wanted: Sequence[Input], size: int, form: str | None) -> Json:
    """The list, without what only some providers say."""
    texts = [one if isinstance(one, str) else " ".join(map(str, one)) for one in wanted]
    vectors = [vector(model, text, size) for text in texts]
    data = [
        {"object": "embedding", "index": index, "embedding": base64(values) if form == "base64" else values}
        for index, values in enumerate(vectors)
    ]
    read = count(wanted)
    return {"object": "list", "data": data, "model": f"{model}-sandbox", "usage": {"prompt_tokens": read, "total_tokens": read}}
