"""What routers hear of a call: failures at once, successes added up, and nothing about keys that are not ours."""

import time

import pytest

from libs.bus.codec import encode
from libs.contracts import subjects
from libs.contracts.decisions import Candidate
from libs.contracts.telemetry import CachedPrefix, Observed, Remaining, Tally, Timing
from services.provider_worker.accounts import OWN
from services.provider_worker.dialect import ProviderFailure, Usage
from services.provider_worker.telemetry import KEY_REST, LEAST_TOKENS, LONGEST_REST, MOST_PREFIXES, Telemetry
from tests.unit.services.provider_worker.bus import Published

ONE = Candidate(provider="openai", account="2", model="gpt-5")
OTHER = Candidate(provider="gemini", model="gemini-4")
MINE = Candidate(provider="openai", account=OWN, model="gpt-5")


def told(bus: Published) -> list[Tally]:
    assert all(subject == subjects.telemetry("worker-1") and isinstance(message, Observed) for subject, message in bus.sent)
    return [tally for _, message in bus.sent if isinstance(message, Observed) for tally in message.tallies]


async def failed(failure: ProviderFailure, candidate: Candidate = ONE) -> list[Tally]:
    bus = Published()
    await Telemetry(bus).failed(candidate, failure)
    return told(bus)


async def test_p72_a_provider_that_is_unwell_is_told_at_once() -> None:
    for code in ("upstream_unavailable", "upstream_timeout", "upstream_error"):
        [tally] = await failed(ProviderFailure("x", code=code))
        assert tally == Tally(provider="openai", account="2", model="gpt-5", failed=1, code=code)


async def test_p74_a_wait_that_the_provider_asked_for_is_told_with_its_end() -> None:
    before = time.time()
    for code, count in (("upstream_unavailable", 1), ("rate_limit_exceeded", 0)):
        [tally] = await failed(ProviderFailure("x", code=code, retry_after=7.0))
        assert (tally.model, tally.failed, tally.code, tally.advice) == ("gpt-5", count, code, False)
        assert before + 7 <= tally.rest_until <= time.time() + 7


async def test_p74_no_wait_is_longer_than_an_hour() -> None:
    [tally] = await failed(ProviderFailure("x", code="rate_limit_exceeded", retry_after=86400.0))
    assert tally.rest_until <= time.time() + LONGEST_REST


@pytest.mark.parametrize("code", KEY_REST)
async def test_p73_a_dead_key_concerns_the_whole_account(code: str) -> None:
    before = time.time()
    [tally] = await failed(ProviderFailure("x", code=code))
    assert (tally.model, tally.failed, tally.code, tally.advice) == ("", 0, code, True)
    assert tally.rest_until > before
    [named] = await failed(ProviderFailure("x", code=code, retry_after=600.0))
    assert named.rest_until >= before + 600


@pytest.mark.parametrize("failure", [
    ProviderFailure("x", code="invalid_request"), ProviderFailure("x", code="model_not_found"), ProviderFailure("x", code="request_too_large"),
    ProviderFailure("x", code="rate_limit_exceeded"), ProviderFailure("x", code="upstream_timeout", fallback=False),
])
async def test_p76_what_says_nothing_of_the_next_call_is_not_told(failure: ProviderFailure) -> None:
    assert await failed(failure) == []


@pytest.mark.parametrize("code", ["upstream_error", "provider_key_invalid", "insufficient_quota", "rate_limit_exceeded"])
async def test_a_key_that_came_with_a_request_says_nothing_of_other_keys(code: str) -> None:
    assert await failed(ProviderFailure("x", code=code, retry_after=5.0), MINE) == []


async def test_successes_are_added_up_and_go_along_with_the_next_failure() -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    for candidate in (ONE, ONE, OTHER, MINE):
        await telemetry.answered(candidate, probe=False)
    assert bus.sent == []
    for _ in range(2):
        await telemetry.failed(OTHER, ProviderFailure("x"))
    down = Tally(provider="gemini", account="default", model="gemini-4", failed=1, code="upstream_error")
    well = [
        Tally(provider="openai", account="2", model="gpt-5", ok=2), Tally(provider="gemini", account="default", model="gemini-4", ok=1),
    ]
    assert told(bus) == [*well, down, down]


async def test_a_probes_success_is_told_at_once_with_those_before_it() -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    await telemetry.answered(ONE, probe=False)
    await telemetry.answered(MINE, probe=True)
    assert bus.sent == []
    await telemetry.answered(ONE, probe=True)
    before, probe = (Tally(provider="openai", account="2", model="gpt-5", ok=1, probed=probed) for probed in (False, True))
    assert told(bus) == [before, probe]


async def test_p74_a_window_that_is_used_up_is_told_though_the_call_succeeded() -> None:
    bus = Published()
    before = time.time()
    await Telemetry(bus).exhausted(ONE, 12.0)
    [tally] = told(bus)
    assert (tally.model, tally.failed, tally.code, tally.advice) == ("gpt-5", 0, "rate_limit_exceeded", True)
    assert before + 12 <= tally.rest_until <= time.time() + 12


