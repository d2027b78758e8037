"""One pattern of a rule, compiled: where it is found in a text, and how far a stream must look ahead to be sure of it."""

import math
import time
from collections.abc import Iterator
from typing import Any

import re2
from msgspec import Struct

from libs.contracts.policies import FirewallRule
from libs.firewall.clock import ScanTimeout, check_time
from libs.firewall.detectors import detectors
from libs.firewall.detectors.detector import Detector
from libs.firewall.pattern import CAPTURING, LONGEST_HELD, PLAIN, exception_to_re2, taken_raw, to_re2
from libs.firewall.view import View
from libs.firewall.width import width

MAX_HITS = 1000
"""Of a rule that only tells, in one text; of a rule that masks, every one counts."""

_PROBED = 8192
"""Bytes: the slowest patterns known take 40 ms for them."""
Runs = list[tuple[int, int]]
"""Bytes of a text among which matches may begin."""


class Hit(Struct, frozen=True):
    """One match."""

    rule: FirewallRule
    start: int
    """Characters of the text as it came, end exclusive."""
    end: int
    detector: str = ""
    """Its name, for rules of type `detector`."""


class Found(Struct, frozen=True):
    """A match of a pattern, in characters of the text as it came."""

    start: int
    end: int
    """Of the whole match, context included."""
    hit: Hit | None
    """None: it is none, because the detector's check or an exception says so."""


class Finder:
    """One pattern of a rule. Raises re2.error when it does not compile."""

    def __init__(self, rule: FirewallRule, source: str, hold_back: int, detector: Detector | None = None) -> None:
        self.rule, self.source, self.detector = rule, source, detector
        self.options = PLAIN if detector is None else CAPTURING
        self.raw = detector is None and taken_raw(rule.type, rule.pattern)
        self.enforced = rule.action in ("mask", "block") and not rule.observe
        self.regex: Any = None
        self.most = math.inf if rule.action == "mask" and self.enforced else MAX_HITS
        """Hits that are looked for in a text."""
        self._value = 0
        self._exceptions = [re2.compile(exception_to_re2(each), PLAIN) for each in rule.exceptions]
        size = width(source)
        longest = size.most if detector is None else min(size.most, detector.longest)
        self.bounded = size.most <= longest < LONGEST_HELD
        """A match is certain once as much as `need` came after its beginning; otherwise, after its end."""
        self.local = longest < LONGEST_HELD or size.known < LONGEST_HELD
        """`need` characters behind a match's beginning are enough to see that there is one."""
        self.need = int(longest) + 1 if longest < LONGEST_HELD else _enough(size.known, hold_back)

    def compiled(self, regex: Any) -> None:
        """The filter has it compiled."""
        self.regex = regex
        if self.detector is not None:
            self._value = regex.groupindex.get("value", 0)

    def found(self, view: View, runs: Runs, deadline: float, at: int = 0) -> Iterator[Found]:
        """The matches that begin in the runs, from the byte `at` on, as `re.finditer` has them in the whole text. Raises ScanTimeout."""
        count = 0
        if not self.local and len(view.data) > _PROBED:
            self._probe(view, at, deadline)
        for first, last in runs:
            at = max(at, first)
            while (match := self._next(view, at, last)) is not None:
                check_time(deadline)
                start, end = match.span()
                if start == end:
                    at = start + 1
                    continue
                at = view.after(end)
                found = Found(*view.span(start, end), self._hit(view, match))
                yield found
                count += found.hit is not None
                if count >= self.most:
                    return
            check_time(deadline)

    def _next(self, view: View, at: int, last: int) -> Any:
        """The first match that begins between these bytes."""
        stop = last + (self.need + 1) * view.widest
        if at >= last or stop >= len(view.data):
            return self.regex.search(view.data, at) if at < last else None
        match = self.regex.search(view.data, at, stop)
        if match is None or match.start() >= last:
            return None
        return match if self.bounded else self.regex.search(view.data, at)

    def _probe(self, view: View, at: int, deadline: float) -> None:
        """One search goes over all of the text, and nothing ends it: find out in small steps whether there is time for that.

        `[ab]*a[ab]{999}c` takes 4 µs a byte where the usual pattern takes 2 ns, because it goes through endless states.
        """
        began = time.monotonic()
        for start in range(at, len(view.data), _PROBED):
            self.regex.search(view.data, start, start + _PROBED)
            now = time.monotonic()
            if now + (now - began) > deadline:
                raise ScanTimeout

    def _hit(self, view: View, match: Any) -> Hit | None:
        start, end = match.span(self._value)
        if start == end:
            start, end = match.span()
        value = view.data[start:end]
        if self.detector is not None and self.detector.valid is not None:
            whole = view.data[match.start() : match.end()]
            if not self.detector.valid(whole.decode("utf-8", "replace"), value.decode("utf-8", "replace")):
                return None
        if any(exception.search(value) is not None for exception in self._exceptions):
            return None
        return Hit(self.rule, *view.span(start, end), "" if self.detector is None else self.detector.name)


def _enough(known: float, hold_back: int) -> int:
    """What to hold back for matches without bound."""
    return max(hold_back, min(int(known) + 1, LONGEST_HELD)) if known < math.inf else hold_back


def finders(rule: FirewallRule, hold_back: int) -> list[Finder]:
    """All patterns of a rule. Raises ValueError or re2.error when one cannot be used."""
    if rule.type == "detector":
        return [Finder(rule, source, hold_back, each) for each in detectors(rule.pattern) for source in each.patterns]
    return [Finder(rule, to_re2(rule.type, rule.pattern), hold_back)]


def together(hits: list[Hit]) -> list[Hit]:
    """In order of start; where patterns of one rule overlap, one hit, which the longest names."""
    ordered = sorted(hits, key=lambda hit: (hit.start, hit.end, -hit.rule.priority, hit.rule.id))
    last: dict[int, tuple[int, int]] = {}
    merged: list[Hit] = []
    for hit in ordered:
        at, longest = last.get(hit.rule.id, (-1, 0))
        if at >= 0 and hit.start < merged[at].end:
            size = hit.end - hit.start
            detector = hit.detector if size > longest else merged[at].detector
            merged[at] = Hit(hit.rule, merged[at].start, max(merged[at].end, hit.end), detector)
            last[hit.rule.id] = (at, max(size, longest))
        else:
            last[hit.rule.id] = (len(merged), hit.end - hit.start)
            merged.append(hit)
    return merged
