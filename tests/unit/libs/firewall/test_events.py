"""Streams under response rules: what goes out adds up, nothing hidden goes out, and it is what a whole answer says."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.deltas import Event
from libs.firewall.answer import screen_output
from libs.firewall.events import EventScreen
from libs.responses.builder import ResponseBuilder
from libs.responses.replay import item_events
from tests.conformance.answers import DIALECTS, Grammar, call, check_event, recorded, stream_bytes, streamed, upstream_events
from tests.unit.libs.firewall.answers import SECRET, active, batches, event, message, rule, streams, told

Json = dict[str, Any]
FILLER = "filler " * 200
ARGUMENTS = "response.function_call_arguments.delta"

RULES = [
    rule(1, replacement="[x]"),
    rule(2, r"1234 \w{1,9}", priority=1, replacement="\"quoted\" \\"),
    rule(3, r"person@example\.com", replacement=""),
    rule(4, r"word", action="warn"),
    rule(5, r"99", action="block", observe=True),
]


def passed(screen: EventScreen, batched: list[list[Event]]) -> list[Event]:
    return [one for batch in batched for one in screen.feed(batch)] + screen.finish()


def checked(events: list[Event]) -> list[Json]:
    """Valid by OpenAI's own models, with no empty pieces."""
    messages = [check_event(one, number) for number, one in enumerate(events)]
    assert all(one["delta"] for one in messages if one["type"].endswith(".delta"))
    return messages


@given(made=streams(), structured=st.booleans(), data=st.data())
def test_deltas_and_done_and_output_say_what_the_whole_answer_says(
    made: tuple[list[Event], list[Json]], structured: bool, data: st.DataObject
) -> None:
    events, output = made
    rules = active(*RULES)
    screen = EventScreen(rules, structured=structured)
    out = passed(screen, data.draw(batches(events)))
    grammar = Grammar().check(checked(out))
    whole = screen_output(output, rules, structured=structured)
    assert grammar.output == whole.output == screen.output(output)
    assert sorted(map(_plain, screen.hits)) == sorted(map(_plain, whole.hits))
    assert sorted((each.item, each.text) for each in screen.found) == sorted((each.item, each.text) for each in whole.found)
    assert screen.counts == whole.counts
    assert screen.pending == 0
    assert SECRET.encode() not in b"".join(one.data for one in out)


@given(made=streams(), data=st.data())
def test_a_block_lets_out_a_beginning_and_nothing_of_the_match(made: tuple[list[Event], list[Json]], data: st.DataObject) -> None:
    events, output = made
    rules = active(rule(1, action="block"), rule(2, "word", replacement="[x]"))
    screen = EventScreen(rules)
    out = passed(screen, data.draw(batches(events)))
    whole = screen_output(output, rules)
    assert screen.blocked_by == whole.blocked_by
    unscreened = EventScreen(active(rule(2, "word", replacement="[x]")))
    free = passed(unscreened, [events])
    if whole.blocked_by is None:
        assert whole.output == screen.output(output) == unscreened.output(output)
        return
    assert whole.output == []
    assert screen.feed(events) == screen.finish() == []
    assert _begins(_texts(out), _texts(free))
    shown = b"".join(one.data for one in out) + msgspec.json.encode(screen.output(output))
    assert SECRET.encode() not in shown
    assert len(screen.output(output)) <= len(output)


@given(made=streams(), data=st.data())
def test_rules_that_only_warn_or_observe_change_nothing(made: tuple[list[Event], list[Json]], data: st.DataObject) -> None:
    events, output = made
    rules = active(rule(1, action="warn"), rule(2, "word", observe=True))
    screen = EventScreen(rules)
    for batch in data.draw(batches(events)):
        assert screen.feed(batch) == batch
    assert screen.finish() == []
    assert screen.output(output) is output
    whole = screen_output(output, rules)
    assert whole.output is output
    assert not whole.changed
    assert sorted(map(_plain, screen.hits)) == sorted(map(_plain, whole.hits))
    assert screen.counts == whole.counts


