"""Which migrations have to run, and which histories are refused."""

import pytest

from services.recorder.migrate import SchemaMismatch, migrate, parse_migration, pending, read_migrations

ONE = parse_migration("0001_one.sql", "-- why\nCREATE TABLE a\n(\n    b String -- it's; not the end\n);\n\nCREATE VIEW c AS\nSELECT 1;\n")
TWO = parse_migration("0002_two.sql", "SELECT 2;")


def test_a_file_holds_several_statements() -> None:
    assert (ONE.number, ONE.name) == (1, "one")
    assert ONE.statements == ["CREATE TABLE a\n(\n    b String -- it's; not the end\n)", "CREATE VIEW c AS\nSELECT 1"]


def test_a_changed_file_has_another_checksum() -> None:
    assert parse_migration("0002_two.sql", "SELECT 2;").checksum == TWO.checksum
    assert parse_migration("0002_two.sql", "SELECT 3;").checksum != TWO.checksum


def test_only_what_is_missing_is_pending() -> None:
    assert pending([ONE, TWO], []) == [ONE, TWO]
    assert pending([ONE, TWO], [(1, ONE.checksum)]) == [TWO]
    assert pending([ONE, TWO], [(1, ONE.checksum), (2, TWO.checksum)]) == []


def test_a_newer_database_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="0002, which is newer"):
        pending([ONE], [(1, ONE.checksum), (2, TWO.checksum)])


def test_a_file_that_changed_after_it_ran_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match=r"0001_one\.sql"):
        pending([ONE, TWO], [(1, "another")])


def test_nothing_runs_when_the_history_is_refused() -> None:
    executed: list[str] = []
    with pytest.raises(SchemaMismatch):
        migrate(executed.append, lambda _: b"9\tx\n", [ONE])
    assert all("IF NOT EXISTS tokenrouter" in statement for statement in executed)


def test_a_migration_is_on_record_only_after_its_statements() -> None:
    executed: list[str] = []
    assert migrate(executed.append, lambda _: f"1\t{ONE.checksum}\n".encode(), [ONE, TWO]) == [TWO]
    assert executed[-2] == "SELECT 2"
    assert executed[-1].startswith("INSERT INTO tokenrouter.schema_migrations")
    assert TWO.checksum in executed[-1]


def test_our_migrations_are_numbered_without_gaps_and_may_run_twice() -> None:
    ours = read_migrations()
    assert [migration.number for migration in ours] == list(range(1, len(ours) + 1))
    for migration in ours:
        assert migration.statements
        for statement in migration.statements:
            assert "IF NOT EXISTS" in statement or "OR REPLACE" in statement or "IF EXISTS" in statement
