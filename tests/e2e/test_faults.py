"""What clients see when parts of the stack are killed, and what the ledger says of it afterwards."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.e2e.stack import Stack, events, until
from tests.upstream import Behaviour, Upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    provider = Upstream()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Stack]:
    stack = Stack(Path(tmp_path_factory.mktemp("faults")) / "home", OPENAI_API_KEY="sk-fake", OPENAI_BASE_URL=f"{upstream.url}/v1").start()
    yield stack
    stack.stop()


@pytest.fixture
def stack(own_stack: Stack, upstream: Upstream) -> Stack:
    upstream.reset()
    own_stack.ready_again()
    return own_stack


@pytest.mark.parametrize("service", ["firewall", "rules", "router", "provider-worker"])
def test_a_service_that_is_down_costs_a_delay(stack: Stack, upstream: Upstream, service: str) -> None:
    stack.kill(service)
    answer = stack.post({"model": "gpt-4o", "input": "hi"})
    assert answer.status_code == 200, answer.text
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("service", ["firewall", "rules", "router", "provider-worker"])
def test_a_service_killed_with_the_request_in_hand_costs_a_delay(stack: Stack, upstream: Upstream, service: str) -> None:
    os.kill(stack.pid(service), signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(stack.post, {"model": "gpt-4o", "input": "hi"})
        # The frozen process still has its subscription, so the message is in its socket when it dies.
        until(lambda: _in_flight(stack) == 1, what="the request's dispatch")
        stack.kill(service)
        answer = asked.result()
    assert answer.status_code == 200, answer.text
    assert len(upstream.calls) == 1
    assert int(stack.row(answer.json()["request_id"], "dispatches")[0]) > 1


def test_a_frozen_stage_that_wakes_up_does_not_call_twice(stack: Stack, upstream: Upstream) -> None:
    pid = stack.pid("router")
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(stack.post, {"model": "gpt-4o", "input": "hi"})
        time.sleep(4.0)  # longer than a dispatch lives, so that several copies wait for the router
        os.kill(pid, signal.SIGCONT)
        assert asked.result().status_code == 200
    time.sleep(1.0)  # a second call would come now
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("stream", [True, False])
def test_a_worker_killed_during_the_answer_ends_it_with_an_error(stack: Stack, upstream: Upstream, stream: bool) -> None:
    upstream.script = lambda call: Behaviour(chunks=1000, gap=0.2, delay=0.0 if stream else 60.0, text="x" * 1000)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(stack.post, {"model": "gpt-4o", "input": "hi", "stream": stream})
        until(lambda: upstream.calls, what="the provider call")
        time.sleep(0.5)
        stack.kill("provider-worker")
        answer = asked.result()
    request_id = answer.headers["x-tokenrouter-request-id"]
    if stream:
        assert answer.status_code == 200
        seen = events(answer)
        assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
        assert seen[-1]["type"] == "response.failed"
        assert seen[-1]["response"]["status"] == "failed"
        assert seen[-1]["response"]["error"]["code"] == "server_error"
    else:
        assert answer.status_code == 502
        assert answer.json()["error"]["code"] == "worker_lost"
    assert len(upstream.calls) == 1
    assert stack.row(request_id, "status, error_code, provider") == ["failed", "worker_lost", "openai"]
    assert stack.row(request_id, "status, billing", "attempts") == ["failed", "maybe"]


def test_nats_restarting_gives_503_and_then_all_is_well(stack: Stack, upstream: Upstream) -> None:
    before = int(stack.sql("SELECT count() FROM requests WHERE status = 'completed'")[0][0])
    answers: list[httpx.Response] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(stack.post({"model": "gpt-4o", "input": "hi"}))

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(ask)
        for _ in range(3):
            stack.kill("nats-server")
            time.sleep(1.5)
        stack.ready_again()
        until(lambda: answers[-1].status_code == 200, what="a good answer")
        stop.set()
    for answer in answers:
        assert answer.status_code in (200, 502, 503), answer.text
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
    good = sum(answer.status_code == 200 for answer in answers)
    assert good > 0
    # Whoever got an answer stands in the ledger, and nobody twice.
    until(lambda: int(stack.sql("SELECT count() FROM requests WHERE status = 'completed'")[0][0]) >= before + good, what="the rows")
    ids = {answer.json()["request_id"] for answer in answers if answer.status_code == 200}
    listed = "','".join(ids)
    assert stack.sql(f"SELECT count(), uniqExact(request_id) FROM requests WHERE request_id IN ('{listed}')") == [[str(good)] * 2]


def test_the_bus_being_away_is_503_with_retry_after(stack: Stack) -> None:
    os.kill(stack.pid("nats-server"), signal.SIGSTOP)
    try:
        begun = time.monotonic()
        answer = stack.post({"model": "gpt-4o", "input": "hi"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        # Before the patience with stages that say nothing is over, which is 12 s.
        assert time.monotonic() - begun < 11.0
        begun = time.monotonic()
        assert stack.post({"model": "gpt-4o", "input": "hi"}).status_code == 503
        assert time.monotonic() - begun < 3.0  # by now it is known
    finally:
        os.kill(stack.pid("nats-server"), signal.SIGCONT)
    until(lambda: stack.post({"model": "gpt-4o", "input": "hi"}).status_code == 200, what="recovery")


def test_recorder_killed_again_and_again_counts_exactly(stack: Stack) -> None:
    ids = []
    for round_ in range(6):
        ids += [stack.post({"model": "gpt-4o", "input": "hi"}).json()["request_id"] for _ in range(10)]
        if round_ % 2 == 0:
            stack.kill("recorder")
    stack.ready_again()
    listed = "','".join(ids)
    query = f"SELECT count(), sum(input_tokens), sum(cost_usd) FROM requests WHERE request_id IN ('{listed}')"

    def counted() -> list[list[str]]:
        try:
            found = stack.sql(query)
        except AssertionError:
            return []
        return found if found[0][0] == str(len(ids)) else []

    rows = until(counted, 30.0, "the rows")
    assert rows[0][1] == str(11 * len(ids))
    assert stack.sql(f"SELECT count() FROM attempts WHERE request_id IN ('{listed}')") == [[str(len(ids))]]


def test_edge_killed_comes_back(stack: Stack, upstream: Upstream) -> None:
    old = stack.kill("edge")
    until(lambda: stack.pid("edge") not in (0, old), what="a new edge")
    stack.ready_again()
    assert stack.post({"model": "gpt-4o", "input": "hi"}).status_code == 200


def test_an_edge_that_dies_takes_its_provider_calls_with_it(stack: Stack, upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(chunks=1000, gap=0.2, text="x" * 1000)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(stack.post, {"model": "gpt-4o", "input": "hi", "stream": True})
        until(lambda: upstream.calls, what="the provider call")
        time.sleep(1.5)  # the worker has heard of the edge
        stack.kill("edge")
        with pytest.raises(httpx.TransportError):
            asked.result()
    until(lambda: upstream.calls[0].closed_at, 20.0, "the end of the provider call")
    until(lambda: stack.sql("SELECT status FROM requests ORDER BY created_at DESC LIMIT 1") == [["cancelled"]], what="the row")


def test_a_call_outlives_an_outage_of_the_bus(stack: Stack, upstream: Upstream) -> None:
    """What is said while NATS is away waits at the worker; what the edge missed is noticed as a gap, never passed over."""
    upstream.script = lambda call: Behaviour(chunks=30, gap=0.4, text="x" * 300)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(stack.post, {"model": "gpt-4o", "input": "hi", "stream": True})
        until(lambda: upstream.calls, what="the provider call")
        time.sleep(1.0)
        pid = stack.pid("nats-server")
        os.kill(pid, signal.SIGSTOP)
        time.sleep(6.0)
        os.kill(pid, signal.SIGCONT)
        seen = events(asked.result())
    assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
    assert seen[-1]["type"] == "response.completed"
    text = "".join(event["delta"] for event in seen if event["type"] == "response.output_text.delta")
    assert text == "x" * 300
    assert upstream.calls[0].closed_at is None


def test_firewall_that_stays_away_is_503(stack: Stack, upstream: Upstream) -> None:
    stop = threading.Event()

    def keep_killing() -> None:
        while not stop.is_set():
            pid = stack.pid("firewall")
            if pid:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    killer = threading.Thread(target=keep_killing)
    killer.start()
    try:
        answer = stack.post({"model": "gpt-4o", "input": "hi"})
    finally:
        stop.set()
        killer.join()
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "firewall_unavailable"
    assert int(answer.headers["retry-after"]) > 0
    assert upstream.calls == []


def test_sigterm_drains(tmp_path: Path, upstream: Upstream) -> None:
    upstream.reset()
    upstream.script = lambda call: Behaviour(chunks=10, gap=0.3)
    stack = Stack(tmp_path / "home", OPENAI_API_KEY="sk-fake", OPENAI_BASE_URL=f"{upstream.url}/v1").start()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(stack.post, {"model": "gpt-4o", "input": "hi", "stream": True}) for _ in range(8)]
        until(lambda: len(upstream.calls) == 8, what="the provider calls")
        stack.process.send_signal(signal.SIGTERM)
        answers = [one.result() for one in asked]
    assert stack.process.wait(60) == 0
    for answer in answers:
        assert events(answer)[-1]["type"] == "response.completed"
    stack.start()
    try:
        assert stack.sql("SELECT count() FROM requests WHERE status = 'completed'") == [["8"]]
        assert stack.sql("SELECT count() FROM deliveries WHERE outcome = 'delivered'") == [["8"]]
    finally:
        stack.stop(signal.SIGINT)


def _in_flight(stack: Stack) -> int:
    text = httpx.get(f"{stack.url}/metrics").text
    line = next(line for line in text.split("\n") if line.startswith("tokenrouter_requests_in_flight "))
    return int(float(line.split()[1]))


def test_fallback_before_the_first_delta(stack: Stack, upstream: Upstream) -> None:
    def first_fails(call: object) -> Behaviour:
        return Behaviour(status=500) if len(upstream.calls) == 1 else Behaviour()

    for stream in (False, True):
        upstream.calls.clear()
        upstream.script = first_fails
        answer = stack.post({"model": "auto:quality", "input": "hi", "stream": stream})
        response = events(answer)[-1]["response"] if stream else answer.json()
        assert response["status"] == "completed"
        told = response["tokenrouter"]
        assert told["attempts"] == 2
        assert told["fallback"] is True
        assert upstream.calls[0].body["model"] != upstream.calls[1].body["model"]
        until(lambda told=told: len(stack.sql(f"SELECT attempt FROM attempts WHERE request_id = '{told['request_id']}'")) == 2, what="rows")
        rows = stack.sql(f"SELECT attempt, status, billing, http_status FROM attempts WHERE request_id = '{told['request_id']}' ORDER BY attempt")
        assert rows == [["1", "failed", "none", "500"], ["2", "completed", "billed", "200"]]


def test_a_stream_cut_after_deltas_ends_in_response_failed(stack: Stack, upstream: Upstream) -> None:
    upstream.script = lambda call: Behaviour(cut_after=3, chunks=5, gap=0.05)
    answer = stack.post({"model": "gpt-4o", "input": "hi", "stream": True})
    seen = events(answer)
    assert seen[-1]["type"] == "response.failed"
    assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
    assert len(upstream.calls) == 1
    assert stack.row(seen[-1]["response"]["request_id"], "status, http_status") == ["failed", "200"]


# Each has a model of its own: the pause that a 429 asks for is kept, and a dead key is avoided.
MODELS = {400: "gpt-4.1", 502: "gpt-4.1-mini", 404: "gpt-4.1-nano", 429: "gpt-5-nano", 503: "gpt-5-mini"}


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        (Behaviour(status=400, error={"error": {"message": "no such tool", "type": "x", "param": "tools", "code": None}}), 400, "invalid_request"),
        (Behaviour(status=401, error={"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}), 502, "provider_key_invalid"),
        (Behaviour(status=404, error={"error": {"message": "gone", "code": "model_not_found"}}), 404, "model_not_found"),
        (Behaviour(status=429, error={"error": {"message": "slow"}}, headers={"retry-after": "7"}), 429, "rate_limit_exceeded"),
        (Behaviour(status=500), 503, "upstream_unavailable"),
        (Behaviour(status=200, raw=b"<html>busy</html>"), 502, "upstream_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_provider_errors_reach_the_client(
    stack: Stack, upstream: Upstream, behaviour: Behaviour, status: int, code: str, stream: bool
) -> None:
    upstream.script = lambda call: behaviour
    answer = stack.post({"model": "gpt-5" if stream and status == 429 else MODELS[status], "input": "hi", "stream": stream})
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["provider"] == "openai"
    assert error["http_status"] == status
    assert error["raw"] is None
    assert error["code"] == code
    if status == 429:
        assert answer.headers["retry-after"] == "7"
    row = stack.row(answer.json()["request_id"], "status, http_status, error_code")
    assert row == ["failed", str(status), error["code"]]
    assert json.loads(answer.text)["detail"] == error["message"]
