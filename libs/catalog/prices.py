"""Prices and context windows from `genai-prices`, behind our own type.

Works offline: a list ships with the package. A newer one of the same project can take its place while we run (`adopt`), and be taken
back; services.bootstrap.prices fetches it, and every router and edge watches for it.
"""

import zlib
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import genai_prices
import msgspec
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot

# What the library's own update does with what it fetched; there is no public name for it.
from genai_prices.types import _providers_from_raw
from msgspec import Struct

from libs.contracts.decisions import Price, PriceTier
from libs.contracts.policies import PriceList

VERSION = f"genai-prices {genai_prices.__version__}"
RELEASED = {"0.2.3": "2026-11-10"}
"""Day on which a version of the package came out, which it does not know itself: https://pypi.org/project/genai-prices/#history"""
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
MOST_BYTES = 16 << 20
"""Of a list when unpacked; the one of November 2026 has half a MiB."""


class Listing(Struct, frozen=True, kw_only=True):
    """What the price list knows of a model."""

    price: Price
    context_window: int | None
    """Tokens."""


class _InForce(Struct, frozen=True):
    version: str
    checked: str
    edition: int


_BUNDLED = _InForce(VERSION, RELEASED.get(genai_prices.__version__, ""), 0)
_in_force = _BUNDLED


def version() -> str:
    """Of the list in force."""
    return _in_force.version


def edition() -> int:
    """Counts up whenever another list comes into force: part of the key of whatever remembers prices."""
    return _in_force.edition


def adopt(data: bytes | None) -> str:
    """Put a stored list into force, the JSON of a PriceList; None is the one that ships with the package. Returns its version.

    Raises ValueError when it is not usable; the former one stays in force then.
    """
    global _in_force
    if data is None:
        if _in_force is not _BUNDLED:
            set_custom_snapshot(None)
            _in_force = _InForce(_BUNDLED.version, _BUNDLED.checked, _in_force.edition + 1)
        return _in_force.version
    stored = unpacked(data)
    snapshot = parsed(stored.data)
    set_custom_snapshot(snapshot)
    _in_force = _InForce(version_of(stored), stored.at, _in_force.edition + 1)
    return _in_force.version


def apply(key: str, value: bytes | None, revision: int) -> None:
    """`adopt`, as libs.bus.watch.Watch calls it."""
    adopt(value)


def version_of(stored: PriceList) -> str:
    """`genai-prices 2026-11-20 (3f2a91c)`: the day it was taken, and the beginning of its checksum."""
    return f"genai-prices {stored.at} ({stored.sha256[:7]})"


def packed(data: bytes, at: str, source: str) -> bytes:
    """A list as it is stored. `at`: the day it was taken, ISO 8601."""
    return msgspec.json.encode(PriceList(at=at, source=source, sha256=sha256(data).hexdigest(), data=zlib.compress(data, 9)))


def unpacked(stored: bytes) -> PriceList:
    """What is stored, its data unpacked and held against the checksum. Raises ValueError."""
    found = msgspec.json.decode(stored, type=PriceList)
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(found.data, MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"the stored prices cannot be unpacked: {error}") from None
    if unpack.unconsumed_tail or sha256(data).hexdigest() != found.sha256:
        raise ValueError("the stored prices are not what their checksum says")
    return msgspec.structs.replace(found, data=data)


def parsed(data: bytes) -> DataSnapshot:
    """The library's own form of the list that its project publishes. Raises ValueError."""
    raw = msgspec.json.decode(data)
    if not isinstance(raw, list):
        raise ValueError("a price list is a JSON array of providers")
    return DataSnapshot(providers=_providers_from_raw(raw), from_auto_update=True)


def listing(provider: str, model: str, now: float) -> Listing | None:
    """The list's entry for a model as the provider names it, snapshots and aliases included; None when it has none. `now`: Unix
    seconds, of which the last half-hour counts."""
    if any(word in model.lower() for word in _NOT_TEXT) or not model.startswith(_ONLY.get(provider, "")):
        return None
    return listing_in(get_snapshot(), provider, model, now)


def listing_in(snapshot: DataSnapshot, provider: str, model: str, now: float) -> Listing | None:
    """The same, of a list that may not be in force."""
    listed = next((p for p in snapshot.providers if p.id == listed_as(provider)), None)
    found = listed.find_model(model) if listed is not None else None
    if found is None:
        return None
    prices = found.get_prices(datetime.fromtimestamp(now - now % PERIOD, UTC))
    return Listing(
        price=Price(
            version=_in_force.version,
            checked=_in_force.checked,
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


def listed_as(provider: str) -> str:
    """The list's id of a provider."""
    return _LISTED_AS.get(provider, provider)


def _base(rate: Any) -> str | None:
    if rate is None:
        return None
    return str(rate if isinstance(rate, Decimal) else rate.base)


def _tiers(rate: Any) -> list[PriceTier]:
    return [PriceTier(tier.start, str(tier.price)) for tier in getattr(rate, "tiers", [])]
