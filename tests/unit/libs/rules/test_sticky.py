"""The same value takes the same way, and all ways get their share."""

from typing import Any

import pytest
from msgspec import structs

from libs.contracts.state import Keeping
from libs.rules.facts import facts_of
from libs.rules.sticky import place_of
from tests.contracts.samples import SCREENED
from tests.unit.libs.rules.world import facts, rule, said

SPLIT = [{"weight": 70, "model": "gpt-5-mini"}, {"weight": 30, "provider": "anthropic"}]


def at(field: str, number: int = 4, **known: Any) -> float | None:
    return said(rule(number, {}, {"split": SPLIT, "sticky": field}), about=facts(**known)).ruling.split_at


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("user", {"user": "u1"}), ("api_key", {"key_id": "key_1"}), ("project", {"project": "blue"}),
        ("metadata.tenant", {"metadata": {"tenant": "t"}}),
        ("conversation", {"conversation": "conv_1"}), ("conversation", {"text": "hello"}),
    ],
)
def test_a_value_has_a_place_and_keeps_it(field: str, known: dict[str, Any]) -> None:
    place = at(field, **known)
    assert place is not None
    assert 0 <= place < 1
    assert at(field, **known) == place
    assert at(field, number=5, **known) != place


@pytest.mark.parametrize("field", ["user", "api_key", "project", "metadata.tenant", "conversation"])
def test_without_a_value_the_turns_decide(field: str) -> None:
    assert at(field) is None


def test_all_turns_of_a_conversation_have_one_place() -> None:
    first = at("conversation", text="hello", key_id="k")
    later = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}, {"role": "user", "content": "more"}]
    parts = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}, *later[1:]]
    assert at("conversation", body={"input": later}, key_id="k") == first
    assert at("conversation", body={"input": parts, "instructions": "be brief"}, key_id="k") == first
    assert at("conversation", text="hello", key_id="other") != first
    assert at("conversation", text="good morning", key_id="k") != first


def test_a_conversation_that_is_named_goes_by_its_id() -> None:
    message = structs.replace(SCREENED, keeping=Keeping(conversation="conv_1"))
    assert facts_of(message, lambda: b'{"input":"hello"}').conversation == "conv_1"
    assert facts_of(structs.replace(message, keeping=None), lambda: b'{"input":"hello"}').conversation.endswith("hello")


def test_places_are_spread_evenly() -> None:
    places = sorted(place_of(1, f"user-{number}") for number in range(20_000))
    for tenth in range(1, 10):
        share = sum(place < tenth / 10 for place in places) / len(places)
        # Five standard deviations of a fair coin of this kind.
        assert abs(share - tenth / 10) < 0.018


def test_places_are_the_same_in_every_version() -> None:
    assert place_of(1, "user-1") == 0.6399132611503542
