"""What a router makes of telemetry: decayed, the same in any order, and bounded."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from libs.contracts.decisions import Candidate
from libs.contracts.telemetry import UNKNOWN, CachedPrefix, Observed, Remaining, Signal, Tally, Timing
from services.router import signals as module
from services.router.signals import ASSUMED_OK, FORGET_AFTER, FORGIVEN, FRESH, MOST_BORROWED, Signals, Sums
from services.router.warm import names, query

NOW = 1_795_000_000.0
HALF = 100.0
ONE = ("openai", "default", "gpt-5")
STREAMED = Timing(
    provider="openai", account="default", model="gpt-5", begun=4, ttft_s=2.0, ended=2, output_tokens=300, writing_s=3.0,
)


def made() -> Signals:
    return Signals(HALF, lambda provider, model: (1.0, 50.0))


def timed(one: Timing = STREAMED, **changes: object) -> Observed:
    return Observed(worker="w-1", timings=[structs.replace(one, **changes)])


def tallied(ok: int = 0, failed: int = 0) -> Observed:
    provider, account, model = ONE
    return Observed(worker="w-1", tallies=[Tally(provider=provider, account=account, model=model, ok=ok, failed=failed)])


def remaining(**left: float | None) -> Observed:
    provider, account, model = ONE
    return Observed(worker="w-1", remaining=[Remaining(provider=provider, account=account, model=model, **left)])  # type: ignore[arg-type]


def test_nothing_is_known_of_what_nobody_called() -> None:
    assert made().of(*ONE, NOW) is UNKNOWN


def test_streamed_answers_tell_how_soon_and_how_fast() -> None:
    signals = made()
    signals.note(timed(), NOW)
    assert signals.of(*ONE, NOW) == Signal(observed=4.0, ttft_s=0.5, tokens_per_s=100.0)


def test_what_was_seen_counts_half_after_a_half_life_and_new_answers_soon_outweigh_it() -> None:
    signals = made()
    signals.note(timed(), NOW)
    later = signals.of(*ONE, NOW + HALF)
    assert (later.observed, later.ttft_s, later.tokens_per_s) == (2.0, 0.5, 100.0)
    signals.note(timed(begun=4, ttft_s=20.0), NOW + 2 * HALF)
    signal = signals.of(*ONE, NOW + 2 * HALF)
    assert signal.observed == 5.0
    assert signal.ttft_s == pytest.approx((0.5 + 20.0) / 5)


def test_a_signal_is_given_out_again_until_something_new_is_heard() -> None:
    signals = made()
    signals.note(timed(), NOW)
    first = signals.of(*ONE, NOW)
    assert signals.of(*ONE, NOW + FRESH / 2) is first
    assert signals.of(*ONE, NOW + HALF).observed < first.observed
    signals.note(timed(), NOW + HALF)
    assert signals.of(*ONE, NOW + HALF).observed == 6.0


def test_whole_answers_alone_scale_the_catalogs_speed() -> None:
    signals = made()
    # The catalog has 1 s and 50 tokens a second: 3 s for 100 tokens. It took twice as long.
    whole = Timing(provider="openai", account="default", model="gpt-5", whole=2, whole_tokens=200, whole_s=12.0)
    signals.note(timed(whole), NOW)
    assert signals.of(*ONE, NOW) == Signal(observed=2.0, ttft_s=2.0, tokens_per_s=25.0)


def test_whole_answers_correct_what_streams_tell_by_their_number() -> None:
    signals = made()
    # Streams: 0.5 s and 100 tokens a second, so 1.5 s for 100 tokens; four whole answers took 3 s each.
    signals.note(timed(ended=4, output_tokens=600, writing_s=6.0, whole=4, whole_tokens=400, whole_s=12.0), NOW)
    signal = signals.of(*ONE, NOW)
    assert signal.ttft_s == pytest.approx(0.5 * 1.5)
    assert signal.tokens_per_s == pytest.approx(100 / 1.5, abs=0.01)


def test_an_answer_that_was_kept_back_and_sent_at_once_has_a_finite_speed() -> None:
    signals = made()
    signals.note(timed(writing_s=0.0), NOW)
    assert signals.of(*ONE, NOW).tokens_per_s == module.FASTEST


def test_failures_fade_though_nobody_calls_any_more() -> None:
    signals = made()
    signals.note(tallied(failed=3), NOW)
    assert signals.of(*ONE, NOW).failing == pytest.approx(3 / (3 + ASSUMED_OK))
    assert signals.of(*ONE, NOW + 10 * HALF).failing < 0.01
    signals.note(tallied(ok=100), NOW + HALF)
    assert signals.of(*ONE, NOW + HALF).failing < 0.02


def test_a_rest_of_a_whole_account_is_no_call() -> None:
    signals = made()
    signals.note(Observed(worker="w-1", tallies=[Tally(provider="openai", account="default", model="", rest_until=NOW + 9, code="x")]), NOW)
    assert signals.of("openai", "default", "", NOW) is UNKNOWN


def test_an_account_without_answers_borrows_its_models_speed_but_neither_failures_nor_limits() -> None:
    signals = made()
    signals.note(timed(begun=40, ttft_s=20.0), NOW)
    signals.note(tallied(failed=5), NOW)
    signals.note(remaining(requests=1), NOW)
    assert signals.of("openai", "2", "gpt-5", NOW) == Signal(observed=MOST_BORROWED, ttft_s=0.5, tokens_per_s=100.0)
    assert signals.of("openrouter", "default", "gpt-5", NOW) is UNKNOWN
    # One that only failed so far has failures of its own, and the speed of the others.
    failed = structs.replace(tallied(failed=2).tallies[0], account="2")
    signals.note(Observed(worker="w-1", tallies=[failed]), NOW)
    assert signals.of("openai", "2", "gpt-5", NOW) == Signal(observed=MOST_BORROWED, ttft_s=0.5, tokens_per_s=100.0, failing=0.5)


def test_an_account_that_was_not_called_for_long_has_what_the_others_show() -> None:
    signals = made()
    signals.note(timed(account="2", ttft_s=40.0), NOW)
    signals.note(timed(), NOW + 20 * HALF)
    assert signals.of("openai", "2", "gpt-5", NOW + 20 * HALF).ttft_s == pytest.approx(0.5, abs=0.01)


def test_what_is_left_is_less_by_what_this_router_sent_and_over_with_its_window() -> None:
    signals = made()
    candidate = Candidate(provider="openai", model="gpt-5")
    signals.note_sent(candidate, 1000, NOW)
    signals.note(remaining(requests=3, requests_reset=NOW + 10, tokens=5000, tokens_reset=NOW + 20), NOW)
    for sent, expected in enumerate([(3, 5000), (2, 4000), (1, 3000), (0, 2000), (0, 1000)]):
        signal = signals.of(*ONE, NOW + sent / 100)
        assert (signal.requests_left, signal.tokens_left) == expected
        signals.note_sent(candidate, 1000, NOW)
    assert signals.of(*ONE, NOW + 10.0).requests_left is None
    assert signals.of(*ONE, NOW + 10.0).tokens_left == 0
    assert signals.of(*ONE, NOW + 20.0).tokens_left is None


def test_the_latest_word_on_limits_counts_and_may_be_that_there_is_plenty() -> None:
    signals = made()
    signals.note(remaining(requests=3), NOW)
    signals.note_sent(Candidate(provider="openai", model="gpt-5"), 10, NOW)
    signals.note(remaining(requests=9), NOW)
    assert signals.of(*ONE, NOW).requests_left == 9
    signals.note(remaining(), NOW)
    assert signals.of(*ONE, NOW).requests_left is None


def test_a_limit_without_a_reset_is_believed_for_a_minute() -> None:
    signals = made()
    signals.note(remaining(tokens=100), NOW)
    assert signals.of(*ONE, NOW + 59).tokens_left == 100
    assert signals.of(*ONE, NOW + 60).tokens_left is None


def test_what_nobody_called_for_an_hour_is_forgotten() -> None:
    signals = made()
    signals.note(timed(), NOW)
    one = CachedPrefix(prefix="p", provider="openai", account="default", model="gpt-5", tokens=2000, at=NOW)
    signals.note(Observed(worker="w-1", cached=[one]), NOW)
    assert signals.cached("p", NOW) == [one]
    signals.note(timed(model="other"), NOW + FORGET_AFTER + 1)
    assert set(signals._known) == {("openai", "default", "other")}
    assert set(signals._models) == {("openai", "other")}
    assert len(signals._prefixes) == 0


def test_targets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TARGETS", 10)
    signals = made()
    for number in range(30):
        signals.note(timed(model=f"m{number}"), NOW + number)
    signals.note(timed(model="last"), NOW + 100)
    assert len(signals._known) == 10
    assert ("openai", "default", "last") in signals._known


def test_what_the_ledger_tells_adds_to_what_was_heard_as_old_as_it_is() -> None:
    signals = made()
    signals.note(timed(), NOW + HALF)
    signals.adopt(*ONE, Sums(at=NOW, ok=8, failed=4, begun=8, ttft_s=12.0, ended=8, output_tokens=800, writing_s=4.0), NOW + HALF)
    signal = signals.of(*ONE, NOW + HALF)
    assert (signal.observed, signal.ttft_s) == (8.0, 1.0)
    assert signal.tokens_per_s == pytest.approx((300 + 400) / (3 + 2))
    assert signal.failing == pytest.approx(2 / (6 + ASSUMED_OK))
    assert signals.of("openai", "2", "gpt-5", NOW + HALF).ttft_s == 1.0


def test_a_model_that_was_asked_for_by_a_shorter_name_is_known_by_both() -> None:
    assert names("gpt-4o-2024-08-06") == ["gpt-4o-2024-08-06", "gpt-4o"]
    assert names("claude-haiku-4-5-20251001") == ["claude-haiku-4-5-20251001", "claude-haiku-4-5"]
    assert names("gpt-5-mini-sandbox") == ["gpt-5-mini"]
    assert names("mistral-large-2411") == ["mistral-large-2411"]


def test_the_ledger_is_asked_for_half_an_hour() -> None:
    params = query(NOW + 0.25, 300.0).params
    assert params == {"since": "2026-11-18 10:36:40.250000", "until": "2026-11-18 11:06:40.250000", "half_life": "300.0"}


SECONDS = st.floats(0, 1000)
TIMINGS = st.builds(
    Timing, provider=st.just("openai"), account=st.sampled_from(["default", "2"]), model=st.sampled_from(["gpt-5", "gpt-4o"]),
    begun=st.integers(0, 50), ttft_s=SECONDS, ended=st.integers(0, 50), output_tokens=st.integers(0, 100_000), writing_s=SECONDS,
    whole=st.integers(0, 50), whole_tokens=st.integers(0, 100_000), whole_s=SECONDS,
)
TALLIES = st.builds(
    Tally, provider=st.just("openai"), account=st.sampled_from(["default", "2"]), model=st.sampled_from(["gpt-5", "gpt-4o"]),
    ok=st.integers(0, 50), failed=st.integers(0, 50),
)
MESSAGES = st.builds(
    Observed, worker=st.just("w-1"), timings=st.lists(TIMINGS, max_size=4), tallies=st.lists(TALLIES, max_size=4)
)
TARGETS = [("openai", account, model) for account in ("default", "2", "3") for model in ("gpt-5", "gpt-4o")]


@given(st.lists(MESSAGES, max_size=6), st.randoms(use_true_random=False))
def test_within_a_moment_the_order_does_not_matter(messages: list[Observed], random: object) -> None:
    shuffled = list(messages)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = made(), made()
    for message in messages:
        one.note(message, NOW)
    for message in shuffled:
        other.note(message, NOW)
    for target in TARGETS:
        for mine, theirs in zip(structs.astuple(one.of(*target, NOW)), structs.astuple(other.of(*target, NOW)), strict=True):
            assert (mine is None) is (theirs is None)
            assert mine is None or mine == pytest.approx(theirs, rel=1e-6, abs=1e-3)


@given(st.lists(st.tuples(MESSAGES, st.floats(-10, 4000)), max_size=8), st.floats(0, 10_000))
def test_whatever_is_heard_signals_stay_within_bounds(heard: list[tuple[Observed, float]], after: float) -> None:
    signals, now = made(), NOW
    for message, passed in heard:
        now += passed
        signals.note(message, now)
    for target in TARGETS:
        signal = signals.of(*target, now + after)
        assert 0 <= signal.failing <= 1
        assert signal.observed >= 0
        assert signal.ttft_s is None or (signal.ttft_s >= 0 and math.isfinite(signal.ttft_s))
        assert signal.tokens_per_s is None or module.SLOWEST <= signal.tokens_per_s <= module.FASTEST * module.MOST_RATIO


@given(MESSAGES, st.lists(st.floats(0, 500), max_size=5))
def test_decay_depends_on_the_time_that_passed_and_not_on_how_often_one_looks(message: Observed, looks: list[float]) -> None:
    often, once = made(), made()
    often.note(message, NOW)
    once.note(message, NOW)
    for look in sorted(looks):
        often.of(*ONE, NOW + look)
    assert often.of(*ONE, NOW + 501).observed == pytest.approx(once.of(*ONE, NOW + 501).observed, abs=0.011)
    assert often.of(*ONE, NOW + 501).failing == pytest.approx(once.of(*ONE, NOW + 501).failing, abs=1e-3)


def test_after_an_outage_it_is_forgiven_soon_however_many_calls_failed() -> None:
    few, many = made(), made()
    few.note(tallied(failed=10), NOW)
    for second in range(60):
        many.note(tallied(failed=500), NOW + second)
    assert many.of(*ONE, NOW + 60).failing > 0.8
    assert many.of(*ONE, NOW + 60 + HALF * FORGIVEN * 4).failing == pytest.approx(few.of(*ONE, NOW + HALF * FORGIVEN * 4).failing, abs=0.02)
    assert many.of(*ONE, NOW + 60 + HALF * FORGIVEN * 4).failing < 0.25


def test_a_model_that_turns_slow_is_known_to_be_slow_however_many_answers_were_quick() -> None:
    signals = made()
    for second in range(60):
        signals.note(timed(begun=50, ttft_s=2.5, ended=0), NOW + second)
    assert signals.of(*ONE, NOW + 60).ttft_s == pytest.approx(0.05)
    signals.note(timed(begun=8, ttft_s=16.0, ended=0), NOW + 60)
    assert (signals.of(*ONE, NOW + 60 + FRESH).ttft_s or 0.0) > 0.9
