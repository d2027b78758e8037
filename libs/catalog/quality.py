"""Quality priors: what was published of a model, benchmark by benchmark, brought onto one scale for each family of tasks."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from libs.contracts.reading import FAMILIES, Family

LEAST, SPAN = 0.36, 0.61
"""Quality at a benchmark's `low`, and what is added up to its `high`. Ours: they put a weak current model near 0.5, the strongest near 0.95."""
EDITORIAL = "editorial-2026-11"

Share = Annotated[float, Meta(ge=0, le=1)]


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a figure was published."""

    id: str
    title: str
    date: str
    """ISO 8601: of the publication, or of the day on which a page that changes was read."""
    url: str
    """Empty for our own estimates."""


class Benchmark(Struct, frozen=True, forbid_unknown_fields=True):
    """A test, and what its figures mean on our scale."""

    id: str
    title: str
    low: float
    high: float


class Figure(Struct, frozen=True, forbid_unknown_fields=True):
    """What models.toml says of a model in one family: a rank, the score in a benchmark, or an estimate."""

    source: str = EDITORIAL
    estimate: Share | None = None
    rank: tuple[int, int] | None = None
    """Place, of how many."""
    benchmark: str = ""
    score: float | None = None


class Prior(Struct, frozen=True):
    """Quality in one family, 0 to 1, and what it was made of."""

    quality: float
    source: str
    figure: str
    """In words: `rank 83 of 469`, `GPQA Diamond, % solved: 87.3`; empty for an estimate."""


def plain(quality: float, source: str) -> tuple[Prior, ...]:
    """The same word for every family."""
    return (Prior(quality, source, ""),) * len(FAMILIES)


def priors(figures: Mapping[Family, Figure], benchmarks: Mapping[str, Benchmark]) -> tuple[Prior, ...]:
    """In the order of FAMILIES. Raises KeyError or ValueError for a figure that says nothing."""
    return tuple(_prior(figures[family], benchmarks) for family in FAMILIES)


def mean(told: tuple[Prior, ...]) -> float:
    """The overall figure."""
    return round(sum(prior.quality for prior in told) / len(told), 3)


def _prior(figure: Figure, benchmarks: Mapping[str, Benchmark]) -> Prior:
    if figure.rank is not None:
        place, of = figure.rank
        return Prior(_scaled(1 - place / of), figure.source, f"rank {place} of {of}")
    if figure.score is not None:
        on = benchmarks[figure.benchmark]
        return Prior(_scaled((figure.score - on.low) / (on.high - on.low)), figure.source, f"{on.title}: {figure.score:g}")
    if figure.estimate is None:
        raise ValueError("a figure is a rank, a score or an estimate")
    return Prior(figure.estimate, figure.source, "")


def _scaled(share: float) -> float:
    return round(LEAST + SPAN * share, 3)
