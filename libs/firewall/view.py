"""What a regex is held against: a text without escapes and normalised, as UTF-8, with the way back to the characters that came."""

import math

from libs.firewall.jsontext import Unescaped
from libs.firewall.normal import Normal, last_opening

_STEP = 1024
_CONTINUING = bytes(range(0x80, 0xC0))


class View:
    """A text, or the next part of one, as rules see it."""

    def __init__(self, text: str, *, json: bool = False, raw: bool = False, left: str = "", deadline: float = math.inf) -> None:
        """`raw`: not normalised. `left`: the last that was seen of what came before. Raises ScanTimeout."""
        self.text, self._left = text, left
        self._escapes = Unescaped(text, deadline) if json and "\\" in text else None
        shown = text if self._escapes is None else self._escapes.seen
        self._normal = None if raw or shown.isascii() else Normal(shown, deadline)
        self._seen = left + (shown if self._normal is None else self._normal.seen)
        self.data = self._seen.encode("utf-8", "surrogatepass")
        self._ascii = len(self.data) == len(self._seen)
        self.same = self._escapes is None and (self._normal is None or self._normal.same)
        """Character for character."""
        self._chars = [0]

    @property
    def widest(self) -> int:
        """Bytes of a character at most."""
        return 1 if self._ascii else 4

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The characters that came for these bytes."""
        return self._came(self._char(start), self._char(end))

    def offset(self, index: int) -> int:
        """The byte at which what is seen of the character `index` begins."""
        at = self._place(index)
        return at if self._ascii else len(self._seen[:at].encode("utf-8", "surrogatepass"))

    def after(self, end: int) -> int:
        """Where to go on behind a match that ends at this byte: at the next whole character that came."""
        if self.same:
            return end
        seen = self._char(end)
        return end + len(self._seen[seen : self._place(self._came(seen - 1, seen)[1])].encode("utf-8", "surrogatepass"))

    def before(self, index: int) -> str:
        """The last that is seen in front of the character `index`."""
        return self._seen[: self._place(index)][-1:]

    def settled(self, reach: int) -> int:
        """The last character that begins a cluster and has so much behind it that what comes next cannot change: `reach` characters."""
        escapes = self._escapes
        at = last_opening(self.text if escapes is None else escapes.seen[: escapes.place(escapes.whole)])
        at = max(0, (at if self._normal is None else self._normal.place(at)) - reach)
        if self._normal is not None:
            at, _ = self._normal.span(at, at)
        return at if escapes is None else escapes.span(at, at)[0]

    def _came(self, first: int, last: int) -> tuple[int, int]:
        first, last = max(0, first - len(self._left)), max(0, last - len(self._left))
        if self._normal is not None:
            first, last = self._normal.span(first, last)
        return (first, last) if self._escapes is None else self._escapes.span(first, last)

    def _place(self, index: int) -> int:
        at = index if self._escapes is None else self._escapes.place(index)
        return len(self._left) + (at if self._normal is None else self._normal.place(at))

    def _char(self, byte: int) -> int:
        if self._ascii:
            return byte
        while len(self._chars) * _STEP <= byte:
            self._chars.append(self._chars[-1] + _chars(self.data[(len(self._chars) - 1) * _STEP : len(self._chars) * _STEP]))
        step = byte // _STEP
        return self._chars[step] + _chars(self.data[step * _STEP : byte])


def _chars(data: bytes) -> int:
    """How many characters begin in it."""
    return len(data.translate(None, _CONTINUING))
