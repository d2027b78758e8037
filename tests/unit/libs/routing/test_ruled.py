"""What routing rules make of a decision."""

import pytest
from msgspec import structs

from libs.contracts.decisions import Limits, Ruling, Share, Target
from libs.contracts.errors import ModelNotFound, RoutingError
from libs.contracts.health import OfferedModel, ProviderAccount
from libs.contracts.message import RuleTrace
from libs.contracts.preferences import Preferences
from libs.routing.splits import way_at
from tests.unit.libs.routing.world import ALL, account, called, decided, reasons

NONE = Ruling(revision=1)


def ruled(**said: object) -> Ruling:
    return structs.replace(NONE, **said)


def test_a_chain_is_tried_in_its_order_behind_the_target_and_nothing_else() -> None:
    chain = [
        Target(provider="mistral", model="mistral-large-latest"), Target(provider="anthropic", model="claude-haiku-4-5"), Target(model="gpt-5-mini"),
    ]
    decision = decided("gpt-4o", ruling=ruled(fallbacks=chain))
    assert called(decision) == [
        "openai/gpt-4o", "mistral/mistral-large-latest", "anthropic/claude-haiku-4-5", "openai/gpt-5-mini",
    ]
    assert decision.chosen_for == "score"
    assert "behind it, by a rule: mistral/mistral-large-latest, anthropic/claude-haiku-4-5" in decision.reason


def test_behind_a_free_choice_comes_the_chain_and_no_other_choice() -> None:
    free = decided("auto:quality")
    decision = decided("auto:quality", ruling=ruled(fallbacks=[Target(provider="mistral")]))
    assert called(decision)[0] == called(free)[0]
    assert len(called(decision)) == 2
    assert called(decision)[1].startswith("mistral/")
    assert decision.confidence == free.confidence


def test_a_model_is_tried_once() -> None:
    chain = [Target(model="gpt-4o"), Target(model="gpt-5"), Target(provider="openai", model="gpt-5")]
    decision = decided("gpt-4o", ruling=ruled(fallbacks=chain))
    assert called(decision) == ["openai/gpt-4o", "openai/gpt-5"]


def test_accounts_of_a_link_follow_one_another() -> None:
    accounts = {"openai": [account("openai")], "anthropic": [account("anthropic"), account("anthropic", "2")]}
    decision = decided("gpt-4o", accounts=accounts, ruling=ruled(fallbacks=[Target(model="claude-haiku-4-5"), Target(model="gpt-5")]))
    assert called(decision) == ["openai/gpt-4o", "anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5", "openai/gpt-5"]


def test_the_chain_goes_on_where_nobody_serves_the_target() -> None:
    accounts = {"anthropic": [account("anthropic")]}
    decision = decided("gpt-4o", accounts=accounts, ruling=ruled(fallbacks=[Target(provider="mistral"), Target(model="claude-haiku-4-5")]))
    assert called(decision) == ["anthropic/claude-haiku-4-5"]
    assert decision.chosen_for == "chain"
    assert "a rule's fallback" in decision.reason
    assert "a rule's fallbacks were taken" in decision.warnings[0].message
    with pytest.raises(ModelNotFound):
        decided("gpt-4o", accounts=accounts, ruling=ruled(fallbacks=[Target(provider="mistral", model="x")]))


def test_a_target_without_a_key_is_told_with_the_chain_in_its_place() -> None:
    accounts = ALL | {"openai": [ProviderAccount(provider="openai", has_key=False, configured=False)]}
    decision = decided("openai/gpt-4o", accounts=accounts, ruling=ruled(fallbacks=[Target(model="claude-haiku-4-5")]))
    assert called(decision) == ["anthropic/claude-haiku-4-5"]
    assert reasons(decision)["openai/gpt-4o"] == "no key for this provider"


def test_links_that_cannot_do_what_is_asked_are_left_out_with_the_reason() -> None:
    decision = decided("gpt-4o", ruling=ruled(fallbacks=[Target(model="nonsense-1"), Target(model="claude-haiku-4-5")]))
    assert called(decision) == ["openai/gpt-4o", "anthropic/claude-haiku-4-5"]
    assert "is not known" in reasons(decision)["any/nonsense-1"]


def test_vectors_have_no_fallback_to_another_model() -> None:
    decision = decided(
        "text-embedding-3-small", embeddings=True,
        ruling=ruled(fallbacks=[Target(model="text-embedding-3-large"), Target(model="text-embedding-3-small")]),
    )
    assert set(called(decision)) == {"openai/text-embedding-3-small"}
    assert reasons(decision)["any/text-embedding-3-large"] == "vectors of different models cannot be compared"


