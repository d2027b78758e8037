"""What rules change of the request itself."""

import pytest
from msgspec import structs

from libs.contracts.decisions import Limits, Ruling
from libs.contracts.requests import RequestFacts
from libs.rules.policy import Said
from services.rules.carry_out import changes
from tests.contracts.samples import SCREENED

PLAIN = structs.replace(SCREENED, facts=structs.replace(SCREENED.facts, embeddings=False, max_output_tokens=100, metadata={"team": "blue"}))


def said(metadata: dict[str, str] | None = None, **limits: float) -> Said:
    return Said(Ruling(revision=1, limits=Limits(**limits)), metadata or {}, None)  # type: ignore[arg-type]


def facts_after(told: Said, **facts: object) -> RequestFacts:
    message = structs.replace(PLAIN, facts=structs.replace(PLAIN.facts, **facts))
    changed = changes(message, told)
    return changed.get("facts", message.facts)  # type: ignore[no-any-return]


def test_without_a_word_nothing_changes() -> None:
    assert changes(PLAIN, said()) == {}


def test_the_operators_metadata_goes_over_the_clients() -> None:
    assert facts_after(said({"team": "red", "tier": "gold"})).metadata == {"team": "red", "tier": "gold"}
    assert PLAIN.facts.metadata == {"team": "blue"}


@pytest.mark.parametrize(("asked", "allowed", "left"), [(100, 50, 50), (100, 500, 100), (None, 50, 50)])
def test_estimates_go_by_what_will_be_asked_for(asked: int | None, allowed: int, left: int) -> None:
    assert facts_after(said(max_output_tokens=allowed), max_output_tokens=asked).max_output_tokens == left


def test_vectors_have_no_length() -> None:
    assert facts_after(said(max_output_tokens=50), embeddings=True, max_output_tokens=None).max_output_tokens is None


def test_the_deadline_comes_forward_and_never_goes_back() -> None:
    assert changes(PLAIN, said(timeout=2.5)) == {"deadline": PLAIN.created_at + 2.5}
    assert changes(PLAIN, said(timeout=1e6)) == {"deadline": PLAIN.deadline}
