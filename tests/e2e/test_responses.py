"""POST /v1/responses through the whole stack, with the official SDK as the client and a provider-shaped upstream."""

import json
from typing import Any

import httpx
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.e2e.stack import API_KEY, Stack, events, until
from tests.upstream import Behaviour, Upstream

EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


@pytest.fixture
def client(stack: Stack) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{stack.url}/v1", api_key=API_KEY, max_retries=0, _strict_response_validation=True)


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o", "gpt-4o:quality", "anthropic/claude-sonnet-4-5", "auto", "auto:cost"])
def test_plain_and_streamed_agree(client: openai.OpenAI, model: str) -> None:
    plain = client.responses.create(model=model, input="Say hello.")
    streamed = [event for event in client.responses.create(model=model, input="Say hello.", stream=True)]
    last = streamed[-1]
    assert last.type == "response.completed"
    assert plain.output_text == last.response.output_text == "Hello from upstream."
    assert plain.usage == last.response.usage
    assert plain.status == last.response.status == "completed"
    assert [event.sequence_number for event in streamed] == list(range(len(streamed)))


@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5"])
def test_stream_helper_reads_the_stream(client: openai.OpenAI, model: str) -> None:
    with client.responses.stream(model=model, input="Say hello.") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text == "Hello from upstream."


@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5"])
def test_every_event_is_openais(stack: Stack, model: str) -> None:
    answer = stack.post({"model": model, "input": "hi", "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "[DONE]" not in answer.text
    assert "\nid:" not in answer.text
    seen = events(answer)
    for event in seen:
        EVENT.validate_python(event, strict=False)
    assert seen[0]["type"] == "response.created"
    assert seen[-1]["type"] == "response.completed"
    final = seen[-1]["response"]
    missing = set(Response.model_fields) - set(final) - {"output_text"}
    assert not missing


@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5"])
def test_a_response_has_every_field_and_tells_its_routing(stack: Stack, model: str) -> None:
    answer = stack.post({"model": model, "input": "hi", "metadata": {"team": "blue"}, "instructions": "Be kind."})
    body = answer.json()
    Response.model_validate(body)
    assert not set(Response.model_fields) - set(body)
    request_id = answer.headers["x-tokenrouter-request-id"]
    assert body["request_id"] == body["metadata"]["request_id"] == body["tokenrouter"]["request_id"] == request_id
    assert body["metadata"]["team"] == "blue"
    assert all(isinstance(value, str) for value in body["metadata"].values())
    assert body["instructions"] == "Be kind."
    assert body["tokenrouter"]["attempts"] == 1
    assert body["tokenrouter"]["cost_usd"] > 0
    assert set(body["usage"]["input_tokens_details"]) >= {"cached_tokens", "cache_write_tokens"}


INPUTS: list[Any] = [
    "plain text",
    [{"role": "user", "content": "text"}],
    [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "text"}]}],
    [{"type": "text", "text": "text"}, {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}],
    [{"role": "user", "content": [{"type": "input_text", "text": "?"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]}],
    [
        {"role": "user", "content": "weather?"},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
    ],
]


@pytest.mark.parametrize("given", INPUTS, ids=range(len(INPUTS)))
@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5"])
def test_every_form_of_input(stack: Stack, upstream: Upstream, model: str, given: Any) -> None:
    answer = stack.post({"model": model, "input": given})
    assert answer.status_code == 200, answer.text
    assert len(upstream.calls) == 1


def test_openai_gets_unknown_fields_and_no_field_of_ours(stack: Stack, upstream: Upstream) -> None:
    body = {
        "model": "openai/gpt-4o:cost", "input": "hi", "future_field": {"a": [1, 2.5]}, "router_mode": "cost",
        "stream_options": {"format": "openai", "include_obfuscation": False}, "stream": True,
    }
    stack.post(body)
    sent = upstream.calls[0].body
    assert sent["future_field"] == {"a": [1, 2.5]}
    assert sent["model"] == "gpt-4o"
    assert not [name for name in sent if name.startswith("router_")]
    assert sent["stream_options"] == {"include_obfuscation": False}


