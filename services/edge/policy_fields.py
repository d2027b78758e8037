"""Checks a routing policy that a client sends; every complaint names the field (422). Pure."""

import re
from collections.abc import Collection
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from libs.catalog.models import find
from libs.contracts.errors import ValidationFailed
from libs.contracts.policies import RoutingPolicy, Weights

Fields = dict[str, Any]
MOST_BYTES = 256 * 1024
"""Of a policy as it is stored."""
MOST_ENTRIES = 1000
"""In each of its lists and maps."""
LONGEST = 256
"""Characters of a glob, of a model's name and of a region."""
LONGEST_RATE = 20
HIGHEST_RATE = 1_000_000
"""US dollars per million tokens. The ledger has room for costs below 100 million dollars, and refuses a row with a higher one."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}/\S.*\Z")
_WILD = frozenset("*?[")


def policy_of(given: Fields, onto: RoutingPolicy) -> RoutingPolicy:
    """`onto` with the given fields instead of its own; null puts a field back to its default. Raises ValidationFailed."""
    kinds = _kinds(RoutingPolicy)
    _known(given, kinds, "")
    defaults = RoutingPolicy()
    for name, value in given.items():
        made = getattr(defaults, name) if value is None else _converted(value, kinds[name], name)
        onto = msgspec.structs.replace(onto, **{name: made})
    _check(onto)
    # As accounts have them.
    return msgspec.structs.replace(onto, regions=[region.strip().lower() for region in onto.regions])


def doubts(policy: RoutingPolicy, providers: Collection[str], models: Collection[str], regions: Collection[str]) -> list[str]:
    """What is well-formed and yet may be a slip. `providers` and `regions`: those there are; `models`: `provider/model` of those in the
    settings, beside the catalog's."""
    found = [
        f"models: the catalog does not know '{name}', so this changes nothing" for name in policy.models
        if name not in models and not _listed(name)
    ]
    for field in ("allow", "deny"):
        for glob in getattr(policy, field):
            provider = glob.partition("/")[0].lower()
            if not _WILD & set(provider) and provider not in providers:
                found.append(f"{field}: '{glob}' matches nothing, since there is no provider '{provider}'")
    return found + [f"regions: no account is in '{region}'" for region in policy.regions if region not in regions]


def _listed(name: str) -> bool:
    provider, _, model = name.partition("/")
    return find(provider, model) is not None


def _kinds(kind: type[Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _known(given: Fields, kinds: dict[str, Any], where: str) -> None:
    for name in given:
        if name not in kinds:
            raise _wrong(f"{where}{name}", f"is not a known field: use {', '.join(kinds)}")


def _converted(value: Any, kind: Any, field: str) -> Any:
    """`value` as `kind`, entry by entry where it is a map or a list."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _structure(value, kind, field)
    if get_origin(kind) is dict:
        names, values = get_args(kind)
        return {_plain(name, names, f"{field}.{name}"): _converted(one, values, f"{field}.{name}") for name, one in _map(value, field).items()}
    if get_origin(kind) is list:
        return [_plain(one, get_args(kind)[0], f"{field}[{index}]") for index, one in enumerate(_list(value, field))]
    return _plain(value, kind, field)


def _structure(value: Any, kind: type[Struct], field: str) -> Any:
    given, kinds = _map(value, field), _kinds(kind)
    _known(given, kinds, f"{field}.")
    made = {name: _converted(one, kinds[name], f"{field}.{name}") for name, one in given.items()}
    for name in kinds:
        if name not in given and kind is Weights:
            raise _wrong(f"{field}.{name}", "is required")
    return kind(**made)


def _plain(value: Any, kind: Any, field: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _wrong(field, f"is not valid: {str(error)[:1].lower()}{str(error)[1:]}") from None


def _map(value: Any, field: str) -> Fields:
    # PHP clients send an empty object as `[]`.
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise _wrong(field, "must be an object")
    if len(value) > MOST_ENTRIES:
        raise _wrong(field, f"must have at most {MOST_ENTRIES} entries")
    return value


def _list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(field, "must be an array")
    if len(value) > MOST_ENTRIES:
        raise _wrong(field, f"must have at most {MOST_ENTRIES} entries")
    return value


def _check(policy: RoutingPolicy) -> None:
    """What the types do not say."""
    for field in ("allow", "deny"):
        for index, glob in enumerate(getattr(policy, field)):
            _check_glob(glob, f"{field}[{index}]")
    for index, region in enumerate(policy.regions):
        if not region.strip() or len(region) > LONGEST:
            raise _wrong(f"regions[{index}]", "must be the name of a region, such as eu")
    for mode, weights in policy.weights.items():
        if not 0 < weights.cost + weights.quality + weights.latency < float("inf"):
            raise _wrong(f"weights.{mode}", "must have some weight that is not 0")
    _check_models(policy)
    if len(msgspec.json.encode(policy)) > MOST_BYTES:
        raise ValidationFailed(f"a routing policy has at most {MOST_BYTES} bytes")


def _check_glob(glob: str, field: str) -> None:
    if not 0 < len(glob) <= LONGEST:
        raise _wrong(field, f"must have 1 to {LONGEST} characters")
    if glob != "*" and "/" not in glob:
        raise _wrong(field, "must match provider/model, such as openai/* or */gpt-4o")
    if glob.count("[") != glob.count("]"):
        raise _wrong(field, "has a bracket that is not closed")


def _check_models(policy: RoutingPolicy) -> None:
    for name, override in policy.models.items():
        if len(name) > LONGEST or not _NAME.match(name):
            raise _wrong(f"models.{name[:LONGEST]}", "must be named provider/model, such as openai/gpt-5-mini")
        for rate in ("input", "cached_input", "cache_write", "output"):
            field = f"{rate}_usd_per_mtok"
            given = getattr(override, field) or "0"
            if len(given) > LONGEST_RATE:
                raise _wrong(f"models.{name}.{field}", f"must have at most {LONGEST_RATE} characters")
            if float(given) > HIGHEST_RATE:
                raise _wrong(f"models.{name}.{field}", f"must be at most {HIGHEST_RATE}")


def _wrong(field: str, complaint: str) -> ValidationFailed:
    return ValidationFailed(f"{field} {complaint}", param=field)
