"""What learning asks the ledger, and the ratings in its answer. Pure."""

from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from libs.contracts.queries import SqlQuery
from libs.contracts.reading import FAMILIES, Family
from libs.routing.learn import Rating

MOST = 20_000
"""Rated answers of a workspace that are looked at, the newest: 0.1 s of CPU and 20 MB while it lasts."""

# Several keys' opinions on one answer are one rating, their mean. A sandbox's answers, and what is not an answer to a prompt, teach nothing.
_SQL = f"""
SELECT candidate AS model, score, at, expected_quality AS expected, families
FROM (
    SELECT created_at, request_id, avg(score) AS score, max(toUnixTimestamp64Micro(feedback.at)) / 1e6 AS at
    FROM feedback WHERE workspace = {{workspace:String}} AND feedback.at >= {{since:DateTime64(6, 'UTC')}}
    GROUP BY created_at, request_id ORDER BY at DESC LIMIT {MOST}
) AS rated
INNER JOIN (
    SELECT created_at, request_id, candidate, expected_quality, JSONExtractRaw(reading, 'families') AS families FROM requests
    WHERE workspace = {{workspace:String}} AND candidate != '' AND NOT sandbox AND status IN ('completed', 'incomplete')
    AND endpoint IN ('responses', 'chat.completions', 'messages')
    AND (workspace, created_at, request_id) IN (
        SELECT workspace, created_at, request_id FROM feedback_log
        WHERE workspace = {{workspace:String}} AND at >= {{since:DateTime64(6, 'UTC')}}
    )
) AS asked USING (created_at, request_id)
"""


class _Row(Struct, frozen=True):
    model: str
    score: float
    at: float
    expected: float | None
    families: str
    """JSON of a Reading's; empty when the prompt was not read."""


_decode_rows = msgspec.json.Decoder(_Row, strict=False).decode_lines
_decode_families = msgspec.json.Decoder(dict[str, float]).decode


def ratings_query(workspace: str, since: float) -> SqlQuery:
    """All ratings from `since`, Unix seconds, on."""
    at = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return SqlQuery(sql=_SQL, params={"workspace": workspace, "since": at}, format="JSONEachRow")


def ratings_in(answer: bytes) -> list[Rating]:
    """The ratings in an answer to `ratings_query`."""
    return [
        Rating(model=row.model, score=row.score, at=row.at, expected=row.expected, families=_families(row.families))
        for row in _decode_rows(answer)
    ]


def _families(text: str) -> dict[Family, float]:
    read = _decode_families(text) if text else {}
    return {family: read[family] for family in FAMILIES if family in read}
