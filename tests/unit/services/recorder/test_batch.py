"""Ledger messages become rows by table; what cannot be one is named."""

from libs.bus.codec import encode
from libs.contracts.ledger import LedgerBatch, LedgerRow
from services.recorder.batch import Refusal, Row, unpack

TABLES = {"requests", "attempts"}


def test_rows_are_sorted_by_table_and_know_their_message() -> None:
    first = encode(LedgerBatch(rows=[LedgerRow("requests", b"{1}"), LedgerRow("attempts", b"{2}")]))
    second = encode(LedgerBatch(rows=[LedgerRow("requests", b"{3}")]))
    batch = unpack([first, second], TABLES)
    assert batch.tables == {"requests": [Row(b"{1}", 0, 0), Row(b"{3}", 1, 0)], "attempts": [Row(b"{2}", 0, 1)]}
    assert batch.refused == []


def test_an_unknown_table_refuses_the_row_alone() -> None:
    batch = unpack([encode(LedgerBatch(rows=[LedgerRow("weather", b"{}"), LedgerRow("requests", b"{1}")]))], TABLES)
    assert batch.tables == {"requests": [Row(b"{1}", 0, 1)]}
    assert batch.refused == [Refusal(Row(b"{}", 0, 0), "weather", "no such table")]


def test_an_unreadable_message_refuses_itself_alone() -> None:
    good = encode(LedgerBatch(rows=[LedgerRow("requests", b"{1}")]))
    batch = unpack([b"\xc1", good, good[:-3]], TABLES)
    assert batch.tables == {"requests": [Row(b"{1}", 1, 0)]}
    assert [(refusal.row.message, refusal.table) for refusal in batch.refused] == [(0, ""), (2, "")]
