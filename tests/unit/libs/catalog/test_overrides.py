"""What a workspace's policy and its feedback make of a model."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalog.cost import cost
from libs.catalog.models import Model, curated, find, offered
from libs.catalog.overrides import MOST_REMEMBERED, Tailor, allowed, tailored
from libs.catalog.quality import mean
from libs.catalog.workspaces import Workspaces
from libs.contracts.health import OfferedModel
from libs.contracts.policies import Learned, LearnedQuality, ModelOverride, RoutingPolicy
from libs.contracts.reading import FAMILIES, Family


def model(provider: str = "anthropic", name: str = "claude-sonnet-4-5") -> Model:
    found = find(provider, name)
    assert found is not None
    return found


def with_override(known: Model, **said: Any) -> Model:
    return tailored(known, RoutingPolicy(models={f"{known.provider}/{known.id}": ModelOverride(**said)}), None)


def learned(known: Model, **qualities: float) -> Learned:
    families: dict[Family, LearnedQuality] = {
        family: LearnedQuality(prior=prior, posterior=qualities[family], ratings=9)
        for family, prior in zip(FAMILIES, known.families, strict=True) if family in qualities
    }
    return Learned(at="2026-11-24T00:00:00Z", since="2026-11-01T00:00:00Z", ratings=9, models={f"{known.provider}/{known.id}": families})


def test_nothing_said_is_the_model_itself() -> None:
    known = model()
    policy = RoutingPolicy(models={"openai/gpt-4o": ModelOverride(quality=0.1)}, learning=True)
    assert tailored(known, policy, None) is known
    assert tailored(known, policy, learned(model("openai", "gpt-4o"), code=0.1)) is known


def test_a_negotiated_rate_is_flat_and_the_others_are_the_lists() -> None:
    known = model()
    assert known.price is not None
    cheaper = with_override(known, input_usd_per_mtok="2")
    assert cheaper.price is not None
    assert (cheaper.price.input, cheaper.price.input_tiers) == ("2", [])
    assert (cheaper.price.output, cheaper.price.output_tiers) == (known.price.output, known.price.output_tiers)
    assert (cheaper.price.version, cheaper.price.checked) == ("workspace", "")
    assert cheaper.usd_per_input_token == pytest.approx(2e-6)
    assert cheaper.usd_per_output_token == known.usd_per_output_token
    assert cheaper.overridden == ("price",)


def test_reading_from_a_cache_is_never_dearer_than_reading_anew() -> None:
    known = model()
    assert known.price is not None
    kept = with_override(known, input_usd_per_mtok="2").price
    free = with_override(known, input_usd_per_mtok="0.1").price
    said = with_override(known, input_usd_per_mtok="0.1", cached_input_usd_per_mtok="0.2").price
    assert [price and price.cached_input for price in (kept, free, said)] == [known.price.cached_input, None, "0.2"]
    assert cost(free, input_tokens=1_000_000, cached_tokens=1_000_000, output_tokens=0) == Decimal("0.1")


def test_a_price_for_a_model_without_one_leaves_the_rest_unknown() -> None:
    known = offered("my-vllm", OfferedModel(id="m"))
    half = with_override(known, output_usd_per_mtok="0")
    assert half.price is not None
    assert (half.price.input, half.price.output) == (None, "0")
    assert (half.usd_per_input_token, half.usd_per_output_token) == (None, 0.0)


def test_quality_for_all_families_and_for_one() -> None:
    known = model()
    told = with_override(known, quality=0.5, quality_by_family={"math": 0.9})
    assert dict(zip(FAMILIES, told.families, strict=True)) == dict.fromkeys(FAMILIES, 0.5) | {"math": 0.9}
    assert told.quality == mean(told.priors)
    assert {prior.source for prior in told.priors} == {"workspace"}
    one = with_override(known, quality_by_family={"code": 0.1})
    assert one.families[1:] == known.families[1:]
    assert (one.families[0], one.overridden) == (0.1, ("quality",))


def test_everything_else() -> None:
    told = with_override(model(), context_window=1000, max_output=10, ttft_s=0.25, tokens_per_s=500.0, auto=False)
    assert (told.context_window, told.max_output, told.ttft_s, told.tokens_per_s, told.auto) == (1000, 10, 0.25, 500.0, False)
    assert told.overridden == ("context_window", "max_output", "ttft_s", "tokens_per_s", "auto")


def test_what_was_learned_counts_while_learning_is_on_and_gives_way_to_the_policy() -> None:
    known = model()
    found = learned(known, code=0.3, math=0.4)
    assert tailored(known, RoutingPolicy(), found) is known
    taught = tailored(known, RoutingPolicy(learning=True), found)
    assert taught.families[:2] == (pytest.approx(0.3), pytest.approx(0.4))
    assert taught.families[2:] == known.families[2:]
    assert taught.priors[0].source == "feedback"
    assert taught.priors[0].figure == f"9 ratings, {known.families[0]:g} before"
    policy = RoutingPolicy(learning=True, models={f"{known.provider}/{known.id}": ModelOverride(quality_by_family={"code": 0.8})})
    both = tailored(known, policy, found)
    assert both.families[:2] == (0.8, pytest.approx(0.4))
    assert both.overridden == ("quality",)


def test_what_was_learned_moves_the_settings_word_as_far_as_the_catalogs() -> None:
    known = model("openai", "gpt-4o")
    set_by_operator = offered("openai", OfferedModel(id="gpt-4o", quality=0.95))
    found = learned(known, code=known.families[0] - 0.1, math=known.families[1] + 0.1)
    assert tailored(set_by_operator, RoutingPolicy(learning=True), found).families[:3] == (pytest.approx(0.85), 1.0, 0.95)


def test_a_tailor_works_each_model_out_once_until_the_catalog_gives_another() -> None:
    known = model()
    tailor = Tailor(RoutingPolicy(models={f"{known.provider}/{known.id}": ModelOverride(quality=0.5)}))
    assert tailor(known) is tailor(known)
    assert tailor(known).quality == 0.5
    another = msgspec.structs.replace(known, context_window=1)
    assert tailor(another).context_window == 1
    assert Tailor(RoutingPolicy(deny=["x/*"]))(known) is known


def test_a_tailor_forgets_rather_than_grow_for_ever() -> None:
    tailor = Tailor(RoutingPolicy(deny=["a/x"], models={"a/x": ModelOverride(quality=0.5)}))
    known = model()
    for number in range(MOST_REMEMBERED + 10):
        one = msgspec.structs.replace(known, provider="a", id=f"m{number}")
        assert tailor(one) is one
        assert tailor.allows(one)
    assert max(len(tailor._made), len(tailor._allowed)) <= MOST_REMEMBERED
    assert tailor(msgspec.structs.replace(known, provider="a", id="x")).quality == 0.5


@pytest.mark.parametrize(
    ("allow", "deny", "expected"),
    [
        ([], [], True), (["openai/*"], [], True), (["anthropic/*"], [], False), ([], ["openai/gpt-4*"], False), ([], ["*"], False),
        (["openai/*"], ["*/gpt-4o"], False), (["OpenAI/GPT-4O"], [], True), (["*/gpt-4o-*"], [], False), (["*"], ["anthropic/*"], True),
        (["openai/gpt-4[o1]"], [], True), ([], ["openai"], True),
    ],
)
def test_globs_allow_and_deny(allow: list[str], deny: list[str], expected: bool) -> None:
    policy = RoutingPolicy(allow=allow, deny=deny)
    assert allowed(policy, "openai", "gpt-4o") is expected
    assert Tailor(policy).allows(model("openai", "gpt-4o")) is expected


GLOBS = st.lists(st.sampled_from(["openai/*", "*/claude-*", "*", "mistral/*small*", "gemini/gemini-?.*", "[a-d]*/*", "none/x"]), max_size=3)


@given(allow=GLOBS, deny=GLOBS)
def test_deny_only_ever_takes_away_and_allow_only_ever_narrows(allow: list[str], deny: list[str]) -> None:
    for one in curated():
        with_both = allowed(RoutingPolicy(allow=allow, deny=deny), one.provider, one.id)
        assert with_both <= allowed(RoutingPolicy(allow=allow), one.provider, one.id)
        assert with_both <= allowed(RoutingPolicy(deny=deny), one.provider, one.id)


def test_workspaces_follow_their_policies_and_what_was_learned() -> None:
    workspaces, known = Workspaces(), model()
    plain = workspaces.of("main")
    assert (plain.policy, plain.revision, plain.learned, plain.tailor(known)) == (RoutingPolicy(), 0, None, known)
    workspaces.apply("learned.main", msgspec.json.encode(learned(known, code=0.3)), 4)
    assert workspaces.of("main").tailor(known) is known
    workspaces.apply("policy.main", msgspec.json.encode(RoutingPolicy(learning=True)), 5)
    view = workspaces.of("main")
    assert (view.revision, view.tailor(known).families[0]) == (5, 0.3)
    assert workspaces.of("main") is view
    assert workspaces.of("other") is plain
    workspaces.apply("learned.main", None, 6)
    assert (workspaces.of("main").revision, workspaces.of("main").tailor(known)) == (5, known)
    workspaces.apply("policy.main", None, 7)
    assert workspaces.of("main") is plain


def test_a_policy_that_cannot_be_read_leaves_the_former_one() -> None:
    workspaces = Workspaces()
    workspaces.apply("policy.main", b'{"deny":["openai/*"]}', 1)
    with pytest.raises(msgspec.ValidationError):
        workspaces.apply("policy.main", b'{"deny":5}', 2)
    assert workspaces.of("main").policy.deny == ["openai/*"]
