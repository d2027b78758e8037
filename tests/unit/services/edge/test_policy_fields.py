"""What a routing policy may say, and that every complaint names the field."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.errors import ValidationFailed
from libs.contracts.policies import ModelOverride, RoutingPolicy, Weights
from services.edge.policy_fields import MOST_ENTRIES, doubts, policy_of

NONE = RoutingPolicy()
WHOLE: dict[str, Any] = {
    "allow": ["openai/*", "*"], "deny": ["*/gpt-4o"], "regions": ["eu"], "data_collection": "deny",
    "weights": {"balance": {"cost": 1, "quality": 2.5, "latency": 0}}, "exploration": 0.05, "classify": False, "learning": True,
    "models": {"openai/gpt-4o": {"input_usd_per_mtok": "1.5", "quality_by_family": {"code": 0.9}, "auto": False, "context_window": 1000}},
}


def test_everything_can_be_said() -> None:
    assert policy_of(WHOLE, NONE) == RoutingPolicy(
        allow=["openai/*", "*"], deny=["*/gpt-4o"], regions=["eu"], data_collection="deny",
        weights={"balance": Weights(cost=1, quality=2.5, latency=0)}, exploration=0.05, classify=False, learning=True,
        models={"openai/gpt-4o": ModelOverride(input_usd_per_mtok="1.5", quality_by_family={"code": 0.9}, auto=False, context_window=1000)},
    )


def test_given_fields_replace_and_null_is_the_default() -> None:
    whole = policy_of(WHOLE, NONE)
    assert policy_of({}, whole) == whole
    changed = policy_of({"allow": ["gemini/*"], "models": {}, "exploration": None, "classify": None}, whole)
    assert (changed.allow, changed.models, changed.exploration, changed.classify) == (["gemini/*"], {}, None, True)
    assert (changed.deny, changed.learning) == (whole.deny, True)
    assert policy_of(dict.fromkeys(WHOLE), whole) == NONE


def test_regions_are_written_as_accounts_have_them() -> None:
    policy = policy_of({"regions": ["EU", " us-east-1 "]}, NONE)
    assert policy.regions == ["eu", "us-east-1"]
    assert doubts(policy, set(), set(), {"eu", "us-east-1"}) == []


def test_a_php_client_may_send_empty_objects_as_lists() -> None:
    assert policy_of({"models": [], "weights": []}, NONE) == NONE


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"alow": []}, "alow"), ({"allow": "openai/*"}, "allow"), ({"allow": [5]}, "allow[0]"), ({"deny": ["openai/*", "gpt-4o"]}, "deny[1]"),
        ({"deny": [""]}, "deny[0]"), ({"allow": ["openai/gpt-[45"]}, "allow[0]"), ({"allow": ["a/" + "x" * 300]}, "allow[0]"),
        ({"allow": ["a/*"] * (MOST_ENTRIES + 1)}, "allow"), ({"regions": [" "]}, "regions[0]"), ({"data_collection": "maybe"}, "data_collection"),
        ({"classify": "no"}, "classify"), ({"exploration": 0.3}, "exploration"), ({"exploration": True}, "exploration"),
        ({"weights": {"fast": {"cost": 1, "quality": 1, "latency": 1}}}, "weights.fast"), ({"weights": {"cost": 1}}, "weights.cost"),
        ({"weights": {"cost": {"cost": -1, "quality": 1, "latency": 1}}}, "weights.cost.cost"),
        ({"weights": {"cost": {"cost": 1, "quality": 1}}}, "weights.cost.latency"),
        ({"weights": {"cost": {"cost": 0, "quality": 0, "latency": 0}}}, "weights.cost"),
        ({"weights": {"cost": {"cost": 1e308, "quality": 1e308, "latency": 0}}}, "weights.cost"),
        ({"models": {"gpt-4o": {}}}, "models.gpt-4o"), ({"models": {"OpenAI/gpt-4o": {}}}, "models.OpenAI/gpt-4o"),
        ({"models": {"openai/": {}}}, "models.openai/"),
        ({"models": {"openai/gpt-4o": 5}}, "models.openai/gpt-4o"),
        ({"models": {"openai/gpt-4o": {"price": 5}}}, "models.openai/gpt-4o.price"),
        ({"models": {"openai/gpt-4o": {"input_usd_per_mtok": 1.5}}}, "models.openai/gpt-4o.input_usd_per_mtok"),
        ({"models": {"openai/gpt-4o": {"output_usd_per_mtok": "-1"}}}, "models.openai/gpt-4o.output_usd_per_mtok"),
        ({"models": {"openai/gpt-4o": {"cache_write_usd_per_mtok": "1000000.01"}}}, "models.openai/gpt-4o.cache_write_usd_per_mtok"),
        ({"models": {"openai/gpt-4o": {"output_usd_per_mtok": "9" * 400}}}, "models.openai/gpt-4o.output_usd_per_mtok"),
        ({"models": {"openai/gpt-4o": {"quality": 1.5}}}, "models.openai/gpt-4o.quality"),
        ({"models": {"openai/gpt-4o": {"quality_by_family": {"poetry": 0.5}}}}, "models.openai/gpt-4o.quality_by_family.poetry"),
        ({"models": {"openai/gpt-4o": {"quality_by_family": {"code": "x"}}}}, "models.openai/gpt-4o.quality_by_family.code"),
        ({"models": {"openai/gpt-4o": {"context_window": 0}}}, "models.openai/gpt-4o.context_window"),
        ({"models": {"openai/gpt-4o": {"ttft_s": 0}}}, "models.openai/gpt-4o.ttft_s"),
    ],
)
def test_what_makes_no_sense_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        policy_of(given, NONE)
    assert caught.value.info.param == field
    assert caught.value.info.message.startswith(field)


def test_a_policy_cannot_grow_beyond_what_is_stored() -> None:
    globs = [f"openai/{'x' * 240}{number}" for number in range(MOST_ENTRIES)]
    policy = policy_of({"allow": globs}, NONE)
    with pytest.raises(ValidationFailed, match="at most"):
        policy_of({"deny": globs}, policy)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WHOLE, "openai/gpt-4o", "cost", "quality", "code", "x"]), inner, max_size=3)
), max_leaves=8)


@given(given=st.dictionaries(st.sampled_from(list(WHOLE)), JSON))
def test_whatever_is_sent_is_refused_or_can_be_stored_and_read(given: dict[str, Any]) -> None:
    try:
        policy = policy_of(given, NONE)
    except ValidationFailed:
        return
    assert msgspec.json.decode(msgspec.json.encode(policy), type=RoutingPolicy) == policy


def test_what_may_be_a_slip_is_told() -> None:
    policy = policy_of({
        "allow": ["opnai/*", "*/x", "openai/nothing-yet-*"], "deny": ["groq/*"], "regions": ["eu", "moon"],
        "models": {"openai/gpt-4o": {}, "openai/gpt-99": {}, "my-vllm/llama": {}},
    }, NONE)
    told = doubts(policy, providers={"openai", "my-vllm"}, models={"my-vllm/llama"}, regions={"eu", ""})
    assert [one.split()[0:1] + [word for word in one.split() if word.startswith("'")][:1] for one in told] == [
        ["models:", "'openai/gpt-99',"], ["allow:", "'opnai/*'"], ["deny:", "'groq/*'"], ["regions:", "'moon'"],
    ]
    assert doubts(NONE, set(), set(), set()) == []
