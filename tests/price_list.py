"""The price list that ships with the package, as its project publishes it: raw JSON to change and to store."""

import json
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from functools import cache
from typing import Any

from genai_prices.data import providers
from genai_prices.types import ModelPrice

_RESELLERS = ("aws", "azure", "openrouter", "cloudflare", "databricks", "github-copilot", "novita")
"""They have most of the models; of theirs the first few are enough."""


def published(*ids: str) -> list[dict[str, Any]]:
    """The providers with these ids; without any, all."""
    return [json.loads(_published(provider.id)) for provider in providers if not ids or provider.id in ids]


@cache
def _published(id_: str) -> bytes:
    raw = next(_raw(provider) for provider in providers if provider.id == id_)
    return as_bytes(raw | {"models": raw["models"][:20]} if id_ in _RESELLERS else raw)


def as_bytes(raw: Any) -> bytes:
    return json.dumps(raw).encode()


def model_of(raw: list[dict[str, Any]], provider: str, model: str) -> dict[str, Any]:
    """An entry, to be changed in place."""
    [found] = [one for listed in raw if listed["id"] == provider for one in listed["models"] if one["id"] == model]
    return found


def _raw(value: Any) -> Any:
    if isinstance(value, ModelPrice):
        return {name: _raw(rate) for name, rate in vars(value).items() if rate is not None}
    if is_dataclass(value) and not isinstance(value, type):
        # `or` and `and` are words of Python, so the fields have an underscore behind them.
        named = {field.name.rstrip("_"): getattr(value, field.name) for field in fields(value) if not field.name.startswith("_")}
        return {name: _raw(one) for name, one in named.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_raw(one) for one in value]
    if isinstance(value, dict):
        return {name: _raw(one) for name, one in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return value
