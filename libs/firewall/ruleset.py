"""A workspace's enabled firewall rules, compiled; one RE2 Filter finds in one pass which of them a text may hit at all."""

import math
import time
from collections.abc import Iterable

import re2

from libs.contracts.policies import FirewallRule, FirewallRules, Scope
from libs.firewall.clock import SCAN_SECONDS, ScanTimeout, check_time
from libs.firewall.finder import Finder, Hit, Runs, finders, together
from libs.firewall.view import View

__all__ = ["HOLD_BACK", "SCAN_SECONDS", "Active", "Hit", "RuleSet", "ScanTimeout"]

HOLD_BACK = 256
"""Characters that a stream holds back when a rule's matches have no bound."""
_MOST_CALLERS = 256
_BLOCK = 8192
"""Bytes of a long text that are looked at together: a pattern is looked for only where its literals are."""


class RuleSet:
    """The enabled rules of one scope. Raises re2.error or ValueError when one does not compile, or the filter does not find what it must."""

    def __init__(self, rules: FirewallRules, scope: Scope, *, hold_back: int = HOLD_BACK) -> None:
        chosen = [rule for rule in rules.rules if rule.is_enabled and rule.scope == scope]
        self.rules = tuple(sorted(chosen, key=lambda rule: (-rule.priority, rule.id)))
        self.finders = [finder for rule in self.rules for finder in finders(rule, hold_back)]
        self._filter = re2.Filter()
        for finder in self.finders:
            finder.compiled(self._filter.re(self._filter.Add(finder.source, finder.options)))
        if self.finders:
            self._filter.Compile()
        self._active: dict[tuple[int, ...], Active] = {}
        self._narrowed = any(rule.projects or rule.api_keys for rule in self.rules)
        self._everybody = Active(self, self.rules)
        self._try_out()

    def __len__(self) -> int:
        return len(self.rules)

    def active(self, key_id: str, key_name: str, project: str) -> "Active":
        """Those rules that hold for a caller."""
        if not self._narrowed:
            return self._everybody
        rules = tuple(rule for rule in self.rules if _holds(rule, key_id, key_name, project))
        ids = tuple(rule.id for rule in rules)
        if ids not in self._active:
            if len(self._active) >= _MOST_CALLERS:
                self._active.clear()
            self._active[ids] = Active(self, rules)
        return self._active[ids]

    def matching(self, data: bytes) -> list[int]:
        """Indices of the finders that may match in `data`, or in any part of it: anchors are not looked at."""
        return sorted(self._filter.Match(data, True) or []) if self.finders else []

    def _try_out(self) -> None:
        """A substring is a text that its own rule must find; a filter that has lost one would let everything through."""
        for index, finder in enumerate(self.finders):
            if finder.rule.type == "substring" and index not in self.matching(View(finder.rule.pattern, raw=finder.raw).data):
                raise ValueError(f"firewall rule {finder.rule.id} is not found in its own text")


class Active:
    """The rules that hold for a caller, highest priority first, then lowest id."""

    def __init__(self, ruleset: RuleSet, rules: tuple[FirewallRule, ...]) -> None:
        self.rules = rules
        self._ruleset = ruleset
        held = {id(rule) for rule in rules}
        self.finders = {index: finder for index, finder in enumerate(ruleset.finders) if id(finder.rule) in held}
        self._raw = any(finder.raw for finder in self.finders.values())
        self._reach = max((finder.need + 1 for finder in self.finders.values() if finder.local), default=0)
        self._far = any(not finder.local for finder in self.finders.values())
        self.changes = any(finder.enforced for finder in self.finders.values())
        """Some rule that enforces masks or blocks."""
        self.hold = max((finder.need for finder in self.finders.values() if finder.enforced), default=0)
        """Characters that a stream holds back for these rules."""

    def __len__(self) -> int:
        return len(self.rules)

    def suspects(self, text: str) -> bool:
        """Whether any rule may hit in the text or a part of it, be it plain or JSON: wrongly true sometimes, wrongly false never."""
        return any(self.suspected(View(text, json=json, raw=raw), raw=raw) for json, raw in self._ways(text))

    def _ways(self, text: str) -> list[tuple[bool, bool]]:
        """How the text may be seen: escapes decoded, as it came."""
        return [(json, raw) for json in (False, True)[: 1 + ("\\" in text)] for raw in (False, True)[: 1 + self._raw]]

    def suspected(self, view: View, *, raw: bool = False, deadline: float = math.inf) -> list[tuple[Finder, Runs]]:
        """The patterns that may be found in the text that the view is of, and where. `raw`: those that go by the text as it came, else the others."""
        if not self.finders:
            return []
        size = len(view.data)
        if size <= 2 * _BLOCK:
            return [(finder, [(0, size)]) for finder in self._known(view.data, raw)]
        reach = self._reach * view.widest
        runs: dict[Finder, Runs] = {}
        for at in range(0, size, _BLOCK):
            check_time(deadline)
            for finder in self._known(view.data[at : at + _BLOCK + reach], raw):
                runs.setdefault(finder, []).append((at, min(at + _BLOCK, size)))
        if self._far:
            runs |= {finder: [(0, size)] for finder in self._known(view.data, raw) if not finder.local}
        return [(finder, where) for finder, where in runs.items()]

    def _known(self, data: bytes, raw: bool) -> list[Finder]:
        found = (self.finders.get(index) for index in self._ruleset.matching(data))
        return [finder for finder in found if finder is not None and finder.raw == raw]

    def scan(self, text: str, *, deadline: float | None = None) -> list[Hit]:
        """All hits in a text, in order of start. Raises ScanTimeout at the deadline (time.monotonic()), by default after a quarter of a second."""
        return self._scan(text, False, deadline)

    def scan_json(self, text: str, *, deadline: float | None = None) -> list[Hit]:
        """The same in a text that is JSON: strings are seen without their escapes."""
        return self._scan(text, True, deadline)

    def _scan(self, text: str, json: bool, deadline: float | None) -> list[Hit]:
        if not self.finders or not text:
            return []
        until = time.monotonic() + SCAN_SECONDS if deadline is None else deadline
        hits: list[Hit | None] = []
        for raw in (False, True)[: 1 + self._raw]:
            view = View(text, json=json, raw=raw, deadline=until)
            suspects = self.suspected(view, raw=raw, deadline=until)
            hits += [found.hit for finder, runs in suspects for found in finder.found(view, runs, until)]
        return together([hit for hit in hits if hit is not None])


def _holds(rule: FirewallRule, key_id: str, key_name: str, project: str) -> bool:
    return (not rule.projects or project in rule.projects) and (not rule.api_keys or _any_of((key_id, key_name), rule.api_keys))


def _any_of(names: Iterable[str], wanted: list[str]) -> bool:
    return any(name and name in wanted for name in names)
