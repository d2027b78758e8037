"""Checks `action_json` of a routing rule; every complaint names the field (422)."""

import re
from collections.abc import Callable, Collection
from typing import Any

from libs.contracts.models import MODES, PROVIDERS, mode_of, parse_model, provider_of
from libs.rules.sticky import FIELDS, METADATA
from services.edge.rule_fields import Fields, wrong

MOST_WAYS, MOST_WEIGHT = 32, 1_000_000
MOST_FALLBACKS = 8
MOST_GLOBS, LONGEST_GLOB = 100, 256
MOST_HEADERS, LONGEST_HEADER = 32, 1024
MOST_PAIRS, LONGEST_NAME, LONGEST_VALUE = 16, 64, 512
"""Of metadata, as OpenAI's API has it."""
LONGEST_MESSAGE = 1000
LONGEST_TIMEOUT, MOST_ATTEMPTS, MOST_TOKENS, MOST_USD = 86_400, 10, 10**9, 1_000_000

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\Z")
_RESERVED = frozenset({
    "accept", "accept-encoding", "anthropic-version", "api-key", "authorization", "connection", "cookie", "expect", "forwarded", "host",
    "keep-alive", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "x-api-key",
    "x-goog-api-key",
})
_RESERVED_BEGINNINGS = ("content-", "proxy-", "sec-")
_OURS = frozenset({"provider", "request_id", "routing_mode", "routing_confidence", "routing_reason", "rule_trace", "warnings"})
"""Names in a response's metadata that the router fills."""


def check_action(action: Fields, providers: Collection[str]) -> None:
    """`providers`: those beyond the known ones. Raises ValidationFailed."""
    checks = _checks(providers)
    for key, value in action.items():
        field = f"action_json.{key}"
        if key not in checks:
            raise wrong(field, f"is not a known action: use {', '.join(checks)}")
        checks[key](value, field)
    if "sticky" in action and "split" not in action:
        raise wrong("action_json.sticky", "needs a split beside it")
    if "pin" in action and (others := action.keys() & {"set_provider", "set_model", "split", "fallbacks"}):
        raise wrong("action_json.pin", f"says everything about the way, so it does not go together with {', '.join(sorted(others))}")


def _checks(providers: Collection[str]) -> dict[str, Callable[[Any, str], None]]:
    def setting(value: Any, field: str) -> None:
        _setting(field.rpartition("set_")[2], value, field, providers)

    return {
        "set_provider": setting,
        "set_model": setting,
        "set_mode": setting,
        "split": lambda value, field: _split(value, field, providers),
        "sticky": _sticky,
        "fallbacks": lambda value, field: _fallbacks(value, field, providers),
        "pin": lambda value, field: _pin(value, field, providers),
        "exclude": _exclude,
        "deny": _deny,
        "add_headers": _headers,
        "add_metadata": _metadata,
        "set_limits": _limits,
        "add_warning": _warning,
    }


def _setting(name: str, value: Any, field: str, providers: Collection[str]) -> None:
    match name:
        case "provider":
            if not isinstance(value, str) or (provider_of(value) is None and value not in providers):
                raise wrong(field, f"must be one of {', '.join(dict.fromkeys((*PROVIDERS, *providers)))}")
        case "model":
            if not isinstance(value, str) or not value.strip() or parse_model(value).model is None:
                raise wrong(field, "must name a model")
        case "mode":
            if not isinstance(value, str) or mode_of(value) is None:
                raise wrong(field, f"must be one of {', '.join(MODES)}")


def _split(ways: Any, field: str, providers: Collection[str]) -> None:
    """Weighted ways: `[{"weight": 70, "model": "gpt-5-mini"}, {"weight": 30, "provider": "anthropic"}]`."""
    if not isinstance(ways, list) or not 1 <= len(ways) <= MOST_WAYS:
        raise wrong(field, f"must be an array of 1 to {MOST_WAYS} ways")
    for index, way in enumerate(ways):
        place = f"{field}[{index}]"
        if not isinstance(way, dict):
            raise wrong(place, "must be an object")
        if not _number(way.get("weight"), 0, MOST_WEIGHT):
            raise wrong(f"{place}.weight", f"must be a number from 0 to {MOST_WEIGHT}")
        set_ = {name: value for name, value in way.items() if name != "weight"}
        if not set_ or not set_.keys() <= {"provider", "model", "mode"}:
            raise wrong(place, "must have a weight, and a provider, a model or a mode")
        for name, value in set_.items():
            _setting(name, value, f"{place}.{name}", providers)
    if not any(way["weight"] for way in ways):
        raise wrong(field, "needs a weight above 0")


def _sticky(value: Any, field: str) -> None:
    if not isinstance(value, str) or not (value in FIELDS or (value.startswith(METADATA) and len(value) > len(METADATA))):
        raise wrong(field, f"must be one of {', '.join(FIELDS)}, or {METADATA}<name>")