def test_a_client_that_wants_no_fallbacks_gets_none() -> None:
    decision = decided("gpt-4o", wishes=Preferences(allow_fallbacks=False), ruling=ruled(fallbacks=[Target(model="gpt-5")]))
    assert called(decision) == ["openai/gpt-4o"]


def test_a_pin_frees_the_request_of_what_the_client_named() -> None:
    own = {**ALL, "groq": [account("groq", "default", OfferedModel(id="gpt-4o"))]}
    pinned = ruled(pinned=True, target=Target(provider="openai", model="gpt-4o"))
    decision = decided("groq/gpt-4o:cost", accounts=own, ruling=pinned)
    assert called(decision) == ["openai/gpt-4o"]
    assert (decision.chosen_for, decision.mode) == ("pin", "cost")
    assert "pinned by a rule" in decision.reason
    assert decision.warnings == []
    anywhere = decided("groq/gpt-4o", accounts=own, ruling=ruled(pinned=True, target=Target(model="gpt-4o")))
    assert sorted(called(anywhere)) == ["groq/gpt-4o", "openai/gpt-4o"]


def test_excluded_models_are_left_out_and_the_rule_is_named() -> None:
    trace = RuleTrace(kind="routing", rule_id=3, name="no openai", priority=0, matched=True, action={"exclude": ["OpenAI/*", "google/*"]})
    decision = decided("auto", ruling=ruled(matched=[trace], exclude=["OpenAI/*", "google/*"]))
    assert not [name for name in called(decision) if name.startswith(("openai/", "gemini/"))]
    excluded = {name: reason for name, reason in reasons(decision).items() if name.startswith(("openai/", "gemini/"))}
    assert len({name.partition("/")[0] for name in excluded}) == 2
    assert set(excluded.values()) == {"excluded by routing rule 3 ('no openai')"}
    with pytest.raises(RoutingError, match="excluded by routing rule 3"):
        decided("gpt-4o", ruling=ruled(matched=[trace], exclude=["OpenAI/*"]))


def test_excluded_models_are_not_in_a_chain_either() -> None:
    decision = decided("gpt-4o", ruling=ruled(exclude=["*/gpt-5"], fallbacks=[Target(model="gpt-5"), Target(model="gpt-5-mini")]))
    assert called(decision) == ["openai/gpt-4o", "openai/gpt-5-mini"]


def test_what_is_expected_to_cost_too_much_is_left_out() -> None:
    free = decided("auto:quality")
    costs = sorted(one.expected_usd for one in free.candidates if one.expected_usd is not None)
    most = costs[len(costs) // 2]
    decision = decided("auto:quality", ruling=ruled(limits=Limits(max_usd=most)))
    assert sorted(called(decision)) == sorted(
        f"{one.provider}/{one.model}" for one in free.candidates if one.expected_usd is not None and one.expected_usd <= most
    )
    dearest = max(free.candidates, key=lambda one: one.expected_usd or 0)
    assert "a routing rule allows $" in reasons(decision)[f"{dearest.provider}/{dearest.model}"]
    with pytest.raises(RoutingError, match="a routing rule allows \\$0 at most"):
        decided("gpt-4o", ruling=ruled(limits=Limits(max_usd=0)))


def test_where_the_price_is_not_known_nobody_can_say() -> None:
    own = {"groq": [account("groq", "default", OfferedModel(id="house-model"))], **ALL}
    assert called(decided("groq/house-model", accounts=own)) == ["groq/house-model"]
    with pytest.raises(RoutingError, match="its price is not known, and a routing rule"):
        decided("groq/house-model", accounts=own, ruling=ruled(limits=Limits(max_usd=10)))


@pytest.mark.parametrize(("place", "provider"), [(0.0, "openai"), (0.69, "openai"), (0.71, "anthropic"), (0.949, "anthropic"), (0.951, "mistral")])
def test_a_sticky_place_falls_into_the_way_that_lies_there_whatever_the_turn(place: float, provider: str) -> None:
    ways = [Share(weight=70, provider="openai"), Share(weight=25, provider="anthropic"), Share(weight=5, provider="mistral")]
    for turn in range(20):
        decision = decided("auto", turn=turn, ruling=ruled(split=ways, split_by=1, split_at=place))
        assert decision.candidates[0].provider == provider
        assert decision.chosen_for == "split"


def test_a_way_without_weight_is_never_taken() -> None:
    assert {way_at([0, 1, 0], place / 100) for place in range(100)} == {1}
    assert way_at([1, 1, 0], 0.9999999999999999) == 1
