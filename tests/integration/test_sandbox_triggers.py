"""What the sandbox providers do when a prompt asks them to misbehave, and what they say of requests that are none."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

# Provider in /stats; path; model; and what only a whole stream has.
APIS: dict[str, tuple[str, str, str, str]] = {
    "responses": ("openai", "/openai/v1/responses", "gpt-4o", "response.completed"),
    "chat": ("openai", "/openai/v1/chat/completions", "gpt-4o", '"finish_reason":"stop"'),
    "anthropic": ("anthropic", "/anthropic/v1/messages", "claude-haiku-4-5", "message_stop"),
    "gemini": ("gemini", "/gemini/v1beta/models/gemini-2.5-flash", "", '"finishReason"'),
    "deepseek": ("deepseek", "/deepseek/chat/completions", "deepseek-v4-flash", '"finish_reason":"stop"'),
    "mistral": ("mistral", "/mistral/v1/chat/completions", "mistral-small-latest", '"finish_reason":"stop"'),
}
every_api = pytest.mark.parametrize("api", APIS)
both_streamed = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture(scope="module")
def http(sandbox_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox_url, timeout=20.0, headers={"anthropic-version": "2023-06-01"}) as client:
        yield client


def post(http: httpx.Client, api: str, prompt: str, stream: bool, timeout: float = 20.0) -> httpx.Response:
    _, path, model, _ = APIS[api]
    messages = [{"role": "user", "content": prompt}]
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": stream}
    if api == "responses":
        body = {"model": model, "input": prompt, "stream": stream}
    elif api == "anthropic":
        body["max_tokens"] = 500
    elif api == "gemini":
        path += ":streamGenerateContent?alt=sse" if stream else ":generateContent"
        body = {"contents": [{"role": "user", "parts": [{"text": prompt}]}]}
    return http.post(path, json=body, timeout=timeout)


@every_api
@both_streamed
def test_cut_breaks_the_connection(http: httpx.Client, api: str, stream: bool) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        post(http, api, "Hi [sandbox:cut]", stream)


@every_api
def test_eof_ends_without_the_last_event(http: httpx.Client, api: str) -> None:
    last = APIS[api][3]
    whole, broken = (post(http, api, prompt, True).text for prompt in ("Hi", "Hi [sandbox:eof]"))
    assert last in whole
    assert 0 < len(broken) < len(whole)
    assert last not in broken
    assert "[DONE]" not in broken


@every_api
@both_streamed
def test_stall_lasts_until_the_client_leaves(http: httpx.Client, api: str, stream: bool) -> None:
    provider = APIS[api][0]
    before = http.get("/stats").json()[provider]["left"]
    with pytest.raises(httpx.ReadTimeout):
        post(http, api, "Hi [sandbox:stall]", stream, timeout=0.5)
    deadline = time.monotonic() + 5
    while http.get("/stats").json()[provider]["left"] == before:
        assert time.monotonic() < deadline, "the sandbox did not see the client leave"
        time.sleep(0.02)


@every_api
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 500, 503, 529])
def test_a_status_on_demand_comes_in_the_providers_form(http: httpx.Client, api: str, status: int) -> None:
    reply = post(http, api, f"Hi [sandbox:{status}]", True)
    assert reply.status_code == status
    told = reply.json()
    if api == "mistral":
        assert told["detail"] == "Unauthorized" if status == 401 else told["object"] == "error"
    else:
        assert "asked for status" in told["error"]["message"]


@every_api
def test_fail_is_a_500_where_there_is_no_stream(http: httpx.Client, api: str) -> None:
    assert post(http, api, "Hi [sandbox:fail]", False).status_code == 500


def test_slow_is_slower(http: httpx.Client) -> None:
    begun = time.perf_counter()
    post(http, "responses", "Hi [sandbox:slow] [sandbox:tokens=100]", True)
    # 0.4 s to the first token, 100 tokens at 90 a second, ten times that, at 40 times the speed: 0.38 s; 0.04 if not slowed.
    assert time.perf_counter() - begun > 0.3


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/openai/v1/responses", b"{", "parse"),
        ("/openai/v1/responses", b"[]", "JSON object"),
        ("/openai/v1/responses", b'{"model":"gpt-4o"}', "'input'"),
        ("/openai/v1/responses", b'{"input":"Hi"}', "'model'"),
        ("/openai/v1/chat/completions", b'{"model":"gpt-4o"}', "'messages'"),
        ("/openai/v1/chat/completions", b'{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],"response_format":"json"}', "type"),
        ("/anthropic/v1/messages", b'{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"Hi"}]}', "max_tokens"),
        ("/anthropic/v1/messages", b'{"model":"claude-haiku-4-5","max_tokens":5,"messages":[]}', "messages"),
        ("/gemini/v1beta/models/gemini-2.5-flash:generateContent", b"{}", "contents is not specified"),
        ("/deepseek/v1/chat/completions", b'{"messages":[]}', "missing field `model`"),
    ],
)
def test_bad_requests(http: httpx.Client, path: str, body: bytes, said: str) -> None:
    reply = http.post(path, content=body)
    assert reply.status_code == 400
    assert said in reply.json()["error"]["message"]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "deepseek", "mistral"])
def test_there_is_nothing_elsewhere(http: httpx.Client, provider: str) -> None:
    reply = http.post(f"/{provider}/v9/nothing", json={})
    assert reply.status_code == 404
    assert "Invalid URL" in reply.text
