"""Embeddings in OpenAI's form: the list that a client gets, and the two ways to write a vector. Pure."""

import math
import struct
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Any

import msgspec

from services.provider_worker.dialect import Call, Outcome, ProviderFailure, Usage
from services.provider_worker.estimate import tokens_in

Json = dict[str, Any]
Vector = msgspec.Raw | list[float]
"""A vector as the provider wrote it, a JSON array of numbers or a string in Base64; or its numbers."""

_UNIT = 1e-3
"""How far from 1 the length of a vector may be that counts as brought to it; vectors of 16-bit floats are about that exact."""
_EMPTY = len("[]")
_decode = msgspec.json.Decoder(list[float] | str).decode


def inputs(call: Call) -> list[Any]:
    """The inputs one by one: strings, or lists of token ids."""
    given = call.request["input"]
    return given if type(given) is list and type(given[0]) is not int else [given]


def has_tokens(call: Call) -> bool:
    """Whether the inputs are token ids."""
    return type(inputs(call)[0]) is list


def outcome(name: str, call: Call, vectors: Sequence[Vector], model: str, tokens: int | None, notes: Sequence[str] = ()) -> Outcome:
    """The list of embeddings. `vectors`: in the order of the inputs; `tokens`: as the provider counted them. Raises ProviderFailure
    when the vectors are not one for each input, or are none."""
    wanted = inputs(call)
    if len(vectors) != len(wanted):
        raise broken(name, f"{len(vectors)} vectors for {len(wanted)} inputs")
    in_base64 = call.request.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _written(name, vector, in_base64=in_base64)}
        for index, vector in enumerate(vectors)
    ]
    usage, told = Usage(input_tokens=tokens or 0), list(notes)
    if not tokens:
        usage = Usage(input_tokens=sum(map(_estimated, wanted)), source="estimated")
        told.append(f"the usage was estimated from the length of the inputs: {name} told none")
    counts = {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
    response = {"object": "list", "data": data, "model": model or call.model, "usage": counts}
    return Outcome(status="completed", response=response, usage=usage, notes=told)


def broken(name: str, what: str) -> ProviderFailure:
    """An answer that is of no use; it may have been billed all the same."""
    return ProviderFailure(f"{name}'s answer is not a list of embeddings: {what}", billing="maybe")


def to_unit_length(vector: list[float]) -> list[float] | None:
    """The vector with the length 1, which OpenAI's have; None when it has it already, or none at all."""
    length = math.hypot(*vector)
    if not length or abs(length - 1) <= _UNIT:
        return None
    return [value / length for value in vector]


def _written(name: str, vector: Vector, *, in_base64: bool) -> Any:
    """In the form that the client wants: as the provider wrote it where that is it."""
    if isinstance(vector, msgspec.Raw) and bytes(vector)[:1] == (b'"' if in_base64 else b"[") and len(bytes(vector)) > _EMPTY:
        return vector
    try:
        numbers = _numbers(vector)
        return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode() if in_base64 else numbers
    # Numbers may be too large for 32 bits.
    except (msgspec.MsgspecError, NotBase64, ValueError, struct.error, OverflowError):
        raise broken(name, "a vector cannot be read") from None


def _numbers(vector: Vector) -> list[float]:
    """Base64 holds little-endian floats of 32 bits."""
    read = _decode(vector) if isinstance(vector, msgspec.Raw) else vector
    numbers = [value for value, in struct.iter_unpack("<f", b64decode(read, validate=True))] if isinstance(read, str) else read
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError("no numbers")
    return numbers


def _estimated(one: str | list[int]) -> int:
    return tokens_in(one) if isinstance(one, str) else len(one)
