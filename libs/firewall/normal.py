"""Text as rules see it: without invisible characters and in NFKC, with the way back to the characters that came."""

import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from libs.firewall.clock import check_time

# What has no width of its own (Unicode's default-ignorable code points, and the interlinear marks), so that nobody who reads sees it.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN = re.compile(f"[{_INVISIBLE}]+")
_ODD = re.compile(f"[{_INVISIBLE}\ud800-\udfff]")
_SURROGATES = re.compile("([\ud800-\udbff])([\udc00-\udfff])|[\ud800-\udfff]")
_OTHERS = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+")
_STEP = 1 << 17
"""Characters that are normalised without a look at the clock; the slowest take 15 ms."""
_BLOCK = 64
"""Characters whose place is found by one step; within, it is looked for when a match needs it."""


class Piece(Struct, frozen=True):
    """A stretch of text and what is seen of it."""

    start: int
    """In the characters that came."""
    end: int
    visible: int
    """Where what is seen of it ends; invisible characters behind it belong to it."""
    seen: int
    """Where it begins in what is seen."""
    same: bool
    """Character for character."""


def normalised(text: str) -> str:
    """The text in NFKC without invisible characters; halves of surrogate pairs are joined or become U+FFFD."""
    if text.isascii():
        return text
    if _ODD.search(text):
        text = _SURROGATES.sub(_joined, _HIDDEN.sub("", text))
    # With the character in front, which a mark may stand on. 200 KB with few other characters than ASCII: 0.5 ms in place of 4.
    return _OTHERS.sub(_composed, text)


def is_normal(text: str) -> bool:
    """Whether normalising leaves it as it is."""
    return text.isascii() or (_ODD.search(text) is None and unicodedata.is_normalized("NFKC", text))


def _composed(run: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", run[0])


def _joined(pair: re.Match[str]) -> str:
    if pair[1] is None:
        return "\ufffd"
    return chr(0x10000 + ((ord(pair[1]) - 0xD800) << 10) + (ord(pair[2]) - 0xDC00))


def _in_steps(text: str, deadline: float) -> str:
    """The text normalised, with a look at the clock now and then."""
    pieces, at = [], 0
    while at < len(text):
        check_time(deadline)
        end = opening(text, at + _STEP)
        pieces.append(normalised(text[at:end]))
        at = end
    return "".join(pieces)


@lru_cache(maxsize=4096)
def _opens(char: str) -> bool:
    """Whether what comes before a character cannot change together with it."""
    if char.isascii():
        return True
    if _HIDDEN.match(char) or "\udc00" <= char <= "\udfff":
        return False
    first = unicodedata.normalize("NFKC", char)[0]
    # Marks compose with what they stand on, and the vowels and final consonants of Hangul with the syllable's beginning.
    return unicodedata.category(first)[0] != "M" and not "\u1160" <= first <= "\u11ff"


def opening(text: str, at: int) -> int:
    """The first character from `at` on that opens a cluster; the text's length when there is none."""
    while at < len(text) and not _opens(text[at]):
        hidden = _HIDDEN.match(text, at)
        at = hidden.end() if hidden else at + 1
    return min(at, len(text))


def last_opening(text: str) -> int:
    """Where the last cluster begins: what comes behind the text can still change it."""
    at = len(text) - 1
    while at > 0 and not _opens(text[at]):
        at -= 1
    return max(at, 0)


class Normal:
    """A text and what is seen of it."""

    def __init__(self, text: str, deadline: float = math.inf) -> None:
        """Raises ScanTimeout."""
        self.text = text
        self.same = is_normal(text)
        self.seen = text if self.same else _in_steps(text, deadline)
        self._blocks: list[Piece] = []
        self._begins: list[int] = []
        self._finer: dict[int, list[Piece]] = {}

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The characters that came for those that are seen, whole, with what is invisible between them."""
        if self.same or start >= end:
            return (start, end) if self.same else (self._start(start),) * 2
        return self._start(start), self._end(end - 1)

    def place(self, index: int) -> int:
        """Where in what is seen the cluster is that holds the character `index`; behind its visible part, the next one."""
        if self.same or not self.seen:
            return index if self.same else 0
        if index >= len(self.text):
            return len(self.seen)
        self._cut()
        piece = self._finest(bisect_right(self._blocks, index, key=_start_of) - 1, index, _start_of)
        if index < piece.visible or not piece.same:
            within = max(0, index - piece.start) if piece.same else 0
            return piece.seen + (within if index < piece.visible else len(normalised(self.text[piece.start : piece.end])))
        return piece.seen + piece.end - piece.start

    def _start(self, seen: int) -> int:
        if seen >= len(self.seen):
            return len(self.text)
        piece = self._at(seen)
        return piece.start + (seen - piece.seen if piece.same else 0)

    def _end(self, last: int) -> int:
        piece = self._at(last)
        return piece.start + last - piece.seen + 1 if piece.same else piece.visible

    def _at(self, seen: int) -> Piece:
        self._cut()
        return self._finest(bisect_right(self._begins, seen) - 1, seen, _seen_of)

    def _finest(self, block: int, index: int, key: Callable[[Piece], int]) -> Piece:
        piece = self._blocks[max(0, block)]
        if piece.same:
            return piece
        finer = self._finer.get(block)
        if finer is None:
            finer = self._finer[block] = self._pieces(piece)
        return finer[max(0, bisect_right(finer, index, key=key) - 1)]

    def _cut(self) -> None:
        if self._blocks:
            return
        at = seen = 0
        while at < len(self.text):
            end = opening(self.text, at + _BLOCK)
            at, seen = self._add(self._blocks, at, end, seen)
        self._begins = [piece.seen for piece in self._blocks]

    def _pieces(self, block: Piece) -> list[Piece]:
        """The clusters of a block, one by one."""
        found: list[Piece] = []
        at, seen = block.start, block.seen
        while at < block.end:
            at, seen = self._add(found, at, min(opening(self.text, at + 1), block.end), seen)
        return found

    def _add(self, pieces: list[Piece], start: int, end: int, seen: int) -> tuple[int, int]:
        text = self.text[start:end]
        same = is_normal(text)
        shown = text if same else normalised(text)
        visible = end if same else start + len(_visible(text))
        # A piece of which nothing is seen belongs to nothing.
        if shown:
            pieces.append(Piece(start, end, visible, seen, same))
        return end, seen + len(shown)


def _start_of(piece: Piece) -> int:
    return piece.start


def _seen_of(piece: Piece) -> int:
    return piece.seen


def _visible(text: str) -> str:
    end = len(text)
    while end and _HIDDEN.match(text[end - 1]):
        end -= 1
    return text[:end]
