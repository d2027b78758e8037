"""The firewall through the whole stack: answers masked and blocked, streamed or not, in every API; narrowed rules, exceptions, the audit, and
previews."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.e2e.stack import API_KEY, Stack, events, until
from tests.upstream import Behaviour, Upstream

SECRET = "hunter2-fake-" + "q" * 20
TEXT = f"Certainly. The door opens with {SECRET} and closes by itself. " + "More about doors follows here. " * 12
MASKED = TEXT.replace(SECRET, "[redacted]")
MODELS = ["gpt-4o", "claude-sonnet-4-5"]
RULE: dict[str, Any] = {
    "name": "doors", "is_enabled": True, "priority": 5, "scope": "response", "type": "regex", "pattern": "hunter2-fake-q+", "action": "mask",
}


@pytest.fixture(autouse=True)
def no_rules(stack: Stack) -> Iterator[None]:
    yield
    for kind in ("firewall-rules", "routing-rules"):
        for rule in call(stack, "GET", kind).json()["data"]:
            call(stack, "DELETE", f"{kind}/{rule['id']}")


def call(stack: Stack, method: str, path: str, body: Any = None) -> httpx.Response:
    return httpx.request(method, f"{stack.url}/v1/{path}", json=body, headers=stack.auth, timeout=10)


def rule(stack: Stack, **fields: Any) -> int:
    """A rule that is in force in the firewall and in the worker."""
    made = call(stack, "POST", "firewall-rules", RULE | fields)
    assert made.status_code == 201, made.text
    number: int = made.json()["data"]["id"]
    return number


def deltas(stream: list[dict[str, Any]], kind: str = "response.output_text.delta") -> str:
    return "".join(event["delta"] for event in stream if event["type"] == kind)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("chunks", [3, 500])
def test_a_mask_holds_on_a_stream_and_agrees_with_the_whole_answer(stack: Stack, upstream: Upstream, model: str, chunks: int) -> None:
    rule(stack)
    upstream.script = lambda call: Behaviour(text=TEXT, chunks=chunks)
    plain = stack.post({"model": model, "input": "hi"})
    streamed = stack.post({"model": model, "input": "hi", "stream": True})
    for answer in (plain, streamed):
        assert SECRET not in answer.text
        assert "hunter2" not in answer.text
    seen = events(streamed)
    whole = plain.json()
    assert whole["output"][0]["content"][0]["text"] == MASKED
    assert deltas(seen) == MASKED
    assert next(event["text"] for event in seen if event["type"] == "response.output_text.done") == MASKED
    assert seen[-1]["response"]["output"][0]["content"][0]["text"] == MASKED
    assert seen[-1]["type"] == "response.completed"
    assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
    for response in (whole, seen[-1]["response"]):
        [trace] = response["tokenrouter"]["rule_trace"]
        assert (trace["action"], trace["scope"], trace["hits"]) == ("mask", "response", 1)
        [match] = trace["matches"]
        assert TEXT[match["start"] : match["end"]] == SECRET
        assert match["item"] == "output[0].content[0].text"
        assert json.loads(response["metadata"]["rule_trace"])[0]["rule_id"] == trace["rule_id"]


def test_what_is_stored_and_repeated_is_masked(stack: Stack, upstream: Upstream) -> None:
    rule(stack)
    upstream.script = lambda call: Behaviour(text=TEXT, chunks=40)
    for stream in (False, True):
        answer = stack.post({"model": "gpt-4o", "input": "hi", "store": True, "stream": stream}, **{"Idempotency-Key": f"doors-{stream}"})
        again = stack.post({"model": "gpt-4o", "input": "hi", "store": True, "stream": stream}, **{"Idempotency-Key": f"doors-{stream}"})
        found = events(answer)[-1]["response"] if stream else answer.json()
        stored = call(stack, "GET", f"responses/{found['id']}")
        replayed = call(stack, "GET", f"responses/{found['id']}?stream=true")
        for text in (again.text, stored.text, replayed.text):
            assert "hunter2" not in text
            assert "[redacted]" in text


@pytest.mark.parametrize("model", MODELS)
def test_a_block_refuses_the_whole_answer_and_names_its_rule(stack: Stack, upstream: Upstream, model: str) -> None:
    number = rule(stack, action="block")
    upstream.script = lambda call: Behaviour(text=TEXT, chunks=30)
    answer = stack.post({"model": model, "input": "hi"})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("firewall_error", "firewall_blocked")
    assert error["rule_trace"][0]["rule_id"] == number
    assert "hunter2" not in answer.text
    row = stack.row(answer.json()["request_id"], "status, http_status, error_code, output_tokens > 0, cost_usd > 0")
    assert row == ["refused", "422", "firewall_blocked", "1", "1"]


@pytest.mark.parametrize("model", MODELS)
def test_a_block_ends_a_stream_and_stops_the_provider(stack: Stack, upstream: Upstream, model: str) -> None:
    number = rule(stack, action="block")
    before = "Harmless words come first here. " * 20
    upstream.script = lambda call: Behaviour(text=before + SECRET + " and the rest is never read by anybody. " * 400, chunks=1500, gap=0.005)
    answer = stack.post({"model": model, "input": "hi", "stream": True})
    seen = events(answer)
    assert seen[-1]["type"] == "response.failed"
    failed = seen[-1]["response"]
    assert failed["error"]["code"] == "firewall_blocked"
    assert failed["tokenrouter"]["rule_trace"][0]["rule_id"] == number
    assert failed["tokenrouter"]["error"]["rule_trace"][0]["rule_id"] == number
    said = deltas(seen)
    assert said
    assert before.startswith(said)
    assert "hunter2" not in answer.text
    assert "the rest" not in answer.text
    [made] = upstream.calls
    until(lambda: made.closed_at is not None, 10.0, "the end of the call")
    row = stack.row(failed["request_id"], "status, http_status, error_code")
    assert row == ["refused", "200", "firewall_blocked"]


def test_a_block_in_the_other_stream_format_names_its_rule(stack: Stack, upstream: Upstream) -> None:
    number = rule(stack, action="block")
    upstream.script = lambda call: Behaviour(text=TEXT, chunks=30)
    answer = stack.post({"model": "gpt-4o", "input": "hi", "stream": True}, **{"X-TokenRouter-Stream-Format": "tokenrouter"})
    [told] = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n") if line.startswith('data: {"type":"error"')]
    assert (told["error"]["type"], told["error"]["code"]) == ("firewall_error", "firewall_blocked")
    assert told["error"]["rule_trace"][0]["rule_id"] == number
    assert "hunter2" not in answer.text


def test_a_block_before_anything_is_out_still_ends_in_a_stream(stack: Stack, upstream: Upstream) -> None:
    rule(stack, action="block")
    upstream.script = lambda call: Behaviour(text=SECRET, chunks=8)
    answer = stack.post({"model": "gpt-4o", "input": "hi", "stream": True})
    seen = events(answer)
    assert seen[0]["type"] == "response.created"
    assert seen[-1]["type"] == "response.failed"
    assert deltas(seen) == ""
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("model", MODELS)
def test_arguments_stay_json(stack: Stack, upstream: Upstream, model: str) -> None:
    rule(stack, type="substring", pattern="Bern")
    tools = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]
    upstream.script = lambda call: Behaviour(call=True)
    body = {"model": model, "input": "hi", "tools": tools}
    plain, streamed = stack.post(body), events(stack.post(body | {"stream": True}))
    arguments = plain.json()["output"][0]["arguments"]
    assert json.loads(arguments) == {"city": "[redacted]"}
    assert deltas(streamed, "response.function_call_arguments.delta") == arguments
    assert streamed[-1]["response"]["output"][0]["arguments"] == arguments


def test_official_clients_of_other_apis_get_the_masked_answer(stack: Stack, upstream: Upstream) -> None:
    rule(stack)
    upstream.script = lambda call: Behaviour(text=TEXT, chunks=60)
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=API_KEY, max_retries=0)
    chat = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    assert chat.choices[0].message.content == MASKED
    stream = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == MASKED
    claude = anthropic.Anthropic(base_url=stack.url, api_key=API_KEY, max_retries=0)
    with claude.messages.stream(model="claude-haiku-4-5", max_tokens=500, messages=[{"role": "user", "content": "hi"}]) as said:
        assert said.get_final_text() == MASKED


def test_a_blocked_stream_is_an_error_to_chat_clients(stack: Stack, upstream: Upstream) -> None:
    rule(stack, action="block")
    upstream.script = lambda call: Behaviour(text=TEXT, chunks=60)
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=API_KEY, max_retries=0)
    with pytest.raises(openai.APIError) as raised:
        for _ in client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream=True):
            pass
    assert "doors" in str(raised.value)


def test_rules_that_warn_or_observe_change_nothing(stack: Stack, upstream: Upstream) -> None:
    warns, watches = rule(stack, action="warn"), rule(stack, action="block", observe=True, name="watched")
    upstream.script = lambda call: Behaviour(text=TEXT, chunks=60)
    for stream in (False, True):
        answer = stack.post({"model": "gpt-4o", "input": "hi", "stream": stream})
        response = events(answer)[-1]["response"] if stream else answer.json()
        assert response["output"][0]["content"][0]["text"] == TEXT
        assert [warning["rule_id"] for warning in response["tokenrouter"]["warnings"]] == [warns]
        traces = {trace["rule_id"]: trace for trace in response["tokenrouter"]["rule_trace"]}
        assert traces[watches]["observed"] is True


def test_detectors_exceptions_and_the_audit(stack: Stack) -> None:
    rule(stack, scope="prompt", type="detector", pattern="email", exceptions=["*@example.com"], name="addresses")
    body = {"model": "gpt-4o", "input": [{"role": "user", "content": "Ask ada@fake.example.org, not bob@example.com"}]}
    first = stack.post(body).json()
    [trace] = first["tokenrouter"]["rule_trace"]
    assert (trace["hits"], trace["matches"][0]["detector"]) == (1, "email")
    second = stack.post({"model": "gpt-4o", "input": "ada@fake.example.org once more"}).json()
    rows = [
        stack.row(response["request_id"], "rule, scope, item, start, end, action, detector, hash", "firewall_hits") for response in (first, second)
    ]
    assert rows[0][:7] == ["addresses", "prompt", "input[0].content", "4", "24", "mask", "email"]
    assert rows[1][2] == "input"
    assert rows[0][7] == rows[1][7]
    assert len(rows[0][7]) == 16
    assert "ada@" not in str(stack.sql(f"SELECT * FROM requests WHERE request_id = '{first['request_id']}'"))


def test_rules_can_be_narrowed_to_projects_and_keys(stack: Stack) -> None:
    rule(stack, scope="prompt", action="block", projects=["blue"], name="blue only")
    rule(stack, scope="prompt", action="block", api_keys=["another key"], name="another key only")
    prompt = {"model": "gpt-4o", "input": SECRET}
    assert stack.post(prompt).status_code == 200
    assert stack.post(prompt, **{"OpenAI-Project": "green"}).status_code == 200
    assert stack.post(prompt, **{"OpenAI-Project": "blue"}).json()["error"]["rule_trace"][0]["name"] == "blue only"
    rule(stack, scope="prompt", action="block", api_keys=["TOKENROUTER_API_KEY"], name="this key")
    assert stack.post(prompt).json()["error"]["rule_trace"][0]["name"] == "this key"


def test_masks_reach_every_place_of_a_request(stack: Stack, upstream: Upstream) -> None:
    rule(stack, scope="prompt")
    rule(stack, scope="metadata", name="pairs")
    spelled = SECRET.replace("h", "\\u0068", 1)
    body = {
        "model": "gpt-4o", "instructions": f"a {SECRET}", "metadata": {"note": SECRET}, "store": False,
        "tools": [{"type": "function", "name": "f", "description": SECRET, "parameters": {"type": "object", "properties": {}}}],
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": SECRET.replace("hun", "hu\u200bn")}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"x": "' + spelled + '", "n": 1}'},
            {"type": "function_call_output", "call_id": "c1", "output": '{"found": "' + SECRET + '"}'},
        ],
    }
    answer = stack.post(body)
    assert answer.status_code == 200
    sent = upstream.calls[-1].body
    assert "qqqq" not in json.dumps(sent)
    assert sent["input"][0]["content"][0]["text"] == "[redacted]"
    assert json.loads(sent["input"][1]["arguments"]) == {"x": "[redacted]", "n": 1}
    assert json.loads(sent["input"][2]["output"]) == {"found": "[redacted]"}
    assert answer.json()["metadata"]["note"] == "[redacted]"
    traces = answer.json()["tokenrouter"]["rule_trace"]
    assert {match["item"] for trace in traces for match in trace["matches"]} == {
        "instructions", "metadata.note", "tools[0].description", "input[0].content[0].text", "input[1].arguments", "input[2].output",
    }


def test_preview_tries_drafts_on_a_request_and_an_answer(stack: Stack, upstream: Upstream) -> None:
    drafts = [
        {"scope": "prompt", "type": "substring", "pattern": "ada", "action": "mask", "replacement": "***"},
        {"scope": "response", "type": "substring", "pattern": "internal", "action": "block", "name": "inside"},
    ]
    told = call(stack, "POST", "firewall/preview", {"rules": drafts, "request": {"input": "ask Ada"}, "response": "this is internal"}).json()
    assert (told["object"], told["action"], told["request"]["input"]) == ("firewall.preview", "mask", "ask ***")
    match = told["rule_trace"][0]["matches"][0]
    assert (match["item"], match["start"], match["end"]) == ("input", 4, 7)
    assert (told["response"]["action"], told["response"]["blocked_by"]["name"]) == ("block", "inside")
    assert upstream.calls == []
    # The live rules are as they were, and can be tried too.
    rule(stack, scope="prompt", action="block")
    live = call(stack, "POST", "firewall/preview", {"input": f"open {SECRET}"}).json()
    assert (live["action"], live["blocked_by"]["name"]) == ("block", "doors")
    both = call(stack, "POST", "firewall/preview", {"input": f"Ada opens {SECRET}", "rules": drafts, "on_top": True}).json()
    assert {trace["name"] for trace in both["rule_trace"]} == {"doors", "draft -1"}
    for wrong, param in (
        ({"rules": [{"scope": "prompt", "type": "regex", "pattern": "(?=x)", "action": "mask"}]}, "rules[0].pattern"),
        ({"rules": [{"scope": "nowhere", "type": "regex", "pattern": "x", "action": "mask"}]}, "rules[0].scope"),
        ({"rules": "x"}, "rules"), ({"response": 5}, "response"),
    ):
        refused = call(stack, "POST", "firewall/preview", {"input": "hi"} | wrong)
        assert refused.status_code == 422, refused.text
        assert refused.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [
        ("pattern", r"(a)\1", "back-reference"), ("pattern", "(?=x)y", "lookahead"), ("pattern", "(?<!x)y", "lookbehind"),
        ("pattern", "a*", "empty"), ("exceptions", ["/(/"], "missing )"), ("exceptions", "x", "exceptions"), ("observe", 1, "observe"),
        ("projects", [1], "projects"), ("api_keys", [""], "api_keys"),
    ],
)
def test_what_cannot_be_a_rule_is_422_and_says_why(stack: Stack, field: str, value: Any, names: str) -> None:
    answer = call(stack, "POST", "firewall-rules", RULE | {field: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["param"] == field
    assert names in answer.json()["error"]["message"]


def test_an_unknown_detector_is_422_and_names_the_known(stack: Stack) -> None:
    answer = call(stack, "POST", "firewall-rules", RULE | {"type": "detector", "pattern": "secrets, nonsense"})
    assert answer.status_code == 422
    assert "nonsense" in answer.json()["error"]["message"]
    assert "email" in answer.json()["error"]["message"]