async def test_while_the_bus_is_away_nothing_is_sent() -> None:
    bus = Published()
    bus.online = False
    await Telemetry(bus).failed(ONE, ProviderFailure("x"))
    assert bus.sent == []


def heard(bus: Published) -> Observed:
    """The last message."""
    message = bus.sent[-1][1]
    assert isinstance(message, Observed)
    return message


async def test_what_calls_took_is_added_up_and_told_at_once_for_all() -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    for seconds in (0.25, 0.5):
        await telemetry.answered(ONE, probe=False)
        telemetry.began(ONE, seconds)
        telemetry.wrote(ONE, 100, 2.0)
    telemetry.whole(OTHER, 30, 4.0)
    assert bus.sent == []
    await telemetry.flush()
    assert heard(bus) == Observed(
        worker="worker-1",
        tallies=[Tally(provider="openai", account="2", model="gpt-5", ok=2)],
        timings=[
            Timing(provider="openai", account="2", model="gpt-5", begun=2, ttft_s=0.75, ended=2, output_tokens=200, writing_s=4.0),
            Timing(provider="gemini", account="default", model="gemini-4", whole=1, whole_tokens=30, whole_s=4.0),
        ],
    )
    await telemetry.flush()
    assert len(bus.sent) == 1


async def test_a_few_tokens_say_nothing_of_speed_and_a_clock_that_goes_back_takes_no_time() -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    telemetry.wrote(ONE, LEAST_TOKENS - 1, 0.001)
    telemetry.began(ONE, -3.0)
    telemetry.wrote(ONE, LEAST_TOKENS, -3.0)
    await telemetry.flush()
    [timing] = heard(bus).timings
    assert (timing.begun, timing.ttft_s, timing.ended, timing.output_tokens, timing.writing_s) == (1, 0.0, 1, LEAST_TOKENS, 0.0)


async def test_a_key_that_came_with_a_request_shows_the_models_speed_but_no_limits() -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    telemetry.began(MINE, 0.5)
    telemetry.limited(MINE, {"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "9s"})
    await telemetry.flush()
    assert [(one.account, one.begun) for one in heard(bus).timings] == [(OWN, 1)]
    assert heard(bus).remaining == []


async def test_little_that_is_left_is_told_and_so_is_that_it_is_over() -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    before = time.time()
    for count in ("3", "2"):
        telemetry.limited(ONE, {"x-ratelimit-remaining-requests": count, "x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-tokens": "70"})
    await telemetry.flush()
    [little] = heard(bus).remaining
    assert (little.provider, little.account, little.model, little.requests, little.tokens) == ("openai", "2", "gpt-5", 2, 70)
    assert before + 9 <= little.requests_reset <= time.time() + 9
    assert little.tokens_reset == 0.0
    for _ in range(2):
        telemetry.limited(ONE, {"x-ratelimit-remaining-requests": "9000"})
        await telemetry.flush()
    assert len(bus.sent) == 2
    assert heard(bus).remaining == [Remaining(provider="openai", account="2", model="gpt-5")]


@pytest.mark.parametrize(("provider", "usage", "is_told"), [
    ("openai", Usage(input_tokens=1024), True), ("openai", Usage(input_tokens=1023), False), ("deepseek", Usage(input_tokens=5000), True),
    ("gemini", Usage(input_tokens=5000), True), ("anthropic", Usage(input_tokens=5000), False),
    ("anthropic", Usage(input_tokens=5000, cache_write_tokens=4000), True), ("mistral", Usage(input_tokens=100, cached_tokens=64), True),
])
async def test_a_prompt_is_told_to_be_cached_where_the_provider_has_a_cache_and_it_is_long_enough(
    provider: str, usage: Usage, is_told: bool
) -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    telemetry.cached(Candidate(provider=provider, model="m"), "p", usage, 5.0)
    await telemetry.flush()
    told_of = [cached for _, message in bus.sent if isinstance(message, Observed) for cached in message.cached]
    one = CachedPrefix(prefix="p", provider=provider, account="default", model="m", tokens=usage.input_tokens, at=5.0)
    assert told_of == ([one] if is_told else [])


async def test_of_many_cached_prompts_the_newest_are_told_each_once() -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    usage = Usage(input_tokens=2000)
    for number in [*range(MOST_PREFIXES), 0, MOST_PREFIXES]:
        telemetry.cached(ONE, f"p{number}", usage, 5.0)
    await telemetry.flush()
    assert [one.prefix for one in heard(bus).cached] == [*(f"p{number}" for number in range(2, MOST_PREFIXES)), "p0", f"p{MOST_PREFIXES}"]
    assert len(encode(heard(bus))) < 100_000


async def test_while_the_bus_is_away_nothing_piles_up() -> None:
    bus = Published()
    telemetry = Telemetry(bus)
    bus.online = False
    telemetry.began(ONE, 0.5)
    await telemetry.flush()
    bus.online = True
    await telemetry.flush()
    assert bus.sent == []
