"""An answer that came all at once becomes the stream that was asked for, and nothing of it is lost."""

from copy import deepcopy
from typing import Any

import pytest

from services.provider_worker.dialect import Outcome, Usage
from services.provider_worker.whole import as_stream
from tests.conformance.answers import DIALECTS, Grammar, call, check_event, check_outcome, recorded, whole_bytes

Json = dict[str, Any]
WHOLE = [(provider, name) for provider in DIALECTS for name in recorded(provider, "json") if name != "failed"]


def told(outcome: Outcome) -> list[Json]:
    return [check_event(event, number) for number, event in enumerate(as_stream(call().frame, outcome))]


@pytest.mark.parametrize(("provider", "name"), WHOLE)
def test_p63_the_stream_is_grammatical_and_adds_up_to_the_answer(provider: str, name: str) -> None:
    outcome = DIALECTS[provider].read(whole_bytes(provider, name), call())
    before = deepcopy(outcome.response.get("output"))
    assert Grammar().check(told(outcome)).output == before
    assert outcome.response.get("output") == before
    check_outcome(outcome)


def outcome_with(*items: Json) -> Outcome:
    return Outcome(status="completed", response={"output": list(items)}, usage=Usage(source="none"))


def text(said: str) -> Json:
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}


def message(number: int, *parts: Json) -> Json:
    return {"type": "message", "id": f"msg_{number}", "status": "completed", "role": "assistant", "content": list(parts)}


@pytest.mark.parametrize("items", [
    [], [message(1, text("a")), message(2, text("b"))], [message(1, text("a"), text("b"), {"type": "refusal", "refusal": "no"})], [message(1)],
    [message(1, text(""))],
    [{"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": one} for one in ("a", "b")], "encrypted_content": "x"}],
    [{"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "a"}]}],
    [{"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}, message(1, text("a"))],
    [{"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "sh", "input": "ls -l"}],
    [{"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "", "status": "incomplete"}],
])
def test_p63_items_of_every_kind_arrive_as_they_are(items: list[Json]) -> None:
    assert Grammar().check(told(outcome_with(*deepcopy(items)))).output == items


def test_p69_citations_are_told_while_their_text_is_open() -> None:
    note = {"type": "url_citation", "start_index": 0, "end_index": 1, "title": "T", "url": "https://example.com"}
    kinds = [event["type"] for event in told(outcome_with(message(1, text("a") | {"annotations": [note]})))]
    place = kinds.index("response.output_text.annotation.added")
    assert kinds.index("response.content_part.added") < place < kinds.index("response.content_part.done")


def test_p63_what_opens_an_item_has_nothing_of_it_yet() -> None:
    events = told(outcome_with(message(1, text("secret")), {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}))
    opened = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    assert [item["status"] for item in opened] == ["in_progress", "in_progress"]
    assert (opened[0]["content"], opened[1]["arguments"]) == ([], "")