def test_events_are_held_back_by_the_text_they_belong_to() -> None:
    screen, builder = EventScreen(active(rule())), ResponseBuilder(call().frame)
    assert told(screen.feed(builder.start() + builder.text("Hello sec")))[-1]["type"] == "response.content_part.added"
    assert screen.pending == len("Hello sec")
    [delta] = told(screen.feed(builder.text(f"ret-1234 {FILLER}")))
    assert delta["delta"].startswith("Hello [redacted] filler")
    assert 0 < screen.pending < 500
    rest = told(screen.feed(builder.call("a", "call_1", "run")))
    assert [one["type"].removeprefix("response.") for one in rest] == [
        "output_text.delta", "output_text.done", "content_part.done", "output_item.done", "output_item.added",
    ]
    assert rest[1]["text"] == delta["delta"] + rest[0]["delta"] == f"Hello [redacted] {FILLER}"
    assert screen.pending == 0


def test_a_block_stops_before_the_match_and_for_good() -> None:
    screen, builder = EventScreen(active(rule(action="block"))), ResponseBuilder(call().frame)
    out = screen.feed(builder.start() + builder.reasoning("I think") + builder.text(f"Good. {FILLER}"))
    out += screen.feed(builder.text(f"{SECRET} and more") + builder.text(FILLER))
    assert screen.blocked_by is not None
    assert screen.blocked_by.id == 1
    assert out[-1].type == "response.output_text.delta"
    shown = _texts(out)["response.output_text.delta", 1, 0]
    assert f"Good. {FILLER}".startswith(shown)
    assert len(shown) > len(FILLER) / 2
    assert screen.feed(builder.finish()) == screen.finish() == []
    [thought, said] = screen.output(builder.output)
    assert thought["summary"] == [{"type": "summary_text", "text": "I think"}]
    assert said["content"] == [{"type": "output_text", "text": shown, "annotations": [], "logprobs": []}]
    assert (thought.get("status"), said["status"]) == (None, "incomplete")


def test_an_item_that_a_block_kept_from_the_client_is_in_no_output() -> None:
    searched = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": SECRET}}
    screen = EventScreen(active(rule(action="block")))
    out = screen.feed([event("response.output_item.done", output_index=0, item=message("Hi")), *item_events([message("Hi"), searched])[-2:]])
    assert [one.type for one in out] == ["response.output_item.done"]
    assert screen.output([message("Hi"), searched]) == [message("Hi")]


def test_a_stream_that_breaks_off_ends_with_what_was_held() -> None:
    screen, builder = EventScreen(active(rule())), ResponseBuilder(call().frame)
    out = screen.feed(builder.start() + builder.text("Half secret-") + builder.call(1, "call_1", "run") + builder.arguments(1, '{"a":"sec'))
    rest = screen.finish()
    assert _texts(out + rest) == {("response.output_text.delta", 0, 0): "Half secret-", (ARGUMENTS, 1, None): '{"a":"sec'}
    assert _texts(rest)[ARGUMENTS, 1, None].endswith("sec")
    assert screen.finish() == []
    said, called = screen.output(builder.output)
    assert said["content"][0]["text"] == "Half secret-"
    assert called["arguments"] == '{"a":"sec'


@pytest.mark.parametrize("changes", [True, False])
def test_log_probabilities_would_tell_what_is_masked(changes: bool) -> None:
    scores = [{"token": "secret", "logprob": -0.1, "bytes": [115], "top_logprobs": []}]
    rules = active(rule(action="mask" if changes else "warn"))
    screen, builder = EventScreen(rules), ResponseBuilder(call().frame)
    events = builder.start() + builder.text("all fine", scores) + builder.finish()
    out = passed(screen, [events])
    whole = screen_output(builder.output, rules)
    assert Grammar().check(checked(out)).output == whole.output == screen.output(builder.output)
    assert (b"logprob\":-0.1" in b"".join(one.data for one in out)) is not changes
    assert screen.notes == whole.notes == (["log probabilities were left out because firewall rules can change this answer"] if changes else [])


