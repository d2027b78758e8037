"""One simulation: every strategy in the same world."""

from collections.abc import Collection

from tests.bench.simulation.play import Served, play
from tests.bench.simulation.stakes import stakes_of
from tests.bench.simulation.strategies import strategies
from tests.bench.simulation.world import World


def simulated(seed: int, requests: int, only: Collection[str] = ()) -> dict[str, list[Served]]:
    """What becomes of each request, by strategy. `only`: the names of those to let play; empty means all."""
    world = World(seed, requests)
    stakes = [stakes_of(world, prompt) for prompt in world.prompts]
    return {
        name: play(world, strategy, stakes) for name, strategy in strategies(world).items() if not only or name in only
    }
