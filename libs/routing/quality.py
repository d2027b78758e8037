"""Expected quality of models for a prompt, from their priors by family."""

from collections.abc import Sequence
from functools import lru_cache

from libs.catalog.models import Model
from libs.classifier.quality import Abilities, abilities, ability_of, quality
from libs.contracts.reading import FAMILIES, Reading


def expected_qualities(models: Sequence[Model], reading: Reading | None) -> list[float]:
    """0 to 1 for each model. Where a prompt could not be read, the priors of the families that it names, or else their mean."""
    if reading is None or not (reading.demand or reading.families):
        return [model.quality for model in models]
    if not reading.demand:
        shares = [reading.families.get(family, 0.0) for family in FAMILIES]
        return [sum(share * prior for share, prior in zip(shares, model.families, strict=True)) for model in models]
    found: list[float] = quality(reading, _abilities(tuple([model.families for model in models]))).tolist()
    return found


@lru_cache(maxsize=1024)
def _abilities(families: tuple[tuple[float, ...], ...]) -> Abilities:
    """Most requests choose among the same models."""
    return abilities([ability_of(by_family) for by_family in families])
