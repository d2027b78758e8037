"""What may be asked. The statements are as ClickHouse renders them."""

import pytest

from services.recorder.statement import has_format, objection, streams


@pytest.mark.parametrize(
    "canonical",
    [
        "SELECT file('/etc/passwd')",
        "SELECT FILE('x')",
        "SELECT apply(file, 'x')",
        "SELECT * FROM Python(secrets)",
        "SELECT hasColumnInTable('host:9000', 'u', 'p', 'd', 't', 'c')",
        "SELECT 1 INTO OUTFILE '/x' FORMAT TSV",
        "SELECT 'it\\'s' UNION ALL SELECT 1 INTO OUTFILE 'x' TRUNCATE",
    ],
)
def test_what_reaches_outside_the_database_is_refused(canonical: str) -> None:
    assert "not allowed" in objection(canonical)


@pytest.mark.parametrize(
    "canonical",
    [
        "SELECT * FROM requests",
        "SELECT 'INTO OUTFILE', 'file(1)', 'it\\'s file(2)', 'python'",
        "SELECT profile, files, file_id FROM requests",
    ],
)
def test_words_in_literals_and_longer_names_are_no_harm(canonical: str) -> None:
    assert objection(canonical) == ""


def test_a_format_of_its_own() -> None:
    assert has_format("SELECT 1 FORMAT JSON")
    assert not has_format("SELECT ' FORMAT JSON'")
    assert not has_format("SELECT 1 AS FORMAT")


def test_what_can_be_handed_out_block_by_block() -> None:
    assert streams("SELECT 1")
    assert streams("WITH 1 AS x SELECT x")
    assert not streams("SHOW TABLES")
