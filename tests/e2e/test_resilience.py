"""No request is lost to a bad provider: one stack, five scripted ones, and everything that goes wrong with them."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from tests.conformance.answers import Grammar
from tests.e2e.stack import Stack, events, until
from tests.upstream import Behaviour, Call, Upstream

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
PINNED = {"openai": "openai/gpt-4o", "anthropic": "anthropic/claude-haiku-4-5", "gemini": "gemini/gemini-3.5-flash-lite",
          "deepseek": "deepseek/deepseek-v4-pro", "mistral": "mistral/mistral-small-2603"}
KEYS = {"openai": "authorization", "anthropic": "x-api-key", "gemini": "x-goog-api-key", "deepseek": "authorization", "mistral": "authorization"}


def provider_of(call: Call) -> str:
    return call.path.split("/")[1]


def base_urls(url: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": f"{url}/openai/v1", "ANTHROPIC_BASE_URL": f"{url}/anthropic", "GEMINI_BASE_URL": f"{url}/gemini",
        "DEEPSEEK_BASE_URL": f"{url}/deepseek", "MISTRAL_BASE_URL": f"{url}/mistral",
    }


@pytest.fixture(scope="module")
def provider() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory, provider: Upstream) -> Iterator[Stack]:
    """Breakers stay closed here, so that no test meets what an earlier one left behind."""
    stack = Stack(
        tmp_path_factory.mktemp("resilience") / "home", **base_urls(provider.url),
        OPENAI_API_KEY="sk-fake-1", OPENAI_API_KEY_2="sk-fake-2", ANTHROPIC_API_KEY="sk-ant-fake", GEMINI_API_KEY="fake-gemini",
        DEEPSEEK_API_KEY="sk-fake-deepseek", MISTRAL_API_KEY="fake-mistral",
        TOKENROUTER_BREAKER_FAILURES="100000", TOKENROUTER_SLOW_START_BALANCE="1", TOKENROUTER_IDLE_TIMEOUT="1.5",
        TOKENROUTER_FIRST_BYTE_TIMEOUT="3",
    ).start()
    yield stack
    stack.stop()


@pytest.fixture
def stack(patient: Stack, provider: Upstream) -> Stack:
    provider.reset()
    return patient


@contextmanager
def fleet(tmp_path: Any, **extra: str) -> Iterator[Stack]:
    stack = Stack(tmp_path / "home", **extra).start()
    try:
        yield stack
    finally:
        stack.stop()


def by_provider(**behaviours: Behaviour) -> Callable[[Call], Behaviour]:
    return lambda call: behaviours.get(provider_of(call), Behaviour())


def attempts_of(stack: Stack, request_id: str, count: int) -> list[list[str]]:
    query = (
        "SELECT attempt, provider, account, status, error_code, billing FROM attempts "
        f"WHERE request_id = '{request_id}' ORDER BY attempt"
    )
    return until(lambda: rows if len(rows := stack.sql(query)) >= count else [], 40.0, "the attempts' rows")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", PINNED)
def test_every_provider_answers_in_one_grammar(stack: Stack, provider: Upstream, name: str, stream: bool) -> None:
    response = stack.post({"model": PINNED[name], "input": "Hi", "stream": stream, "store": False})
    assert response.status_code == 200, response.text
    assert [provider_of(call) for call in provider.calls] == [name]
    if stream:
        told = events(response)
        Grammar().check(told[:-1])
        body = told[-1]["response"]
        assert [event["sequence_number"] for event in told] == list(range(len(told)))
    else:
        body = response.json()
    assert body["status"] == "completed"
    assert "".join(part["text"] for part in body["output"][-1]["content"]) == "Hello from upstream."
    assert body["metadata"]["provider"] == name
    assert body["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("name", PINNED)
def test_a_key_in_a_header_is_the_one_that_is_used(stack: Stack, provider: Upstream, name: str) -> None:
    response = stack.post({"model": PINNED[name], "input": "Hi"}, **{f"X-{name}-Key": "fake-own-key"})
    assert response.status_code == 200
    [call] = provider.calls
    assert call.headers[KEYS[name]].removeprefix("Bearer ") == "fake-own-key"
    [row] = attempts_of(stack, response.json()["request_id"], 1)
    assert row[2] == "own"


def test_p75_a_second_account_takes_over_when_the_first_is_turned_down(stack: Stack, provider: Upstream) -> None:
    def script(call: Call) -> Behaviour:
        return Behaviour(status=401) if call.headers["authorization"] == "Bearer sk-fake-1" else Behaviour()

    provider.script = script
    response = stack.post({"model": "openai/gpt-4.1", "input": "Hi"})
    assert response.status_code == 200, response.text
    assert [call.headers["authorization"][-1] for call in provider.calls] == ["1", "2"]
    rows = attempts_of(stack, response.json()["request_id"], 2)
    assert [row[1:5] for row in rows] == [["openai", "default", "failed", "provider_key_invalid"], ["openai", "2", "completed", ""]]
    # Nobody asks the first one again for a while.
    again = stack.post({"model": "openai/gpt-4.1", "input": "Hi"})
    assert again.status_code == 200
    assert provider.calls[-1].headers["authorization"] == "Bearer sk-fake-2"
    assert len(provider.calls) == 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("bad", [
    Behaviour(status=500), Behaviour(status=503), Behaviour(status=529), Behaviour(status=429), Behaviour(status=404), Behaviour(status=402),
    Behaviour(cut_after=0), Behaviour(raw=b"<html>oops</html>"), Behaviour(redirect_to="http://127.0.0.1:9/"),
    Behaviour(gzip_bomb=True), Behaviour(raw=b'{"error":{"message":"overloaded","type":"server_error","code":503}}', content_type="application/json"),
], ids=["500", "503", "529", "429", "404", "402", "cut", "html", "redirect", "bomb", "error_in_200"])
def test_a_bad_provider_costs_an_attempt_and_not_the_request(stack: Stack, provider: Upstream, bad: Behaviour, stream: bool) -> None:
    first: list[str] = []

    def script(call: Call) -> Behaviour:
        first.append(provider_of(call))
        return bad if provider_of(call) == first[0] else Behaviour()

    provider.script = script
    response = stack.post({"model": "auto:balance", "input": "Hi", "stream": stream})
    assert response.status_code == 200, response.text
    body = events(response)[-1]["response"] if stream else response.json()
    assert body["status"] == "completed"
    assert body["metadata"]["provider"] != first[0]
    assert body["tokenrouter"]["fallback"] is True
    assert 2 <= len(provider.calls) <= 3


def test_a_short_pause_is_waited_for_when_there_is_no_other_candidate(stack: Stack, provider: Upstream) -> None:
    def script(call: Call) -> Behaviour:
        return Behaviour(status=429, headers={"retry-after-ms": "300"}) if len(provider.calls) == 1 else Behaviour()

    provider.script = script
    response = stack.post({"model": PINNED["anthropic"], "input": "Hi"})
    assert response.status_code == 200, response.text
    first, second = provider.calls
    assert second.at - first.at >= 0.3


def test_what_may_have_been_accepted_is_not_called_again(stack: Stack, provider: Upstream) -> None:
    provider.script = lambda call: Behaviour(status=500)
    response = stack.post({"model": PINNED["deepseek"], "input": "Hi"})
    assert response.status_code == 503
    assert len(provider.calls) == 1


def test_p73_a_long_pause_is_passed_on_and_kept(stack: Stack, provider: Upstream) -> None:
    """Gemini says how long in the body."""
    quota = {"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}]}}
    provider.script = lambda call: Behaviour(status=429, error=quota)
    body = {"model": "gemini/gemini-3.8-flash", "input": "Hi"}
    response = stack.post(body)
    assert response.status_code == 429, response.text
    assert 30 <= int(response.headers["retry-after"]) <= 35
    provider.reset()
    again = stack.post(body)
    assert again.status_code == 429
    assert 10 <= int(again.headers["retry-after"]) <= 35
    assert "left alone" in again.json()["error"]["message"]
    assert not provider.calls


def test_p74_an_exhausted_window_told_with_a_good_answer_is_obeyed(tmp_path: Any, provider: Upstream) -> None:
    empty = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "50s"}
    provider.reset()
    provider.script = lambda call: Behaviour(headers=empty if len(provider.calls) == 1 else {})
    pinned = {"model": "mistral/mistral-medium-3-5", "input": "Hi"}
    with fleet(tmp_path, **base_urls(provider.url), MISTRAL_API_KEY="fake-mistral") as stack:
        assert stack.post(pinned).status_code == 200

        def left_out() -> list[dict[str, Any]]:
            told = stack.post({"model": "mistral/auto", "input": "Hi"}, **{"X-TokenRouter-Explain": "true"}).json()["tokenrouter"]
            return [one for one in told["excluded"] if one["provider"] == "mistral"]

        # What comes with good answers is told four times a second.
        [excluded] = until(left_out, 10.0, "the exclusion")
        assert excluded["model"] == "mistral-medium-3-5"
        assert "left alone" in excluded["reason"]
        # The window is an upper bound, so whoever wants this model alone still gets it.
        assert stack.post(pinned).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_p79_a_silent_provider_is_left_for_the_next(stack: Stack, provider: Upstream, stream: bool) -> None:
    first: list[str] = []

    def script(call: Call) -> Behaviour:
        first.append(provider_of(call))
        return Behaviour(delay=60.0) if provider_of(call) == first[0] else Behaviour()

    provider.script = script
    begun = time.monotonic()
    response = stack.post({"model": "auto:balance", "input": "Hi", "stream": stream})
    assert response.status_code == 200, response.text
    # Without a stream the first sign is the end, so the wait is four times as long, but never past the first-byte timeout.
    assert time.monotonic() - begun < 30.0
    until(lambda: provider.calls[0].closed_at, 20.0, "the silent call's end")


BROKEN = {
    "cut": Behaviour(cut_after=2, gap=0.05), "stalled": Behaviour(stall_after=2),
    "garbage": Behaviour(raw=b"data: {nonsense\n\n", cut_after=2, gap=0.05),
    "endless line": Behaviour(endless=True, cut_after=2, gap=0.05),
}


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "deepseek"])
@pytest.mark.parametrize("how", BROKEN)
def test_a_stream_that_breaks_in_the_middle_ends_in_response_failed(stack: Stack, provider: Upstream, name: str, how: str) -> None:
    provider.script = lambda call: BROKEN[how]
    response = stack.post({"model": PINNED[name], "input": "Hi", "stream": True})
    told = events(response)
    assert told[-1]["type"] == "response.failed"
    failed = told[-1]["response"]
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "server_error"
    said = "".join(event["delta"] for event in told if event["type"] == "response.output_text.delta")
    assert "Hello from upstream.".startswith(said)
    assert said
    assert failed["output"][0]["content"][0]["text"] == said
    row = attempts_of(stack, failed["request_id"], 1)[0]
    assert row[3] == "failed"
    assert row[5] in ("maybe", "billed")
    assert len(provider.calls) == 1


@pytest.mark.parametrize("call", [False, True])
def test_a_provider_that_dies_between_items_is_continued_by_another(stack: Stack, provider: Upstream, call: bool) -> None:
    def script(one: Call) -> Behaviour:
        if len(provider.calls) == 1:
            return Behaviour(items=2, cut_after_items=1, call=call, text="The first half.")
        return Behaviour(text="The second half.")

    provider.script = script
    stack_rule = {"model": "auto:balance", "input": "Hi", "stream": True, "router_provider": "openai"}
    response = stack.post(stack_rule)
    told = events(response)
    Grammar().check(told[:-1])
    final = told[-1]["response"]
    assert told[-1]["type"] == "response.completed", told[-1]
    assert [part["text"] for item in final["output"] for part in item["content"]] == ["The first half.", "The second half."]
    assert [event["item"] for event in told if event["type"] == "response.output_item.done"] == final["output"]
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert final["tokenrouter"]["continued"]["items"] == 1
    sent = json.dumps(provider.calls[1].body)
    assert "The first half." in sent
    rows = attempts_of(stack, final["request_id"], 2)
    assert [row[3] for row in rows] == ["failed", "completed"]
    assert rows[0][5] in ("maybe", "billed")
    [total] = stack.sql(f"SELECT output_tokens FROM requests WHERE request_id = '{final['request_id']}'")
    [parts] = stack.sql(f"SELECT sum(output_tokens) FROM attempts WHERE request_id = '{final['request_id']}'")
    assert total == parts
    assert int(total[0]) == final["usage"]["output_tokens"]


def test_when_nobody_can_go_on_the_items_stay_in_the_failed_response(stack: Stack, provider: Upstream) -> None:
    def script(one: Call) -> Behaviour:
        return Behaviour(items=2, cut_after_items=1, text="The first half.") if len(provider.calls) == 1 else Behaviour(status=500)

    provider.script = script
    told = events(stack.post({"model": "auto:balance", "input": "Hi", "stream": True, "router_provider": "openai"}))
    assert told[-1]["type"] == "response.failed"
    [item] = told[-1]["response"]["output"]
    assert item["content"][0]["text"] == "The first half."
    assert len(provider.calls) <= 3


class _Images(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "image/png")
        self.send_header("content-length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def images() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Images)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/a.png"
    server.shutdown()
    server.server_close()


def _with_image(url: str, model: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": url}]
    return {"model": model, "input": [{"role": "user", "content": content}]}


def test_p31_a_private_image_address_is_never_fetched(stack: Stack, provider: Upstream, images: str) -> None:
    response = stack.post(_with_image(images, PINNED["gemini"]))
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == "input[0].content[1].image_url"
    assert not provider.calls
    # Anthropic fetches addresses itself, so it gets this one as it is.
    assert stack.post(_with_image(images, PINNED["anthropic"])).status_code == 200
    assert images in json.dumps(provider.calls[0].body)


def test_p28_p33_what_no_candidate_can_do_is_refused_and_never_dropped(stack: Stack, provider: Upstream) -> None:
    response = stack.post(_with_image("https://example.com/a.png", PINNED["deepseek"]))
    assert response.status_code == 422
    assert "images" in response.json()["error"]["message"]
    searching = {"model": PINNED["mistral"], "input": "Hi", "tools": [{"type": "web_search"}]}
    assert stack.post(searching).status_code == 422
    assert not provider.calls


def test_p47_an_answer_that_breaks_its_schema_is_marked(stack: Stack, provider: Upstream) -> None:
    provider.script = lambda call: Behaviour(text='{"age": "old"}')
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"], "additionalProperties": False}
    body = {"model": PINNED["deepseek"], "input": "Hi", "text": {"format": {"type": "json_schema", "name": "p", "schema": schema}}}
    told = stack.post(body).json()
    [warning] = [one for one in told["tokenrouter"]["warnings"] if one["source"] == "provider-worker"]
    assert "age" in warning["message"]
    assert "old" not in warning["message"]
    assert "does not fit" in told["metadata"]["warnings"]


def test_a_compatible_server_is_a_few_lines_of_data(tmp_path: Any, provider: Upstream, images: str) -> None:
    provider.reset()
    file = tmp_path / "providers.toml"
    file.write_text(
        f'[[provider]]\nid = "my-llm"\nbase_url = "{provider.url}/my-llm/v1"\n'
        '[[provider.models]]\nid = "llama"\nauto = true\ncontext_window = 8000\ninput_usd_per_mtok = "0.1"\noutput_usd_per_mtok = "0.2"\n'
    )
    with fleet(tmp_path, TOKENROUTER_PROVIDERS_FILE=str(file), MY_LLM_API_KEY="fake-key", GEMINI_API_KEY="fake-gemini",
               GEMINI_BASE_URL=f"{provider.url}/gemini/v1beta", TOKENROUTER_EGRESS_ALLOW="127.0.0.1") as stack:
        told = stack.post({"model": "my-llm/llama", "input": "Hi"}).json()
        assert (told["metadata"]["provider"], told["model"]) == ("my-llm", "llama")
        assert told["tokenrouter"]["cost_usd"] > 0
        assert provider.calls[0].path == "/my-llm/v1/chat/completions"
        assert stack.post({"model": "auto:cost", "input": "Hi", "router_provider": "my-llm"}).json()["model"] == "llama"
        rule = {"name": "r", "priority": 1, "is_enabled": True, "match_json": {"contains": "local"}, "action_json": {"set_provider": "my-llm"}}
        assert stack.post(rule, "/v1/routing-rules").status_code == 201
        until(lambda: stack.post({"model": "auto", "input": "local"}).json()["model"] == "llama", 5.0, "the rule")
        # A host on the list may be fetched from.
        provider.calls.clear()
        assert stack.post(_with_image(images, PINNED["gemini"])).status_code == 200
        assert "inlineData" in json.dumps(provider.calls[0].body)


def test_a_breaker_opens_for_all_and_closes_after_a_probe(tmp_path: Any, provider: Upstream) -> None:
    provider.reset()
    provider.script = lambda call: Behaviour(status=500)
    body = {"model": PINNED["openai"], "input": "Hi"}
    with fleet(tmp_path, **base_urls(provider.url), OPENAI_API_KEY="sk-fake", SCALE="router=2", TOKENROUTER_BREAKER_OPEN="1.5") as stack:
        failed = [stack.post(body) for _ in range(5)]
        assert [one.status_code for one in failed] == [503] * 5
        calls = len(provider.calls)
        refused = until(lambda: r if "left alone" in (r := stack.post(body)).text else None, 5.0, "the open breaker")
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert len(provider.calls) <= calls + 2
        provider.reset()
        until(lambda: stack.post(body).status_code == 200, 15.0, "the probe")
        # The router that did not send the probe hears of it a moment later.
        until(lambda: all(stack.post(body).status_code == 200 for _ in range(10)), 15.0, "both routers")


def test_one_healthy_provider_of_three_is_enough(tmp_path: Any, provider: Upstream) -> None:
    """2,000 requests while two of three providers answer with errors, stay silent, or break off."""
    provider.reset()
    faults = [
        Behaviour(status=429), Behaviour(status=429, headers={"retry-after": "1"}),
        Behaviour(status=500), Behaviour(status=503), Behaviour(delay=30.0),
        Behaviour(cut_after=0), Behaviour(stall_after=0), Behaviour(status=529), Behaviour(raw=b""),
    ]
    draw = random.Random(20261123)
    # Not the one that would be chosen first.
    provider.script = lambda call: Behaviour() if provider_of(call) == "anthropic" else draw.choice(faults)
    env = {name: value for name, value in base_urls(provider.url).items() if name.split("_")[0] in ("OPENAI", "ANTHROPIC", "GEMINI")}
    patience = {"TOKENROUTER_SLOW_START_BALANCE": "2", "TOKENROUTER_FIRST_BYTE_TIMEOUT": "15", "TOKENROUTER_IDLE_TIMEOUT": "15"}
    with fleet(tmp_path, **env, **patience, SCALE="router=2 provider-worker=2") as stack:
        outcomes = asyncio.run(_load(stack, 2000, at_once=40))
        assert sum(ok for ok, _ in outcomes) >= 1998
        assert max(seconds for _, seconds in outcomes) < 55
        answered = str(sum(ok for ok, _ in outcomes))
        [row] = until(lambda: rows if (rows := stack.sql(_BAR))[0][::2] == ["2000", answered] else None, 30.0, "the ledger")
    assert int(row[1]) <= 3
    assert sum(provider_of(call) == "anthropic" for call in provider.calls) == 2000


_BAR = (
    "SELECT count(), (SELECT max(attempt) FROM attempts), (SELECT countIf(status = 'completed') FROM attempts) FROM requests"
)


async def _load(stack: Stack, count: int, at_once: int) -> list[tuple[bool, float]]:
    """Sends requests, every other one streamed; whether each was answered whole, and in how many seconds."""
    places = asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(headers=stack.auth, timeout=60.0, limits=httpx.Limits(max_connections=at_once)) as client:

        async def one(number: int) -> tuple[bool, float]:
            async with places:
                begun = time.monotonic()
                body = {"model": "auto:balance", "input": f"Hi {number}", "stream": number % 2 == 0}
                response = await client.post(f"{stack.url}/v1/responses", json=body)
                whole = response.status_code == 200 and '"status":"completed"' in response.text and "response.failed" not in response.text
                return whole, time.monotonic() - begun

        return list(await asyncio.gather(*(one(number) for number in range(count))))
