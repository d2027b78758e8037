"""The price list behind our own type."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from genai_prices import types as genai
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot

from libs.catalog import prices
from libs.catalog.models import curated, find
from libs.catalog.prices import PERIOD, RELEASED, VERSION, listing, packed
from tests.price_list import as_bytes, model_of, published

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-2024-08-06"), ("anthropic", "claude-sonnet-4-5-20250929"), ("gemini", "gemini-3.8-flash"), ("xai", "grok-4.3"),
        ("deepseek", "deepseek-flash"), ("mistral", "mistral-medium-latest"), ("moonshot", "kimi-k3"), ("perplexity", "sonar-pro"),
        ("groq", "openai/gpt-oss-120b"), ("openrouter", "openai/gpt-4o"), ("together", "openai/gpt-oss-120b"), ("cerebras", "gpt-oss-120b"),
        ("fireworks", "accounts/fireworks/models/gpt-oss-120b"),
    ],
)
def test_text_models_have_a_price_in_decimal_dollars(provider: str, model: str) -> None:
    found = listing(provider, model, NOON)
    assert found is not None
    assert found.price.version == VERSION
    assert Decimal(found.price.input or "0") > 0
    assert Decimal(found.price.output or "0") > 0


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-realtime-preview"), ("openai", "gpt-image-1"), ("gemini", "gemini-3.8-live"),
        ("gemini", "gemini-nano-banana-2.1"), ("gemini", "gemini-omni-1.1-flash"), ("mistral", "mistral-ocr-latest"),
        ("openai", "no-such-model"), ("my-vllm", "gpt-4o"),
    ],
)
def test_what_cannot_answer_or_is_not_there_has_no_listing(provider: str, model: str) -> None:
    assert listing(provider, model, NOON) is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "text-embedding-ada-002"), ("mistral", "codestral-embed"), ("gemini", "gemini-embedding-2"), ("perplexity", "pplx-embed-v1-4b")],
)
def test_embedding_models_have_a_price_for_what_they_read(provider: str, model: str) -> None:
    found = listing(provider, model, NOON)
    assert found is not None
    assert Decimal(found.price.input or "0") > 0


def test_what_googles_cloud_resells_is_not_at_the_gemini_api() -> None:
    assert listing("gemini", "claude-opus-4-6", NOON) is None
    assert listing("anthropic", "claude-opus-4-6", NOON) is not None


@pytest.fixture
def changing_prices() -> Iterator[None]:
    """One model: 1 dollar, 2 from December on, and 3 between one and four o'clock."""
    def rate(dollars: int) -> genai.ModelPrice:
        return genai.ModelPrice(input_mtok=Decimal(dollars), output_mtok=Decimal(dollars))

    prices = [
        genai.ConditionalPrice(prices=rate(1)),
        genai.ConditionalPrice(genai.StartDateConstraint(date(2026, 12, 1)), prices=rate(2)),
        genai.ConditionalPrice(genai.TimeOfDateConstraint(time(1, tzinfo=UTC), time(4, tzinfo=UTC)), prices=rate(3)),
    ]
    model = genai.ModelInfo(id="m", match=genai.ClauseEquals("m"), prices=prices)
    provider = genai.Provider(id="deepseek", name="D", api_pattern="x", models=[model])
    set_custom_snapshot(DataSnapshot(providers=[provider], from_auto_update=False))
    yield
    set_custom_snapshot(None)


@pytest.mark.usefixtures("changing_prices")
@pytest.mark.parametrize(
    ("at", "dollars"),
    [
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), "1"), (datetime(2026, 11, 23, 1, 0, 1, tzinfo=UTC), "3"),
        (datetime(2026, 11, 23, 0, 59, 59, tzinfo=UTC), "1"), (datetime(2026, 11, 23, 4, 0, 1, tzinfo=UTC), "1"),
        (datetime(2026, 12, 1, 12, 0, tzinfo=UTC), "2"),
    ],
)
def test_a_price_is_that_of_the_date_and_the_hour(at: datetime, dollars: str) -> None:
    found = listing("deepseek", "m", at.timestamp())
    assert found is not None
    assert found.price.input == dollars