def test_nothing_is_noted_where_there_were_no_log_probabilities() -> None:
    screen = EventScreen(active(rule()))
    passed(screen, [item_events([message(SECRET)])])
    screen.output([message(SECRET)])
    assert screen.notes == screen_output([message(SECRET)], active(rule())).notes == []


def test_annotations_are_screened_and_follow_their_text() -> None:
    rules = active(rule(replacement="[x]"))
    screen, builder = EventScreen(rules), ResponseBuilder(call().frame)
    note = {"type": "url_citation", "title": f"About {SECRET}", "url": "https://example.com/", "start_index": 12, "end_index": 16}
    events = builder.start() + builder.text(f"{SECRET} here") + builder.annotation(note)
    assert "response.output_text.annotation.added" not in [one.type for one in screen.feed(events)]
    out = screen.feed(builder.text(FILLER) + builder.text(FILLER))
    assert [one.type.removeprefix("response.output_text.") for one in out] == ["delta", "annotation.added", "delta"]
    shown = told(out)[1]["annotation"]
    assert shown == note | {"title": "About [x]", "start_index": 4, "end_index": 8}
    assert (told(out)[0]["delta"])[4:8] == "here"
    out = screen.feed(builder.finish())
    [item] = screen.output(builder.output)
    assert item["content"][0]["annotations"] == [shown]
    assert told(out)[-1]["item"] == item == screen_output(builder.output, rules).output[0]
    assert screen.counts == {1: 2}


def test_a_title_like_the_text_is_masked_as_a_title() -> None:
    note = {"type": "url_citation", "title": SECRET, "url": "https://example.com/", "start_index": 0, "end_index": 0}
    rules = active(rule())
    screen = EventScreen(rules, structured=True)
    passed(screen, [item_events([message(SECRET, annotations=[note])])])
    [shown] = screen.output([message(SECRET, annotations=[note])])
    assert shown["content"][0]["text"] == '"[redacted]"'
    assert shown["content"][0]["annotations"][0]["title"] == "[redacted]"


def test_an_annotation_may_come_before_its_text() -> None:
    note = {"type": "url_citation", "title": "t", "url": "https://example.com/", "start_index": 12, "end_index": 16}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    whole = message(f"{SECRET} here", annotations=[note])
    events = [
        event("response.output_text.annotation.added", **place, annotation_index=0, annotation=note),
        *cut("response.output_text", [f"{SECRET} ", "here"], {"text": f"{SECRET} here", "logprobs": []}, **place),
        event("response.output_item.done", output_index=0, item=whole),
    ]
    delta, annotated, done, item = told(passed(EventScreen(active(rule(replacement="[x]"))), [[one] for one in events]))
    assert delta["delta"] == done["text"] == "[x] here"
    assert [annotated["annotation"]] == item["item"]["content"][0]["annotations"] == [note | {"start_index": 4, "end_index": 8}]


EXOTIC: list[Json] = [
    {"type": "mcp_call", "id": "mcp_1", "name": "ask", "server_label": "s", "arguments": f'{{"q":"{SECRET}"}}', "output": f"got {SECRET}",
     "status": "completed", "approval_request_id": SECRET, "error": None},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": f"who is {SECRET}"}},
    {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": [SECRET], "results": [
        {"file_id": SECRET, "filename": f"{SECRET}.txt", "score": 0.5, "text": f"is {SECRET}", "attributes": {}}]},
    {"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c", "code": f"print('{SECRET}')",
     "outputs": [{"type": "logs", "logs": SECRET}]},
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "secret-1234", "revised_prompt": f"paint {SECRET}"},
    {"type": "computer_call", "id": "cu_1", "call_id": SECRET, "status": "completed", "pending_safety_checks": [],
     "action": {"type": "type", "text": SECRET}},
    {"type": "shell_call", "id": "sh_1", "call_id": "c", "status": "completed", "action": {"commands": [f"echo {SECRET}", "ls"]}},
    {"type": "of_the_future", "id": "x_1", "thing": {"deep": [{"words": SECRET}]}},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": SECRET}], "encrypted_content": SECRET},
]


