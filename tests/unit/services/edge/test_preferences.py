"""The request's `provider` object, as OpenRouter's clients send it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.errors import InvalidRequest
from libs.contracts.preferences import MaxPrice, Preferences
from services.edge.preferences import preferences


def test_everything_at_once() -> None:
    found = preferences({
        "order": ["Anthropic", "OpenAI"], "only": ["anthropic", "openai", "google-ai-studio"], "ignore": ["mistralai/Mistral-Large-4"],
        "allow_fallbacks": False, "sort": "throughput", "max_price": {"prompt": 1, "completion": "2.5"}, "data_collection": "deny",
    })
    assert found == Preferences(
        order=["anthropic", "openai"], only=["anthropic", "openai", "gemini"], ignore=["mistral/mistral-large-4"], allow_fallbacks=False,
        sort="throughput", max_price=MaxPrice(prompt=1, completion=2.5), data_collection="deny",
    )


def test_nulls_count_as_absent() -> None:
    assert preferences(dict.fromkeys(("order", "sort", "max_price", "allow_fallbacks", "data_collection", "zdr", "quantizations"))) == Preferences()


def test_zero_retention_denies_collection_and_newer_forms_are_read() -> None:
    assert preferences({"zdr": True}).data_collection == "deny"
    assert preferences({"sort": {"by": "price", "partition": "none"}}).sort == "price"


def test_what_is_not_heeded_is_named() -> None:
    found = preferences({"quantizations": ["fp8"], "require_parameters": True, "max_price": {"image": 1, "prompt": 2}})
    assert found.unheeded == ["quantizations", "require_parameters", "max_price.image"]
    assert found.max_price == MaxPrice(prompt=2)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"order": "openai"}, "provider.order"), ({"only": [1]}, "provider.only"), ({"ignore": [""]}, "provider.ignore"),
        ({"order": ["a"] * 65}, "provider.order"), ({"allow_fallbacks": "no"}, "provider.allow_fallbacks"), ({"sort": "fun"}, "provider.sort"),
        ({"max_price": 3}, "provider.max_price"), ({"max_price": {"prompt": -1}}, "provider.max_price.prompt"),
        ({"max_price": {"completion": "cheap"}}, "provider.max_price.completion"), ({"data_collection": True}, "provider.data_collection"),
        ({"zdr": 1}, "provider.zdr"), ({"max_price": {"prompt": True}}, "provider.max_price.prompt"),
    ],
)
def test_complaints_name_the_field(given: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        preferences(given)
    assert raised.value.info.param == param


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
NAMES = st.sampled_from(["order", "only", "ignore", "allow_fallbacks", "sort", "max_price", "data_collection", "zdr", "x"])


def complaint(sent: dict[str, Any]) -> str | None:
    try:
        preferences(sent)
    except InvalidRequest as error:
        return error.info.param or ""
    return None


@given(st.dictionaries(NAMES, JSON))
def test_whatever_is_sent_is_read_or_complained_of(sent: dict[str, Any]) -> None:
    param = complaint(sent)
    assert param is None or param.startswith("provider.")
