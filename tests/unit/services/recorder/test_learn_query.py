import msgspec

from libs.routing.learn import Rating
from services.recorder.learn_query import MOST, ratings_in, ratings_query


def test_values_stand_in_parameters_only() -> None:
    query = ratings_query("it's", 1_763_200_000.5)
    assert query.params == {"workspace": "it's", "since": "2025-11-15 09:46:40.500000"}
    assert "it's" not in query.sql
    assert f"LIMIT {MOST}" in query.sql


def test_rows_are_ratings() -> None:
    rows = [
        {"model": "openai/a", "score": 0.5, "at": 1763200000.25, "expected": 0.75, "families": '{"code":0.75,"of a later version":0.25}'},
        {"model": "openai/b", "score": 1, "at": 1763200000, "expected": None, "families": ""},
    ]
    assert ratings_in(b"\n".join(msgspec.json.encode(row) for row in rows)) == [
        Rating(model="openai/a", score=0.5, at=1763200000.25, expected=0.75, families={"code": 0.75}),
        Rating(model="openai/b", score=1.0, at=1763200000.0),
    ]
    assert ratings_in(b"") == []
