"""Quality priors: published figures on one scale, each with a source that has a date."""

from datetime import date

import pytest

from libs.catalog.models import AS_OF, SOURCES, Model, curated, embedders, find
from libs.catalog.quality import LEAST, SPAN, Benchmark, Figure, Prior, mean, plain, priors
from libs.contracts.reading import FAMILIES, Family

HARD = {"hard": Benchmark("hard", "Hard questions, % solved", 50, 100)}


def of(figure: Figure) -> Prior:
    return priors(dict.fromkeys(FAMILIES, figure), HARD)[0]


@pytest.mark.parametrize(
    ("figure", "quality", "said"),
    [
        (Figure(benchmark="hard", score=50), LEAST, "Hard questions, % solved: 50"),
        (Figure(benchmark="hard", score=87.5), LEAST + SPAN * 0.75, "Hard questions, % solved: 87.5"),
        (Figure(rank=(1, 400)), LEAST + SPAN * 399 / 400, "rank 1 of 400"),
        (Figure(rank=(400, 400)), LEAST, "rank 400 of 400"),
        (Figure(estimate=0.7), 0.7, ""),
    ],
)
def test_figures_of_all_kinds_come_onto_one_scale(figure: Figure, quality: float, said: str) -> None:
    assert of(figure) == Prior(pytest.approx(quality, abs=0.0005), figure.source, said)


def test_a_figure_that_says_nothing_or_names_no_benchmark_is_an_error() -> None:
    with pytest.raises(ValueError, match="a rank, a score or an estimate"):
        of(Figure())
    with pytest.raises(KeyError):
        of(Figure(benchmark="easy", score=1))
    with pytest.raises(KeyError):
        priors({"code": Figure(estimate=1.0)}, HARD)


def test_each_family_keeps_its_own_figure_in_the_order_of_families() -> None:
    figures: dict[Family, Figure] = {family: Figure(estimate=place / 10) for place, family in enumerate(FAMILIES)}
    found = priors(dict(reversed(figures.items())), HARD)
    assert [prior.quality for prior in found] == [place / 10 for place in range(len(FAMILIES))]
    assert mean(found) == 0.3
    assert mean(plain(0.8, "settings")) == 0.8


each = pytest.mark.parametrize("model", curated(), ids=lambda model: f"{model.provider}/{model.id}")


@each
def test_every_prior_of_a_curated_model_has_a_dated_source(model: Model) -> None:
    assert len(model.priors) == len(model.families) == len(FAMILIES)
    assert model.families == tuple(prior.quality for prior in model.priors)
    assert model.quality == mean(model.priors)
    assert all(0.3 < quality < 1 for quality in model.families)
    for prior in model.priors:
        source = SOURCES[prior.source]
        assert date(2024, 1, 1) <= date.fromisoformat(source.date) <= date.fromisoformat(AS_OF)
        # What stands on a publication says where it is, and what is ours says so.
        assert bool(source.url) == bool(prior.figure)
        assert source.url.startswith("https://") or "editorial" in source.title


def test_most_priors_are_published_figures() -> None:
    figures = [prior.figure for model in curated() for prior in model.priors]
    assert sum(map(bool, figures)) / len(figures) > 0.6


def test_every_source_is_used() -> None:
    used = {prior.source for model in [*curated(), *embedders()] for prior in model.priors}
    assert used == set(SOURCES) - {"default", "settings", "workspace", "feedback"}


def test_models_that_nobody_looked_at_are_low_and_say_so() -> None:
    unknown = find("openai", "o3")
    assert unknown is not None
    assert set(unknown.priors) == {Prior(0.6, "default", "")}
    assert unknown.quality < sum(model.quality for model in curated()) / len(curated())


def test_what_everybody_agrees_on_holds() -> None:
    by_id = {model.id: model for model in curated()}
    pairs = [("gpt-5", "gpt-5-mini"), ("gpt-5-mini", "gpt-5-nano"), ("gpt-4.1", "gpt-4.1-nano"), ("claude-opus-4-6", "claude-haiku-4-5")]
    for better, worse in pairs:
        assert by_id[better].quality > by_id[worse].quality
        assert all(high >= low for high, low in zip(by_id[better].families, by_id[worse].families, strict=True))
