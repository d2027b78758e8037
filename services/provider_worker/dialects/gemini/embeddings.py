"""Gemini's embeddings, by batchEmbedContents. https://ai.google.dev/api/embeddings"""

from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from services.provider_worker.dialect import Call, Outcome, Upstream
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.gemini.errors import error_failure
from services.provider_worker.dialects.gemini.refusal import cannot
from services.provider_worker.dialects.vectors import broken, has_tokens, inputs, outcome, to_unit_length

MOST_INPUTS = 100
"""BatchEmbedContentsRequest.requests: "at most 100 requests can be in one batch"."""


class _Embedding(Struct):
    values: list[float]


class _Usage(Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Batch(Struct, rename="camel"):
    embeddings: list[_Embedding] | None = None
    usage_metadata: _Usage | None = None
    error: Any = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Batch).decode


def request(call: Call) -> Upstream:
    """One request for each input. Raises ProviderFailure for token ids, and for more inputs than Gemini takes at once."""
    texts = inputs(call)
    if has_tokens(call):
        raise cannot("token ids; send texts", "input")
    if len(texts) > MOST_INPUTS:
        raise cannot(f"more than {MOST_INPUTS} inputs in one request; send them in smaller batches", "input")
    model = call.model if "/" in call.model else f"models/{call.model}"
    size = {"outputDimensionality": call.request["dimensions"]} if "dimensions" in call.request else {}
    made = [{"model": model, "content": {"parts": [{"text": text}]}} | size for text in texts]
    adapted = ["dropped, unknown to Gemini: user"] if "user" in call.request else []
    return Upstream(path=f"/v1beta/{quote(model)}:batchEmbedContents", content=_encode({"requests": made}), adapted=adapted)


def read(body: bytes, call: Call) -> Outcome:
    """The list. Raises ProviderFailure for anything but a vector for each input."""
    try:
        batch = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise broken("Gemini", provider_errors.said(body).message or "unknown shape") from None
    if batch.error is not None:
        raise error_failure(batch.error, "none")
    vectors, notes = _unit([one.values for one in batch.embeddings or ()])
    tokens = batch.usage_metadata.prompt_token_count if batch.usage_metadata else None
    return outcome("Gemini", call, vectors, call.model, tokens, notes)


def _unit(vectors: list[list[float]]) -> tuple[list[list[float]], list[str]]:
    """Shortened vectors of gemini-embedding-001 have not the length 1 that clients of this API may count on.
    https://ai.google.dev/gemini-api/docs/embeddings#quality-for-smaller-dimensions"""
    made = [to_unit_length(vector) for vector in vectors]
    if not any(made):
        return vectors, []
    note = "the vectors were brought to the length 1: Gemini leaves shortened ones as they are"
    return [new or old for new, old in zip(made, vectors, strict=True)], [note]
