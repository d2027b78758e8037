"""Prices and context windows from `genai-prices`, behind our own type. Works offline: the list ships with the package."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from msgspec import Struct

from libs.contracts.decisions import Price, PriceTier

VERSION = f"genai-prices {genai_prices.__version__}"
PERIOD = 1800
"""Seconds for which a price holds at least: some change on a date, DeepSeek's by the hour of the day, all on the half-hour."""
_LISTED_AS = {"gemini": "google", "xai": "x-ai", "moonshot": "moonshotai"}
# The list also prices what neither answers in text nor makes embeddings.
_NOT_TEXT = (
    "whisper", "tts", "audio", "realtime", "image", "transcribe", "moderation", "-live", "ocr", "voxtral", "nano-banana",
    "gemini-omni", "voice", "orpheus",
)
# Under `google` the list has what Google's cloud sells as well; the Gemini API has only Google's own.
_ONLY = {"gemini": ("gemini-", "gemma-")}


class Listing(Struct, frozen=True, kw_only=True):
    """What the price list knows of a model."""

    price: Price
    context_window: int | None
    """Tokens."""


def listing(provider: str, model: str, now: float) -> Listing | None:
    """The list's entry for a model as the provider names it, snapshots and aliases included; None when it has none. `now`: Unix
    seconds, of which the last half-hour counts."""
    if any(word in model.lower() for word in _NOT_TEXT) or not model.startswith(_ONLY.get(provider, "")):
        return None
    listed = next((p for p in get_snapshot().providers if p.id == _LISTED_AS.get(provider, provider)), None)
    found = listed.find_model(model) if listed is not None else None
    if found is None:
        return None
    prices = found.get_prices(datetime.fromtimestamp(now - now % PERIOD, UTC))
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