def test_within_a_period_a_price_holds() -> None:
    assert listing("openai", "gpt-4o", NOON) == listing("openai", "gpt-4o", NOON + PERIOD - 1)


def test_the_list_that_ships_says_of_which_day_it_is() -> None:
    assert set(RELEASED) == {VERSION.split()[1]}, "look the day up: https://pypi.org/project/genai-prices/#history"
    found = listing("openai", "gpt-4o", NOON)
    assert found is not None
    assert date.fromisoformat(found.price.checked) == date.fromisoformat(RELEASED[VERSION.split()[1]])


@pytest.fixture
def adopting() -> Iterator[None]:
    yield
    prices.adopt(None)


def newer(dollars: float, at: str = "2026-11-20") -> bytes:
    raw = published("openai", "deepseek")
    model_of(raw, "openai", "gpt-4o")["prices"]["input_mtok"] = dollars
    return packed(as_bytes(raw), at, "a test")


@pytest.mark.usefixtures("adopting")
def test_a_newer_list_comes_into_force_at_once_and_goes_again() -> None:
    before, edition = find("openai", "gpt-4o", NOON), prices.edition()
    assert before is not None
    version = prices.adopt(newer(1.5))
    assert version.startswith("genai-prices 2026-11-20 (")
    assert (prices.version(), prices.edition()) == (version, edition + 1)
    after = find("openai", "gpt-4o", NOON)
    assert after is not None
    assert after.price is not None
    assert (after.price.input, after.price.version, after.price.checked) == ("1.5", version, "2026-11-20")
    assert after.usd_per_input_token == pytest.approx(1.5e-6)
    assert [model.price for model in curated(NOON) if model.id == "gpt-4o"] == [after.price]
    assert find("openai", "gpt-4o", NOON) is after
    assert prices.adopt(None) == VERSION
    assert find("openai", "gpt-4o", NOON) == before


@pytest.mark.usefixtures("adopting")
def test_times_of_day_and_tiers_survive_the_way_through_json() -> None:
    hours = [datetime(2026, 11, 23, hour, 30, tzinfo=UTC).timestamp() for hour in (2, 12)]
    named = [("deepseek", "deepseek-flash", hours[0]), ("deepseek", "deepseek-flash", hours[1]), ("openai", "gpt-5.4", NOON)]
    before = [listing(*one) for one in named]
    prices.adopt(newer(1.5))
    for one, old in zip(named, before, strict=True):
        new = listing(*one)
        assert new is not None
        assert old is not None
        assert Decimal(new.price.input or "0") == Decimal(old.price.input or "0")
        assert [(tier.above, Decimal(tier.usd_per_mtok)) for tier in new.price.output_tiers] == [
            (tier.above, Decimal(tier.usd_per_mtok)) for tier in old.price.output_tiers
        ]


@pytest.mark.usefixtures("adopting")
def test_a_curated_model_that_the_new_list_does_not_have_has_no_price_rather_than_an_old_one() -> None:
    prices.adopt(newer(1.5))
    found = find("mistral", "mistral-large-4", NOON)
    assert found is not None
    assert (found.price, found.usd_per_input_token) == (None, None)


@pytest.mark.usefixtures("adopting")
@pytest.mark.parametrize(
    "broken",
    [
        b"", b"not json", b"{}", newer(3.0)[:-20] + b'"}', newer(3.0).replace(b'"sha256":"', b'"sha256":"0'),
        packed(b'{"units": {}}', "2026-11-20", "a test"), packed(b'[{"id": "openai"}]', "2026-11-20", "a test"),
        packed(b" " * (prices.MOST_BYTES + 1), "2026-11-20", "a test"),
    ],
    ids=["empty", "no JSON", "no list", "cut off", "another checksum", "another form", "no models", "too large"],
)
def test_what_cannot_be_used_leaves_the_list_in_force(broken: bytes) -> None:
    version = prices.adopt(newer(2.0))
    with pytest.raises(ValueError):
        prices.apply("list", broken, 2)
    assert prices.version() == version
    found = listing("openai", "gpt-4o", NOON)
    assert found is not None
    assert found.price.input == "2.0"
