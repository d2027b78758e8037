"""What a new list changes for the catalog's models, and when it is taken for a mistake."""

from collections.abc import Callable
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot

from libs.catalog.prices import parsed
from services.bootstrap.price_changes import changes, objections
from tests.price_list import as_bytes, model_of, published

NOW = 1_795_000_000.0
Raw = list[dict[str, Any]]


def after(edit: Callable[[Raw], object]) -> Any:
    raw = published()
    edit(raw)
    return parsed(as_bytes(raw))


def gpt_4o(raw: Raw) -> dict[str, Any]:
    prices: dict[str, Any] = model_of(raw, "openai", "gpt-4o")["prices"]
    return prices


def test_the_same_list_changes_nothing_and_nothing_speaks_against_it() -> None:
    same = after(lambda raw: None)
    assert changes(get_snapshot(), same, NOW) == []
    assert objections(get_snapshot(), same, NOW) == []


def test_a_new_price_is_shown_and_is_no_mistake() -> None:
    new = after(lambda raw: gpt_4o(raw).update(input_mtok=2.0, output_mtok={"base": 12, "tiers": [{"start": 100000, "price": 20}]}))
    assert [str(change) for change in changes(get_snapshot(), new, NOW)] == [
        "openai/gpt-4o input: 2.5 -> 2", "openai/gpt-4o output: 10 -> 12 (20 above 100000)",
    ]
    assert objections(get_snapshot(), new, NOW) == []


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda raw: gpt_4o(raw).update(input_mtok=0), "openai/gpt-4o input drops to zero: 2.5 -> 0"),
        (lambda raw: gpt_4o(raw).update(output_mtok=101), "openai/gpt-4o output changes more than 10-fold: 10 -> 101"),
        (lambda raw: gpt_4o(raw).update(input_mtok=0.24), "openai/gpt-4o input changes more than 10-fold: 2.5 -> 0.24"),
        (lambda raw: gpt_4o(raw).pop("cache_read_mtok"), "openai/gpt-4o cached_input is gone: 1.25 -> not known"),
        (
            lambda raw: gpt_4o(raw).update(input_mtok={"base": 2.5, "tiers": [{"start": 9, "price": 250}]}),
            "openai/gpt-4o input changes more than 10-fold: 2.5 -> 2.5 (250 above 9)",
        ),
    ],
)
def test_what_looks_like_a_mistake_is_named(edit: Callable[[Raw], object], said: str) -> None:
    assert objections(get_snapshot(), after(edit), NOW) == [said]


def test_a_provider_or_a_model_that_vanishes_is_named() -> None:
    def without_mistral(raw: Raw) -> None:
        raw[:] = [provider for provider in raw if provider["id"] != "mistral"]

    found = objections(get_snapshot(), after(without_mistral), NOW)
    assert found[0] == "the provider mistral is gone"
    assert any(one.startswith("mistral/mistral-embed input is gone") for one in found)


def test_a_rate_that_is_new_or_was_free_is_no_mistake() -> None:
    before = after(lambda raw: gpt_4o(raw).update(input_mtok=0, output_mtok=0))
    assert objections(before, get_snapshot(), NOW) == []
    added = after(lambda raw: gpt_4o(raw).update(cache_write_mtok=3))
    assert [str(change) for change in changes(get_snapshot(), added, NOW)] == ["openai/gpt-4o cache_write: not known -> 3"]
    assert objections(get_snapshot(), added, NOW) == []
