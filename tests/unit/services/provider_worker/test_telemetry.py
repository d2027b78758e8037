"""What routers hear of a call: failures at once, successes added up, and nothing about keys that are not ours."""

import time

import pytest

from libs.contracts import subjects
from libs.contracts.decisions import Candidate
from libs.contracts.telemetry import Observed, Tally
from services.provider_worker.accounts import OWN
from services.provider_worker.dialect import ProviderFailure
from services.provider_worker.telemetry import KEY_REST, LONGEST_REST, Telemetry
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
