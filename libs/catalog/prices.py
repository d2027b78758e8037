"""Prices and context windows from `genai-prices`, behind our own type. Works offline: the list ships with the package."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from msgspec import Struct

from libs.contracts.decisions import Price, PriceTier

VERSION = f"genai-prices {genai_prices.__version__}"
_LISTED_AS = {"gemini": "google"}
# The list also prices what is not a text model; those cannot answer a Responses request.
_NOT_TEXT = ("embedding", "whisper", "tts", "audio", "realtime", "image", "transcribe", "moderation", "-live", "ocr", "-embed", "voxtral")


class Listing(Struct, frozen=True, kw_only=True):
    """What the price list knows of a model."""

    price: Price
    context_window: int | None
    """Tokens."""


@lru_cache(maxsize=4096)
def listing(provider: str, model: str) -> Listing | None:
    """The list's entry for a model as the provider names it, snapshots and aliases included; None when it has none."""
    if any(word in model.lower() for word in _NOT_TEXT):
        return None
    listed = next((p for p in get_snapshot().providers if p.id == _LISTED_AS.get(provider, provider)), None)
    found = listed.find_model(model) if listed is not None else None
    if found is None:
        return None
    prices = found.get_prices(datetime.now(UTC))
    return Listing(
        price=Price(
            version=VERSION,
            input=_base(prices.input_mtok),
            cached_input=_base(prices.cache_read_mtok),
            cache_write=_base(prices.cache_write_mtok),
            output=_base(prices.output_mtok),
            input_tiers=_tiers(prices.input_mtok),
            cached_input_tiers=_tiers(prices.cache_read_mtok),
            cache_write_tiers=_tiers(prices.cache_write_mtok),
            output_tiers=_tiers(prices.output_mtok),
        ),
        context_window=found.context_window,
    )


def _base(rate: Any) -> str | None:
    if rate is None:
        return None
    return str(rate if isinstance(rate, Decimal) else rate.base)


def _tiers(rate: Any) -> list[PriceTier]:
    return [PriceTier(tier.start, str(tier.price)) for tier in getattr(rate, "tiers", [])]
