"""The decision, one pure function of request facts, what the rules said, the workspace's policy and a snapshot of the world.

The same call serves live traffic, previews and backtests.
"""

from typing import Literal

import msgspec
from msgspec import structs

from libs.contracts.decisions import Candidate, Decision, Ruling, Target
from libs.contracts.message import Warning
from libs.contracts.requests import RequestFacts
from libs.routing.awake import Awake, awake
from libs.routing.eligible import CHARS_PER_TOKEN
from libs.routing.errors import excluded_for_now, none_left
from libs.routing.explain import reason
from libs.routing.first import exploring, moved, staying
from libs.routing.policy import DEFAULT, Policy
from libs.routing.quality import expected_qualities
from libs.routing.rank import Need, Quality, ranked
from libs.routing.resolve import Wish, resolve, split
from libs.routing.score import confidence
from libs.routing.snapshot import Snapshot
from libs.routing.splits import way
from libs.routing.wanted import sorted_out, wanted
from libs.routing.weights import weights_of

DEFAULT_OUTPUT_TOKENS = 400
"""Expected answer where the prompt was not read."""
VECTORS_DIFFER = (
    "the router chose the embedding model: vectors of different models cannot be compared, so name the model of this answer wherever "
    "its vectors are to be compared with others"
)

ChosenFor = Literal["score", "order", "split", "exploration", "cache"]
_encode = msgspec.json.Encoder().encode


def decide(
    request_id: str, facts: RequestFacts, ruling: Ruling, snapshot: Snapshot, policy: Policy = DEFAULT, now: float = 0.0
) -> Decision:
    """Rank the candidates. Raises ModelNotFound, ProviderKeyMissing, RoutingError, RateLimited or ProviderBusy when there is none.

    `request_id` spreads ties and picks what is explored; `now`: Unix seconds, for prices and for what rests.
    """
    wish = _wish(facts, ruling, snapshot)
    models, excluded, reach = sorted_out(wanted(wish, facts, snapshot, policy, now), facts, snapshot, policy)
    weights, weighed = weights_of(wish, facts, policy)
    need = _need(facts, weights)
    found, resting = awake(models, reach, snapshot, need.input_tokens + need.output_tokens, now)
    if not found:
        raise none_left(wish, facts.embeddings, excluded, resting, now)
    excluded += [excluded_for_now(one, now) for one in resting]
    candidates = ranked(request_id, found, _qualities(found, facts, policy), need, snapshot)
    candidates, chosen_for = _first(request_id, candidates, wish, facts, ruling, snapshot, policy)
    if facts.preferences is not None and not facts.preferences.allow_fallbacks and not facts.preferences.order:
        candidates = candidates[:1]
    return Decision(
        mode=wish.mode,
        candidates=candidates,
        excluded=excluded,
        confidence=confidence(_best_of_each_model(candidates)),
        warnings=[Warning(source="router", message=text) for text in _told(wish, facts)],
        reason=reason(candidates, len(found), wish.mode, chosen_for, facts.reading, weighed),
        weights=weights,
        chosen_for=chosen_for,
        input_tokens=need.input_tokens,
        output_tokens=need.output_tokens,
        policy_revision=policy.revision,
    )


def shortlisted(decision: Decision, max_attempts: int) -> Decision:
    """The decision as it travels: the candidates that may be tried, which includes the best of each account in case another
    account turns its key down; and all of them as JSON, without what the catalog says of each at any time."""
    scored = _encode([
        structs.replace(candidate, price=None, max_output_tokens=None, reasoning=False) for candidate in decision.candidates
    ])
    short: list[Candidate] = []
    accounts: set[tuple[str, str]] = set()
    for place, candidate in enumerate(decision.candidates):
        if place < max_attempts or (candidate.provider, candidate.account) not in accounts:
            short.append(candidate)
            accounts.add((candidate.provider, candidate.account))
    return structs.replace(decision, candidates=short, scored=scored)


def split_name(rule_id: int) -> str:
    """Names a rule's weighted split in `Snapshot.turn_of`."""
    return f"rule {rule_id}"


def _wish(facts: RequestFacts, ruling: Ruling, snapshot: Snapshot) -> Wish:
    layers = [facts.target, facts.override, ruling.target]
    if ruling.split:
        share = ruling.split[way([one.weight for one in ruling.split], snapshot.turn_of(split_name(ruling.split_by)))]
        layers.append(Target(provider=share.provider, model=share.model, mode=share.mode))
    return resolve(
        [split(layer, snapshot.accounts) for layer in layers], lambda provider, model: snapshot.model(provider, model) is not None
    )


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


def _need(facts: RequestFacts, weights: tuple[float, float, float]) -> Need:
    wishes, reading = facts.preferences, facts.reading
    expected = reading.output_tokens if reading is not None else DEFAULT_OUTPUT_TOKENS
    return Need(
        input_tokens=facts.input_chars // CHARS_PER_TOKEN + 1,
        output_tokens=0 if facts.embeddings else min(facts.max_output_tokens or expected, expected),
        weights=weights,
        sort=(wishes.sort or "") if wishes else "",
        order=wishes.order if wishes else (),
    )


def _first(
    request_id: str, candidates: list[Candidate], wish: Wish, facts: RequestFacts, ruling: Ruling, snapshot: Snapshot, policy: Policy
) -> tuple[list[Candidate], ChosenFor]:
    """The candidates with the one that is to be called first in front, and why it is that one."""
    wishes = facts.preferences
    if wishes is not None and wishes.order:
        return candidates, "order"
    if wishes is not None and wishes.sort:
        return candidates, "score"
    if index := staying(candidates, snapshot.cached):
        return moved(candidates, index), "cache"
    if ruling.split:
        return candidates, "split"
    share = snapshot.exploration if policy.given.exploration is None else policy.given.exploration
    if wish.model is None and not facts.embeddings and (index := exploring(request_id, candidates, share)):
        return moved(candidates, index), "exploration"
    return candidates, "score"


def _told(wish: Wish, facts: RequestFacts) -> list[str]:
    told = [*wish.dropped, VECTORS_DIFFER] if facts.embeddings and wish.model is None else list(wish.dropped)
    if facts.preferences is not None and facts.preferences.unheeded:
        told.append(f"not heeded in provider: {', '.join(facts.preferences.unheeded)}")
    return told


def _best_of_each_model(candidates: list[Candidate]) -> list[float]:
    return list({(one.provider, one.model): one.score for one in candidates}.values())
