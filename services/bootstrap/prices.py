"""`python -m services.bootstrap.prices`: put a newer price list into force, without a release and without a restart.

Fetches what the genai-prices project publishes, or reads a file of that form; holds it against the list in force; shows what changes for
the models of the catalog; and stores it where every router and edge watches for it.
"""

import argparse
import asyncio
import sys
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.update_prices import DEFAULT_UPDATE_URL
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from libs.bus.settings import BusSettings, load
from libs.catalog import prices
from libs.contracts import subjects
from services.bootstrap.connect import connected
from services.bootstrap.price_changes import changes, objections

USERS = ("operator", "bootstrap")
"""The users of deploy/nats.conf that may store prices."""
FETCH_SECONDS = 60.0
# What nobody reads to price a call: half of the list.
_PROSE = ("extractors", "description", "price_comments", "pricing_urls")


class Refused(Exception):
    """The list is not put into force; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0, or 1 with the reason on stderr."""
    options = _options().parse_args(arguments)
    try:
        asyncio.run(_run(options, load(BusSettings)))
    except Refused as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prices", description="Put a newer price list into force.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--file", help="read the list from a file instead of fetching it")
    where.add_argument("--url", default=DEFAULT_UPDATE_URL, help="fetch it from here (default: where the genai-prices project publishes it)")
    where.add_argument("--revert", action="store_true", help="go back to the list that ships with the package")
    parser.add_argument("--date", type=date.fromisoformat, help="the day that the list is of (default: today)")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    parser.add_argument("--force", action="store_true", help="take it although prices vanish, drop to zero or change more than 10-fold")
    return parser


async def _run(options: argparse.Namespace, settings: BusSettings) -> None:
    """Raises Refused."""
    found = None if options.revert else _slim(_read(options))
    user = settings.nats_user if settings.nats_user in USERS else USERS[0]
    connection = await connected(settings, user, patience=0.0)
    try:
        bucket = await connection.jetstream(timeout=10.0).key_value(subjects.PRICES_BUCKET)
        await _adopt_stored(bucket)
        if found is None:
            await _revert(bucket)
        else:
            await _take(bucket, *found, options)
    finally:
        await connection.close()


def _read(options: argparse.Namespace) -> bytes:
    try:
        if options.file:
            return Path(options.file).read_bytes()
        with urllib.request.urlopen(options.url, timeout=FETCH_SECONDS) as answer:
            found: bytes = answer.read(prices.MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Refused(f"the list cannot be read from {options.file or options.url}: {error}") from None
    return found


def _slim(data: bytes) -> tuple[bytes, DataSnapshot]:
    if len(data) > prices.MOST_BYTES:
        raise Refused(f"the list has more than {prices.MOST_BYTES >> 20} MiB")
    try:
        raw: Any = msgspec.json.decode(data)
        for provider in raw:
            for holder in (provider, *provider["models"]):
                for name in _PROSE:
                    holder.pop(name, None)
        slim = msgspec.json.encode(raw)
        return slim, prices.parsed(slim)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Refused(f"this is not a list as the genai-prices project publishes it: {' '.join(str(error).split())[:300]}") from None


async def _adopt_stored(bucket: KeyValue) -> None:
    """What is in force in the routers comes into force here."""
    try:
        prices.adopt((await bucket.get(subjects.PRICES_KEY)).value)
    except KeyNotFoundError:
        return
    except ValueError as error:
        print(f"the stored list is not usable and not in force anywhere: {error}")


async def _revert(bucket: KeyValue) -> None:
    before = prices.version()
    await bucket.delete(subjects.PRICES_KEY)
    print(f"back from {before} to {prices.VERSION}")


async def _take(bucket: KeyValue, data: bytes, after: DataSnapshot, options: argparse.Namespace) -> None:
    now, before = time.time(), get_snapshot()
    different = changes(before, after, now)
    for change in different:
        print(change)
    against = objections(before, after, now)
    if against and not options.force:
        raise Refused("; ".join(against) + " (--force takes it nevertheless)")
    day = options.date or datetime.now(UTC).date()
    stored = prices.packed(data, day.isoformat(), options.file or options.url)
    version = prices.version_of(prices.unpacked(stored))
    told = f"{len(different)} price{'' if len(different) == 1 else 's'} of the catalog's models change{'s' if len(different) == 1 else ''}"
    if options.dry_run:
        print(f"{told}; {version} is not stored, and {prices.version()} stays in force")
        return
    await bucket.put(subjects.PRICES_KEY, stored)
    print(f"{told}; {version} is in force instead of {prices.version()}")


if __name__ == "__main__":
    sys.exit(main())
