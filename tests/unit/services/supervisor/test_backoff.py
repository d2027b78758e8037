"""A service that keeps dying is started ever more slowly."""

from services.supervisor.backoff import HEALTHY, Backoff


def test_doubles_up_to_its_limit() -> None:
    backoff = Backoff()
    assert [backoff.after(0.0) for _ in range(8)] == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


def test_the_limit_may_be_lower() -> None:
    backoff = Backoff(0.6)
    assert [backoff.after(0.0) for _ in range(4)] == [0.25, 0.5, 0.6, 0.6]
    assert Backoff(0.1).after(HEALTHY) == 0.1


def test_a_long_healthy_run_is_forgiven_and_a_short_one_is_not() -> None:
    backoff = Backoff()
    assert [backoff.after(HEALTHY - 1) for _ in range(3)] == [0.25, 0.5, 1.0]
    assert [backoff.after(HEALTHY), backoff.after(0.0)] == [0.25, 0.5]
