"""Expected quality of models for a prompt, from their priors by family."""

from collections.abc import Sequence
from functools import lru_cache

from libs.catalog.models import Model
from libs.classifier.quality import Abilities, abilities, ability_of, quality
from libs.contracts.reading import Reading


def expected_qualities(models: Sequence[Model], reading: Reading | None) -> list[float]:
    """0 to 1 for each model; without a reading, or with one that is not sure, their means."""
    if reading is None or not reading.demand:
        return [model.quality for model in models]
    found: list[float] = quality(reading, _abilities(tuple([model.families for model in models]))).tolist()
    return found


@lru_cache(maxsize=1024)
def _abilities(families: tuple[tuple[float, ...], ...]) -> Abilities:
    """Most requests choose among the same models."""
    return abilities([ability_of(by_family) for by_family in families])
