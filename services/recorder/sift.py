"""Finds the rows that ClickHouse refuses among many that it takes, by halving."""

from collections.abc import Awaitable, Callable, Sequence

from services.recorder.batch import Refusal, Row
from services.recorder.store import RowsRefused

Insert = Callable[[Sequence[Row]], Awaitable[None]]


async def sift(table: str, rows: Sequence[Row], insert: Insert) -> list[Refusal]:
    """Insert every acceptable row; returns the others. One bad row among n costs about 2 log2(n) inserts."""
    try:
        await insert(rows)
    except RowsRefused as error:
        if len(rows) == 1:
            return [Refusal(rows[0], table, str(error))]
    else:
        return []
    middle = len(rows) // 2
    return await sift(table, rows[:middle], insert) + await sift(table, rows[middle:], insert)
