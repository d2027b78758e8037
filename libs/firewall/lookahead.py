"""Scanning a text that comes in pieces: a hit is told once nothing that still comes can change it, for any chunking the same ones."""

from msgspec import structs

from libs.firewall.finder import Finder, Hit, Runs
from libs.firewall.ruleset import Active
from libs.firewall.view import View

_GROWTH = 4
"""A long match that has not ended is looked at again when it has grown by this part of itself, so that the work stays linear."""


class Lookahead:
    """The patterns that see a stream the same way, and the part of its text of which they are not sure yet."""

    def __init__(self, active: Active, wanted: frozenset[Finder], *, json: bool, raw: bool, patient: bool) -> None:
        """`patient`: nobody waits for what it finds."""
        self.sure = 0
        """All hits that begin before this character have been told."""
        self._active, self._wanted = active, wanted
        self._json, self._raw, self._patient = json, raw, patient
        self._reach = max(finder.need for finder in wanted) - 1
        self._text, self._left, self._total = "", "", 0
        self._due = self._reach + 2
        self._from: dict[Finder, int] = {}
        self._told: dict[Finder, int] = {}

    @staticmethod
    def some(active: Active, *, json: bool, enforced: bool) -> tuple["Lookahead", ...]:
        """One for the patterns that see normalised text, one for those that see it as it comes."""
        kinds = ((raw, frozenset(each for each in active.finders.values() if (each.enforced, each.raw) == (enforced, raw))) for raw in (False, True))
        return tuple(Lookahead(active, wanted, json=json, raw=raw, patient=not enforced) for raw, wanted in kinds if wanted)

    def feed(self, text: str, deadline: float, *, last: bool) -> list[Hit]:
        """The hits that have become certain. Raises ScanTimeout."""
        self._text += text
        self._total += len(text)
        if not last and self._total < self._due:
            return []
        base = self.sure
        view = View(self._text, json=self._json, raw=self._raw, left=self._left, deadline=deadline)
        certain = self._total if last else base + view.settled(self._reach)
        self.sure, self._due = certain, self._total + (self._reach if self._patient else 1)
        hits: list[Hit] = []
        for finder, runs in self._active.suspected(view, raw=self._raw, deadline=deadline):
            if finder in self._wanted and self._told.get(finder, 0) < finder.most:
                self._from[finder] = self._look(finder, view, runs, base, certain, deadline, hits, last=last)
        self._from = {finder: at for finder, at in self._from.items() if at > self.sure}
        self._left = view.before(self.sure - base)
        self._text = self._text[self.sure - base :]
        return hits

    def _look(self, finder: Finder, view: View, runs: Runs, base: int, certain: int, deadline: float, hits: list[Hit], *, last: bool) -> int:
        """Adds a finder's certain hits; returns where it goes on."""
        at = self._from.get(finder, base)
        for found in finder.found(view, runs, deadline, view.offset(at - base)):
            start, end = base + found.start, base + found.end
            if not last and (start >= certain or (end > certain and not finder.bounded)):
                if start < certain:
                    self._wait(start, end)
                break
            at = end
            if found.hit is not None:
                self._told[finder] = self._told.get(finder, 0) + 1
                hits.append(structs.replace(found.hit, start=base + found.hit.start, end=base + found.hit.end))
                if self._told[finder] >= finder.most:
                    break
        return at

    def _wait(self, start: int, end: int) -> None:
        """For a match that is there and may go on: its end has to be certain."""
        if start < self.sure:
            grown = self._total + 1 + (self._total - start) // _GROWTH
            self.sure, self._due = start, max(self._total + 1, grown if end >= self._total - 1 else end + self._reach + 1)
