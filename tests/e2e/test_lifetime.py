"""One deadline for each request, heartbeats while nothing comes, several processes of a service, and the sandbox providers."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from tests.e2e.stack import API_KEY, Stack, events, until
from tests.upstream import Behaviour, Upstream

EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory, provider: Upstream) -> Iterator[Stack]:
    home = Path(tmp_path_factory.mktemp("scaled")) / "home"
    stack = Stack(
        home, OPENAI_BASE_URL=f"{provider.url}/v1", OPENAI_MODELS="my-model", SCALE="provider-worker=2 edge=2 router=2",
        TOKENROUTER_REQUEST_TIMEOUT="4",
    ).start()
    yield stack
    stack.stop()


@pytest.fixture(autouse=True)
def fresh_script(provider: Upstream) -> None:
    provider.reset()


def test_heartbeats_come_while_the_provider_is_silent(scaled: Stack, provider: Upstream) -> None:
    provider.script = lambda call: Behaviour(delay=2.5)
    with httpx.stream("POST", f"{scaled.url}/v1/responses", json={"model": "gpt-4o", "input": "hi", "stream": True}, headers=scaled.auth) as answer:
        pieces = answer.iter_text()
        # Before the answer, which takes 2.5 s to begin.
        assert next(pieces).startswith(":")
        rest = "".join(pieces)
    assert "response.completed" in rest


def test_an_error_after_a_heartbeat_ends_a_valid_stream(scaled: Stack, provider: Upstream) -> None:
    provider.script = lambda call: Behaviour(delay=1.6, status=500)
    answer = scaled.post({"model": "gpt-4o", "input": "hi", "stream": True})
    seen = events(answer)
    assert answer.status_code == 200
    assert [event["type"] for event in seen] == ["response.created", "response.in_progress", "response.failed"]
    for event in seen:
        EVENT.validate_python(event, strict=False)
    assert [event["sequence_number"] for event in seen] == [0, 1, 2]
    assert seen[-1]["response"]["tokenrouter"]["error"]["code"] == "upstream_unavailable"


def test_the_deadline_ends_a_plain_request(scaled: Stack, provider: Upstream) -> None:
    provider.script = lambda call: Behaviour(delay=30)
    begun = time.monotonic()
    answer = scaled.post({"model": "gpt-4o", "input": "hi"})
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "upstream_timeout"
    assert time.monotonic() - begun < 20.0
    until(lambda: provider.calls[0].closed_at, 8.0, "the end of the upstream call")
    assert scaled.row(answer.json()["request_id"], "status, http_status") == ["failed", "504"]


def test_the_deadline_ends_a_stream_with_response_failed(scaled: Stack, provider: Upstream) -> None:
    provider.script = lambda call: Behaviour(stall_after=2)
    seen = events(scaled.post({"model": "gpt-4o", "input": "hi", "stream": True}))
    assert seen[-1]["type"] == "response.failed"
    assert [event["sequence_number"] for event in seen] == list(range(len(seen)))


def test_work_is_shared_and_streams_stay_whole(scaled: Stack, provider: Upstream) -> None:
    provider.script = lambda call: Behaviour(text="0123456789" * 20, chunks=40, gap=0.002)

    def ask(number: int) -> str:
        seen = events(scaled.post({"model": "gpt-4o", "input": str(number), "stream": True}))
        assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
        text = "".join(event["delta"] for event in seen if event["type"] == "response.output_text.delta")
        assert text == "0123456789" * 20
        return str(seen[-1]["response"]["request_id"])

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(ask, range(96)))
    assert len(provider.calls) == 96
    listed = "','".join(ids)
    until(lambda: scaled.sql(f"SELECT count() FROM requests WHERE request_id IN ('{listed}')") == [["96"]], what="the rows")
    for column, view in (("worker", "attempts"), ("edge", "deliveries")):
        query = f"SELECT {column}, count() FROM {view} WHERE request_id IN ('{listed}') GROUP BY 1"
        until(lambda query=query: sum(int(count) for _, count in scaled.sql(query)) == 96, what=f"the {view}")
        assert len(scaled.sql(query)) == 2, f"one {column} did all the work"


def test_a_model_from_the_settings_has_an_unknown_cost(scaled: Stack) -> None:
    answer = scaled.post({"model": "openai/my-model", "input": "hi"}).json()
    assert answer["tokenrouter"]["cost_usd"] is None
    assert scaled.row(answer["request_id"], "cost_usd, model") == ["\\N", "my-model"]


@pytest.fixture(scope="module")
def sandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(Path(tmp_path_factory.mktemp("sandboxed")) / "home", TOKENROUTER_SANDBOX_SPEED="20").start()
    yield stack
    stack.stop()


def test_without_any_key_the_sandbox_answers_and_says_so(sandboxed: Stack) -> None:
    assert "sandbox" in sandboxed.log.read_text().lower()
    client = openai.OpenAI(base_url=f"{sandboxed.url}/v1", api_key=API_KEY, max_retries=0)
    seen: Counter[str] = Counter()
    for model in ("auto", "gpt-4o", "claude-haiku-4-5"):
        plain = client.responses.create(model=model, input="Say hello.")
        assert "[sandbox]" in plain.output_text
        assert plain.model.endswith("-sandbox")
        with client.responses.stream(model=model, input="Say hello.") as stream:
            assert "[sandbox]" in "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        seen[plain.model] += 1
    until(lambda: sandboxed.sql("SELECT count() >= 6 FROM requests WHERE sandbox AND status = 'completed'") == [["1"]], what="the rows")
    assert sandboxed.sql("SELECT count() FROM requests WHERE NOT sandbox AND status = 'completed'") == [["0"]]


def test_the_sandbox_calls_tools(sandboxed: Stack) -> None:
    client = openai.OpenAI(base_url=f"{sandboxed.url}/v1", api_key=API_KEY, max_retries=0)
    tool: openai.types.responses.FunctionToolParam = {
        "type": "function", "name": "weather", "description": "The weather in a city", "strict": False,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    for model in ("gpt-4o", "claude-haiku-4-5"):
        first = client.responses.create(model=model, input="Use weather for Bern.", tools=[tool], tool_choice="required")
        call = next(item for item in first.output if item.type == "function_call")
        assert call.name == "weather"
        second = client.responses.create(
            model=model, tools=[tool],
            input=[
                {"role": "user", "content": "Use weather for Bern."},
                {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments},
                {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
            ],
        )
        assert second.output_text


def test_a_real_key_never_goes_to_the_sandbox(sandboxed: Stack) -> None:
    """With the client's own key the real provider is called, which cannot be reached from here."""
    answer = sandboxed.post({"model": "gpt-4o", "input": "hi"}, **{"X-OpenAI-Key": "sk-fake-of-the-client"})
    assert answer.status_code >= 500
    assert "[sandbox]" not in answer.text
