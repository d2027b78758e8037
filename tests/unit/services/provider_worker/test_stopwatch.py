"""What routers hear of one call, by how the provider answered it."""

import time
from typing import Any

import httpx
import pytest
from msgspec import structs

from libs.catalog.providers import builtin
from libs.contracts.decisions import Candidate
from libs.contracts.requests import RequestFacts
from libs.contracts.telemetry import CachedPrefix, Observed, Timing
from services.provider_worker.accounts import Accounts, configured
from services.provider_worker.attempt import Attempt, Tools
from services.provider_worker.dialect import Outcome, Usage
from services.provider_worker.egress import Guard
from services.provider_worker.fetch import Fetcher
from services.provider_worker.providers import Providers
from services.provider_worker.stopwatch import NO_ANSWERS, Stopwatch
from services.provider_worker.telemetry import Telemetry
from tests.conformance.answers import stream_bytes, whole_bytes
from tests.contracts.samples import ROUTED
from tests.unit.services.provider_worker.bus import Published, screens
from tests.unit.services.provider_worker.test_ending import Recorded, routed
from tests.unit.services.provider_worker.test_overdue import SETTINGS


class Answering(httpx.AsyncBaseTransport):
    """A provider that answers at once."""

    def __init__(self, body: bytes, **headers: str) -> None:
        self._body, self._headers = body, {name.replace("_", "-"): value for name, value in headers.items()}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=self._headers, stream=httpx.ByteStream(self._body))


STREAM, WHOLE = "text/event-stream", "application/json"


async def asked(provider: Answering, of: str = "openai", model: str = "gpt-5", **changes: Any) -> Observed | None:
    """What routers hear after the call; None: nothing."""
    bus = Recorded()
    bus.durable.set()
    telemetry = Telemetry(bus)
    decision = structs.replace(ROUTED.decision, candidates=[Candidate(provider=of, model=model)], chosen=0)
    environ = {"OPENAI_API_KEY": "sk-fake", "ANTHROPIC_API_KEY": "sk-fake", "MISTRAL_API_KEY": "sk-fake"}
    accounts = Accounts(configured(environ, builtin().values(), sandbox=False), Providers(builtin()), "")
    tools = Tools(bus, SETTINGS, accounts, provider, Fetcher(Guard()), telemetry, screens())
    await Attempt(tools, routed(**{"decision": decision, "endpoint": "responses"} | changes), "delta.edge-1.req_1").run()
    await telemetry.flush()
    return next((message for _, message in reversed(bus.sent) if isinstance(message, Observed)), None)


async def test_a_streamed_answer_tells_when_it_began_and_how_long_it_was() -> None:
    heard = await asked(Answering(stream_bytes("openai", "text"), content_type=STREAM))
    assert heard is not None
    [timing] = heard.timings
    assert (timing.provider, timing.account, timing.model) == ("openai", "default", "gpt-5")
    assert (timing.begun, timing.ended, timing.output_tokens, timing.whole) == (1, 1, 21, 0)
    assert 0 < timing.ttft_s < 5


async def test_reasoning_that_stands_in_the_stream_counts_as_written() -> None:
    heard = await asked(Answering(stream_bytes("openai", "reasoning"), content_type=STREAM))
    assert heard is not None
    assert heard.timings[0].output_tokens == 88


async def test_reasoning_that_was_over_before_the_first_sign_does_not() -> None:
    bus = Published()
    watch = Stopwatch(Telemetry(bus), routed())
    watch.called()
    watch.began(time.time())
    output = [{"type": "message", "content": []}]
    watch.ended(Outcome(status="completed", response={"output": output}, usage=Usage(output_tokens=120, reasoning_tokens=100)))
    await watch._telemetry.flush()
    [(_, heard)] = bus.sent
    assert isinstance(heard, Observed)
    assert [(timing.begun, timing.output_tokens) for timing in heard.timings] == [(1, 20)]


@pytest.mark.parametrize("stream", [False, True], ids=["as asked", "though a stream was asked for"])
async def test_an_answer_in_one_piece_is_timed_as_a_whole(stream: bool) -> None:
    heard = await asked(Answering(whole_bytes("openai", "text"), content_type=WHOLE), stream=stream)
    assert heard is not None
    [timing] = heard.timings
    assert (timing.begun, timing.ended, timing.whole, timing.whole_tokens) == (0, 0, 1, 21)
    assert 0 < timing.whole_s < 5


async def test_a_stream_that_breaks_off_tells_only_that_it_began() -> None:
    heard = await asked(Answering(stream_bytes("openai", "cut_off"), content_type=STREAM))
    assert heard is not None
    assert [(timing.begun, timing.ended, timing.whole) for timing in heard.timings] == [(1, 0, 0)]


async def test_an_answer_that_failed_tells_no_speed() -> None:
    heard = await asked(Answering(whole_bytes("openai", "failed"), content_type=WHOLE), stream=False)
    assert heard is None or heard.timings == []


@pytest.mark.parametrize("endpoint", NO_ANSWERS)
async def test_calls_that_answer_nothing_say_nothing_of_the_speed_of_answers(endpoint: str) -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    facts = RequestFacts(model="gpt-5", target=ROUTED.facts.target, prefix="p")
    watch = Stopwatch(telemetry, routed(endpoint=endpoint, facts=facts))
    watch.called()
    if endpoint == "compact":
        watch.began(time.time())
    watch.ended(Outcome(status="completed", response={}, usage=Usage(input_tokens=5000, output_tokens=500, cached_tokens=4000)))
    await telemetry.flush()
    assert bus.sent == []


async def test_what_headers_say_is_left_goes_along() -> None:
    little = {"anthropic_ratelimit_requests_remaining": "7", "anthropic_ratelimit_requests_reset": "2100-01-01T00:00:00Z"}
    body = stream_bytes("anthropic", "text")
    heard = await asked(Answering(body, content_type=STREAM, **little), "anthropic", "claude-haiku-4-5")
    assert heard is not None
    assert [(left.provider, left.model, left.requests) for left in heard.remaining] == [("anthropic", "claude-haiku-4-5", 7)]
    assert heard.remaining[0].requests_reset > time.time()


async def test_a_prompt_that_a_provider_has_in_its_cache_goes_along() -> None:
    facts = RequestFacts(model="gpt-5", target=ROUTED.facts.target, prefix="main:p")
    body = stream_bytes("openai", "text").replace(b'"input_tokens":25', b'"input_tokens":2500')
    before = time.time()
    heard = await asked(Answering(body, content_type=STREAM), facts=facts)
    assert heard is not None
    [one] = heard.cached
    assert one == CachedPrefix(prefix="main:p", provider="openai", account="default", model="gpt-5", tokens=2500, at=one.at)
    assert before <= one.at <= time.time()
    plain = await asked(Answering(body, content_type=STREAM))
    assert plain is not None
    assert plain.cached == []


async def test_the_time_to_the_first_sign_runs_from_the_call() -> None:
    bus = Published()
    watch = Stopwatch(Telemetry(bus), routed())
    called = time.time()
    watch.called()
    watch.began(called + 2.0)
    await watch._telemetry.flush()
    [(_, heard)] = bus.sent
    assert isinstance(heard, Observed)
    assert heard.timings == [Timing(provider="openai", account="default", model="gpt-5", begun=1, ttft_s=heard.timings[0].ttft_s)]
    assert 1.9 < heard.timings[0].ttft_s <= 2.0
