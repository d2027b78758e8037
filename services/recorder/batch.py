"""Ledger messages to rows by table, pure."""

from collections.abc import Collection, Sequence

import msgspec
from msgspec import Struct

from libs.bus.codec import decoder
from libs.contracts.ledger import LedgerBatch

_decode = decoder(LedgerBatch).decode


class Row(Struct, frozen=True):
    """A row, and where it came from."""

    json: bytes
    message: int
    """Index of its message in the batch."""
    position: int
    """Index of the row in its message."""


class Refusal(Struct, frozen=True):
    """A row that cannot be stored, or a whole message that cannot be read (`table` is then empty)."""

    row: Row
    table: str
    reason: str


class Batch(Struct):
    """What one insert round has to do."""

    tables: dict[str, list[Row]]
    refused: list[Refusal]


def unpack(payloads: Sequence[bytes], tables: Collection[str]) -> Batch:
    """Sort the rows of all messages by table."""
    batch = Batch({}, [])
    for number, payload in enumerate(payloads):
        try:
            rows = _decode(payload).rows
        except (msgspec.DecodeError, UnicodeDecodeError):
            batch.refused.append(Refusal(Row(payload, number, 0), "", "not a ledger message"))
            continue
        for position, sent in enumerate(rows):
            row = Row(sent.json, number, position)
            if sent.table in tables:
                batch.tables.setdefault(sent.table, []).append(row)
            else:
                batch.refused.append(Refusal(row, sent.table, "no such table"))
    return batch
