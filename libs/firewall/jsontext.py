"""Text that is JSON, such as a tool's arguments: rules see its strings without escapes, and masks leave it JSON.

Nothing here needs the JSON to be right or whole: a model's half-finished arguments are read as far as they go.
"""

import json
import math
import re
from bisect import bisect_right

from msgspec import Struct

from libs.firewall.clock import check_time

_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(
    r"(?P<part>\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?)?)?\Z)"
    rf"|\\u[dD][89abAB][0-9a-fA-F]{{2}}{_LOW}|\\u[0-9a-fA-F]{{4}}|\\.",
    re.DOTALL,
)
_MANY = 10_000
"""Escapes, of which each takes half a microsecond."""
_SHORT = {r"\"": '"', r"\\": "\\", r"\/": "/", r"\b": "\b", r"\f": "\f", r"\n": "\n", r"\r": "\r", r"\t": "\t"}
_QUOTE = re.compile(r'["\\]')
_OUTSIDE = re.compile(r'["{}\[\],:]|[^\s"{}\[\],:]+')


class Unescaped:
    """The text of JSON with its escapes decoded, wherever they stand, and the way back."""

    def __init__(self, text: str, deadline: float = math.inf) -> None:
        """Raises ScanTimeout."""
        self.text, self.seen, self.whole = text, text, len(text)
        """`whole`: characters in front of an escape that the end of the text has cut."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._shown: list[int] = []
        if "\\" in text:
            self._decode(deadline)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The characters that came for those that are seen: escapes are whole."""
        return self._start(start), self._end(end) if end > start else self._start(start)

    def place(self, index: int) -> int:
        """Where in what is seen the character `index` is; within an escape, the character that it stands for."""
        at = bisect_right(self._starts, index) - 1
        if at < 0:
            return index
        return self._shown[at] + (0 if index < self._ends[at] else 1 + index - self._ends[at])

    def _decode(self, deadline: float) -> None:
        pieces, at, seen = [], 0, 0
        for found in _ESCAPE.finditer(self.text):
            start, end = found.span()
            if found["part"] is not None:
                self.whole = start
            if not len(self._starts) % _MANY:
                check_time(deadline)
            pieces += [self.text[at:start], _decoded(found[0])]
            seen += start - at
            self._starts.append(start)
            self._ends.append(end)
            self._shown.append(seen)
            at, seen = end, seen + 1
        self.seen = "".join([*pieces, self.text[at:]])

    def _start(self, seen: int) -> int:
        at = bisect_right(self._shown, seen) - 1
        if at < 0:
            return seen
        return self._starts[at] if seen == self._shown[at] else self._ends[at] + seen - self._shown[at] - 1

    def _end(self, seen: int) -> int:
        at = bisect_right(self._shown, seen - 1) - 1
        return seen if at < 0 else self._ends[at] + seen - 1 - self._shown[at]


def _decoded(escape: str) -> str:
    """One character, also for what is no escape."""
    if len(escape) == 12:
        return chr(0x10000 + ((int(escape[2:6], 16) - 0xD800) << 10) + (int(escape[8:], 16) - 0xDC00))
    if len(escape) == 6:
        return chr(int(escape[2:], 16))
    return _SHORT.get(escape, escape[-1])


class Token(Struct):
    """A string's contents, a number, a literal, or what else stands where one of these should."""

    start: int
    end: int | None
    """None: not known yet."""
    key: bool
    bare: bool
    """Has no quotes."""


class Lexer:
    """The tokens of JSON that comes in pieces; where a token ends is known when the next character is there."""

    def __init__(self) -> None:
        self.tokens: list[Token] = []
        self._at = 0
        self._open: Token | None = None
        self._escaped = False
        self._inside: list[str] = []
        self._key_next = False

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            at = self._outside(text, at) if self._open is None or self._open.bare else self._string(text, at)
        self._at += len(text)

    def finish(self) -> None:
        if self._open is not None:
            self._close(0)

    def whole(self) -> list[tuple[int, int]]:
        """Where a text of the tokens may not be cut: within numbers, literals, and what else has no quotes."""
        return [(token.start, self._at + 1 if token.end is None else token.end) for token in self.tokens if token.bare]

    def drop(self, before: int) -> None:
        """Forget the tokens that end before this character."""
        self.tokens = [token for token in self.tokens if token.end is None or token.end > before]

    def _string(self, text: str, at: int) -> int:
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _QUOTE.search(text, at)
        if found is None:
            return len(text)
        if found[0] == "\\":
            self._escaped = True
        else:
            self._close(found.start())
        return found.end()

    def _outside(self, text: str, at: int) -> int:
        found = _OUTSIDE.search(text, at)
        if self._open is not None and (found is None or found.start() > at or found[0] in '"{}[],:'):
            self._close(at)
        if found is None:
            return len(text)
        char = found[0]
        if char in '"{}[],:':
            self._punctuation(char, found.end())
        elif self._open is None:
            self._begin(found.start(), bare=True)
        return found.end()

    def _punctuation(self, char: str, end: int) -> None:
        if char == '"':
            self._begin(end, bare=False)
            return
        if char in "{[":
            self._inside.append(char)
        elif char in "}]" and self._inside:
            self._inside.pop()
        self._key_next = char in "{," and self._inside[-1:] == ["{"]

    def _begin(self, at: int, *, bare: bool) -> None:
        self._open = Token(self._at + at, None, self._key_next, bare)
        self.tokens.append(self._open)

    def _close(self, at: int) -> None:
        assert self._open is not None
        self._open.end = self._at + at
        self._open = None


def parts(tokens: list[Token], start: int, end: int) -> list[tuple[int, int, bool]]:
    """What is replaced of a hit, with whether it needs quotes: the values that it touches, of strings the part; keys only when it
    touches no value, because then they are context."""
    touched: list[tuple[int, int, bool, bool]] = []
    for at in range(max(0, bisect_right(tokens, start, key=_start_of) - 1), len(tokens)):
        token = tokens[at]
        if token.start >= end:
            break
        if token.end is not None and token.end <= start:
            continue
        stop = end if token.end is None else token.end
        span = (token.start, stop) if token.bare else (max(start, token.start), min(end, stop))
        if span[0] < span[1]:
            touched.append((*span, token.bare, token.key))
    values = [each for each in touched if not each[3]]
    return [(first, last, bare) for first, last, bare, _ in values or touched]


def quoted(replacement: str, *, bare: bool) -> str:
    """As it stands in JSON."""
    text = json.dumps(replacement, ensure_ascii=False)
    return text if bare else text[1:-1]


def _start_of(token: Token) -> int:
    return token.start
