"""The `provider` object of a request, in the form that OpenRouter's clients send.

https://openrouter.ai/docs/features/provider-routing
"""

from typing import Any, get_args

from libs.contracts.errors import InvalidRequest
from libs.contracts.models import provider_of
from libs.contracts.preferences import MaxPrice, Preferences, Sort

Json = dict[str, Any]

_READ = frozenset({"order", "only", "ignore", "allow_fallbacks", "sort", "max_price", "data_collection", "zdr"})
_LISTS = ("order", "only", "ignore")
_PRICES = ("prompt", "completion")
_SLUGS = {"google-ai-studio": "gemini", "google-vertex": "gemini", "mistralai": "mistral"}
"""OpenRouter's names of providers that go by another name here."""
MOST_ENTRIES = 64


def preferences(given: Json) -> Preferences:
    """The wishes in it; explicit nulls count as absent. Raises InvalidRequest with `param`."""
    present = {name: value for name, value in given.items() if value is not None}
    denied = _collection(present) == "deny" or _flag(present, "zdr", False)
    return Preferences(
        **{name: _entries(present[name], f"provider.{name}") for name in _LISTS if name in present},
        allow_fallbacks=_flag(present, "allow_fallbacks", True),
        sort=_sort(present.get("sort")),
        max_price=_max_price(present.get("max_price", {})),
        data_collection="deny" if denied else "allow",
        unheeded=_unheeded(present),
    )


def _unheeded(given: Json) -> list[str]:
    names = [name for name in given if name not in _READ]
    prices = given.get("max_price")
    if isinstance(prices, dict):
        names += [f"max_price.{name}" for name, value in prices.items() if value is not None and name not in _PRICES]
    return [name[:64] for name in names[:MOST_ENTRIES]]


def _entries(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_ENTRIES or not all(isinstance(entry, str) and entry for entry in value):
        raise InvalidRequest(f"{where} must be an array of at most {MOST_ENTRIES} providers, or models written provider/model.", param=where)
    return [_known(entry.strip().lower()) for entry in value]


def _known(entry: str) -> str:
    head, slash, model = entry.partition("/")
    return f"{_SLUGS.get(head) or provider_of(head) or head}{slash}{model}"


def _flag(given: Json, name: str, default: bool) -> bool:
    value = given.get(name, default)
    if type(value) is not bool:
        raise InvalidRequest(f"provider.{name} must be true or false.", param=f"provider.{name}")
    return value


def _collection(given: Json) -> str:
    value = given.get("data_collection", "allow")
    if value not in ("allow", "deny"):
        raise InvalidRequest("provider.data_collection must be allow or deny.", param="provider.data_collection")
    return str(value)


def _sort(value: Any) -> Sort | None:
    if isinstance(value, dict):
        value = value.get("by")
    if value is None:
        return None
    for known in get_args(Sort):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise InvalidRequest("provider.sort must be price, throughput or latency.", param="provider.sort")


def _max_price(given: Any) -> MaxPrice:
    if not isinstance(given, dict):
        raise InvalidRequest("provider.max_price must be an object.", param="provider.max_price")
    return MaxPrice(**{name: _dollars(given[name], f"provider.max_price.{name}") for name in _PRICES if given.get(name) is not None})


def _dollars(value: Any, where: str) -> float:
    """USD per million tokens; OpenRouter takes them as text too."""
    try:
        dollars = float(value) if type(value) in (int, float, str) else -1.0
    except (ValueError, OverflowError):
        dollars = -1.0
    if not 0 <= dollars < float("inf"):
        raise InvalidRequest(f"{where} must be a number of US dollars per million tokens.", param=where)
    return dollars
