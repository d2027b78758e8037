"""Asking the recorder for what the ledger holds: one question on `query.sql`, an answer in as many pieces as it takes."""

from libs.contracts.message import Message


class SqlQuery(Message, frozen=True, kw_only=True, tag="sql_query"):
    """A statement that reads. The reply subject takes the answers."""

    sql: str
    params: dict[str, str] = {}
    """Values of `{name:Type}` in the statement; never paste a value into the SQL."""
    format: str = "TabSeparated"
    """Any ClickHouse output format; a FORMAT clause in the statement wins."""


class SqlAnswer(Message, frozen=True, kw_only=True, tag="sql_answer"):
    """A piece of the result."""

    seq: int
    """Gapless from 0."""
    data: bytes = b""
    last: bool = False
    error: str = ""
    """On the last piece: why the result is not complete."""
