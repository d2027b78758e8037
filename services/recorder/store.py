"""ClickHouse as the recorder sees it: insert rows, run a query. The embedded engine and a server take the same calls.

All calls block; callers run them in threads.
"""

import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from libs.contracts.queries import SqlQuery
from services.recorder.migrate import SchemaMismatch, migrate, read_migrations
from services.recorder.settings import RecorderSettings
from services.recorder.statement import has_format, objection, streams

log = logging.getLogger("tokenrouter.store")

DATABASE = "tokenrouter"
TABLES = {"requests": "requests_log", "attempts": "attempts_log", "deliveries": "deliveries_log", "feedback": "feedback_log"}

# The engine's defaults are made for large servers; a ledger is read a little and written in small blocks.
EMBEDDED_OPTIONS = {
    "mark_cache_size": 8 << 20,
    "index_mark_cache_size": 2 << 20,
    "primary_index_cache_size": 8 << 20,
    "query_condition_cache_size": 1 << 20,
    "compiled_expression_cache_size": 1 << 20,
    "max_thread_pool_free_size": 2,
    "background_schedule_pool_initial_size": 2,
}
INSERT_SETTINGS = {
    # A newer writer may know columns that this version does not.
    "input_format_skip_unknown_fields": 1,
    "input_format_null_as_default": 1,
    "input_format_json_read_objects_as_strings": 1,
    "input_format_json_read_arrays_as_strings": 1,
    "input_format_parallel_parsing": 0,
    # Hops travel as arrays, which are half as long as objects.
    "input_format_json_named_tuples_as_objects": 0,
    "date_time_input_format": "best_effort",
    "max_insert_threads": 1,
    "max_partitions_per_insert_block": 0,
    # An asynchronous insert would be acknowledged before its rows are parsed.
    "async_insert": 0,
}

# https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp: what ClickHouse says of a row that no
# repetition will make acceptable. Anything else is the database's trouble, and the rows wait.
ROW_ERRORS = frozenset({6, 25, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 128, 130, 131, 321, 349, 407, 467, 469})

PIECE = 256 * 1024
FORMATS = re.compile(r"[A-Za-z0-9]+")


class RowsRefused(Exception):
    """At least one of the rows is not acceptable to ClickHouse."""


class StoreUnavailable(Exception):
    """ClickHouse cannot take rows now; the same rows may well be accepted later."""


class BadQuery(Exception):
    """The query was refused or failed; the text is for whoever asked."""


