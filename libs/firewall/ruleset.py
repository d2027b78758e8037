"""A workspace's enabled firewall rules, compiled; one RE2 Filter finds in one pass which rules a text may hit at all."""

from typing import Any

import re2
from msgspec import Struct

from libs.contracts.policies import FirewallRule, FirewallRules, Scope
from libs.firewall.pattern import options, to_re2

# RE2's find-all is quadratic for patterns that rescan the tail; past this many hits of one rule in one text, stop.
MAX_HITS = 1000


class Hit(Struct, frozen=True, array_like=True):
    """One match, in bytes of the UTF-8 text."""

    rule: FirewallRule
    start: int
    end: int


class RuleSet:
    """The rules of one scope, highest priority first. Raises re2.error when one does not compile."""

    def __init__(self, rules: FirewallRules, scope: Scope) -> None:
        chosen = [rule for rule in rules.rules if rule.is_enabled and rule.scope == scope]
        self.rules = sorted(chosen, key=lambda rule: (-rule.priority, rule.id))
        self._filter = re2.Filter()
        self._regexes: list[Any] = []
        for rule in self.rules:
            index = self._filter.Add(to_re2(rule.type, rule.pattern), options())
            self._regexes.append(self._filter.re(index))
        if self.rules:
            self._filter.Compile()

    def __len__(self) -> int:
        return len(self.rules)

    def suspects(self, text: bytes) -> list[int]:
        """Indices of the rules that may match somewhere in `text`, or in any part of it: anchors are not looked at."""
        if not self.rules:
            return []
        return sorted(self._filter.Match(text, True) or [])

    def hits(self, text: bytes, suspects: list[int]) -> list[Hit]:
        """The matches of the suspected rules, in rule order: all of a rule that masks, the first of any other."""
        found: list[Hit] = []
        for index in suspects:
            rule = self.rules[index]
            if rule.action != "mask":
                match = self._regexes[index].search(text)
                if match is not None and match.end() > match.start():
                    found.append(Hit(rule, match.start(), match.end()))
                continue
            for count, match in enumerate(self._regexes[index].finditer(text), 1):
                start, end = match.span()
                if end > start:
                    found.append(Hit(rule, start, end))
                if count >= MAX_HITS:
                    break
        return found


def masked(text: bytes, hits: list[Hit]) -> bytes:
    """`text` with every masked span replaced; where spans overlap, they merge and the rule with the higher priority names
    the replacement."""
    spans: list[list[Any]] = []
    for order, hit in sorted(enumerate(hits), key=lambda pair: (pair[1].start, pair[0])):
        replacement = (hit.rule.replacement if hit.rule.replacement is not None else "[redacted]").encode()
        if spans and hit.start < spans[-1][1]:
            last = spans[-1]
            last[1] = max(last[1], hit.end)
            if order < last[3]:
                last[2], last[3] = replacement, order
        else:
            spans.append([hit.start, hit.end, replacement, order])
    parts, at = [], 0
    for start, end, replacement, _ in spans:
        parts += [text[at:start], replacement]
        at = end
    return b"".join([*parts, text[at:]])
