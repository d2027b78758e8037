"""Asks the ledger from a shell: `python -m services.recorder.sql "SELECT count() FROM requests"` prints TSV.

With CLICKHOUSE_URL it asks that server, else the running recorder over NATS, else it opens the embedded database itself.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable

import nats
from clickhouse_connect.driver.exceptions import ClickHouseError
from nats.errors import AuthorizationError, Error, NoServersError

from libs.bus.query import NoRecorder, QueryFailed, ask
from libs.bus.settings import load
from libs.contracts.queries import SqlQuery
from services.recorder.settings import RecorderSettings
from services.recorder.store import BadQuery, open_store_for_reading

Write = Callable[[bytes], object]
STARTING = 20.0
"""Seconds that a recorder may take from opening the database to its first answer."""
IN_USE = "Another server instance in same directory"


class DatabaseInUse(BadQuery):
    """The embedded database is open in another process."""



def main() -> int:
    """Exit status 0, or 1 with the reason on stderr."""
    options = _options().parse_args()
    query = SqlQuery(sql=options.sql, format="TabSeparatedWithNames" if options.header else options.format)
    settings = load(RecorderSettings)
    try:
        _answer(settings, query, sys.stdout.buffer.write)
    except (QueryFailed, BadQuery) as error:
        sys.stdout.buffer.flush()
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sql", description="Ask the ledger. Tables: requests, attempts, deliveries, feedback, decisions.")
    parser.add_argument("sql", help="one statement that reads")
    parser.add_argument("--header", action="store_true", help="print the column names first")
    parser.add_argument("--format", default="TabSeparated", help="a ClickHouse output format (default: TabSeparated)")
    return parser


def _answer(settings: RecorderSettings, query: SqlQuery, write: Write) -> None:
    """Raises QueryFailed or BadQuery."""
    patient_until = time.monotonic() + STARTING
    while settings.clickhouse_url or not asyncio.run(_ask_recorder(settings, query, write)):
        try:
            return _ask_database(settings, query, write)
        except DatabaseInUse:
            # Whoever has it open is a recorder that does not listen yet.
            if time.monotonic() > patient_until:
                raise
            time.sleep(0.25)
    return None


async def _ask_recorder(settings: RecorderSettings, query: SqlQuery, write: Write) -> bool:
    """Whether a recorder was there to answer. Raises QueryFailed."""
    login = {"user": settings.nats_user, "password": settings.nats_password} if settings.nats_user else {}
    try:
        connection = await nats.connect(
            [url.strip() for url in settings.nats_url.split(",")], name="sql", inbox_prefix=b"_INBOX_sql", connect_timeout=2,
            allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0, error_cb=_ignore, **login,
        )
    except AuthorizationError:
        raise QueryFailed("NATS refuses NATS_USER and NATS_PASSWORD") from None
    except (NoServersError, OSError, TimeoutError):
        return False
    try:
        async for piece in ask(connection, query, timeout=settings.query_seconds + 15):
            write(piece)
    except NoRecorder:
        return False
    except Error as error:
        raise QueryFailed(f"the connection to NATS broke: {type(error).__name__}") from None
    finally:
        await connection.close()
    return True


def _ask_database(settings: RecorderSettings, query: SqlQuery, write: Write) -> None:
    """Raises BadQuery."""
    if not settings.clickhouse_url and not settings.embedded_path.is_dir():
        raise BadQuery(
            f"no recorder answers on NATS_URL and there is no database in {settings.embedded_path}: "
            "start the router, or set NATS_URL, TOKENROUTER_HOME or CLICKHOUSE_URL"
        )
    try:
        store = open_store_for_reading(settings)
    except ClickHouseError as error:
        kind = DatabaseInUse if IN_USE in str(error) else BadQuery
        raise kind(f"cannot open the database: {' '.join(str(error).split())[:500]}") from None
    try:
        for piece in store.select(query):
            write(piece)
    finally:
        store.close()


async def _ignore(_: Exception) -> None:
    """Failures reach the caller as exceptions."""


if __name__ == "__main__":
    sys.exit(main())
