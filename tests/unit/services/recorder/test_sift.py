"""Among rows that are inserted together, exactly the bad ones are left out, and each good one goes in once."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.recorder.batch import Row
from services.recorder.sift import sift
from services.recorder.store import RowsRefused


class Table:
    """Takes all rows or none, as ClickHouse does."""

    def __init__(self, bad: set[int]) -> None:
        self.bad = bad
        self.rows: list[int] = []
        self.inserts = 0

    async def insert(self, rows: Sequence[Row]) -> None:
        self.inserts += 1
        if any(row.position in self.bad for row in rows):
            raise RowsRefused("bad")
        self.rows += [row.position for row in rows]


@given(count=st.integers(1, 60), bad=st.sets(st.integers(0, 59), max_size=10))
async def test_every_good_row_once_and_every_bad_row_named(count: int, bad: set[int]) -> None:
    table = Table(bad)
    refused = await sift("requests", [Row(b"", 0, position) for position in range(count)], table.insert)
    expected = bad & set(range(count))
    assert table.rows == [position for position in range(count) if position not in expected]
    assert [refusal.row.position for refusal in refused] == sorted(expected)
    assert all((refusal.table, refusal.reason) == ("requests", "bad") for refusal in refused)


async def test_one_bad_row_among_a_thousand_costs_few_inserts() -> None:
    table = Table({333})
    await sift("requests", [Row(b"", 0, position) for position in range(1000)], table.insert)
    assert table.inserts <= 21
