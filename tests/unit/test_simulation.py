"""The simulation of make bench: the same from the same seed, and a fair judge."""

from statistics import fmean

import pytest

from tests.bench.simulation.picture import picture
from tests.bench.simulation.play import Served
from tests.bench.simulation.report import summed_up, table
from tests.bench.simulation.run import simulated
from tests.bench.simulation.stakes import stakes_of
from tests.bench.simulation.world import FAULTS, MODES, START, World

SEED, REQUESTS = 7, 400
PLAYERS = ("oracle", "router", "round robin", "random")


@pytest.fixture(scope="module")
def played() -> dict[str, list[Served]]:
    return simulated(SEED, REQUESTS, PLAYERS)


def test_the_same_seed_gives_the_same_run(played: dict[str, list[Served]]) -> None:
    assert simulated(SEED, REQUESTS, ("oracle", "router")) == {name: played[name] for name in ("oracle", "router")}


def test_another_seed_gives_another(played: dict[str, list[Served]]) -> None:
    assert simulated(SEED + 1, 20, ("oracle",))["oracle"] != played["oracle"][:20]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("other", ["round robin", "random"])
def test_the_router_chooses_better_than_chance(played: dict[str, list[Served]], other: str, mode: str) -> None:
    def utility(name: str) -> float:
        return fmean(one.utility for one in played[name] if one.mode == mode)

    assert utility("router") > utility(other) + 0.03


def test_nobody_beats_the_oracle(played: dict[str, list[Served]]) -> None:
    regrets = {name: found["regret_of_all"] for name, found in summed_up(played).items()}
    assert regrets["oracle"] == 0.0
    assert all(regret > 0.0 for name, regret in regrets.items() if name != "oracle")


def test_a_fault_strikes_its_provider_and_nobody_else() -> None:
    world = World(SEED, REQUESTS)
    fault = next(fault for fault in FAULTS if fault.kind == "error")
    at = START + (fault.begins + fault.ends) / 2 * world.length
    struck = {model.provider for index, model in enumerate(world.models) if world.fault(index, at) == "error"}
    assert struck == {fault.provider}


def test_time_lost_to_failures_counts_as_latency() -> None:
    world = World(SEED, REQUESTS)
    prompt = next(prompt for prompt in world.prompts if prompt.mode == "latency")
    stakes = stakes_of(world, prompt)
    fastest = min(range(len(stakes.truths)), key=lambda index: stakes.truths[index].seconds)
    assert stakes.utility(fastest, 0.0) == stakes.utilities[fastest]
    assert stakes.utility(fastest, 1e6) == pytest.approx(stakes.utilities[fastest] - stakes.by_latency)


def test_the_report_names_every_strategy(played: dict[str, list[Served]]) -> None:
    text = table(summed_up(played), REQUESTS, SEED)
    drawing = picture(played)
    assert all(name in text for name in PLAYERS)
    assert all(name in drawing for name in PLAYERS if name != "oracle")
