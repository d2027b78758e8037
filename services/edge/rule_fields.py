"""Checks the fields of a rule that a client sends; every complaint names the field (422)."""

from collections.abc import Collection
from typing import Any, get_args

import msgspec

from libs.contracts.errors import ValidationFailed
from libs.contracts.models import MODES, PROVIDERS, mode_of, parse_model, provider_of
from libs.contracts.policies import FirewallAction, FirewallType, Scope

Fields = dict[str, Any]
COMMON = ("name", "is_enabled", "priority")
ROUTING = (*COMMON, "match_json", "action_json")
FIREWALL = (*COMMON, "scope", "type", "pattern", "action")
MAX_REPLACEMENT = 1000
MOST_WAYS, MOST_WEIGHT = 32, 1_000_000


def routing_fields(given: Fields, *, partial: bool, providers: Collection[str] = ()) -> Fields:
    """The fields of a routing rule, checked. `partial` allows any subset; `providers` are those beyond the known ones. Raises
    ValidationFailed."""
    fields = _present(given, ROUTING, (), partial)
    _check_common(fields)
    if "match_json" in fields:
        fields["match_json"] = _match(_object(fields["match_json"], "match_json"))
    if "action_json" in fields:
        fields["action_json"] = _action(_object(fields["action_json"], "action_json"), providers)
    return fields


def firewall_fields(given: Fields, *, partial: bool) -> Fields:
    """The fields of a firewall rule, each checked by itself. Raises ValidationFailed."""
    fields = _present(given, FIREWALL, ("replacement",), partial)
    _check_common(fields)
    for name, allowed in (("scope", get_args(Scope)), ("type", get_args(FirewallType)), ("action", get_args(FirewallAction))):
        if name in fields and fields[name] not in allowed:
            raise _wrong(name, f"must be one of {', '.join(allowed)}")
    if fields.get("scope") == "response":
        raise _wrong("scope", "'response' is not enforced yet, so it is not accepted: use prompt or metadata")
    if "pattern" in fields and not isinstance(fields["pattern"], str):
        raise _wrong("pattern", "must be a string")
    replacement = fields.get("replacement")
    if replacement is not None and (not isinstance(replacement, str) or len(replacement) > MAX_REPLACEMENT):
        raise _wrong("replacement", f"must be a string of at most {MAX_REPLACEMENT} characters, or null")
    return fields


def _present(given: Fields, required: tuple[str, ...], optional: tuple[str, ...], partial: bool) -> Fields:
    if not partial:
        for name in required:
            if given.get(name) is None:
                raise _wrong(name, "is required")
    fields = {name: given[name] for name in (*required, *optional) if name in given}
    for name in required:
        if name in fields and fields[name] is None:
            raise _wrong(name, "must not be null")
    return fields


def _check_common(fields: Fields) -> None:
    name = fields.get("name")
    if name is not None and (not isinstance(name, str) or not 1 <= len(name) <= 128):
        raise _wrong("name", "must be a string of 1 to 128 characters")
    if "is_enabled" in fields and not isinstance(fields["is_enabled"], bool):
        raise _wrong("is_enabled", "must be true or false")
    priority = fields.get("priority")
    if priority is not None and (type(priority) is not int or not -1000 <= priority <= 1000):
        raise _wrong("priority", "must be an integer from -1000 to 1000")


def _object(value: Any, field: str) -> Fields:
    """An object, given as one or as JSON text; PHP clients send an empty one as `[]`."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            raise _wrong(field, "is not valid JSON") from None
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise _wrong(field, "must be an object, or an object as JSON text")
    return value


def _match(match: Fields) -> Fields:
    for key, value in match.items():
        field = f"match_json.{key}"
        match key:
            case "contains":
                words = [value] if isinstance(value, str) else value
                if not isinstance(words, list) or not words or not all(isinstance(word, str) and word for word in words):
                    raise _wrong(field, "must be a string, or an array of strings, none of them empty")
            case "metadata_equals":
                if not isinstance(value, dict) or not all(isinstance(wanted, str) for wanted in value.values()):
                    raise _wrong(field, "must map names to strings")
            case "mode":
                if not isinstance(value, str) or mode_of(value) is None:
                    raise _wrong(field, f"must be one of {', '.join(MODES)}")
            case "task":
                if not isinstance(value, str) or not value:
                    raise _wrong(field, "must be a string")
            case _:
                raise _wrong(field, "is not a known condition: use contains, metadata_equals, mode or task")
    return match


def _action(action: Fields, providers: Collection[str]) -> Fields:
    for key, value in action.items():
        field = f"action_json.{key}"
        match key:
            case "set_provider" | "set_model" | "set_mode":
                _setting(key.removeprefix("set_"), value, field, providers)
            case "split":
                _split(value, field, providers)
            case "add_warning":
                if not isinstance(value, dict) or not isinstance(value.get("message"), str) or not value["message"]:
                    raise _wrong(field, 'must be {"message": "…"}')
            case _:
                raise _wrong(field, "is not a known action: use set_provider, set_model, set_mode, split or add_warning")
    return action


def _setting(name: str, value: Any, field: str, providers: Collection[str]) -> None:
    match name:
        case "provider":
            if not isinstance(value, str) or (provider_of(value) is None and value not in providers):
                raise _wrong(field, f"must be one of {', '.join(dict.fromkeys((*PROVIDERS, *providers)))}")
        case "model":
            if not isinstance(value, str) or not value.strip() or parse_model(value).model is None:
                raise _wrong(field, "must name a model")
        case "mode":
            if not isinstance(value, str) or mode_of(value) is None:
                raise _wrong(field, f"must be one of {', '.join(MODES)}")


def _split(ways: Any, field: str, providers: Collection[str]) -> None:
    """Weighted ways: `[{"weight": 70, "model": "gpt-5-mini"}, {"weight": 30, "provider": "anthropic"}]`."""
    if not isinstance(ways, list) or not 1 <= len(ways) <= MOST_WAYS:
        raise _wrong(field, f"must be an array of 1 to {MOST_WAYS} ways")
    for index, way in enumerate(ways):
        place = f"{field}[{index}]"
        if not isinstance(way, dict):
            raise _wrong(place, "must be an object")
        weight = way.get("weight")
        if not isinstance(weight, int | float) or type(weight) is bool or not 0 <= weight <= MOST_WEIGHT:
            raise _wrong(f"{place}.weight", f"must be a number from 0 to {MOST_WEIGHT}")
        set_ = {name: value for name, value in way.items() if name != "weight"}
        if not set_ or not set_.keys() <= {"provider", "model", "mode"}:
            raise _wrong(place, "must have a weight, and a provider, a model or a mode")
        for name, value in set_.items():
            _setting(name, value, f"{place}.{name}", providers)
    if not any(way["weight"] for way in ways):
        raise _wrong(field, "needs a weight above 0")


def _wrong(field: str, complaint: str) -> ValidationFailed:
    return ValidationFailed(f"{field} {complaint}", param=field)