def test_unknown_fields_and_events_of_openai_pass(stack: Stack, upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(patch=lambda response: response | {"future": {"deep": [1]}})
    assert stack.post({"model": "gpt-4o", "input": "hi"}).json()["future"] == {"deep": [1]}


def test_keys_reach_their_provider_and_no_other(stack: Stack, upstream: Upstream) -> None:
    stack.post({"model": "openai/gpt-4o", "input": "hi"})
    stack.post({"model": "anthropic/claude-sonnet-4-5", "input": "hi"})
    stack.post({"model": "openai/gpt-4o", "input": "hi"}, **{"X-OpenAI-Key": "sk-fake-of-the-client"})
    first, second, third = upstream.calls
    assert first.headers["authorization"] == "Bearer sk-fake-openai"
    assert second.headers["x-api-key"] == "sk-ant-fake"
    assert "authorization" not in second.headers
    assert third.headers["authorization"] == "Bearer sk-fake-of-the-client"
    for call in upstream.calls:
        assert API_KEY not in json.dumps(call.headers)
        assert call.headers["traceparent"].startswith("00-")
        assert not [name for name in call.headers if name.endswith("-key") and name != "x-api-key"]


def test_traceparent_keeps_the_clients_trace(stack: Stack, upstream: Upstream) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = stack.post({"model": "gpt-4o", "input": "hi"}, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert upstream.calls[0].headers["traceparent"].split("-")[1] == trace
    assert stack.row(answer.json()["request_id"], "traceparent")[0].split("-")[1] == trace


@pytest.mark.parametrize("prefix", ["/v1", "", "/v1/v1", "/api/v1", "/api"])
def test_base_urls_of_published_clients(stack: Stack, prefix: str) -> None:
    assert stack.post({"model": "gpt-4o", "input": "hi"}, path=f"{prefix}/responses").status_code == 200


def test_tokenrouter_stream_format(stack: Stack) -> None:
    for headers, body in (({"X-TokenRouter-Stream-Format": "tokenrouter"}, {}), ({}, {"stream_options": {"format": "tokenrouter"}})):
        answer = stack.post({"model": "gpt-4o", "input": "hi", "stream": True, **body}, **headers)
        names = [line.removeprefix("event: ") for line in answer.text.split("\n") if line.startswith("event: ")]
        assert names == ["metadata", "message.start", *["content.delta"] * 5, "usage", "message.end", "done"]
        payloads = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n") if line.startswith("data: ")]
        assert payloads[0]["provider"] == "openai"
        assert "".join(payload["delta"]["text"] for payload in payloads[2:7]) == "Hello from upstream."
        assert payloads[7]["total_tokens"] == 18
        assert payloads[-1] is None


def test_a_large_body_travels_by_claim_check(stack: Stack, upstream: Upstream) -> None:
    picture = "data:image/png;base64," + "A" * (3 << 20)
    content = [{"type": "input_text", "text": "what is it?"}, {"type": "input_image", "image_url": picture}]
    answer = stack.post({"model": "gpt-4o", "input": [{"role": "user", "content": content}]})
    assert answer.status_code == 200
    assert upstream.calls[0].body["input"][0]["content"][1]["image_url"] == picture


def test_a_large_answer_comes_back_whole(stack: Stack, upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(text="0123456789" * 150_000, chunks=2)
    plain = stack.post({"model": "gpt-4o", "input": "hi"}).json()
    assert plain["status"] == "completed", str(plain)[:2000]
    assert len(plain["output_text"]) == 1_500_000
    streamed = events(stack.post({"model": "gpt-4o", "input": "hi", "stream": True}))
    text = "".join(event["delta"] for event in streamed if event["type"] == "response.output_text.delta")
    assert text == plain["output_text"] == streamed[-1]["response"]["output_text"]


def test_the_ledger_has_the_whole_story(stack: Stack) -> None:
    body = {"model": "auto:cost", "input": "hi", "metadata": {"team": "blue"}}
    answer = stack.post(body).json()
    columns = "workspace, endpoint, model_requested, provider, mode, status, http_status"
    counts = "input_tokens, output_tokens, cached_tokens, cost_usd, stream"
    row = stack.row(answer["request_id"], f"{columns}, {counts}")
    assert row[:7] == ["default", "responses", "auto:cost", "openai", "cost", "completed", "200"]
    assert row[7:10] == ["11", "7", "3"]
    assert float(row[10]) == pytest.approx(answer["tokenrouter"]["cost_usd"])
    assert row[11] == "false"
    assert stack.row(answer["request_id"], "metadata['team']") == ["blue"]
    assert stack.row(answer["request_id"], "JSONLength(candidates)")[0] != "0"
    stages = stack.sql(f"SELECT stage FROM decisions WHERE request_id = '{answer['request_id']}' ORDER BY at")
    assert [stage for (stage,) in stages] == ["firewall", "rules", "router"]
    attempt = stack.row(answer["request_id"], "provider, status, billing, provider_response_id, price_version != ''", "attempts")
    assert attempt == ["openai", "completed", "billed", "resp_up", "1"]
    assert stack.row(answer["request_id"], "outcome, http_status", "deliveries") == ["delivered", "200"]
    assert stack.sql_by_command(f"SELECT provider, stream FROM requests WHERE request_id = '{answer['request_id']}'") == [["openai", "false"]]


def test_disconnect_cancels_the_upstream_call(stack: Stack, upstream: Upstream) -> None:
    for stream in (True, False):
        upstream.calls.clear()
        upstream.script = lambda call: Behaviour(chunks=20, gap=0.5) if call.body.get("stream") else Behaviour(delay=30)
        body = json.dumps({"model": "gpt-4o", "input": "hi", "stream": stream})
        with httpx.Client() as http:
            try:
                with http.stream("POST", f"{stack.url}/v1/responses", content=body, headers=stack.auth, timeout=1.5) as answer:
                    next(answer.iter_bytes())
            except httpx.ReadTimeout:
                assert not stream
        # The answer would have gone on for 10 s and the silence for 30.
        until(lambda: upstream.calls[0].closed_at, 8.0, "the upstream's disconnect")
        rows = until(
            lambda: stack.sql("SELECT status, http_status FROM requests ORDER BY created_at DESC LIMIT 1") == [["cancelled", "499"]], 10.0, "the row"
        )
        assert rows


def test_explanation_on_request(stack: Stack) -> None:
    told = stack.post({"model": "auto", "input": "hi"}, **{"X-TokenRouter-Explain": "true"}).json()["tokenrouter"]
    assert len(told["candidates"]) > 5
    assert {"provider", "model", "score", "cost", "quality", "latency"} <= set(told["candidates"][0])
    assert "candidates" not in stack.post({"model": "auto", "input": "hi"}).json()["tokenrouter"]
