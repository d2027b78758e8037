"""Quality re-estimated from feedback, pure: ratings and the catalog's figures in, what was learned out.

A rating is compared with what was expected of that model for that very prompt, so a model that gets the hard prompts is not blamed
for them. What is left over, weighted by age, moves the catalog's quality of the prompt's families, the further the more ratings
there are, and never beyond a bound. First comes off what all models have in common: people who always press the same thumb say
nothing of any model.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

from msgspec import Struct

from libs.contracts.policies import Learned, LearnedQuality
from libs.contracts.reading import FAMILIES, Family

HALF_LIFE = 60 * 86_400.0
"""Seconds after which a rating counts half."""
REACH = 6 * HALF_LIFE
"""Seconds after which it does not count at all; by then it would count a sixty-fourth."""
PRIOR_RATINGS = 30.0
"""The catalog counts as much as this many ratings: thumbs vary by 0.25 at most around what is expected, the catalog's figures by about
0.09² around what is true for a workspace, and 0.25 / 0.09² is 30."""
PRIOR_MODELS = 2.0
"""That raters are neither kind nor harsh counts as much as this many models with countless ratings."""
LEAST_RATINGS = 20.0
"""With fewer of a model in a family the catalog's figure stays."""
BOUND = 0.15
"""No quality moves further than this."""
DIGITS = 4

Quality = Mapping[Family, float]
PriorOf = Callable[[str], Quality | None]
"""`provider/model` → its quality by family as the catalog has it; None when the catalog has no such model."""


class Rating(Struct, frozen=True, kw_only=True):
    """What was said of one answer."""

    model: str
    """`provider/model`, as the catalog names it."""
    score: float
    """0 to 1."""
    at: float
    """Unix seconds."""
    families: dict[Family, float] = {}
    """Probabilities of the prompt's families; empty when it was not read: it then is a little of each."""
    expected: float | None = None
    """Quality that was expected of the answer, without what had been learned by then; None: the prior's for these families."""


class _Weighed(Struct, frozen=True):
    """A rating as it counts."""

    shares: dict[Family, float]
    """They add up to 1."""
    weight: float
    """1 for one of today."""
    surplus: float
    """How much better it is than expected."""


def learn(ratings: Iterable[Rating], prior_of: PriorOf, now: float) -> Learned:
    """What ratings say; the same in whatever order they come. Those of models without a prior, and those beyond reach, are left out."""
    recent = [rating for rating in ratings if rating.at >= now - REACH]
    models = {model: (prior, weighed) for model, prior, weighed in _by_model(recent, prior_of, now)}
    kindness = _kindness([weighed for _, weighed in models.values()])
    learned = {model: _learned(prior, weighed, kindness) for model, (prior, weighed) in models.items()}
    return Learned(
        at=_iso(now), since=_iso(now - REACH), ratings=sum(len(weighed) for _, weighed in models.values()),
        models={model: families for model, families in learned.items() if families},
    )


def _by_model(ratings: Sequence[Rating], prior_of: PriorOf, now: float) -> Iterator[tuple[str, Quality, list[_Weighed]]]:
    for model, group in groupby(sorted(ratings, key=attrgetter("model")), key=attrgetter("model")):
        own = list(group)
        prior = prior_of(model) or _as_expected(own)
        if prior is not None:
            yield model, prior, [_weighed(rating, prior, now) for rating in own]


def _as_expected(ratings: Sequence[Rating]) -> Quality | None:
    """The prior of a model that only the settings know: what was expected of it on average."""
    known = [rating.expected for rating in ratings if rating.expected is not None]
    return dict.fromkeys(FAMILIES, math.fsum(known) / len(known)) if known else None


def _weighed(rating: Rating, prior: Quality, now: float) -> _Weighed:
    total = math.fsum(rating.families.values())
    shares = {family: share / total for family, share in rating.families.items()} if total > 0 else dict.fromkeys(FAMILIES, 1 / len(FAMILIES))
    expected = rating.expected
    if expected is None:
        expected = math.fsum(share * prior[family] for family, share in shares.items())
    return _Weighed(shares, math.exp2(-max(0.0, now - rating.at) / HALF_LIFE), rating.score - expected)


def _kindness(models: Sequence[Sequence[_Weighed]]) -> float:
    """How much better this workspace's ratings are than expected, whatever the model: the mean of the models' means, each counting
    by how well it is known, drawn towards 0."""
    surplus, known = [], []
    for weighed in models:
        weight = math.fsum(one.weight for one in weighed)
        surplus.append(math.fsum(one.weight * one.surplus for one in weighed) / (PRIOR_RATINGS + weight))
        known.append(weight / (PRIOR_RATINGS + weight))
    return math.fsum(surplus) / (PRIOR_MODELS + math.fsum(known))


def _learned(prior: Quality, weighed: Sequence[_Weighed], kindness: float) -> dict[Family, LearnedQuality]:
    """A model's quality in the families that it has enough ratings of."""
    found: dict[Family, LearnedQuality] = {}
    for family in FAMILIES:
        ratings = math.fsum(one.shares.get(family, 0.0) for one in weighed)
        if round(ratings, DIGITS) < LEAST_RATINGS:
            continue
        weight = math.fsum(one.weight * one.shares.get(family, 0.0) for one in weighed)
        surplus = math.fsum(one.weight * one.shares.get(family, 0.0) * (one.surplus - kindness) for one in weighed)
        moved = prior[family] + min(BOUND, max(-BOUND, surplus / (PRIOR_RATINGS + weight)))
        posterior = round(min(1.0, max(0.0, moved)), DIGITS)
        found[family] = LearnedQuality(prior=round(prior[family], DIGITS), posterior=posterior, ratings=round(ratings))
    return found


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