def test_every_string_of_every_item_is_screened_but_names_and_handles() -> None:
    rules = active(rule(replacement="[x]"))
    screen = EventScreen(rules)
    out = passed(screen, [item_events(EXOTIC)])
    whole = screen_output(EXOTIC, rules)
    assert whole.output == screen.output(EXOTIC) == [one["item"] for one in told(out) if one["type"] == "response.output_item.done"]
    assert screen.counts == whole.counts == {1: 13}
    assert sorted(path for path, _ in screen.hits) == sorted(path for path, _ in whole.hits)
    called, searched, found, ran, painted, typed, *_, thought = whole.output
    assert (called["arguments"], called["output"], called["approval_request_id"]) == ('{"q":"[x]"}', "got [x]", SECRET)
    assert searched["action"]["query"] == "who is [x]"
    assert found["results"][0] | {"score": 0} == {"file_id": SECRET, "filename": "[x].txt", "score": 0, "text": "is [x]", "attributes": {}}
    assert (ran["code"], ran["outputs"][0]["logs"]) == ("print('[x]')", "[x]")
    assert (painted["result"], painted["revised_prompt"]) == (SECRET, "paint [x]")
    assert (typed["action"]["text"], typed["call_id"]) == ("[x]", SECRET)
    assert (thought["summary"][0]["text"], thought["encrypted_content"]) == ("[x]", SECRET)


def test_what_stands_beside_a_piece_of_text_stays_beside_it() -> None:
    screen = EventScreen(active(rule(replacement="[x]")))
    events = [event("response.thought.delta", output_index=0, delta={"type": "words", "n": 7, "text": piece}) for piece in ("a secr", "et-1234 b")]
    out = told(passed(screen, [events, [event("response.thought.done", output_index=0, text=f"a {SECRET} b")]]))
    assert {(one["delta"]["type"], one["delta"]["n"]) for one in out[:-1]} == {("words", 7)}
    assert "".join(one["delta"]["text"] for one in out[:-1]) == out[-1]["text"] == "a [x] b"


def test_of_a_blocked_answer_an_item_is_as_far_as_it_went_out() -> None:
    image = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aW1hZ2U="}
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "opaque", "status": "completed"}
    screen = EventScreen(active(rule(action="block")))
    screen.feed([event("response.output_item.added", output_index=0, item=image | {"status": "in_progress", "result": None})])
    screen.feed([event("response.output_item.added", output_index=1, item=thought | {"status": "in_progress"})])
    assert screen.feed([event("response.more", words=SECRET)]) == []
    assert screen.output([image, thought, message("never told") | {"id": "msg_2"}]) == [
        image | {"status": "in_progress", "result": None}, thought | {"status": "incomplete", "encrypted_content": None},
    ]


def cut(kind: str, pieces: list[Any], done: Json, **place: Any) -> list[Event]:
    return [event(f"{kind}.delta", **place, delta=piece) for piece in pieces] + [event(f"{kind}.done", **place, **done)]


@pytest.mark.parametrize(("kind", "field", "place", "item"), [
    ("mcp_call_arguments", "arguments", {}, {"type": "mcp_call", "arguments": None}),
    ("code_interpreter_call_code", "code", {}, {"type": "code_interpreter_call", "code": None}),
    ("apply_patch_call_operation_diff", "diff", {}, {"type": "apply_patch_call", "operation": {"type": "create_file", "path": "a", "diff": None}}),
    ("shell_call_command", "command", {"command_index": 0}, {"type": "shell_call", "action": {"commands": [None]}}),
    ("audio_of_the_future.transcript", "transcript", {"content_index": 0}, {"type": "message", "content": [{"type": "audio", "transcript": None}]}),
])
def test_texts_of_every_kind_add_up(kind: str, field: str, place: Json, item: Json) -> None:
    text = f'["{FILLER}","{SECRET}"]'
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    place = {"item_id": "it_1", "output_index": 0} | place
    whole = msgspec.json.decode(msgspec.json.encode(item | {"id": "it_1", "status": "completed"}).replace(b"null", msgspec.json.encode(text)))
    opened = event("response.output_item.added", output_index=0, item={"type": item["type"], "id": "it_1", "status": "in_progress"})
    events = [opened, *cut(f"response.{kind}", pieces, {field: text}, **place), event("response.output_item.done", output_index=0, item=whole)]
    rules = active(rule(replacement="[x]"))
    screen = EventScreen(rules)
    out = told(passed(screen, [[one] for one in events]))
    said = "".join(one["delta"] for one in out if one["type"].endswith(".delta"))
    assert said == out[-2][field] == text.replace(SECRET, "[x]")
    assert [out[-1]["item"]] == screen.output([whole]) == screen_output([whole], rules).output
    assert screen.counts == {1: 1}
    assert {key: out[1][key] for key in place} == place


