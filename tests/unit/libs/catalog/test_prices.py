"""The price list behind our own type."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from genai_prices import types as genai
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot

from libs.catalog.prices import PERIOD, VERSION, listing

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
