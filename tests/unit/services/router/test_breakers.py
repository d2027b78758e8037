"""When a provider is left alone, and when it is asked again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.telemetry import Rest, Tally
from services.router.breakers import ADOPTING_SECONDS, FORGET_AFTER, PROBE_SECONDS, Breakers
from services.router.settings import RouterSettings

SETTINGS = RouterSettings(breaker_failures=3, breaker_window=10.0, breaker_open=2.0, breaker_open_max=15.0)
START = 1000.0
GPT = ("openai", "default", "gpt-4o")
ACCOUNT = ("openai", "default", "")


def breakers(jitter: float = 1.0) -> Breakers:
    """`jitter`: what the drawn factor is, where the bounds allow it."""
    return Breakers(SETTINGS, START, uniform=lambda low, high: min(max(jitter, low), high))


def tally(target: tuple[str, str, str] = GPT, **told: Any) -> Tally:
    provider, account, model = target
    return Tally(provider=provider, account=account, model=model, **told)


def failed(count: int = 1, **told: Any) -> Tally:
    return tally(failed=count, code="upstream_timeout", **told)


def until(one: Breakers, now: float, target: tuple[str, str, str] = GPT) -> float:
    rest = one.rest(*target, now)
    return rest.until if rest else 0.0


def opened(jitter: float = 1.0) -> Breakers:
    """Open from START to START + 2."""
    one = breakers(jitter)
    one.note(failed(3), START)
    return one


class TestOpening:
    def test_nothing_rests_at_first(self) -> None:
        assert breakers().rest(*GPT, START) is None
        assert breakers().resting(START) == []

    def test_it_takes_so_many_failures(self) -> None:
        one = breakers()
        one.note(failed(), START)
        one.note(failed(), START + 1)
        assert one.rest(*GPT, START + 1) is None
        one.note(failed(), START + 2)
        expected = Rest(provider="openai", account="default", model="gpt-4o", until=START + 4, code="upstream_timeout", failures=3)
        assert one.rest(*GPT, START + 2) == expected
        assert one.resting(START + 2) == [expected]

    def test_and_more_failures_than_successes(self) -> None:
        one = breakers()
        one.note(failed(), START)
        one.note(tally(ok=3), START + 0.1)
        one.note(failed(2), START + 0.2)
        assert one.rest(*GPT, START + 0.2) is None
        one.note(failed(), START + 0.3)
        assert one.rest(*GPT, START + 0.3) is not None

    def test_within_the_window(self) -> None:
        one = breakers()
        one.note(failed(2), START)
        one.note(failed(2), START + 10.1)
        assert one.rest(*GPT, START + 10.1) is None
        one.note(failed(), START + 11)
        assert one.rest(*GPT, START + 11) is not None

    def test_only_that_model_at_that_account_rests(self) -> None:
        one = opened()
        for other in (("openai", "default", "gpt-5"), ("openai", "2", "gpt-4o"), ("anthropic", "default", "gpt-4o")):
            assert one.rest(*other, START) is None

    def test_calls_that_were_under_way_do_not_prolong_it(self) -> None:
        one = opened()
        one.note(failed(20), START + 1.9)
        assert until(one, START + 1.9) == START + 2
        assert one.rest(*GPT, START + 2) is None


class TestProbing:
    def test_one_request_tries_and_the_others_wait(self) -> None:
        one = opened()
        assert one.rest(*GPT, START + 2) is None
        one.chosen(*GPT, START + 2)
        assert until(one, START + 2.1) == START + 2 + PROBE_SECONDS

    def test_a_probe_that_tells_nothing_is_followed_by_another(self) -> None:
        one = opened()
        one.chosen(*GPT, START + 2)
        later = START + 2 + PROBE_SECONDS
        assert one.rest(*GPT, later) is None
        one.chosen(*GPT, later)
        assert one.rest(*GPT, later) is not None

    def test_success_closes_it_and_all_is_forgiven(self) -> None:
        one = opened()
        one.chosen(*GPT, START + 2)
        one.note(tally(ok=1, probed=True), START + 2.5)
        assert one.rest(*GPT, START + 2.5) is None
        one.chosen(*GPT, START + 2.6)
        assert one.rest(*GPT, START + 2.6) is None
        one.note(failed(2), START + 3)
        assert one.rest(*GPT, START + 3) is None
        one.note(failed(), START + 3)
        rest = one.rest(*GPT, START + 3)
        assert rest is not None
        assert (rest.until, rest.failures) == (START + 5, 3)

    def test_a_success_of_before_does_not_close_it(self) -> None:
        one = opened()
        one.note(tally(ok=50), START + 1)
        assert until(one, START + 1) == START + 2

    def test_the_success_of_another_routers_probe_closes_it_early(self) -> None:
        one, early = opened(jitter=1.2), START + 1.7
        assert until(one, early) == START + 2.4
        one.note(tally(ok=1, probed=True), early)
        assert one.rest(*GPT, early) is None

    def test_each_failure_doubles_the_time_up_to_the_maximum(self) -> None:
        one, now, seconds = opened(), START + 2, []
        for _ in range(5):
            one.chosen(*GPT, now)
            one.note(failed(), now)
            seconds.append(until(one, now) - now)
            now = until(one, now)
        assert seconds == [4, 8, 15, 15, 15]
        one.note(failed(), now)
        assert one.resting(now)[0].failures == 3 + 5 + 1

    def test_a_day_of_failed_probes_is_no_trouble(self) -> None:
        one, now = opened(), START + 2
        for _ in range(5000):
            one.note(failed(), now)
            assert now < until(one, now) <= now + 15
            now = until(one, now)

    @pytest.mark.parametrize(("drawn", "seconds"), [(0.0, 1.6), (9.0, 2.4)])
    def test_jitter_spreads_it_by_a_fifth(self, drawn: float, seconds: float) -> None:
        assert until(opened(drawn), START) == pytest.approx(START + seconds)


class TestPauses:
    def test_a_provider_that_asks_for_a_pause_gets_it_at_once(self) -> None:
        one = breakers()
        one.note(tally(rest_until=START + 7, code="rate_limit_exceeded"), START)
        assert one.rest(*GPT, START) == Rest(
            provider="openai", account="default", model="gpt-4o", until=START + 7, code="rate_limit_exceeded"
        )
        assert one.rest(*GPT, START + 7) is None

    def test_the_longest_holds_and_success_elsewhere_does_not_end_it(self) -> None:
        one = breakers()
        one.note(tally(rest_until=START + 7, code="rate_limit_exceeded"), START)
        one.note(tally(rest_until=START + 3, code="upstream_unavailable"), START + 1)
        one.note(tally(ok=5), START + 2)
        rest = one.rest(*GPT, START + 2)
        assert rest is not None
        assert (rest.until, rest.code) == (START + 7, "rate_limit_exceeded")

    def test_after_a_pause_everybody_may_ask_again(self) -> None:
        one = breakers()
        one.note(tally(rest_until=START + 1, code="rate_limit_exceeded"), START)
        one.chosen(*GPT, START + 1)
        assert one.rest(*GPT, START + 1) is None

    def test_p75_what_is_said_of_an_account_holds_for_all_its_models(self) -> None:
        one = breakers()
        one.note(tally(ACCOUNT, rest_until=START + 30, code="provider_key_invalid", advice=True), START)
        assert until(one, START) == until(one, START, ("openai", "default", "gpt-5")) == START + 30
        assert one.rest("openai", "2", "gpt-4o", START) is None

    def test_advice_gives_way_to_what_is_certain(self) -> None:
        one = breakers()
        one.note(tally(ACCOUNT, rest_until=START + 30, code="provider_key_invalid", advice=True), START)
        assert [rest.advice for rest in one.resting(START)] == [True]
        one.note(tally(rest_until=START + 5, code="rate_limit_exceeded"), START)
        certain, later = one.rest(*GPT, START), one.rest(*GPT, START + 5)
        assert certain is not None
        assert later is not None
        assert (certain.until, certain.advice) == (START + 5, False)
        assert (later.until, later.advice) == (START + 30, True)

    def test_a_longer_advice_does_not_soften_a_pause(self) -> None:
        one = breakers()
        one.note(tally(rest_until=START + 5, code="rate_limit_exceeded"), START)
        one.note(tally(rest_until=START + 30, code="rate_limit_exceeded", advice=True), START)
        assert [rest.advice for now in (START, START + 5) if (rest := one.rest(*GPT, now))] == [False, True]

    def test_a_breaker_outlasts_a_shorter_pause(self) -> None:
        one = breakers()
        one.note(failed(3, rest_until=START + 1), START)
        assert [until(one, START), until(one, START + 1.5), until(one, START + 2)] == [START + 1, START + 2, 0]


class TestAdopting:
    PAUSE = Rest(provider="gemini", account="default", until=START + 60, code="insufficient_quota", advice=True)
    BREAKER = Rest(provider="openai", account="default", model="gpt-4o", until=START + 9, code="upstream_error", failures=7)

    def test_a_router_that_has_just_started_believes_the_others(self) -> None:
        one = breakers()
        one.adopt([self.PAUSE, self.BREAKER], START + 1)
        assert one.rest("gemini", "default", "gemini-3.8-flash", START + 1) == self.PAUSE
        assert one.rest(*GPT, START + 1) == self.BREAKER

    def test_an_adopted_breaker_is_probed_like_ones_own(self) -> None:
        one = breakers()
        one.adopt([self.BREAKER], START + 1)
        one.note(failed(), START + 9)
        assert until(one, START + 9) == START + 13
        one.note(tally(ok=1, probed=True), START + 13)
        assert one.resting(START + 13) == []

    def test_what_it_knows_of_longer_stays(self) -> None:
        one = breakers()
        one.note(tally(("gemini", "default", ""), rest_until=START + 90, code="provider_key_invalid", advice=True), START)
        one.adopt([self.PAUSE], START + 1)
        assert until(one, START + 1, ("gemini", "default", "any")) == START + 90

    def test_later_it_knows_better(self) -> None:
        one = breakers()
        one.adopt([self.PAUSE, self.BREAKER], START + ADOPTING_SECONDS + 0.1)
        assert one.resting(START + ADOPTING_SECONDS + 0.1) == []


class TestForgetting:
    def test_a_breaker_that_nobody_probes_counts_as_closed_in_the_end(self) -> None:
        one, later = opened(), START + FORGET_AFTER + 1
        one.resting(later)
        one.note(failed(2), later)
        assert one.rest(*GPT, later) is None

    def test_until_then_it_is_remembered(self) -> None:
        one, later = opened(), START + FORGET_AFTER - 1
        one.resting(later)
        one.note(failed(), later)
        assert until(one, later) == later + 4

    def test_a_long_pause_is_not_forgotten(self) -> None:
        one = breakers()
        one.note(tally(rest_until=START + 3600, code="rate_limit_exceeded"), START)
        one.resting(START + 3000)
        assert until(one, START + 3000) == START + 3600


targets = st.tuples(st.sampled_from(["openai", "gemini"]), st.sampled_from(["default", "2"]), st.sampled_from(["", "a", "b"]))
told = st.fixed_dictionaries({
    "ok": st.integers(0, 4), "failed": st.integers(0, 4), "code": st.sampled_from(["upstream_timeout", "rate_limit_exceeded"]),
    "rest": st.just(0.0) | st.floats(-5, 60), "advice": st.booleans(),
})
histories = st.lists(st.tuples(st.floats(0, 30), targets, told, st.booleans()), max_size=40)
"""Seconds since the one before, whom it concerns, what is told, and whether a request goes there next."""
CALLED = [(provider, account, model) for provider in ("openai", "gemini") for account in ("default", "2") for model in ("a", "b")]


def lived(one: Breakers, history: list[Any], asked: bool = False) -> float:
    """Feeds a history; the time at its end."""
    now = START
    for gap, target, words, goes in history:
        now += gap
        rest_until = now + words["rest"] if words["rest"] else 0.0
        one.note(tally(target, rest_until=rest_until, **{name: words[name] for name in ("ok", "failed", "code", "advice")}), now)
        if asked:
            assert all(until(one, now, called) == 0 or until(one, now, called) > now for called in CALLED)
            assert all(rest.until > now for rest in one.resting(now))
        if goes:
            provider, account, model = target
            one.chosen(provider, account, model, now)
    return now


@given(history=histories)
def test_a_rest_is_never_over_already_and_what_rests_is_reported(history: list[Any]) -> None:
    one = breakers()
    now = lived(one, history, asked=True)
    reported = {(rest.provider, rest.account, rest.model) for rest in one.resting(now)}
    for provider, account, model in CALLED:
        rests = one.rest(provider, account, model, now) is not None
        assert rests == bool({(provider, account, model), (provider, account, "")} & reported)


@given(history=histories)
def test_routers_that_hear_the_same_agree_however_often_they_are_asked(history: list[Any]) -> None:
    busy, idle = breakers(), breakers()
    now = lived(busy, history, asked=True)
    lived(idle, history)
    assert busy.resting(now) == idle.resting(now)


@given(history=histories, ahead=st.floats(0, 20))
def test_a_new_router_takes_over_the_whole_view(history: list[Any], ahead: float) -> None:
    old = breakers()
    now = lived(old, history) + ahead
    new = Breakers(SETTINGS, now)
    new.adopt(old.resting(now), now)
    assert new.resting(now) == old.resting(now)
