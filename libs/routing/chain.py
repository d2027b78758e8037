"""A rule's fallback chain: what is tried behind the chosen target, in the rule's order. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from libs.contracts.decisions import Candidate, Excluded, Target
from libs.contracts.errors import RouterError
from libs.routing.consider import Question, considered
from libs.routing.errors import Resting
from libs.routing.resolve import Wish, resolve, split

VECTORS = "vectors of different models cannot be compared"


class Chain(Struct, frozen=True):
    """The candidates of all its links, in order."""

    candidates: list[Candidate]
    excluded: list[Excluded]
    resting: list[Resting]


def chained(wish: Wish, question: Question) -> Chain:
    """Each link's candidates behind those of the link before it. A link that nobody serves is left out, with the reason."""
    chain = Chain([], [], [])
    for target in question.ruling.fallbacks:
        link = _wish(target, wish, question)
        if question.facts.embeddings and link.model != wish.model:
            chain.excluded.append(Excluded(provider=link.provider or "any", model=link.model or "auto", reason=VECTORS))
            continue
        try:
            found = considered(link, question)
        except RouterError as error:
            reason = f"in a rule's fallbacks, and {error.info.message}"
            chain.excluded.append(Excluded(provider=link.provider or "any", model=link.model or "auto", reason=reason))
            continue
        chain.candidates.extend(chosen_alone(found.candidates, link))
        chain.excluded.extend(found.excluded)
        chain.resting.extend(found.resting)
    return chain


def chosen_alone(candidates: Sequence[Candidate], wish: Wish) -> list[Candidate]:
    """What a link of a chain has tried: a named model wherever it is; of a free choice nothing but the model that was chosen."""
    if wish.model is not None:
        return list(candidates)
    return [one for one in candidates if (one.provider, one.model) == (candidates[0].provider, candidates[0].model)]


def behind(first: Sequence[Candidate], chain: Sequence[Candidate]) -> list[Candidate]:
    """Everything in order, each once."""
    known: dict[tuple[str, str, str], Candidate] = {}
    for one in (*first, *chain):
        known.setdefault((one.provider, one.account, one.model), one)
    return list(known.values())


def _wish(target: Target, wish: Wish, question: Question) -> Wish:
    snapshot = question.snapshot
    return resolve(
        [Target(mode=wish.mode), split(target, snapshot.accounts)], lambda provider, model: snapshot.model(provider, model) is not None
    )
