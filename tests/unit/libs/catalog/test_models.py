"""The curated models, the listed ones, and those that only the settings name."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from msgspec import structs

from libs.catalog.cost import cost
from libs.catalog.models import Model, curated, embedders, find, offered
from libs.catalog.prices import PERIOD
from libs.contracts.decisions import Price
from libs.contracts.health import OfferedModel
from libs.contracts.models import PROVIDERS

each_curated = pytest.mark.parametrize("model", curated(), ids=lambda model: f"{model.provider}/{model.id}")
each_embedder = pytest.mark.parametrize("model", embedders(), ids=lambda model: f"{model.provider}/{model.id}")


@each_curated
def test_a_curated_model_has_a_price_a_window_and_abilities(model: Model) -> None:
    assert model.price is not None
    assert Decimal(model.price.input or "0") > 0
    assert Decimal(model.price.output or "0") > 0
    assert (model.usd_per_input_token or 0) > 0
    assert (model.usd_per_output_token or 0) > 0
    assert (model.context_window or 0) >= 100_000
    assert (model.max_output or 1) <= (model.context_window or 0)
    assert {"tools", "structured"} <= model.can
    assert model.auto


@each_embedder
def test_a_curated_embedding_model_has_a_price_and_makes_nothing_else(model: Model) -> None:
    assert model.price is not None
    assert Decimal(model.price.input or "0") > 0
    assert cost(model.price, input_tokens=1_000_000, output_tokens=0) == Decimal(model.price.input or "0")
    assert model.can == {"embeddings"}
    assert model.auto
    assert 0 < model.quality < 1
    assert 0.1 <= model.ttft_s <= 10


@each_curated
def test_its_traits_are_plausible(model: Model) -> None:
    assert 0 < model.quality < 1
    assert 0.1 <= model.ttft_s <= 10
    assert 10 <= model.tokens_per_s <= 500


@pytest.mark.parametrize("model", [*curated(), *embedders()], ids=lambda model: f"{model.provider}/{model.id}")
def test_it_is_found_at_its_own_provider_and_at_no_other(model: Model) -> None:
    assert [provider for provider in PROVIDERS if find(provider, model.id) is not None] == [model.provider]
    assert find(model.provider, model.id) == model


def test_every_provider_has_curated_models_and_none_twice() -> None:
    named = [(model.provider, model.id) for model in curated()]
    assert {provider for provider, _ in named} == set(PROVIDERS)
    assert len(named) == len(set(named))


def test_a_listed_model_is_found_by_name_and_is_not_for_auto() -> None:
    found = find("openai", "o3")
    assert found is not None
    assert not found.auto
    assert found.reasoning
    assert found.price is not None
    assert find("openai", "no-such-model") is None
    assert find("my-vllm", "llama-3.3-70b") is None


def test_prices_follow_the_clock() -> None:
    hours = [datetime(2026, 11, 23, hour, 30, tzinfo=UTC).timestamp() for hour in (2, 12)]
    dear, cheap = (find("deepseek", "deepseek-flash", now) for now in hours)
    assert dear is not None
    assert cheap is not None
    assert (dear.usd_per_input_token or 0) > (cheap.usd_per_input_token or 0)
    assert dear in curated(hours[0])
    assert cheap in curated(hours[1])
    assert curated(hours[1]) is curated(hours[1] + PERIOD - 1)


def test_a_model_that_only_the_settings_name_has_no_price_and_plain_abilities() -> None:
    model = offered("my-vllm", OfferedModel(id="llama-3.3-70b"))
    assert (model.price, model.usd_per_input_token, model.context_window, model.max_output) == (None, None, None, None)
    assert model.can == {"images", "tools", "structured", "custom"}
    assert not model.auto


def test_the_settings_add_what_nobody_else_knows() -> None:
    model = offered("my-vllm", OfferedModel(
        id="qwen3-vl", context_window=131072, max_output=8192, has=("images", "structured"), lacks=("tools",), quality=0.8, auto=True,
        input_usd_per_mtok="0.2", output_usd_per_mtok="0",
    ))
    assert (model.context_window, model.max_output, model.quality, model.auto) == (131072, 8192, 0.8, True)
    assert model.can == {"images", "structured", "custom"}
    assert not model.embeds
    assert model.price is not None
    assert (model.price.version, model.price.input, model.price.output) == ("settings", "0.2", "0")
    assert (model.usd_per_input_token, model.usd_per_output_token) == (pytest.approx(2e-7), 0.0)


def test_the_settings_say_quality_family_by_family() -> None:
    model = offered("my-vllm", OfferedModel(id="m", quality=0.5, quality_by_family={"code": 0.9}))
    assert model.families == (0.9, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
    assert model.quality == pytest.approx(0.557, abs=0.001)
    assert {prior.source for prior in model.priors} == {"settings"}
    partly = offered("my-vllm", OfferedModel(id="m", quality_by_family={"math": 0.1}))
    assert [prior.source for prior in partly.priors] == ["default", "settings", *["default"] * 5]


def test_no_price_is_unknown_and_a_price_of_zero_is_zero() -> None:
    tokens = {"input_tokens": 10, "output_tokens": 10}
    free = offered("ollama", OfferedModel(id="m", input_usd_per_mtok="0", output_usd_per_mtok="0"))
    assert cost(free.price, **tokens) == 0
    assert free.usd_per_output_token == 0.0
    half = offered("ollama", OfferedModel(id="m", input_usd_per_mtok="1"))
    assert cost(half.price, **tokens) is None
    assert half.usd_per_output_token is None
    assert cost(offered("ollama", OfferedModel(id="m")).price, **tokens) is None


def test_a_cache_rate_of_zero_is_free_and_a_missing_one_is_the_input_rate() -> None:
    tokens = {"input_tokens": 1_000_000, "output_tokens": 0, "cached_tokens": 500_000, "cache_write_tokens": 250_000}
    free = Price(version="workspace", input="4", output="8", cached_input="0", cache_write="0.0")
    assert cost(free, **tokens) == 1
    assert cost(structs.replace(free, cached_input=None), **tokens) == 3
    assert cost(structs.replace(free, cache_write=None), **tokens) == 2


def test_what_there_are_no_tokens_of_needs_no_rate() -> None:
    vectors = offered("my-vllm", OfferedModel(id="my-embedder", input_usd_per_mtok="0.02"))
    assert cost(vectors.price, input_tokens=1_000_000, output_tokens=0) == Decimal("0.02")
    assert cost(None, input_tokens=0, output_tokens=0) == 0
    assert cost(None, input_tokens=1, output_tokens=0) is None


def test_a_listed_model_in_the_settings_keeps_what_they_do_not_say() -> None:
    listed = find("groq", "openai/gpt-oss-120b")
    assert listed is not None
    assert offered("groq", OfferedModel(id="openai/gpt-oss-120b")) == listed
    limited = offered("groq", OfferedModel(id="openai/gpt-oss-120b", context_window=32768, lacks=("structured",)))
    assert limited.price == listed.price
    assert limited.context_window == 32768
    assert limited.can == listed.can - {"structured"}


def test_a_curated_model_in_the_settings_stays_one_for_auto() -> None:
    [model] = [model for model in curated() if model.id == "gpt-4o"]
    assert offered("openai", OfferedModel(id="gpt-4o")) == model


def test_names_that_this_version_does_not_know_do_no_harm() -> None:
    assert {"tools", "telepathy"} <= offered("my-vllm", OfferedModel(id="m", has=("telepathy",), lacks=("levitation",))).can


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_usd_per_mtok": "-1"}, {"input_usd_per_mtok": "1,5"}, {"output_usd_per_mtok": "nan"}, {"output_usd_per_mtok": 1.5},
        {"quality": 1.1}, {"quality_by_family": {"code": 2}}, {"quality_by_family": {"poetry": 0.5}}, {"context_window": 0}, {"max_output": -1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "m"} | wrong, OfferedModel)