def test_output_of_a_shell_comes_as_objects() -> None:
    place = {"item_id": "sho_1", "output_index": 0, "command_index": 0}
    done = {"type": "shell_call_output", "id": "sho_1", "status": "completed", "output": [
        {"stdout": f"a {SECRET}", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]}
    events = cut("response.shell_call_output_content", [{"stdout": "a secr"}, {"stdout": "et-1234"}], {"output": done["output"]}, **place)
    screen = EventScreen(active(rule(replacement="[x]")))
    out = told(passed(screen, [events, [event("response.output_item.done", output_index=0, item=done)]]))
    *deltas, finished, item = out
    assert "".join(one["delta"]["stdout"] for one in deltas) == "a [x]"
    assert finished["output"][0]["stdout"] == item["item"]["output"][0]["stdout"] == "a [x]"
    assert screen.counts == {1: 1}
    assert [path for path, _ in screen.hits] == ["output[0].output[0].stdout"]


@pytest.mark.parametrize("odd", [
    event("response.of.the.future", thing={"words": [SECRET]}),
    event("response.output_text.delta", output_index="x", delta=[SECRET]),
    event("response.output_text.delta", text=SECRET),
    event("response.audio.transcript.delta", delta=SECRET),
    event("response.text.done", text=SECRET, logprobs=[{"token": SECRET}]),
    event("response.output_item.added", item=[SECRET]),
    event("response.output_item.done", item=SECRET),
    event("response.content_part.added", part=SECRET),
    event("response.content_part.done", part={"text": SECRET}),
    event("response.output_text.annotation.added", annotation=SECRET),
    event("response.output_text.annotation.added", annotation_index=[], annotation={"title": SECRET}),
    event("response.output_text.done", output_index=4, content_index=0, text=SECRET),
    event("response.shell_call_command.added", output_index=4, command_index=0, command=SECRET),
    event("response.in_progress", response={"output": [message(SECRET)]}),
    event("response.in_progress", response={"output": SECRET}),
    event("response.reasoning.delta", delta={"text": SECRET}),
    event("response.reasoning.delta", delta={"deep": {"text": SECRET}}),
])
def test_no_text_gets_through_in_events_that_nobody_understands(odd: Event) -> None:
    masks = EventScreen(active(rule()))
    out = b"".join(one.data for one in passed(masks, [[odd]]))
    assert SECRET.encode() not in out
    assert b"[redacted]" in out
    assert masks.counts == {1: 1}
    blocks = EventScreen(active(rule(action="block")))
    assert b"sec" not in b"".join(one.data for one in passed(blocks, [[odd]]))
    assert blocks.blocked_by is not None
    assert blocks.feed([event("response.more")]) == []


@pytest.mark.parametrize("quiet", [
    event("response.created", response={"output": [], "instructions": f"never say {SECRET}"}),
    event("response.image_generation_call.partial_image", item_id="ig_1", output_index=0, partial_image_b64="secret-1234"),
    event("response.audio.delta", delta="secret-1234"),
    event("response.web_search_call.searching", item_id=SECRET, output_index=0),
])
def test_events_without_text_pass_as_they_are(quiet: Event) -> None:
    screen = EventScreen(active(rule()))
    assert screen.feed([quiet]) == [quiet]
    assert screen.hits == []


def test_an_item_may_begin_with_text() -> None:
    part = {"type": "output_text", "text": "one secr", "annotations": [], "logprobs": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    whole = message(f"one {SECRET}")
    events = [
        event("response.output_item.added", output_index=0, item=whole | {"status": "in_progress", "content": [part]}),
        event("response.content_part.added", **place, part=part),
        *cut("response.output_text", ["et-12", "34"], {"text": f"one {SECRET}", "logprobs": []}, **place),
        event("response.content_part.done", **place, part=whole["content"][0]),
        event("response.output_item.done", output_index=0, item=whole),
    ]
    screen = EventScreen(active(rule()))
    added, begun, *deltas, done, part_done, item_done = told(passed(screen, [[one] for one in events]))
    begin = added["item"]["content"][0]["text"]
    assert begin == begun["part"]["text"]
    assert begin + "".join(one["delta"] for one in deltas) == "one [redacted]"
    assert done["text"] == part_done["part"]["text"] == item_done["item"]["content"][0]["text"] == "one [redacted]"
    assert screen.output([whole]) == [item_done["item"]]
    assert screen.counts == {1: 1}


def test_a_text_that_was_never_sent_in_pieces_is_sent_before_it_is_done() -> None:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events = cut("response.output_text", ["one "], {"text": f"one {SECRET}", "logprobs": []}, **place)
    out = told(passed(EventScreen(active(rule())), [events]))
    assert "".join(one["delta"] for one in out[:-1]) == out[-1]["text"] == "one [redacted]"


def test_what_differs_from_its_pieces_is_screened_by_itself() -> None:
    screen = EventScreen(active(rule()))
    out = passed(screen, [item_events([message("one")])])
    assert out
    assert screen.output([message(f"two {SECRET}")])[0]["content"][0]["text"] == "two [redacted]"


def test_structured_text_stays_json() -> None:
    rules = active(rule(replacement='"'))
    text = msgspec.json.encode({"a": SECRET, "b": FILLER}).decode()
    screen = EventScreen(rules, structured=True)
    out = passed(screen, [item_events([message(text)])])
    [shown] = screen.output([message(text)])
    assert [shown] == screen_output([message(text)], rules, structured=True).output
    assert msgspec.json.decode(shown["content"][0]["text"]) == {"a": '"', "b": FILLER}
    assert "".join(one["delta"] for one in told(out) if one["type"].endswith(".delta")) == shown["content"][0]["text"]


@pytest.mark.parametrize(("provider", "name"), [(provider, name) for provider in DIALECTS for name in recorded(provider, "json")
                                                if not name.startswith("failed")])
def test_recorded_streams_stay_in_the_grammar(provider: str, name: str) -> None:
    _, outcome = streamed(DIALECTS[provider], stream_bytes(provider, name))
    reader, screen = DIALECTS[provider].reader(call()), EventScreen(active(rule(1, "[aeiou]", replacement="*")))
    out: list[Event] = []
    for one in upstream_events(stream_bytes(provider, name)):
        out += screen.feed(reader.feed(one))
    if reader.outcome is None:
        out += screen.feed(reader.end())
    out += screen.finish()
    assert reader.outcome is not None
    shown = screen.output(reader.outcome.response["output"])
    assert Grammar().check(checked(out)).output == shown
    assert _bare(shown) == _bare(screen_output(outcome.response["output"], active(rule(1, "[aeiou]", replacement="*"))).output)


def _bare(output: list[Json]) -> list[Json]:
    """Without what is sealed or drawn anew each time."""
    return [{name: value for name, value in item.items() if name not in ("encrypted_content", "call_id")} for item in output]



def _plain(found: tuple[str, Any]) -> tuple[Any, ...]:
    path, hit = found
    return path, hit.start, hit.end, hit.rule.id


def _texts(events: list[Event]) -> dict[Any, str]:
    texts: dict[Any, str] = {}
    for one in told(events):
        if one["type"].endswith(".delta"):
            key = one["type"], one["output_index"], one.get("content_index", one.get("summary_index"))
            texts[key] = texts.get(key, "") + one["delta"]
    return texts


def _begins(part: dict[Any, str], whole: dict[Any, str]) -> bool:
    return all(whole.get(key, "").startswith(text) for key, text in part.items())
