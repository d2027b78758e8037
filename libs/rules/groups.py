"""Conditions put together: all of an object hold, `any` and `all` of several objects, `not` of one. Everything is looked at, without a short
cut, so that a trace is whole."""

from typing import Any

from libs.contracts.message import Condition
from libs.rules.conditions import NEED_TEXT, Look, Seen, condition, shown
from libs.rules.facts import Facts

GROUPS = frozenset({"any", "all", "not"})


class Conditions:
    """An object of conditions, all of which must hold; empty, it always holds."""

    def __init__(self, match: dict[str, Any]) -> None:
        self._parts = [(field, expected, _look(field, expected)) for field, expected in match.items()]
        self._looks = [look for _, _, look in self._parts]

    def __call__(self, facts: Facts) -> Seen:
        """Whether they hold, and what each saw."""
        looked = tuple([look(facts) for look in self._looks])
        for held, _ in looked:
            if not held:
                return False, looked
        return True, looked

    def trace(self, looked: Any) -> list[Condition]:
        """The conditions with what they saw."""
        return [_traced(*part, *seen) for part, seen in zip(self._parts, looked, strict=True)]

    @property
    def count(self) -> int:
        return len(self._parts)


class Group:
    """`any`, `all` or `not`."""

    def __init__(self, kind: str, given: Any) -> None:
        self._kind = kind
        self._members = [Conditions(given)] if kind == "not" else [Conditions(member) for member in given]

    def __call__(self, facts: Facts) -> Seen:
        looked = tuple([member(facts) for member in self._members])
        held = [one for one, _ in looked]
        match self._kind:
            case "any":
                return any(held), looked
            case "all":
                return all(held), looked
            case _:
                return not held[0], looked

    def trace(self, looked: Any) -> list[Condition]:
        """The members' conditions; a member of several is an `all` of its own."""
        told: list[Condition] = []
        for member, (held, seen) in zip(self._members, looked, strict=True):
            inner = member.trace(seen)
            told += inner if member.count == 1 or self._kind != "any" else [Condition(field="all", matched=held, conditions=inner)]
        return told


def needs_text(match: dict[str, Any]) -> bool:
    """Whether some condition, in a group or not, looks at the request's body."""
    if not NEED_TEXT.isdisjoint(match):
        return True
    members = [*match.get("any", ()), *match.get("all", ()), *([match["not"]] if "not" in match else [])]
    return any(map(needs_text, members))


def _look(field: str, expected: Any) -> Look | Group:
    return Group(field, expected) if field in GROUPS else condition(field, expected)


def _traced(field: str, expected: Any, look: Look | Group, held: bool, seen: Any) -> Condition:
    if isinstance(look, Group):
        return Condition(field=field, matched=held, conditions=look.trace(seen))
    return Condition(field=field, expected=expected, matched=held, seen=shown(field, expected, seen))