def _fallbacks(links: Any, field: str, providers: Collection[str]) -> None:
    """`[{"provider": "anthropic", "model": "claude-haiku-4-5"}, {"model": "gpt-5-mini"}]`."""
    if not isinstance(links, list) or not 1 <= len(links) <= MOST_FALLBACKS:
        raise wrong(field, f"must be an array of 1 to {MOST_FALLBACKS} objects with a provider, a model or both")
    for index, link in enumerate(links):
        place = f"{field}[{index}]"
        if not isinstance(link, dict) or not link or not link.keys() <= {"provider", "model"}:
            raise wrong(place, "must have a provider, a model or both, and nothing else")
        for name, value in link.items():
            _setting(name, value, f"{place}.{name}", providers)


def _pin(value: Any, field: str, providers: Collection[str]) -> None:
    if not isinstance(value, dict) or "model" not in value or not value.keys() <= {"provider", "model"}:
        raise wrong(field, "must have a model and perhaps a provider, and nothing else")
    for name, given in value.items():
        _setting(name, given, f"{field}.{name}", providers)


def _exclude(value: Any, field: str) -> None:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_GLOBS:
        raise wrong(field, f"must be an array of 1 to {MOST_GLOBS} globs of provider/model, such as openai/*")
    for index, glob in enumerate(value):
        place = f"{field}[{index}]"
        if not isinstance(glob, str) or not 0 < len(glob) <= LONGEST_GLOB:
            raise wrong(place, f"must be a string of 1 to {LONGEST_GLOB} characters")
        if "/" not in glob and glob != "*":
            raise wrong(place, "must match provider/model, such as openai/* or */gpt-4o")
        if glob.count("[") != glob.count("]"):
            raise wrong(place, "has a bracket that is not closed")


def _deny(value: Any, field: str) -> None:
    if value is True:
        return
    if not isinstance(value, dict) or value.keys() != {"message"}:
        raise wrong(field, 'must be true or {"message": "…"}; leave it out where nothing is to be denied')
    _text(value["message"], f"{field}.message", LONGEST_MESSAGE)


def _headers(value: Any, field: str) -> None:
    names: set[str] = set()
    for name, given in _map(value, field, MOST_HEADERS).items():
        place, lower = f"{field}.{name}", name.lower()
        if not _HEADER.match(name):
            raise wrong(place, "is not the name of a header: 1 to 64 letters, digits and hyphens")
        if lower in _RESERVED or lower.startswith(_RESERVED_BEGINNINGS):
            raise wrong(place, "is a header that the router sets itself, or that must not be changed")
        if lower in names:
            raise wrong(place, "is there twice")
        names.add(lower)
        _text(given, place, LONGEST_HEADER)
        if not given.isascii() or not given.isprintable() or given != given.strip():
            raise wrong(place, "must be printable ASCII, with no space around it")


def _metadata(value: Any, field: str) -> None:
    for name, given in _map(value, field, MOST_PAIRS).items():
        place = f"{field}.{name}"
        if not 0 < len(name) <= LONGEST_NAME:
            raise wrong(place, f"is not a name of 1 to {LONGEST_NAME} characters")
        if name in _OURS:
            raise wrong(place, "is filled by the router")
        if not isinstance(given, str) or len(given) > LONGEST_VALUE:
            raise wrong(place, f"must be a string of at most {LONGEST_VALUE} characters")


def _limits(value: Any, field: str) -> None:
    for name, given in _map(value, field, len(_LIMITS)).items():
        place = f"{field}.{name}"
        if name not in _LIMITS:
            raise wrong(place, f"is not a known limit: use {', '.join(_LIMITS)}")
        least, most, whole = _LIMITS[name]
        if (whole and type(given) is not int) or not _number(given, least, most):
            raise wrong(place, f"must be {'an integer' if whole else 'a number'} from {least} to {most}")


_LIMITS: dict[str, tuple[float, int, bool]] = {
    "max_output_tokens": (1, MOST_TOKENS, True),
    "timeout_seconds": (0.1, LONGEST_TIMEOUT, False),
    "max_attempts": (1, MOST_ATTEMPTS, True),
    "max_cost_usd": (0, MOST_USD, False),
}
"""Least, most, and whether only integers are allowed."""


def _warning(value: Any, field: str) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("message"), str) or not value["message"]:
        raise wrong(field, 'must be {"message": "…"}')


def _map(value: Any, field: str, most: int) -> Fields:
    if not isinstance(value, dict) or not 1 <= len(value) <= most:
        raise wrong(field, f"must be an object with 1 to {most} entries")
    return value


def _text(value: Any, field: str, longest: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise wrong(field, f"must be a string of 1 to {longest} characters")


def _number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and least <= value <= most
