"""What a text's hits come to: the traces of rules, warnings, and the block; matches stand there as salted hashes. Pure."""

import hmac
from collections.abc import Iterable, Sequence
from hashlib import sha256

from msgspec import structs

from libs.contracts.message import Match, RuleTrace, Warning
from libs.contracts.policies import FirewallRule
from libs.firewall.ruleset import Hit

MOST_MATCHES = 1000
"""Matches of all rules that stand in the traces, and so on record; the others are counted."""
SHOWN_MATCHES = 20
"""Of one rule, as many are told in a response or an error."""


class Findings:
    """Hits gathered over all texts of a request or an answer, by rule."""

    def __init__(self, salt: str) -> None:
        self._salt = salt.encode()
        self._rules: dict[int, FirewallRule] = {}
        self._counts: dict[int, int] = {}
        self._matches: dict[int, list[Match]] = {}
        self._noted = 0
        self.masked = 0
        """Places replaced."""

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, item: str, hits: Iterable[Hit], text: str) -> None:
        """Note the hits in the text at `item`, as it came."""
        for hit in hits:
            rule = hit.rule
            self._rules[rule.id] = rule
            self._counts[rule.id] = self._counts.get(rule.id, 0) + 1
            if rule.action == "mask" and not rule.observe:
                self.masked += 1
            matches = self._matches.setdefault(rule.id, [])
            if self._noted < MOST_MATCHES:
                self._noted += 1
                matches.append(self._match(item, hit, text[hit.start : hit.end]))

    def _match(self, item: str, hit: Hit, text: str) -> Match:
        digest = hmac.new(self._salt, text.encode("utf-8", "replace"), sha256).hexdigest()[:16] if self._salt else ""
        return Match(item=item, start=hit.start, end=hit.end, detector=hit.detector, hash=digest)

    def ordered(self) -> list[FirewallRule]:
        """The rules that hit, strongest first."""
        return sorted(self._rules.values(), key=lambda rule: (-rule.priority, rule.id))

    def block(self) -> FirewallRule | None:
        """The strongest rule that blocks."""
        return next((rule for rule in self.ordered() if rule.action == "block" and not rule.observe), None)

    def trace(self) -> list[RuleTrace]:
        """A trace for each rule that hit."""
        return [
            RuleTrace(
                kind="firewall", rule_id=rule.id, name=rule.name, priority=rule.priority, matched=True, action=rule.action, scope=rule.scope,
                hits=self._counts[rule.id], observed=rule.observe, matches=self._matches[rule.id],
            )
            for rule in self.ordered()
        ]

    def warnings(self) -> list[Warning]:
        """A warning for each rule that warns. A rule that only observes says nothing."""
        return [
            Warning(source="firewall", rule_id=rule.id, message=f"firewall rule '{rule.name}' matched the {rule.scope}")
            for rule in self.ordered()
            if rule.action == "warn" and not rule.observe
        ]


def place(path: Sequence[str | int]) -> str:
    """A path as it is written in a trace: `input[0].content[1].text`."""
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return written.removeprefix(".")


def shortened(traces: Sequence[RuleTrace]) -> list[RuleTrace]:
    """The traces with the first of their matches only, for where there is little room."""
    return [
        structs.replace(trace, matches=trace.matches[:SHOWN_MATCHES]) if len(trace.matches) > SHOWN_MATCHES else trace for trace in traces
    ]