class Store:
    """Two connections: one that writes and one that can only read."""

    def __init__(self, writer: Client | None, reader: Client) -> None:
        self._writer = writer
        self._reader = reader

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """Insert rows, each a JSON object; all of them or none.

        Raises RowsRefused or StoreUnavailable.
        """
        assert self._writer is not None, "opened for reading only"
        try:
            self._writer.raw_insert(
                f"{DATABASE}.{TABLES[table]}", insert_block=b"\n".join(rows), fmt="JSONEachRow"
            )
        except DatabaseError as error:
            if error.code in ROW_ERRORS:
                raise RowsRefused(str(error)) from None
            raise StoreUnavailable(f"ClickHouse error {error.code}" if error.code else type(error).__name__) from error
        except (ClickHouseError, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from error

    def select(self, query: SqlQuery) -> Iterator[bytes]:
        """The result's bytes, in pieces of at most 256 KiB. Raises BadQuery, perhaps after some pieces."""
        try:
            yield from self._select(query)
        except ClickHouseError as error:
            raise BadQuery(_said(error)) from None

    def close(self) -> None:
        """Release the database; the embedded engine's folder is then free for another process."""
        for client in (self._writer, self._reader):
            if client is not None:
                client.close()

    def _select(self, query: SqlQuery) -> Iterator[bytes]:
        canonical = self._canonical(query.sql)
        if refusal := objection(canonical):
            raise BadQuery(refusal)
        if not FORMATS.fullmatch(query.format):
            raise BadQuery("format must be the name of a ClickHouse output format")
        fmt = None if has_format(canonical) else query.format
        if not streams(canonical):
            whole = self._reader.raw_query(canonical, parameters=query.params or None, fmt=fmt)
            yield from (whole[at : at + PIECE] for at in range(0, len(whole), PIECE))
            return
        # Its declared type includes the asynchronous client's stream, which this client never returns.
        opened: Any = self._reader.raw_stream(canonical, parameters=query.params or None, fmt=fmt)
        with closing(opened) as stream:
            while piece := stream.read(PIECE):
                yield piece

    def _canonical(self, sql: str) -> str:
        """The one statement in `sql`, as ClickHouse reads it; several are a syntax error."""
        shown = self._reader.raw_query("SELECT formatQuerySingleLine({sql:String})", parameters={"sql": sql}, fmt="RawBLOB")
        return shown.decode()


def open_store(settings: RecorderSettings) -> Store:
    """Bring the schema to this version and connect.

    Waits for a server that cannot be reached. Raises SystemExit when the database must not be used.
    """
    pause = 0.5
    while True:
        try:
            _migrate(settings)
            return Store(_connect(settings, INSERT_SETTINGS), open_reader(settings))
        except SchemaMismatch as error:
            raise SystemExit(f"recorder: {error}") from None
        except ClickHouseError as error:
            if not settings.clickhouse_url:
                raise SystemExit(f"recorder: cannot open {settings.embedded_path}: {_said(error)}") from None
            log.warning("ClickHouse cannot be reached, trying again", extra={"error": type(error).__name__})
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def open_store_for_reading(settings: RecorderSettings) -> Store:
    """For a process that only asks. Raises ClickHouseError."""
    return Store(None, open_reader(settings))


def open_reader(settings: RecorderSettings) -> Client:
    """A connection that cannot change anything, within the limits of the settings."""
    spill = settings.query_memory_bytes // 2
    limits: dict[str, Any] = {
        "max_execution_time": settings.query_seconds,
        "max_result_rows": settings.query_rows,
        "max_result_bytes": settings.query_result_bytes,
        "result_overflow_mode": "throw",
        "max_memory_usage": settings.query_memory_bytes,
        "max_bytes_before_external_group_by": spill,
        "max_bytes_before_external_sort": spill,
        # The server then answers with an error where it would have broken off a result; the embedded engine ignores it.
        "wait_end_of_query": 1,
    }
    if not settings.clickhouse_url:
        limits |= {"max_threads": 2}
    return _connect(settings, limits | {"readonly": 1})


def _migrate(settings: RecorderSettings) -> None:
    client = _connect(settings, {}, database=None)
    with closing(client):
        done = migrate(lambda sql: void(client.command(sql)), client.raw_query, read_migrations())
    for migration in done:
        log.info("migration applied", extra={"number": migration.number, "migration": migration.name})


def _connect(settings: RecorderSettings, server_settings: dict[str, Any], database: str | None = DATABASE) -> Client:
    if settings.clickhouse_url:
        url = urlsplit(settings.clickhouse_url)
        if url.scheme not in ("http", "https"):
            raise SystemExit("bad setting: CLICKHOUSE_URL must start with http:// or https://")
        return clickhouse_connect.get_client(
            dsn=settings.clickhouse_url, interface=url.scheme, database=database or "default", settings=server_settings,
            autogenerate_session_id=False, send_receive_timeout=settings.query_seconds + 30,
        )
    settings.embedded_path.mkdir(parents=True, exist_ok=True)
    return clickhouse_connect.get_client(
        interface="chdb", path=str(settings.embedded_path), database=database, settings=server_settings,
        chdb_options=EMBEDDED_OPTIONS,
    )


def void(_: object) -> None:
    """Take a value that nobody needs."""


def _said(error: Exception) -> str:
    """ClickHouse's message in one line, without its version."""
    text = " ".join(str(error).split())
    return re.sub(r" ?\(version [^)]*\)", "", text)[:2000]
