"""The file that the classifier ships with: a header in JSON that says what it is and where it comes from, then numbers. No code in it.

    TRCLASS1 | length of the header, 8 bytes, little endian | header | arrays, one behind the other
"""

from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from libs.contracts.reading import Family

MAGIC = b"TRCLASS1"
PATH = Path(__file__).parent / "model.bin"
_DTYPES = {"float16", "float32", "uint8"}


class ModelFileError(ValueError):
    """The model file is missing, damaged, or of another version of the code."""


class Topic(Struct, frozen=True):
    """A kind of prompt that the training data has."""

    name: str
    family: Family
    difficulty: float
    """Logits below which a model of average ability answers half of it well; 0 is the average topic of its family."""
    tokens: float
    """Natural logarithm of the visible output tokens to expect, plus SHORTEST."""


class Pool(Struct, frozen=True):
    """Models that were measured together, under one scoring."""

    models: list[str]
    usd_per_mtok: list[tuple[float, float] | None]
    """Input and output list price, of each model."""


class Array(Struct, frozen=True):
    name: str
    dtype: str
    shape: list[int]


class Header(Struct, frozen=True, kw_only=True):
    version: str
    trained: str
    """Day, ISO 8601."""
    command: str
    data: dict[str, str]
    """File → SHA-256 of what it was trained on."""
    bits: int
    measures: int
    latents: int
    topics: list[Topic]
    pools: dict[str, Pool]
    known: float
    """The share of a prompt's words that has to be known; below, it is not read."""
    arrays: list[Array]
    sha256: str
    """Of all arrays."""


Arrays = dict[str, NDArray[Any]]


def write(path: Path, header: Header, arrays: Arrays) -> None:
    """Write a model file; fills in `arrays` and `sha256` of the header."""
    payload = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    listed = [Array(name, str(array.dtype), list(array.shape)) for name, array in arrays.items()]
    head = msgspec.json.encode(msgspec.structs.replace(header, arrays=listed, sha256=sha256(payload).hexdigest()))
    path.write_bytes(MAGIC + len(head).to_bytes(8, "little") + head + payload)


def header_of(path: Path = PATH) -> Header:
    """Only the header, without checking the arrays. Raises ModelFileError."""
    with _opened(path) as file:
        return _header(path, file.read(16), file.read)


def read(path: Path = PATH) -> tuple[Header, Arrays]:
    """Header and arrays. Raises ModelFileError when anything about the file is not as it was written."""
    with _opened(path) as file:
        header = _header(path, file.read(16), file.read)
        payload = file.read()
    if sha256(payload).hexdigest() != header.sha256:
        raise ModelFileError(f"{path}: the arrays are not those that the header was written for; fetch the file again")
    arrays: Arrays = {}
    at = 0
    for one in header.arrays:
        if one.dtype not in _DTYPES:
            raise ModelFileError(f"{path}: array {one.name} has the unknown type {one.dtype}")
        count = prod(one.shape)
        arrays[one.name] = np.frombuffer(payload, one.dtype, count, at).reshape(one.shape)
        at += count * np.dtype(one.dtype).itemsize
    return header, arrays


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror}") from error


def _header(path: Path, start: bytes, read_more: Any) -> Header:
    if start[:8] != MAGIC:
        raise ModelFileError(f"{path}: not a model file of this version: it begins with {start[:8]!r} instead of {MAGIC!r}")
    try:
        return msgspec.json.decode(read_more(int.from_bytes(start[8:], "little")), type=Header)
    except (msgspec.MsgspecError, OverflowError, MemoryError) as error:
        raise ModelFileError(f"{path}: the header is damaged: {error}") from error
