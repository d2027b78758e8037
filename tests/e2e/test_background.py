"""Background responses while the stack breaks under them, one service after the other."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack, events, until
from tests.upstream import Behaviour, Upstream

SERVICES = ["firewall", "rules", "router", "provider-worker", "edge", "recorder", "nats-server"]
SLOW = Behaviour(chunks=40, gap=0.1, text="x" * 400)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    provider = Upstream()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Stack]:
    home = Path(tmp_path_factory.mktemp("background")) / "home"
    stack = Stack(home, OPENAI_API_KEY="sk-fake", OPENAI_BASE_URL=f"{upstream.url}/v1").start()
    yield stack
    stack.stop()


@pytest.fixture
def stack(own_stack: Stack, upstream: Upstream) -> Stack:
    upstream.reset()
    own_stack.ready_again()
    return own_stack


def test_a_response_begun_in_the_background_completes(stack: Stack) -> None:
    begun = _begin(stack)
    assert begun["status"] == "queued"
    assert begun["background"] is True
    assert _ended(stack, begun["id"])["status"] == "completed"


@pytest.mark.parametrize(("service", "stream"), [*((service, True) for service in SERVICES), ("provider-worker", False), ("edge", False)])
def test_it_survives_the_death_of_any_service(stack: Stack, upstream: Upstream, service: str, stream: bool) -> None:
    upstream.script = lambda call: SLOW if stream else Behaviour(delay=3.0)
    response_id = _begin_stream(stack) if stream else _begin(stack)["id"]
    until(lambda: upstream.calls, what="the provider call")
    until(lambda: _read(stack, response_id).get("status") == "in_progress", what="the answer's beginning")
    stack.kill(service)
    response = _ended(stack, response_id)
    assert response["status"] == "completed", response
    assert response["output"]
    if stream:
        _same_to_everybody(stack, response_id, response)


@pytest.mark.parametrize("service", ["firewall", "rules", "router", "provider-worker", "edge"])
def test_it_survives_a_death_before_the_provider_was_called(stack: Stack, upstream: Upstream, service: str) -> None:
    frozen = "router" if service == "edge" else service
    os.kill(stack.pid(frozen), signal.SIGSTOP)
    response_id = _begin(stack)["id"]
    stack.kill(service)
    if frozen != service:
        os.kill(stack.pid(frozen), signal.SIGCONT)
    assert _ended(stack, response_id)["status"] == "completed"
    assert len(upstream.calls) == 1


def test_all_services_die_in_turn_under_one_response(stack: Stack, upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(chunks=100, gap=0.1, text="x" * 1000)
    response_id = _begin_stream(stack)
    for service in SERVICES:
        until(lambda: _read(stack, response_id).get("status") == "in_progress", what="the answer's beginning")
        stack.kill(service)
        stack.ready_again()
    response = _ended(stack, response_id)
    assert response["status"] == "completed", response
    _same_to_everybody(stack, response_id, response)


def test_a_reader_that_comes_back_goes_on_where_it_was(stack: Stack, upstream: Upstream) -> None:
    upstream.script = lambda call: SLOW
    response_id = _begin_stream(stack)
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(_events, stack, response_id)
        _ended(stack, response_id)
        seen = early.result()
    assert _events(stack, response_id) == seen
    assert _events(stack, response_id, after=5) == seen[6:]


@pytest.mark.parametrize("stream", [True, False])
def test_a_cancelled_response_stays_cancelled(stack: Stack, upstream: Upstream, stream: bool) -> None:
    upstream.script = lambda call: Behaviour(chunks=1000, gap=0.1, delay=0.0 if stream else 60.0, text="x" * 10_000)
    response_id = _begin_stream(stack) if stream else _begin(stack)["id"]
    until(lambda: upstream.calls, what="the provider call")
    cancelled = stack.post({}, f"/v1/responses/{response_id}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    time.sleep(0.5)  # a worker that went on would have overwritten it by now
    assert _read(stack, response_id)["status"] == "cancelled"
    assert stack.post({}, f"/v1/responses/{response_id}/cancel").json()["status"] == "cancelled"
    if stream:
        seen = _events(stack, response_id)
        assert seen[-1]["type"] == "response.incomplete"
        assert _events(stack, response_id) == seen


def test_a_provider_that_refuses_ends_it_as_failed(stack: Stack, upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(status=400)
    response = _ended(stack, _begin(stack)["id"])
    assert response["status"] == "failed"
    assert response["error"]["code"] == "server_error"
    assert response["tokenrouter"]["error"]["http_status"] == 400


def _begin(stack: Stack) -> dict[str, Any]:
    answer = stack.post({"model": "gpt-4o", "input": "hi", "background": True})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _begin_stream(stack: Stack) -> str:
    """Begin a streamed one and hang up after its first event."""
    body = {"model": "gpt-4o", "input": "hi", "background": True, "stream": True}
    with httpx.stream("POST", f"{stack.url}/v1/responses", json=body, headers=stack.auth, timeout=40.0) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                return str(json.loads(line.removeprefix("data: "))["response"]["id"])
    raise AssertionError("no event came")


def _read(stack: Stack, response_id: str) -> dict[str, Any]:
    """The response as it is now; nothing while the edge is away."""
    try:
        answer = httpx.get(f"{stack.url}/v1/responses/{response_id}", headers=stack.auth, timeout=10.0)
    except httpx.HTTPError:
        return {}
    return dict(answer.json()) if answer.status_code == 200 else {}


def _ended(stack: Stack, response_id: str) -> dict[str, Any]:
    def over() -> dict[str, Any]:
        response = _read(stack, response_id)
        return response if response.get("status") in ("completed", "failed", "incomplete", "cancelled") else {}

    return until(over, 60.0, "the response's end")


def _events(stack: Stack, response_id: str, after: int | None = None) -> list[dict[str, Any]]:
    query = {"stream": "true"} | ({} if after is None else {"starting_after": str(after)})
    return events(httpx.get(f"{stack.url}/v1/responses/{response_id}", params=query, headers=stack.auth, timeout=60.0))


def _same_to_everybody(stack: Stack, response_id: str, response: dict[str, Any]) -> None:
    """The stream is read the same twice, is numbered without gaps, and adds up to the response."""
    seen = _events(stack, response_id)
    assert _events(stack, response_id) == seen
    assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
    assert [event["type"] for event in seen].count("response.created") == 1
    assert seen[-1]["response"] == response
    assert [event["item"] for event in seen if event["type"] == "response.output_item.done"] == response["output"]
