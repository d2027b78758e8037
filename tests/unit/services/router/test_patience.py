"""How long a candidate may stay silent."""

from typing import Any

import pytest
from msgspec import structs

from libs.contracts.decisions import Candidate, Decision, Mode
from libs.contracts.requests import Ruled
from services.router.patience import patience
from services.router.settings import RouterSettings
from tests.contracts.samples import RULED

NOW = 1000.0
SETTINGS = RouterSettings(
    max_attempts=3, slow_start_latency=6.0, slow_start_balance=15.0, slow_start_cost=30.0, slow_start_quality=45.0
)


def message(effort: str = "", **known: Any) -> Ruled:
    facts = structs.replace(RULED.facts, effort=effort)
    return structs.replace(RULED, facts=facts, **({"stream": True, "deadline": NOW + 3600} | known))


def decision(mode: Mode = "latency", chosen: int = 0) -> Decision:
    plain = Candidate(provider="openai", model="gpt-4o")
    return Decision(mode=mode, candidates=[plain, structs.replace(plain, model="gpt-5", reasoning=True)], chosen=chosen)


def seconds(asked: Decision, of: Ruled, attempts: int = 0, settings: RouterSettings = SETTINGS) -> float | None:
    return patience(settings, asked, of, attempts=attempts, most=settings.max_attempts, now=NOW)


@pytest.mark.parametrize(("mode", "expected"), [("latency", 6.0), ("balance", 15.0), ("cost", 30.0), ("quality", 45.0)])
def test_each_mode_has_its_own(mode: Mode, expected: float) -> None:
    assert seconds(decision(mode), message()) == expected


@pytest.mark.parametrize(
    ("effort", "chosen", "longer"),
    [("high", 1, True), ("medium", 1, True), ("low", 1, False), ("none", 1, False), ("minimal", 1, False), ("", 1, False), ("high", 0, False)],
)
def test_a_model_that_was_asked_to_think_gets_longer(effort: str, chosen: int, longer: bool) -> None:
    assert seconds(decision(chosen=chosen), message(effort)) == (24.0 if longer else 6.0)


def test_so_does_an_answer_that_comes_as_a_whole() -> None:
    assert seconds(decision(), message(stream=False)) == 24.0
    assert seconds(decision(chosen=1), message("high", stream=False)) == 96.0


def test_never_more_than_a_fair_share_of_what_is_left() -> None:
    near = message(deadline=NOW + 9)
    assert seconds(decision("quality"), near) == 3.0
    assert seconds(decision("quality"), near, attempts=1) == 4.5
    assert seconds(decision("quality"), near, attempts=2) == 9.0


def test_a_deadline_that_has_passed_still_gives_a_moment() -> None:
    given = seconds(decision(), message(deadline=NOW - 5))
    assert given is not None
    assert 0 < given < 1


def test_zero_waits_for_ever() -> None:
    settings = structs.replace(SETTINGS, slow_start_cost=0.0)
    assert seconds(decision("cost"), message(), settings=settings) is None
    assert seconds(decision("latency"), message(), settings=settings) == 6.0
