"""The model file: what is written is read, and what is damaged is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from libs.classifier.modelfile import PATH, Header, ModelFileError, Topic, header_of, read, write

HEADER = Header(
    version="1", trained="2026-01-01", command="test", data={"a": "b"}, bits=4, measures=2, latents=1, topics=[Topic("law", "knowledge", 0.5, 4.0)],
    pools={}, known=0.5, arrays=[], sha256="",
)  # fmt: skip
ARRAYS = {"weights": np.arange(6, dtype=np.float16).reshape(2, 3), "known": np.array([1, 0], np.uint8)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    write(path, HEADER, ARRAYS)
    return path


def test_what_is_written_is_read(file: Path) -> None:
    header, arrays = read(file)
    assert header.topics == HEADER.topics
    assert header == header_of(file)
    assert {name: array.tolist() for name, array in arrays.items()} == {name: array.tolist() for name, array in ARRAYS.items()}


def _cut(content: bytes) -> bytes:
    return content[:-1]


def _flipped(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def _headless(content: bytes) -> bytes:
    return content[:30]


def _of_another_kind(content: bytes) -> bytes:
    return b"PK" + content[2:]


def _scrambled(content: bytes) -> bytes:
    return content[:16] + b"x" + content[17:]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_cut, "the arrays are not those"), (_flipped, "the arrays are not those"), (_headless, "the header is damaged"),
        (_of_another_kind, "not a model file of this version"), (_scrambled, "the header is damaged"), (lambda _: b"", "not a model file"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_with_what_is_wrong(file: Path, damage: Callable[[bytes], bytes], told: str) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ModelFileError, match=told):
        read(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nowhere\.bin: cannot be read"):
        read(tmp_path / "nowhere.bin")


def test_the_shipped_file_says_where_it_comes_from() -> None:
    header, arrays = read()
    assert header.version
    assert header.command.startswith("python -m libs.classifier.training")
    assert all(name.endswith((".dev.jsonl.gz", "models.json")) for name in header.data)
    assert arrays["weights"].shape == (1 << header.bits, len(header.topics) + 1 + header.latents)
    assert PATH.stat().st_size < 25 * 2**20
