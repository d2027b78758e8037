"""Whole answers under response rules."""

import time
from typing import Any

import msgspec
import pytest

from libs.firewall.answer import screen_output
from libs.firewall.ruleset import ScanTimeout
from tests.unit.libs.firewall.answers import SECRET, active, message, rule

Json = dict[str, Any]


def call(arguments: str, **more: Any) -> Json:
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "run", "status": "completed", "arguments": arguments} | more


def test_texts_are_masked_where_they_stand() -> None:
    output = [message("fine", f"a {SECRET}"), call(msgspec.json.encode({"key": SECRET}).decode())]
    shown = screen_output(output, active(rule(replacement='"x"')))
    assert shown.output == [message("fine", 'a "x"'), call(msgspec.json.encode({"key": '"x"'}).decode())]
    assert [(path, hit.start, hit.end) for path, hit in shown.hits] == [("output[0].content[1].text", 2, 13), ("output[1].arguments", 8, 19)]
    assert [each.text[hit.start : hit.end] for each in shown.found for hit in each.hits] == [SECRET, SECRET]
    assert (shown.changed, shown.blocked_by, shown.counts, shown.notes) == (True, None, {1: 2}, [])


def test_an_answer_without_hits_is_the_same_object() -> None:
    output = [message("fine")]
    shown = screen_output(output, active(rule()))
    assert shown.output is output
    assert not shown.changed
    assert screen_output([], active(rule())).output == []


def test_the_screened_answer_leaves_its_original_alone() -> None:
    note = {"type": "url_citation", "title": SECRET, "url": "https://example.com", "start_index": 12, "end_index": 16}
    output = [message(f"{SECRET} here", annotations=[note], logprobs=[{"token": "sec", "logprob": -1.0}])]
    before = msgspec.json.encode(output)
    shown = screen_output(output, active(rule(replacement="")))
    assert shown.output != output
    assert msgspec.json.encode(output) == before
    assert shown.output[0]["content"][0] == {
        "type": "output_text", "text": " here", "annotations": [note | {"title": "", "start_index": 1, "end_index": 5}], "logprobs": [],
    }
    assert shown.notes == ["log probabilities were left out because firewall rules can change this answer"]


@pytest.mark.parametrize(("start", "end", "moved"), [(0, 2, (0, 2)), (2, 13, (2, 5)), (5, 9, (2, 2)), (13, 17, (5, 9)), (0, 17, (0, 9))])
def test_annotations_move_with_the_text(start: int, end: int, moved: tuple[int, int]) -> None:
    note = {"type": "url_citation", "title": "t", "url": "https://example.com", "start_index": start, "end_index": end}
    shown = screen_output([message(f"a {SECRET} end", annotations=[note])], active(rule(replacement="[x]"), rule(2, "end", "warn")))
    [part] = shown.output[0]["content"]
    assert part["text"] == "a [x] end"
    assert (part["annotations"][0]["start_index"], part["annotations"][0]["end_index"]) == moved


def test_the_block_that_is_read_first_names_the_rule_and_nothing_goes_out() -> None:
    rules = active(rule(1, "early", "block"), rule(2, "late", "block", priority=9), rule(3, "early", "warn"))
    shown = screen_output([message("so early, so late"), message("late")], rules)
    assert shown.blocked_by is not None
    assert (shown.blocked_by.id, shown.output, shown.changed) == (1, [], True)
    assert {1, 3} <= set(shown.counts)


@pytest.mark.parametrize("rules", [[rule(action="block", observe=True)], [rule(observe=True)], [rule(action="warn")]])
def test_rules_that_do_not_enforce_only_tell(rules: list[Any]) -> None:
    output = [message(SECRET, logprobs=[{"token": SECRET, "logprob": -1.0}])]
    shown = screen_output(output, active(*rules))
    assert shown.output is output
    assert (shown.blocked_by, shown.changed, shown.notes, shown.counts) == (None, False, [], {1: 1})


def test_a_scan_that_is_out_of_time_says_so() -> None:
    with pytest.raises(ScanTimeout):
        screen_output([message(f"{SECRET} " * 1000)], active(rule()), deadline=time.monotonic() - 1)


def test_tool_output_that_is_json_stays_json() -> None:
    told = msgspec.json.encode({"rows": [SECRET, "a\nb"]}).decode()
    shown = screen_output([call("{}", type="mcp_call", output=told)], active(rule(replacement='say "no"')))
    assert msgspec.json.decode(shown.output[0]["output"]) == {"rows": ['say "no"', "a\nb"]}


@pytest.mark.parametrize("item", [
    {}, {"type": None}, {"type": "message", "content": None}, {"type": "message", "content": "secret"}, {"type": "message", "content": [None, 7]},
    {"type": ["message"], "content": [{"type": {}, "text": "secret"}]}, {"type": "message", "content": [{"text": "s", "annotations": [None]}]},
    {"type": "message", "content": [["secret"], {"type": "output_text", "text": ["secret"], "annotations": {"a": 1}}]},
])
def test_no_shape_of_an_item_breaks_the_screening(item: Json) -> None:
    shown = screen_output([item], active(rule(1, "secret|s")))
    assert b"secret" not in msgspec.json.encode(shown.output)
