"""Conditions: each is made once from what a rule expects, and then looks at any number of requests."""

from collections.abc import Callable, Hashable
from fnmatch import translate
from operator import attrgetter
from re import compile as compile_glob
from typing import Any

import re2

from libs.contracts.models import glob_of, mode_of
from libs.firewall.pattern import PLAIN, to_re2
from libs.rules.facts import Facts
from libs.rules.findings import findings
from libs.rules.language import code_of, language_of
from libs.rules.times import times

Seen = tuple[bool, Hashable]
"""Whether a condition holds, and the value it saw. Traces of the same values are written once, so it has to be hashable."""
Look = Callable[[Facts], Seen]


def condition(field: str, expected: Any) -> Look:
    """One that is ready to look. Raises KeyError for one that does not exist, ValueError or re2.error for a value that cannot be used."""
    return CONDITIONS[field](expected)


def shown(field: str, expected: Any, seen: Hashable) -> Any:
    """What a condition saw, as its trace has it."""
    match field:
        case "metadata_equals" | "metadata_regex" if isinstance(expected, dict):
            return dict(zip(expected, seen, strict=True))  # type: ignore[call-overload]
        case "regex":
            return [{"pattern": pattern, "start": start, "end": end} for pattern, start, end in seen]  # type: ignore[attr-defined]
        case "firewall":
            return [{"rule_id": rule, "action": action, "hits": hits} for rule, action, hits in seen]  # type: ignore[attr-defined]
        case _:
            return seen


def _several(expected: str | list[str]) -> list[str]:
    return [expected] if isinstance(expected, str) else expected


def _contains(expected: str | list[str]) -> Look:
    words = [(word, word.casefold()) for word in _several(expected)]

    def look(facts: Facts) -> Seen:
        text = facts.folded
        # The text itself is not kept: a trace is read by more people than a prompt.
        found = tuple([word for word, folded in words if folded in text])
        return bool(found), found

    return look


def _regex(expected: str | list[str]) -> Look:
    patterns = [(pattern, re2.compile(to_re2("regex", pattern), PLAIN)) for pattern in _several(expected)]

    def look(facts: Facts) -> Seen:
        found = []
        for pattern, regex in patterns:
            match = regex.search(facts.utf8)
            if match is not None:
                start, end = (len(facts.utf8[:byte].decode("utf-8", "replace")) for byte in match.span())
                found.append((pattern, start, end))
        return bool(found), tuple(found)

    return look


def _metadata_equals(expected: dict[str, str]) -> Look:
    names, wanted = tuple(expected), tuple(expected.values())

    def look(facts: Facts) -> Seen:
        seen = tuple([facts.metadata.get(name) for name in names])
        return seen == wanted, seen

    return look


def _metadata_regex(expected: dict[str, str]) -> Look:
    patterns = [(name, re2.compile(to_re2("regex", pattern), PLAIN)) for name, pattern in expected.items()]

    def look(facts: Facts) -> Seen:
        seen = tuple([facts.metadata.get(name) for name, _ in patterns])
        held = [
            value is not None and regex.search(value.encode("utf-8", "replace")) is not None
            for value, (_, regex) in zip(seen, patterns, strict=True)
        ]
        return all(held), seen

    return look


def _metadata_exists(expected: str | list[str]) -> Look:
    names = _several(expected)

    def look(facts: Facts) -> Seen:
        seen = tuple([name for name in names if name in facts.metadata])
        return len(seen) == len(names), seen

    return look


def _mode(expected: str | list[str]) -> Look:
    wanted = {mode_of(mode) for mode in _several(expected)}
    return lambda facts: (facts.mode in wanted, facts.mode)


def _task(expected: str | list[str]) -> Look:
    wanted = set(_several(expected))

    def look(facts: Facts) -> Seen:
        seen = facts.metadata.get("task")
        return seen in wanted, seen

    return look


def _model(expected: str | list[str]) -> Look:
    globs = [compile_glob(translate(glob_of(glob))) for glob in _several(expected)]

    def look(facts: Facts) -> Seen:
        return any(glob.match(name) for glob in globs for name in facts.models), facts.models[0]

    return look


def _api_key(expected: str | list[str]) -> Look:
    wanted = set(_several(expected))

    def look(facts: Facts) -> Seen:
        return facts.key_id in wanted or facts.key_name in wanted, facts.key_name or facts.key_id

    return look


def _one_of(field: str) -> Callable[[Any], Look]:
    """A text of the request, in full."""
    read: Callable[[Facts], str] = attrgetter(field)

    def prepared(expected: str | list[str]) -> Look:
        wanted = set(_several(expected))

        def look(facts: Facts) -> Seen:
            seen = read(facts)
            return seen in wanted, seen

        return look

    return prepared


def _at_least(field: str) -> Callable[[Any], Look]:
    read: Callable[[Facts], int] = attrgetter(field)

    def prepared(expected: int) -> Look:
        return lambda facts: ((seen := read(facts)) >= expected, seen)

    return prepared


def _at_most(field: str) -> Callable[[Any], Look]:
    read: Callable[[Facts], int] = attrgetter(field)

    def prepared(expected: int) -> Look:
        return lambda facts: ((seen := read(facts)) <= expected, seen)

    return prepared


def _is(field: str) -> Callable[[Any], Look]:
    """Whether there is some of it."""
    read: Callable[[Facts], Any] = attrgetter(field)

    def prepared(expected: bool) -> Look:
        return lambda facts: ((seen := bool(read(facts))) is expected, seen)

    return prepared


def _language(expected: str | list[str]) -> Look:
    wanted = {code_of(language) for language in _several(expected)}
    # The model is loaded now rather than while somebody waits.
    language_of("loaded")
    return lambda facts: (facts.language in wanted, facts.language)


CONDITIONS: dict[str, Callable[[Any], Look]] = {
    "contains": _contains,
    "regex": _regex,
    "language": _language,
    "metadata_equals": _metadata_equals,
    "metadata_regex": _metadata_regex,
    "metadata_exists": _metadata_exists,
    "task": _task,
    "mode": _mode,
    "model": _model,
    "min_input_tokens": _at_least("input_tokens"),
    "max_input_tokens": _at_most("input_tokens"),
    "min_output_tokens": _at_least("output_tokens"),
    "max_output_tokens": _at_most("output_tokens"),
    "endpoint": _one_of("endpoint"),
    "stream": _is("stream"),
    "has_tools": _is("asked.tools"),
    "has_images": _is("asked.images"),
    "has_files": _is("asked.files"),
    "has_audio": _is("asked.audio"),
    "api_key": _api_key,
    "project": _one_of("project"),
    "user": _one_of("asked.user"),
    "time": times,
    "firewall": findings,
}
"""By field, in the order in which they are told."""
NEED_TEXT = frozenset({"contains", "regex", "language"})
"""Those that look at the request's body."""
