"""The decision, one pure function of request facts, what the rules said, the workspace's policy and a snapshot of the world.

The same call serves live traffic, previews and backtests.
"""

from typing import Literal

import msgspec
from msgspec import structs

from libs.contracts.decisions import Candidate, Decision, Excluded, Ruling, Target
from libs.contracts.errors import RouterError
from libs.contracts.message import Warning
from libs.contracts.requests import RequestFacts
from libs.routing.chain import Chain, behind, chained, chosen_alone
from libs.routing.consider import Considered, Question, considered
from libs.routing.errors import excluded_for_now, none_left
from libs.routing.estimate import DEFAULT_OUTPUT_TOKENS, input_tokens
from libs.routing.explain import reason
from libs.routing.first import exploring, moved, staying
from libs.routing.policy import DEFAULT, Policy
from libs.routing.rank import Need
from libs.routing.resolve import Wish, resolve, split
from libs.routing.score import confidence
from libs.routing.snapshot import Snapshot
from libs.routing.splits import way, way_at
from libs.routing.weights import weights_of

VECTORS_DIFFER = (
    "the router chose the embedding model: vectors of different models cannot be compared, so name the model of this answer wherever "
    "its vectors are to be compared with others"
)

ChosenFor = Literal["score", "order", "split", "exploration", "cache", "pin", "chain"]
_encode = msgspec.json.Encoder().encode


def decide(
    request_id: str, facts: RequestFacts, ruling: Ruling, snapshot: Snapshot, policy: Policy = DEFAULT, now: float = 0.0
) -> Decision:
    """Rank the candidates. Raises ModelNotFound, ProviderKeyMissing, RoutingError, RateLimited or ProviderBusy when there is none.

    `request_id` spreads ties and picks what is explored; `now`: Unix seconds, for prices and for what rests.
    """
    wish = _wish(facts, ruling, snapshot)
    weights, weighed = weights_of(wish, facts, policy)
    question = Question(
        request_id=request_id, facts=facts, ruling=ruling, snapshot=snapshot, policy=policy, need=_need(facts, weights), now=now,
    )
    main, chain, missing = _found(wish, question)
    if not (main.candidates or chain.candidates):
        raise none_left(wish, facts.embeddings, [*main.excluded, *chain.excluded], [*main.resting, *chain.resting], now)
    first, chosen_for = _first(main.candidates, wish, question) if main.candidates else (chain.candidates[:1], "chain")
    candidates = behind(chosen_alone(first, wish), chain.candidates) if ruling.fallbacks else first
    if facts.preferences is not None and not facts.preferences.allow_fallbacks and not facts.preferences.order:
        candidates = candidates[:1]
    return Decision(
        mode=wish.mode,
        candidates=candidates,
        excluded=_left_out(main, chain, now),
        confidence=confidence(_best_of_each_model(first)),
        warnings=[Warning(source="router", message=text) for text in _told(wish, facts, missing)],
        reason=reason(candidates, main.models, wish.mode, chosen_for, facts.reading, weighed, candidates[1:] if ruling.fallbacks else ()),
        weights=weights,
        chosen_for=chosen_for,
        input_tokens=question.need.input_tokens,
        output_tokens=question.need.output_tokens,
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
    if ruling.pinned:
        layers = [Target(mode=facts.target.mode), Target(mode=facts.override.mode), ruling.target]
    if ruling.split:
        share = ruling.split[_way(ruling, snapshot)]
        layers.append(Target(provider=share.provider, model=share.model, mode=share.mode))
    return resolve(
        [split(layer, snapshot.accounts) for layer in layers], lambda provider, model: snapshot.model(provider, model) is not None
    )


def _way(ruling: Ruling, snapshot: Snapshot) -> int:
    weights = [one.weight for one in ruling.split]
    if ruling.split_at is not None:
        return way_at(weights, ruling.split_at)
    return way(weights, snapshot.turn_of(split_name(ruling.split_by)))


def _found(wish: Wish, question: Question) -> tuple[Considered, Chain, RouterError | None]:
    """What there is for the wish and in the rule's chain. A wish that cannot be met at all is an error only where no chain goes on."""
    chain = chained(wish, question) if question.ruling.fallbacks else _NO_CHAIN
    try:
        return considered(wish, question), chain, None
    except RouterError as error:
        if not chain.candidates:
            raise
        return Considered([], 0, [], []), chain, error


_NO_CHAIN = Chain([], [], [])


def _left_out(main: Considered, chain: Chain, now: float) -> list[Excluded]:
    """Each model once, with the reason."""
    told = main.excluded + [excluded_for_now(one, now) for one in main.resting]
    known = {(one.provider, one.model) for one in told}
    more = [*chain.excluded, *(excluded_for_now(one, now) for one in chain.resting)]
    return told + [one for one in more if (one.provider, one.model) not in known]


def _need(facts: RequestFacts, weights: tuple[float, float, float]) -> Need:
    wishes, reading = facts.preferences, facts.reading
    expected = reading.output_tokens if reading is not None else DEFAULT_OUTPUT_TOKENS
    return Need(
        input_tokens=input_tokens(facts),
        output_tokens=0 if facts.embeddings else min(facts.max_output_tokens or expected, expected),
        weights=weights,
        sort=(wishes.sort or "") if wishes else "",
        order=wishes.order if wishes else (),
    )


def _first(candidates: list[Candidate], wish: Wish, question: Question) -> tuple[list[Candidate], ChosenFor]:
    """The candidates with the one that is to be called first in front, and why it is that one."""
    facts, snapshot, policy = question.facts, question.snapshot, question.policy
    wishes = facts.preferences
    if wishes is not None and wishes.order:
        return candidates, "order"
    if wishes is not None and wishes.sort:
        return candidates, "score"
    if index := staying(candidates, snapshot.cached):
        return moved(candidates, index), "cache"
    if question.ruling.pinned:
        return candidates, "pin"
    if question.ruling.split:
        return candidates, "split"
    share = snapshot.exploration if policy.given.exploration is None else policy.given.exploration
    if wish.model is None and not facts.embeddings and (index := exploring(question.request_id, candidates, share)):
        return moved(candidates, index), "exploration"
    return candidates, "score"


def _told(wish: Wish, facts: RequestFacts, missing: RouterError | None) -> list[str]:
    told = [*wish.dropped, VECTORS_DIFFER] if facts.embeddings and wish.model is None else list(wish.dropped)
    if missing is not None:
        told.append(f"{missing.info.message}: a rule's fallbacks were taken")
    if facts.preferences is not None and facts.preferences.unheeded:
        told.append(f"not heeded in provider: {', '.join(facts.preferences.unheeded)}")
    return told


def _best_of_each_model(candidates: list[Candidate]) -> list[float]:
    return list({(one.provider, one.model): one.score for one in candidates}.values())
