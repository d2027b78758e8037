"""Checks `match_json` of a routing rule; every complaint names the field (422)."""

from collections.abc import Callable
from typing import Any, get_args
from zoneinfo import ZoneInfo

from msgspec import structs

from libs.contracts.errors import ValidationFailed
from libs.contracts.models import MODES, mode_of
from libs.contracts.policies import FirewallAction, FirewallRule
from libs.firewall.detectors import detectors
from libs.firewall.pattern import check as check_pattern
from libs.rules.groups import GROUPS
from libs.rules.language import LANGUAGES, code_of
from libs.rules.times import DAYS, minute_of, moment_of
from services.edge.rule_fields import Fields, wrong

DEEPEST, MOST_CONDITIONS, MOST_PATTERNS = 8, 200, 100
"""Groups in one another; conditions of a rule; patterns of a condition."""
ENDPOINTS = ("responses", "chat.completions", "messages", "embeddings", "compact", "input_tokens")
SCOPES = ("prompt", "metadata")
"""Of firewall rules that have spoken when routing rules are evaluated."""

Check = Callable[[Any, str], None]


def check_match(match: Fields) -> None:
    """Raises ValidationFailed."""
    if (count := _check_all(match, "match_json", 0)) > MOST_CONDITIONS:
        raise wrong("match_json", f"has {count} conditions, more than the {MOST_CONDITIONS} that a rule may have")


def _check_all(match: Fields, field: str, depth: int) -> int:
    """How many conditions there are."""
    count = 0
    for key, value in match.items():
        place = f"{field}.{key}"
        if key in GROUPS:
            if depth >= DEEPEST:
                raise wrong(place, f"is nested deeper than {DEEPEST} groups")
            count += sum(_check_all(member, where, depth + 1) for member, where in _members(key, value, place))
        elif key in _CHECKS:
            _CHECKS[key](value, place)
            count += 1
        else:
            raise wrong(place, f"is not a known condition: use {', '.join((*_CHECKS, *sorted(GROUPS)))}")
    for kind in ("input", "output"):
        least, most = match.get(f"min_{kind}_tokens"), match.get(f"max_{kind}_tokens")
        if least is not None and most is not None and least > most:
            raise wrong(f"{field}.max_{kind}_tokens", f"is below min_{kind}_tokens, so the rule would never match")
    return count


def _members(key: str, value: Any, field: str) -> list[tuple[Fields, str]]:
    if key == "not":
        if not isinstance(value, dict) or not value:
            raise wrong(field, "must be an object with a condition")
        return [(value, field)]
    if not isinstance(value, list) or not value:
        raise wrong(field, "must be an array of objects with conditions")
    for index, member in enumerate(value):
        if not isinstance(member, dict) or not member:
            raise wrong(f"{field}[{index}]", "must be an object with a condition")
    return [(member, f"{field}[{index}]") for index, member in enumerate(value)]


