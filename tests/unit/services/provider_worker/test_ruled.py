"""What routing rules change of a provider call."""

from typing import Any

import pytest

from libs.contracts.decisions import Limits, Ruling
from services.provider_worker.ruled import capped, with_headers

CAP = Ruling(revision=1, limits=Limits(max_output_tokens=100))


@pytest.mark.parametrize(
    ("request_", "endpoint", "asked_for"),
    [
        ({"input": "x"}, "responses", 100), ({"max_output_tokens": 500}, "messages", 100), ({"max_output_tokens": 50}, "responses", 50),
        ({"max_output_tokens": None}, "chat.completions", 100), ({"input": "x"}, "embeddings", None), ({"input": "x"}, "input_tokens", None),
    ],
)
def test_no_more_output_than_a_rule_allows(request_: dict[str, Any], endpoint: str, asked_for: int | None) -> None:
    before = dict(request_)
    made, notes = capped(request_, CAP, endpoint)
    assert made.get("max_output_tokens") == asked_for
    assert request_ == before
    assert bool(notes) is (made != before)


def test_the_note_tells_what_was_asked_for() -> None:
    assert capped({"max_output_tokens": 500}, CAP, "responses")[1] == ["max_output_tokens was set to 100 by a routing rule; 500 were asked for"]
    assert capped({"max_output_tokens": 500}, Ruling(revision=1), "responses") == ({"max_output_tokens": 500}, [])


def test_headers_are_added_and_those_of_the_call_stay() -> None:
    ruling = Ruling(revision=1, headers={"x-team": "blue", "x-goog-user-project": "p", "anthropic-version": "1"})
    made = with_headers({"traceparent": "00"}, ruling, {"Anthropic-Version": "2023-06-01"})
    assert made == {"traceparent": "00", "x-team": "blue", "x-goog-user-project": "p"}
