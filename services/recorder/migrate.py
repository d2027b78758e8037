"""The schema's history: numbered SQL files, applied once each, in order, and never changed afterwards."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

MIGRATIONS = Path(__file__).parent / "migrations"

_CREATE_DATABASE = "CREATE DATABASE IF NOT EXISTS tokenrouter"
_CREATE_HISTORY = (
    "CREATE TABLE IF NOT EXISTS tokenrouter.schema_migrations (number UInt32, name String, checksum String, "
    "applied_at DateTime('UTC') DEFAULT now('UTC')) ENGINE = MergeTree ORDER BY number"
)
_READ_HISTORY = "SELECT DISTINCT number, checksum FROM tokenrouter.schema_migrations ORDER BY number FORMAT TabSeparated"


class SchemaMismatch(Exception):
    """The database has a history that this version of the recorder does not know; the text says what to do."""


class Migration(Struct, frozen=True, kw_only=True):
    """A file `NNNN_name.sql`. Its statements may run twice, because a crash can come before they are on record."""

    number: int
    name: str
    checksum: str
    statements: list[str]


def read_migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """All migrations of this version, in order."""
    return [parse_migration(path.name, path.read_text()) for path in sorted(folder.glob("[0-9]*.sql"))]


def parse_migration(filename: str, text: str) -> Migration:
    """A statement ends with a semicolon at the end of a line; lines that start with `--` are comments."""
    number, _, name = filename.removesuffix(".sql").partition("_")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    statements = [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", code)]
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return Migration(number=int(number), name=name, checksum=checksum, statements=[s for s in statements if s])


def pending(migrations: list[Migration], applied: list[tuple[int, str]]) -> list[Migration]:
    """Those that have yet to run. `applied` holds (number, checksum).

    Raises SchemaMismatch when the database is newer than this version, or was made by a file that has changed since.
    """
    known = {migration.number: migration for migration in migrations}
    for number, checksum in applied:
        if number not in known:
            raise SchemaMismatch(f"the database has migration {number:04d}, which is newer than this recorder: upgrade it")
        if known[number].checksum != checksum:
            raise SchemaMismatch(
                f"migration {number:04d}_{known[number].name}.sql is not the file that made this database: restore it, "
                "and put the change into a new migration"
            )
    done = {number for number, _ in applied}
    return [migration for migration in migrations if migration.number not in done]


def migrate(execute: Callable[[str], None], read: Callable[[str], bytes], migrations: list[Migration]) -> list[Migration]:
    """Bring the database to this version; returns what was applied. Two recorders may do so at once.

    Raises SchemaMismatch before anything is changed.
    """
    execute(_CREATE_DATABASE)
    execute(_CREATE_HISTORY)
    lines = [line.split("\t") for line in read(_READ_HISTORY).decode().splitlines()]
    missing = pending(migrations, [(int(number), checksum) for number, checksum in lines])
    for migration in missing:
        for statement in migration.statements:
            execute(statement)
        execute(
            "INSERT INTO tokenrouter.schema_migrations (number, name, checksum) "
            f"VALUES ({migration.number}, '{migration.name}', '{migration.checksum}')"
        )
    return missing
