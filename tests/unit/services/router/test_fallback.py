"""What happens after a failed attempt."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.decisions import AttemptOutcome, Candidate
from libs.contracts.telemetry import Rest
from services.router.fallback import AFTERWARDS, BACKOFF, Repeat, following, repeat, soonest, surely_not_accepted

NOW = 1000.0
GPT, SPARE, MINI = ("openai", "default", "gpt-4o"), ("openai", "2", "gpt-4o"), ("openai", "default", "gpt-4o-mini")
CLAUDE, FLASH = ("anthropic", "default", "claude-haiku-4-5"), ("gemini", "default", "gemini-3.8-flash")
Who = tuple[str, str, str]


def candidates(*whos: Who) -> list[Candidate]:
    return [Candidate(provider=provider, account=account, model=model) for provider, account, model in whos]


def attempt(who: Who, code: str, **known: Any) -> AttemptOutcome:
    provider, account, model = who
    return AttemptOutcome(attempt=1, provider=provider, account=account, model=model, status="failed", code=code, **known)


def limited(who: Who, retry_after: float | None = None) -> AttemptOutcome:
    return attempt(who, "rate_limit_exceeded", http_status=429, retry_after=retry_after)


def resting(*whos: Who, seconds: float = 5.0, **known: Any) -> Any:
    """A view in which only these rest."""
    def rest_of(one: Candidate) -> Rest | None:
        if (one.provider, one.account, one.model) not in whos:
            return None
        return Rest(provider=one.provider, account=one.account, model=one.model, until=NOW + seconds, code="c", **known)
    return rest_of


AWAKE = resting()


def next_of(
    whos: list[Who], attempts: list[AttemptOutcome], served: tuple[str, ...] = ("openai", "anthropic", "gemini"), rest_of: Any = AWAKE
) -> Who | None:
    index = following(candidates(*whos), attempts, served.__contains__, rest_of)
    return None if index is None else whos[index]


class TestFollowing:
    def test_the_next_best_that_was_not_tried(self) -> None:
        failure = attempt(GPT, "model_not_found")
        assert next_of([GPT, MINI, CLAUDE], [failure]) == MINI
        assert next_of([GPT, MINI, CLAUDE], [failure, attempt(MINI, "model_not_found")]) == CLAUDE
        assert next_of([GPT], [failure]) is None

    def test_the_order_of_a_rule_is_kept_even_at_a_provider_with_trouble(self) -> None:
        failure = attempt(GPT, "upstream_unavailable")
        whos = [GPT, MINI, CLAUDE]
        assert next_of(whos, [failure]) == CLAUDE
        index = following(candidates(*whos), [failure], lambda provider: True, AWAKE, in_order=True)
        assert index is not None
        assert whos[index] == MINI
        assert following(candidates(*whos), [attempt(GPT, "provider_key_invalid")], lambda provider: True, AWAKE, in_order=True) == 2

    def test_one_that_ranks_higher_may_follow_too(self) -> None:
        assert next_of([GPT, CLAUDE], [attempt(CLAUDE, "invalid_request")]) == GPT

    @pytest.mark.parametrize("code", ["upstream_unavailable", "upstream_timeout", "upstream_error"])
    def test_after_trouble_another_provider_goes_first(self, code: str) -> None:
        assert next_of([GPT, SPARE, MINI, CLAUDE], [attempt(GPT, code)]) == CLAUDE
        assert next_of([GPT, SPARE, MINI], [attempt(GPT, code)]) == SPARE

    def test_a_fault_of_the_model_alone_does_not_send_it_to_another_provider(self) -> None:
        assert next_of([GPT, MINI, CLAUDE], [attempt(GPT, "request_too_large")]) == MINI

    def test_a_model_that_is_missing_is_not_asked_for_at_another_account_first(self) -> None:
        assert next_of([GPT, SPARE, CLAUDE], [attempt(GPT, "model_not_found")]) == CLAUDE
        assert next_of([GPT, SPARE], [attempt(GPT, "model_not_found")]) == SPARE

    @pytest.mark.parametrize("code", ["model_not_found", "request_too_large", "upstream_error", "rate_limit_exceeded"])
    def test_three_attempts_never_go_to_one_provider_while_there_is_another(self, code: str) -> None:
        nano = ("openai", "default", "gpt-4.1-nano")
        whos, attempts = [GPT, SPARE, MINI, nano, CLAUDE], [attempt(GPT, code)]
        while len(attempts) < 3:
            who = next_of(whos, attempts)
            assert who is not None
            attempts.append(attempt(who, code))
        assert "anthropic" in {one.provider for one in attempts}

    @pytest.mark.parametrize("code", ["provider_key_invalid", "insufficient_quota"])
    def test_p75_a_refused_key_has_the_next_account_tried_at_once(self, code: str) -> None:
        refused = attempt(GPT, code, http_status=401, retry_after=30.0)
        assert next_of([GPT, MINI, SPARE, CLAUDE], [refused]) == SPARE
        assert next_of([GPT, MINI], [refused]) is None

    def test_p75_a_limited_account_has_the_next_account_tried_at_once(self) -> None:
        assert next_of([GPT, SPARE, CLAUDE], [limited(GPT, 20.0)]) == SPARE

    def test_p75_the_limited_accounts_other_models_come_last(self) -> None:
        assert next_of([GPT, MINI, CLAUDE], [limited(GPT)]) == CLAUDE
        assert next_of([GPT, MINI], [limited(GPT)]) == MINI

    def test_what_rests_or_is_not_served_any_more_is_passed_over(self) -> None:
        failure = [attempt(GPT, "model_not_found")]
        assert next_of([GPT, MINI, CLAUDE, FLASH], failure, rest_of=resting(MINI)) == CLAUDE
        assert next_of([GPT, MINI, CLAUDE, FLASH], failure, served=("gemini",)) == FLASH
        assert next_of([GPT, MINI], failure, rest_of=resting(MINI)) is None

    def test_one_that_rests_by_advice_only_comes_last(self) -> None:
        failure = [attempt(GPT, "upstream_error")]
        assert next_of([GPT, CLAUDE, MINI], failure, rest_of=resting(CLAUDE, advice=True)) == MINI
        assert next_of([GPT, CLAUDE], failure, rest_of=resting(CLAUDE, advice=True)) == CLAUDE

    @given(codes=st.lists(st.sampled_from(["upstream_error", "rate_limit_exceeded", "model_not_found"]), min_size=5, max_size=5))
    def test_every_candidate_gets_its_turn_once(self, codes: list[str]) -> None:
        whos = [GPT, SPARE, MINI, CLAUDE, FLASH]
        attempts = [attempt(GPT, codes[0])]
        for code in codes[1:]:
            who = next_of(whos, attempts)
            assert who is not None
            attempts.append(attempt(who, code))
        assert {(one.provider, one.account, one.model) for one in attempts} == set(whos)
        assert next_of(whos, attempts) is None


def again(
    attempts: list[AttemptOutcome], *whos: Who, deadline: float = NOW + 60, patience: float = 4.0, rest_of: Any = AWAKE, drawn: float = 1.0
) -> Repeat | None:
    return repeat(
        candidates(*whos or (GPT,)), attempts, rest_of, now=NOW, deadline=deadline, patience=patience,
        uniform=lambda low, high: min(max(drawn, low), high),
    )


class TestRepeating:
    @pytest.mark.parametrize(
        ("code", "status", "safe"),
        [
            ("rate_limit_exceeded", 429, True), ("upstream_unavailable", None, True), ("upstream_unavailable", 503, True),
            ("upstream_unavailable", 529, True), ("upstream_unavailable", 500, False), ("upstream_unavailable", 502, False),
            ("upstream_unavailable", 200, False), ("upstream_timeout", None, False), ("upstream_error", 503, False),
            ("invalid_request", 400, False), ("provider_key_invalid", 401, False), ("insufficient_quota", 429, False),
        ],
    )
    def test_only_what_surely_was_not_accepted(self, code: str, status: int | None, safe: bool) -> None:
        failure = attempt(GPT, code, http_status=status)
        assert surely_not_accepted(failure) is safe
        assert (again([failure]) is not None) is safe

    def test_who_was_never_asked_is_not_asked_again(self) -> None:
        assert again([limited(GPT)], CLAUDE) is None

    def test_the_last_word_of_a_candidate_counts(self) -> None:
        assert again([limited(GPT), attempt(GPT, "upstream_timeout")]) is None
        assert again([attempt(GPT, "upstream_timeout"), limited(GPT)]) is not None

    @pytest.mark.parametrize(("drawn", "factor"), [(0.0, 0.5), (1.0, 1.0), (9.0, 1.5)])
    def test_the_wait_is_jittered_and_doubles(self, drawn: float, factor: float) -> None:
        for made in (1, 2, 3):
            found = again([limited(GPT)] * made, drawn=drawn)
            assert found is not None
            assert found.wait == pytest.approx(BACKOFF * 2 ** (made - 1) * factor)

    @given(seed=st.integers(), asked=st.floats(0.7, 3.6))
    def test_never_before_the_provider_allows_it(self, seed: int, asked: float) -> None:
        found = repeat(
            candidates(GPT), [limited(GPT, asked)], AWAKE, now=NOW, deadline=NOW + 60, patience=4.0, uniform=random.Random(seed).uniform
        )
        assert found is not None
        assert asked <= found.wait <= asked * 1.1

    def test_nor_all_at_the_same_moment(self) -> None:
        waits = {found.wait for drawn in (1.0, 1.05, 1.1) if (found := again([limited(GPT, 3.0)], drawn=drawn)) is not None}
        assert len(waits) == 3

    def test_a_pause_that_another_request_was_told_counts_too(self) -> None:
        found = again([limited(GPT)], rest_of=resting(GPT, seconds=3.0))
        assert found is not None
        assert found.wait == pytest.approx(3.0)

    def test_an_open_breaker_asks_for_nothing(self) -> None:
        found = again([attempt(GPT, "upstream_unavailable")], rest_of=resting(GPT, seconds=30.0, failures=5))
        assert found is not None
        assert found.wait == pytest.approx(BACKOFF)

    def test_not_beyond_what_a_request_may_wait(self) -> None:
        assert again([limited(GPT, 4.0)]) is not None
        assert again([limited(GPT, 4.1)]) is None
        assert again([limited(GPT)], rest_of=resting(GPT, seconds=30.0)) is None
        assert again([limited(GPT)], patience=0.0) is None
        assert again([limited(GPT)], rest_of=resting(GPT, seconds=30.0, advice=True)) is not None

    def test_not_when_the_answer_would_come_too_late(self) -> None:
        assert again([limited(GPT, 2.0)], deadline=NOW + 2.0 + AFTERWARDS + 0.1) is not None
        assert again([limited(GPT, 2.0)], deadline=NOW + 2.0 + AFTERWARDS) is None

    def test_of_several_the_one_with_the_shortest_wait(self) -> None:
        found = again([limited(GPT, 3.0), limited(CLAUDE, 1.0), limited(FLASH, 2.0)], GPT, CLAUDE, FLASH)
        assert found is not None
        assert found.index == 1


class TestSoonest:
    def test_nobody_said_anything(self) -> None:
        assert soonest(candidates(GPT, CLAUDE), [attempt(GPT, "upstream_error")], AWAKE, NOW) is None

    def test_the_least_of_what_was_asked_for_and_what_rests(self) -> None:
        both = candidates(GPT, CLAUDE)
        assert soonest(both, [limited(GPT, 9.0), limited(CLAUDE, 7.0)], AWAKE, NOW) == 7.0
        assert soonest(both, [limited(GPT, 9.0)], resting(CLAUDE, seconds=2.0), NOW) == 2.0
        assert soonest(both, [limited(GPT)], resting(CLAUDE, seconds=20.0, failures=5), NOW) == 20.0

    def test_a_refused_key_does_not_heal_by_waiting(self) -> None:
        assert soonest(candidates(GPT), [attempt(GPT, "provider_key_invalid", retry_after=1.0)], AWAKE, NOW) is None

    def test_nor_does_advice_say_when(self) -> None:
        assert soonest(candidates(GPT), [limited(GPT, 9.0)], resting(GPT, seconds=2.0, advice=True), NOW) == 9.0

    def test_never_in_the_past(self) -> None:
        assert soonest(candidates(GPT), [limited(GPT)], resting(GPT, seconds=-3.0), NOW) == 0.0