def _texts(value: Any, field: str) -> list[str]:
    """A text, or several."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise wrong(field, "must be a string, or an array of strings, none of them empty")
    return texts


def _entry(value: Any, field: str, index: int) -> str:
    return field if isinstance(value, str) else f"{field}[{index}]"


def _any_texts(value: Any, field: str) -> None:
    _texts(value, field)


def _some_of(allowed: Callable[[str], bool], complaint: str) -> Check:
    def check(value: Any, field: str) -> None:
        for index, text in enumerate(_texts(value, field)):
            if not allowed(text):
                raise wrong(_entry(value, field, index), complaint)

    return check


def _globs(value: Any, field: str) -> None:
    for index, glob in enumerate(_texts(value, field)):
        if glob.count("[") != glob.count("]"):
            raise wrong(_entry(value, field, index), "has a bracket that is not closed")


def _patterns(value: Any, field: str) -> None:
    patterns = _texts(value, field)
    if len(patterns) > MOST_PATTERNS:
        raise wrong(field, f"has more than {MOST_PATTERNS} patterns")
    for index, pattern in enumerate(patterns):
        _pattern(pattern, _entry(value, field, index))


_PLAIN = FirewallRule(
    id=0, user_id=0, name="", is_enabled=True, priority=0, scope="prompt", type="regex", pattern="", action="warn", created_at="", updated_at="",
)
"""Patterns are written as those of firewall rules."""


def _pattern(pattern: str, field: str) -> None:
    try:
        check_pattern(structs.replace(_PLAIN, pattern=pattern))
    except ValidationFailed as error:
        told = error.info.message.removeprefix("pattern ")
        raise ValidationFailed(f"{field}: {told}", code=error.info.code, param=field) from None


def _pairs(value: Any, field: str) -> Fields:
    if not isinstance(value, dict) or not value or not all(isinstance(wanted, str) for wanted in value.values()):
        raise wrong(field, "must map names to strings")
    return value


def _equal_pairs(value: Any, field: str) -> None:
    # An empty one has always been accepted, and always holds.
    if value != {}:
        _pairs(value, field)


def _pattern_pairs(value: Any, field: str) -> None:
    if len(_pairs(value, field)) > MOST_PATTERNS:
        raise wrong(field, f"has more than {MOST_PATTERNS} patterns")
    for name, pattern in value.items():
        _pattern(pattern, f"{field}.{name}")


def _tokens(value: Any, field: str) -> None:
    if type(value) is not int or not 0 <= value <= 10**9:
        raise wrong(field, "must be an integer from 0 to 1000000000")


def _bool(value: Any, field: str) -> None:
    if not isinstance(value, bool):
        raise wrong(field, "must be true or false")


def _known_keys(value: Any, field: str, known: tuple[str, ...]) -> Fields:
    if not isinstance(value, dict) or not value:
        raise wrong(field, f"must be an object with some of {', '.join(known)}")
    for key in value:
        if key not in known:
            raise wrong(f"{field}.{key}", f"is not known: use {', '.join(known)}")
    return value


def _time(value: Any, field: str) -> None:
    window = _known_keys(value, field, ("timezone", "days", "from", "to", "after", "before"))
    zone = _zone(window.get("timezone", "UTC"), f"{field}.timezone")
    if window.keys() <= {"timezone"}:
        raise wrong(field, "needs days, from and to, after, or before")
    days = window.get("days", list(DAYS))
    if not isinstance(days, list) or not days:
        raise wrong(f"{field}.days", f"must be an array of {', '.join(DAYS)}")
    for index, day in enumerate(days):
        if day not in DAYS:
            raise wrong(f"{field}.days[{index}]", f"must be one of {', '.join(DAYS)}")
    begin, end = (_minute(window.get(name, default), f"{field}.{name}") for name, default in (("from", "00:00"), ("to", "24:00")))
    if begin == end or begin == 24 * 60:
        raise wrong(f"{field}.to" if "to" in window else f"{field}.from", "leaves no time: from and to are the same moment")
    after, before = (_moment(window[name], zone, f"{field}.{name}") if name in window else None for name in ("after", "before"))
    if after is not None and before is not None and after >= before:
        raise wrong(f"{field}.before", "must be later than after")


def _zone(value: Any, field: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    # Names of folders raise OSError, other types TypeError or AttributeError.
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        raise wrong(field, "must be a time zone of the IANA list, such as Europe/Berlin") from None


def _minute(value: Any, field: str) -> int:
    try:
        return minute_of(value)
    except (ValueError, AttributeError):
        raise wrong(field, "must be a time such as 09:00; 24:00 is the end of the day") from None


def _moment(value: Any, zone: ZoneInfo, field: str) -> Any:
    try:
        return moment_of(value, zone)
    except (ValueError, TypeError):
        raise wrong(field, "must be a date such as 2026-12-24, or a date with a time such as 2026-12-24T18:00:00+01:00") from None


def _firewall(value: Any, field: str) -> None:
    if isinstance(value, bool):
        return
    if not isinstance(value, dict):
        raise wrong(field, "must be true, false, or an object with some of rule, action, detector, scope, min_hits")
    found = _known_keys(value, field, ("rule", "action", "detector", "scope", "min_hits"))
    if "rule" in found and (type(found["rule"]) not in (int, str) or not found["rule"]):
        raise wrong(f"{field}.rule", "must be a firewall rule's id or name")
    for name, allowed in (("action", get_args(FirewallAction)), ("scope", SCOPES)):
        if name in found and found[name] not in allowed:
            raise wrong(f"{field}.{name}", f"must be one of {', '.join(allowed)}")
    if found.get("action") == "block":
        raise wrong(f"{field}.action", "must be mask or warn: what is blocked never comes to the routing rules")
    if type(least := found.get("min_hits", 1)) is not int or least < 1:
        raise wrong(f"{field}.min_hits", "must be an integer from 1")
    if "detector" in found:
        _detector(found["detector"], f"{field}.detector")


def _detector(value: Any, field: str) -> None:
    if not isinstance(value, str) or "," in value:
        raise wrong(field, "must be the name of a detector or of a pack")
    try:
        detectors(value)
    except ValueError as error:
        raise wrong(field, f"is not known: {error}") from None


_CHECKS: dict[str, Check] = {
    "contains": _any_texts,
    "regex": _patterns,
    "language": _some_of(
        lambda code: code_of(code) is not None, f"must be an ISO 639-1 code, or unknown: {', '.join(sorted(LANGUAGES))}",
    ),
    "metadata_equals": _equal_pairs,
    "metadata_regex": _pattern_pairs,
    "metadata_exists": _any_texts,
    "task": _any_texts,
    "mode": _some_of(lambda mode: mode_of(mode) is not None, f"must be one of {', '.join(MODES)}"),
    "model": _globs,
    "min_input_tokens": _tokens,
    "max_input_tokens": _tokens,
    "min_output_tokens": _tokens,
    "max_output_tokens": _tokens,
    "endpoint": _some_of(lambda endpoint: endpoint in ENDPOINTS, f"must be one of {', '.join(ENDPOINTS)}"),
    "stream": _bool,
    "has_tools": _bool,
    "has_images": _bool,
    "has_files": _bool,
    "has_audio": _bool,
    "api_key": _any_texts,
    "project": _any_texts,
    "user": _any_texts,
    "time": _time,
    "firewall": _firewall,
}
