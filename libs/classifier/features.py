"""A prompt as numbers: hashed words, pairs of words and runs of four letters, and a few counts. The same code trains and serves."""

import re
from math import log1p
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from libs.classifier.prompt import Prompt

BITS = 15
"""2**BITS buckets."""
MEASURES = 45

_TOKEN = re.compile(rb"[a-z]+|[0-9]+|[^\sa-z0-9]")
_WORD = re.compile(rb"[a-z]+")
_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_CAMEL = re.compile(r"[a-z][A-Z]")
_LOOKED_AT = 16
"""Of many tools."""
_OPTION = re.compile(r"\n\(?[A-J][.):] ")
# Fibonacci hashing: the upper bits of a product with 2**64 / golden ratio.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - BITS)
_PAIR, _PAIRS, _LETTERS = np.uint64(1_000_003), np.uint64(7), np.uint64(0x5BD1E99500000)
_8, _16, _24, _SPACE = np.uint64(8), np.uint64(16), np.uint64(24), np.uint64(32)


def tokens(text: str) -> list[bytes]:
    """Words and numbers in lower case, and every other sign alone."""
    return _TOKEN.findall(text.lower().encode("utf-8", "replace"))


def hashed(words: list[bytes]) -> NDArray[np.uint64]:
    """A number for each token."""
    return np.fromiter(map(crc32, words), np.uint64, len(words))


def buckets(words: list[bytes], hashes: NDArray[np.uint64], tools: tuple[str, ...]) -> NDArray[np.uint16]:
    """The buckets that a prompt of these tokens falls into, each once, ascending."""
    found = [hashes, hashes[:-1] * _PAIR + hashes[1:] + _PAIRS, _runs(words)]
    if tools:
        named = [crc32(b"tool:" + word) for name in tools for word in _WORD.findall(name.lower().encode("utf-8", "replace"))]
        found.append(np.array(named, np.uint64))
    # Sixteen bits are sorted by radix, in a fifth of the time of 64.
    ordered = np.sort((np.concatenate(found) * _SPREAD >> _SHIFT).astype(np.uint16), kind="stable")
    new = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return ordered[new]


def _runs(words: list[bytes]) -> NDArray[np.uint64]:
    """Four neighbouring letters that do not reach over a word."""
    signs = np.frombuffer(b" " + b" ".join(words) + b"  ", np.uint8).astype(np.uint64)
    within = (signs[1:-2] != _SPACE) & (signs[2:-1] != _SPACE)
    runs = signs[:-3] | signs[1:-2] << _8 | signs[2:-1] << _16 | signs[3:] << _24
    return runs[within] + _LETTERS  # type: ignore[no-any-return]


def is_exam(text: str) -> bool:
    """It has answers to choose from."""
    return _OPTION.search(text) is not None


def without_options(text: str) -> str:
    """The question of an exam without the answers to choose from."""
    option = _OPTION.search(text)
    return text[: option.start()] if option else text


def measures(prompt: Prompt, words: list[bytes]) -> NDArray[np.float32]:
    """Counts and signs that words alone do not show; shape (MEASURES,)."""
    text = prompt.text
    size, count = len(text) + 1, len(words) + 1
    options = _OPTION.findall(text)
    stem = _OPTION.search(text).start() if options else size  # type: ignore[union-attr]
    numbers = sum(map(bytes.isdigit, words))
    different = set(words)
    return np.array([
        log1p(size), (log1p(size) - 5) ** 2, log1p(stem), numbers / count, log1p(numbers), "$" in text, log1p(text.count("$")),
        log1p(text.count("\\")), log1p(text.count("\n")), bool(options), len(options) == 4, len(options) >= 9, len(options) / 10,
        log1p((size - stem) / len(options)) if options else 0, "def " in text, "??" in text, text.count("?") == 1, text.count("?") > 1,
        log1p(text.count(",")), size / count / 6, log1p(size - len(text.encode("ascii", "ignore"))), text[:1] in ("'", '"'),
        b"and" in different, b"also" in different or b"then" in different, text.endswith("Answer:"), b"=" in different,
        b"not" in different or b"except" in different, b"which" in different, b"how" in different, b"what" in different, b"_" in different,
        len(different) / count, log1p(text.count("(")), *_tools(prompt, different),
    ], np.float32)  # fmt: skip


def _tools(prompt: Prompt, words: set[bytes]) -> tuple[float, ...]:
    """How many tools there are, how large, and how much their names have to do with the prompt."""
    names = prompt.tools[:_LOOKED_AT]
    if not names:
        return (0.0,) * 12
    begun = {word[:5] for word in words if len(word) > 2}
    meant = [_shared(name, begun) for name in names]
    likely = sum(share >= 0.5 for share in meant)
    each = prompt.tools_chars / len(prompt.tools)
    return (
        1.0, len(prompt.tools) == 1, log1p(len(prompt.tools)), log1p(each), max(meant), min(meant), sum(meant) / len(meant), likely > 1,
        likely == 0, any("." in name for name in names), any("_" in name for name in names),
        any(_CAMEL.search(name) is not None for name in names),
    )  # fmt: skip


def _shared(name: str, begun: set[bytes]) -> float:
    """The share of a tool name's words that the prompt has too, by their first five letters."""
    named = {word.lower()[:5].encode() for word in _NAME.findall(name) if len(word) > 2}
    return len(named & begun) / len(named) if named else 0.0
