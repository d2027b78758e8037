"""Bad input over the wire: always the documented shape, never a 500, always a request id."""

import json
import socket
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.stack import API_KEY, Stack
from tests.upstream import Upstream


def check(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body = answer.json()
    error: dict[str, Any] = body["error"]
    assert set(error) >= {"type", "message", "code", "param", "http_status", "provider", "raw", "request_id"}
    assert error["code"] == code
    assert error["http_status"] == status
    assert error["request_id"] == body["request_id"] == answer.headers["x-tokenrouter-request-id"]
    assert body["request_id"].startswith("req_")
    assert body["detail"] == error["message"]
    return error


DEEP = b'{"input":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize("stream", [b"", b'"stream":true,'])
@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"", b"[]", b"\xff\xff", b'{"input": NaN}', b'{"input":"\xc3\x28"}', DEEP, b'{"input": 1}', b'{"input":"hi","tools":{}}',
        b'{"input":"hi","temperature":1e400}', b'{"input":"\\ud800"}', b'{"input":[{"role":"user","content":[{"type":"input_text"}]}]}',
        b'{"input":[{"role":"nobody","content":"x"}]}', b'{"input":[null]}', b'{"input":"hi","tools":[null]}', b'{"input":"hi","tools":[{}]}',
        b'{"input":"hi","text":{"format":5}}', b'{"input":"hi","tool_choice":7}', b'{"input":"hi","metadata":[]}', b'{"input":[[]]}',
        b'{"input":"hi","reasoning":"high"}', b'{"input":"hi","max_output_tokens":1.5}', b'{"input":"hi","model":["a"]}',
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_bad_bodies_are_400(stack: Stack, upstream: Upstream, raw: bytes, stream: bytes) -> None:
    error = check(stack.post(raw.replace(b"{", b"{" + stream, 1) if raw.startswith(b'{"') else raw), 400, "invalid_request")
    assert error["type"] == "invalid_request_error"
    assert upstream.calls == []


@pytest.mark.parametrize("authorization", [None, b"", b"Bearer", b"Basic abc", b"Bearer tr_wrong", "Bearer \u00e9".encode()])
def test_bad_keys_are_401(stack: Stack, authorization: bytes | None) -> None:
    headers = [] if authorization is None else [(b"Authorization", authorization)]
    answer = httpx.post(f"{stack.url}/v1/responses", json={"input": "hi"}, headers=headers)
    assert check(answer, 401, "invalid_api_key")["type"] == "unauthorized_error"


def test_unknown_model_route_and_method(stack: Stack) -> None:
    check(stack.post({"model": "no-such-model", "input": "hi"}), 404, "model_not_found")
    check(stack.post({"model": "openai/no-such-model", "input": "hi", "stream": True}), 404, "model_not_found")
    check(stack.post({}, path="/v1/nonsense"), 404, "not_found")
    check(httpx.put(f"{stack.url}/v1/responses", headers=stack.auth), 405, "method_not_allowed")
    check(httpx.delete(f"{stack.url}/v1/responses", headers=stack.auth), 405, "method_not_allowed")


def test_missing_provider_key(stack: Stack) -> None:
    error = check(stack.post({"model": "gemini/gemini-2.5-pro", "input": "hi"}), 422, "provider_key_missing")
    assert error["type"] == "routing_error"
    assert "GEMINI_API_KEY" in error["message"]


def test_oversized_bodies_are_413(stack: Stack) -> None:
    huge = b'{"input":"' + b"x" * (33 << 20) + b'"}'
    check(stack.post(huge), 413, "request_too_large")

    def chunks() -> Any:
        for _ in range(40):
            yield b"x" * (1 << 20)

    check(httpx.post(f"{stack.url}/v1/responses", content=chunks(), headers=stack.auth, timeout=30), 413, "request_too_large")


def test_oversized_headers_are_431(stack: Stack) -> None:
    check(stack.post({"input": "hi"}, **{"X-Filler": "x" * 70_000}), 431, "headers_too_large")


def test_unknown_stream_format_is_400(stack: Stack) -> None:
    check(stack.post({"input": "hi"}, **{"X-TokenRouter-Stream-Format": "xml"}), 400, "invalid_request")


def test_any_content_type_with_a_json_body_is_taken(stack: Stack) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", ""):
        answer = stack.post({"model": "gpt-4o", "input": "hi"}, **{"Content-Type": kind})
        assert answer.status_code == 200, answer.text


def test_a_provider_key_header_that_is_no_key_is_400(stack: Stack, upstream: Upstream) -> None:
    check(stack.post({"model": "gpt-4o", "input": "hi"}, **{"X-OpenAI-Key": "k" * 600}), 400, "invalid_request")
    assert upstream.calls == []


def test_half_a_request_and_garbage_do_not_hurt(stack: Stack) -> None:
    for sent in (b"POST /v1/responses HTTP/1.1\r\ncontent-length: 100\r\n\r\n{", b"\x00\x01\x02garbage\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", stack.port), timeout=5) as connection:
            connection.sendall(sent)
    assert stack.post({"model": "gpt-4o", "input": "hi"}).status_code == 200


def test_official_sdk_raises_its_own_errors(stack: Stack) -> None:
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=API_KEY, max_retries=0)
    with pytest.raises(openai.NotFoundError) as missing:
        client.responses.create(model="no-such-model", input="hi")
    assert missing.value.code == "model_not_found"
    assert missing.value.request_id
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{stack.url}/v1", api_key="tr_wrong", max_retries=0).responses.create(model="auto", input="hi")
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="auto", input="hi", temperature=5)


def test_rejections_are_on_record(stack: Stack) -> None:
    request_id = stack.post(b"{").json()["request_id"]
    assert stack.row(request_id, "status, http_status, error_code, workspace") == ["rejected", "400", "invalid_request", "default"]


def test_neither_prompts_nor_keys_are_in_the_logs(stack: Stack) -> None:
    canary, key = "canary-prompt-7f3a", "sk-fake-canary-9b1c"
    stack.post({"model": "gpt-4o", "input": canary}, **{"X-OpenAI-Key": key})
    stack.post({"model": "gpt-4o", "input": [{"role": "user", "content": [{"type": canary}]}]}, **{"X-OpenAI-Key": key})
    stack.post(json.dumps({"model": canary, "input": canary, "stream": True}).encode())
    for log in (stack.home / "log").iterdir():
        text = log.read_text()
        assert canary not in text, log
        assert key not in text, log
        assert API_KEY not in text, log
