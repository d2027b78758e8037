"""Masking a text that comes in pieces: what goes out adds up to the masked whole, and nothing of a match goes out before it is known."""

import time
from bisect import bisect_right

from libs.contracts.policies import FirewallRule
from libs.firewall.clock import SCAN_SECONDS
from libs.firewall.finder import MAX_HITS, Hit, together
from libs.firewall.jsontext import Lexer
from libs.firewall.lookahead import Lookahead
from libs.firewall.mask import Edit, edited, edits, json_edits, masks
from libs.firewall.ruleset import Active


class Masker:
    """One text of a stream. Methods raise ScanTimeout."""

    def __init__(self, active: Active, *, json: bool = False) -> None:
        """`json`: the text is JSON, such as a tool's arguments."""
        self.blocked_by: FirewallRule | None = None
        """Set when an enforced block rule has hit; from then on nothing comes out any more."""
        self.hits: list[Hit] = []
        """Those that are certain, in characters of the whole text as it came; at most 1,000 of a rule."""
        self.counts: dict[int, int] = {}
        """By rule id, all of them."""
        self._changes = active.changes
        self._enforcing = Lookahead.some(active, json=json, enforced=True)
        self._telling = Lookahead.some(active, json=json, enforced=False)
        self._lexer = Lexer() if json and active.changes else None
        self._text, self._out, self._end = "", 0, 0
        self._masking: list[Hit] = []
        self._certain: list[Hit] = []
        self._written = 0
        self._edits: list[tuple[int, int, int, int]] = []

    @property
    def pending(self) -> int:
        """Characters held back now."""
        return len(self._text)

    def feed(self, text: str) -> str:
        """What may go out now."""
        return self._step(text, last=False)

    def finish(self) -> str:
        """The rest."""
        return self._step("", last=True)

    def moved(self, index: int) -> int:
        """Where the character `index` of the text as it came stands in what goes out; of what is masked, where its replacement begins."""
        at = bisect_right(self._edits, index, key=lambda edit: edit[0]) - 1
        if at < 0:
            return index
        _, end, placed, size = self._edits[at]
        return placed + (size + index - end if index >= end else 0)

    def _step(self, text: str, *, last: bool) -> str:
        if self.blocked_by is not None:
            return ""
        self._end += len(text)
        if self._changes:
            self._text += text
        if self._lexer is not None:
            self._lexer.feed(text)
        self._look(text, last=last)
        if self.blocked_by is not None:
            self._text = ""
            return ""
        return self._released(last=last) if self._changes else text

    def _look(self, text: str, *, last: bool) -> None:
        deadline = time.monotonic() + SCAN_SECONDS
        found = [hit for each in (*self._enforcing, *self._telling) for hit in each.feed(text, deadline, last=last)]
        blocking = [hit for hit in found if hit.rule.action == "block" and not hit.rule.observe]
        if blocking:
            self.blocked_by = min(blocking, key=lambda hit: (hit.start, -hit.rule.priority, hit.rule.id)).rule
        self._masking += [hit for hit in found if masks(hit.rule)]
        self._certain += found
        if self._certain:
            self._tell(self._end if last or blocking else min(each.sure for each in (*self._enforcing, *self._telling)))

    def _tell(self, limit: int) -> None:
        """Add the hits before `limit` to the others, where patterns of one rule overlap, as one."""
        limit = _before(limit, [(hit.start, hit.end) for hit in self._certain])
        for hit in together([hit for hit in self._certain if hit.end <= limit]):
            count = self.counts[hit.rule.id] = self.counts.get(hit.rule.id, 0) + 1
            if count <= MAX_HITS:
                self.hits.append(hit)
        self._certain = [hit for hit in self._certain if hit.end > limit]

    def _released(self, *, last: bool) -> str:
        if last and self._lexer is not None:
            self._lexer.finish()
        limit = self._end if last else min(each.sure for each in self._enforcing)
        tokens = self._lexer.tokens if self._lexer is not None else None
        masking = together(self._masking)
        changes = edits(masking) if tokens is None else json_edits(masking, tokens)
        spans = [*((hit.start, hit.end) for hit in self._masking), *((edit.start, edit.end) for edit in changes)]
        if self._lexer is not None and not last:
            spans += self._lexer.whole()
        limit = _before(limit, spans)
        if limit <= self._out:
            return ""
        return self._write(limit, [edit for edit in changes if edit.end <= limit])

    def _write(self, limit: int, changes: list[Edit]) -> str:
        out = edited(self._text[: limit - self._out], changes, self._out)
        shift = self._written - self._out
        for edit in changes:
            self._edits.append((edit.start, edit.end, edit.start + shift, len(edit.text)))
            shift += len(edit.text) - (edit.end - edit.start)
        self._text, self._out, self._written = self._text[limit - self._out :], limit, self._written + len(out)
        self._masking = [hit for hit in self._masking if hit.end > limit]
        if self._lexer is not None:
            self._lexer.drop(limit)
        return out


def _before(limit: int, spans: list[tuple[int, int]]) -> int:
    """The last place up to `limit` that is within no span."""
    for start, end in sorted(spans, reverse=True):
        if start < limit < end:
            limit = start
    return limit
