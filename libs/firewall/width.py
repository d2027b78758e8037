"""How long the matches of an RE2 pattern can be, read off its source. What it is given has been compiled by RE2, so its syntax is right."""

import math
import re

from msgspec import Struct

_NAMED = re.compile(r"\(\?P?<\w+>")
_FLAGS = re.compile(r"\(\?[a-zA-Z]*(?:-[a-zA-Z]+)?[:)]")
_COUNTED = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_POSIX = re.compile(r"\[:\^?\w+:\]")
_OCTAL = re.compile(r"[0-7]{1,3}")


class Width(Struct, frozen=True):
    """Characters of a match."""

    least: float = 0
    most: float = 0
    """`math.inf` when there is no bound."""
    known: float = 0
    """After at most so many, some match is there; what follows can only make it longer. `math.inf`: its end has to come first."""

    def times(self, least: int, most: float) -> "Width":
        """So many of it in a row."""
        known = (self.most * (least - 1) if least > 1 else 0) + (self.known if least else 0)
        return Width(self.least * least, self.most * most if self.most and most else 0, known)


def width(source: str) -> Width:
    """The width of a pattern's matches; of one that is nested too deeply to be read, that nothing is known."""
    try:
        return _Reader(source).alternatives()
    except RecursionError:
        return Width(0, math.inf, math.inf)


def _joined(parts: list[Width]) -> Width:
    """One after the other. A match is known once the last part that cannot be empty is."""
    least, most = sum(part.least for part in parts), sum(part.most for part in parts)
    needed = max((at for at, part in enumerate(parts) if part.least), default=-1)
    known = sum(part.most for part in parts[:needed]) + parts[needed].known if needed >= 0 else 0
    return Width(least, most, known)


class _Reader:
    def __init__(self, source: str) -> None:
        self._source, self._at = source, 0

    def alternatives(self) -> Width:
        """Up to the end or the group's closing parenthesis."""
        branches = [self._sequence()]
        while self._next("|"):
            branches.append(self._sequence())
        return Width(*(pick(getattr(one, name) for one in branches) for name, pick in (("least", min), ("most", max), ("known", max))))

    def _sequence(self) -> Width:
        parts: list[Width] = []
        while self._at < len(self._source) and self._source[self._at] not in "|)":
            if self._next("\\Q"):
                end = self._source.find("\\E", self._at)
                literal = self._source[self._at : end if end >= 0 else None]
                self._at += len(literal) + (2 if end >= 0 else 0)
                parts += [Width(1, 1, 1)] * len(literal)
                if parts and literal:
                    parts[-1] = self._repeated(parts[-1])
            else:
                parts.append(self._repeated(self._atom()))
        return _joined(parts)

    def _repeated(self, atom: Width) -> Width:
        counted = _COUNTED.match(self._source, self._at)
        if counted is not None:
            self._at = counted.end()
            least = int(counted[1])
            most: float = int(counted[3]) if counted[3] else math.inf if counted[2] else least
        elif self._at < len(self._source) and self._source[self._at] in "*+?":
            least, most = {"*": (0, math.inf), "+": (1, math.inf), "?": (0, 1)}[self._source[self._at]]
            self._at += 1
        else:
            return atom
        self._next("?")
        return self._repeated(atom.times(least, most))

    def _atom(self) -> Width:
        char = self._source[self._at]
        if char == "(":
            return self._group()
        if char == "[":
            self._class()
        elif char == "\\":
            return self._escape()
        else:
            self._at += 1
            if char in "^$":
                return Width()
        return Width(1, 1, 1)

    def _group(self) -> Width:
        flags, named = _FLAGS.match(self._source, self._at), _NAMED.match(self._source, self._at)
        self._at = flags.end() if flags else named.end() if named else self._at + 1
        if flags and flags[0].endswith(")"):
            return Width()
        inner = self.alternatives()
        self._next(")")
        return inner

    def _class(self) -> None:
        self._at += 1
        self._next("^")
        self._next("]")
        while self._at < len(self._source) and not self._next("]"):
            posix = _POSIX.match(self._source, self._at)
            if posix is not None:
                self._at = posix.end()
            elif self._source[self._at] == "\\":
                self._escape()
            else:
                self._at += 1

    def _escape(self) -> Width:
        self._at += 2
        char = self._source[self._at - 1]
        if char in "bBAz":
            return Width()
        if char in "pPx" and self._next("{"):
            self._at = self._source.index("}", self._at) + 1
        elif char in "pP":
            self._at += 1
        elif char == "x":
            self._at += 2
        elif (octal := _OCTAL.match(self._source, self._at - 1)) is not None:
            self._at = octal.end()
        return Width(1, 1, 1)

    def _next(self, text: str) -> bool:
        if self._source.startswith(text, self._at):
            self._at += len(text)
            return True
        return False
