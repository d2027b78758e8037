"""Gemini's batchEmbedContents.

https://ai.google.dev/api/embeddings
"""

import math
from typing import Any

from services.sandbox import models, tokens
from services.sandbox.asked import Asked, Problem, Usage
from services.sandbox.dialect import Head
from services.sandbox.embeddings.vectors import vector
from services.sandbox.gemini.parse import parse

Json = dict[str, Any]

_MOST_AT_ONCE = 100
_AT = "* BatchEmbedContentsRequest.requests"


def read(body: Json, head: Head) -> Asked:
    """What is asked for. Raises Problem."""
    requests = _requests(body)
    model = head.path["model"]
    if model not in models.GEMINI_EMBEDDERS:
        raise Problem(
            404, f"models/{model} is not found for API version {head.path['version']}, or is not supported for embedContent. "
            "Call ListModels to see the list of available models and their supported methods.",
        )  # fmt: skip
    if not requests:
        raise Problem(400, f"{_AT}: requests is not specified\n")
    if len(requests) > _MOST_AT_ONCE:
        raise Problem(400, f"{_AT}: at most {_MOST_AT_ONCE} requests can be in one batch\n")
    for index, request in enumerate(requests):
        _check(request, f"{_AT}[{index}]", model)
    return Asked(model=model, text="\n".join(map(_text, requests)), stream=False, words=False, read="", cache="off")


def write(body: Json, asked: Asked, usage: Usage) -> Json:
    """The vectors in the order of the requests, and how many tokens were read."""
    requests = _requests(body)
    count = sum(max(1, tokens.count(_text(request))) for request in requests)
    told = {"promptTokenCount": count, "promptTokenDetails": [{"modality": "TEXT", "tokenCount": count}]}
    return {"embeddings": [{"values": _values(asked.model, request)} for request in requests], "usageMetadata": told}


def _requests(body: Json) -> list[Json]:
    found: list[Json] = parse(body, "BatchEmbedContentsRequest").get("requests") or []
    return found


def _check(request: Json, at: str, model: str) -> None:
    if not request.get("model"):
        raise Problem(400, f"{at}.model: model is not specified\n")
    if request["model"] != f"models/{model}":
        raise Problem(400, f"{at}.model: the model must be the same as that of the batch: models/{model}\n")
    if not (request.get("content") or {}).get("parts"):
        raise Problem(400, f"{at}.content: content is not specified\n")
    if not all(part.get("text") for part in request["content"]["parts"]):
        raise Problem(400, "content contains an empty Part.")
    if not 1 <= request.get("outputDimensionality", 1) <= models.GEMINI_EMBEDDERS[model]:
        raise Problem(400, f"{at}.output_dimensionality: must be in the range [1, {models.GEMINI_EMBEDDERS[model]}].\n")


def _text(request: Json) -> str:
    return "\n".join(part["text"] for part in request["content"]["parts"])


def _values(model: str, request: Json) -> list[float]:
    """Shortened vectors of the first model are cut off, and so shorter than 1."""
    whole = models.GEMINI_EMBEDDERS[model]
    size = request.get("outputDimensionality", whole)
    values = vector(model, _text(request), size)
    if model != "gemini-embedding-001" or size == whole:
        return values
    return [value * math.sqrt(size / whole) for value in values]
