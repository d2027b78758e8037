"""The list of embeddings that OpenAI answers with, and everybody who is compatible with it. Unknown fields pass by unread."""

from typing import Any

import msgspec
from msgspec import Struct

from services.provider_worker.dialect import Call, Outcome
from services.provider_worker.dialects import provider_errors
from services.provider_worker.dialects.vectors import broken, outcome


class _Datum(Struct):
    embedding: msgspec.Raw
    index: Any = None


class _Usage(Struct):
    prompt_tokens: Any = None
    total_tokens: Any = None


class _List(Struct):
    data: list[_Datum]
    model: Any = None
    usage: _Usage | None = None


_decode = msgspec.json.Decoder(_List).decode


def read(name: str, body: bytes, call: Call) -> Outcome:
    """The answer of the server that messages call `name`. Raises ProviderFailure for anything but a list with a vector for each
    input."""
    try:
        said = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise broken(name, provider_errors.said(body).message or "unknown shape") from None
    usage = said.usage or _Usage()
    # Some servers count the total only.
    tokens = _count(usage.prompt_tokens) or _count(usage.total_tokens)
    return outcome(name, call, _ordered(said.data), said.model if isinstance(said.model, str) else "", tokens)


def _ordered(data: list[_Datum]) -> list[msgspec.Raw]:
    """By index, where each has its own; as they stand otherwise."""
    by_index = {one.index: one.embedding for one in data if type(one.index) is int}
    if by_index.keys() == set(range(len(data))):
        return [by_index[index] for index in range(len(data))]
    return [one.embedding for one in data]


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
