"""The candidates for one wish, ranked, and everything that was left out with the reason. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from libs.contracts.decisions import Candidate, Excluded, Ruling
from libs.contracts.requests import RequestFacts
from libs.routing.awake import Awake, awake
from libs.routing.errors import Resting
from libs.routing.policy import Policy
from libs.routing.quality import expected_qualities
from libs.routing.rank import Need, Quality, ranked
from libs.routing.resolve import Wish
from libs.routing.snapshot import Snapshot
from libs.routing.wanted import sorted_out, wanted


class Question(Struct, frozen=True, kw_only=True):
    """What a decision is about, but for the wish."""

    request_id: str
    facts: RequestFacts
    ruling: Ruling
    snapshot: Snapshot
    policy: Policy
    need: Need
    now: float
    """Unix seconds."""


class Considered(Struct, frozen=True):
    """What came of a wish."""

    candidates: list[Candidate]
    """Best first."""
    models: int
    """That came into question."""
    excluded: list[Excluded]
    resting: list[Resting]


def considered(wish: Wish, question: Question) -> Considered:
    """Raises ModelNotFound, or RoutingError, where there is no model of that name."""
    facts, snapshot, policy, need, now = question.facts, question.snapshot, question.policy, question.need, question.now
    models, excluded, reach = sorted_out(wanted(wish, facts, snapshot, policy, now), facts, snapshot, policy, question.ruling)
    found, resting = awake(models, reach, snapshot, need.input_tokens + need.output_tokens, now)
    if not found:
        return Considered([], 0, excluded, resting)
    candidates = ranked(question.request_id, found, _qualities(found, facts, policy), need, snapshot)
    most = question.ruling.limits.max_usd
    if most is not None:
        candidates, dear = affordable(candidates, most)
        excluded += dear
    return Considered(candidates, len(found), excluded, resting)


def affordable(candidates: Sequence[Candidate], most: float) -> tuple[list[Candidate], list[Excluded]]:
    """Those that are expected to cost no more than a rule allows, in US dollars, and the others. Where a price is not known, nobody can say."""
    kept: list[Candidate] = []
    dear: dict[tuple[str, str], Excluded] = {}
    for one in candidates:
        if one.expected_usd is None:
            reason = f"its price is not known, and a routing rule allows ${most:g} at most"
        elif one.expected_usd > most:
            reason = f"about ${one.expected_usd:.3g} are expected, and a routing rule allows ${most:g} at most"
        else:
            kept.append(one)
            continue
        dear.setdefault((one.provider, one.model), Excluded(provider=one.provider, model=one.model, reason=reason))
    return kept, list(dear.values())


def _qualities(found: list[Awake], facts: RequestFacts, policy: Policy) -> list[Quality]:
    """Of each model for this prompt; embeddings have a scale of their own."""
    models = [one.model for one in found]
    if facts.embeddings:
        return [Quality(model.quality) for model in models]
    expected = expected_qualities(models, facts.reading)
    if not policy.learns:
        return [Quality(quality) for quality in expected]
    without = expected_qualities([policy.without_learning(model) for model in models], facts.reading)
    return [Quality(quality, catalog) for quality, catalog in zip(expected, without, strict=True)]
