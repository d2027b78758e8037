"""The queries in the documentation run on the real engine, against the real views."""

import re
from pathlib import Path

from tests.nats_server import NatsServer
from tests.recorder_process import RecorderProcess, attempt, delivery, eventually, feedback, publish, query, request

ROOT = Path(__file__).parents[2]


def documented() -> list[str]:
    """Every query that a reader can copy."""
    found: list[str] = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text()
        found += [sql for sql in re.findall(r'make sql Q="([^"]+)"', text) if "…" not in sql]
        for block in re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            found += [part.strip() for part in block.split(";") if part.strip()]
    return found


async def test_every_documented_query_runs(server: NatsServer, recorder: RecorderProcess) -> None:
    queries = documented()
    assert len(queries) >= 12
    connection = await server.connect()
    try:
        await eventually(connection, "SELECT 1", lambda result: result == "1\n")
        await publish(connection, request("req_1", "docs"), attempt("req_1", 1, "docs"), delivery("req_1", "docs"), feedback("req_1", 0.5, "docs"))
        await eventually(connection, "SELECT count() FROM requests", lambda result: result == "1\n")
        for sql in queries:
            await query(connection, sql)
    finally:
        await connection.close()
