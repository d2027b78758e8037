"""Triggers are found in prompts and left out of what is quoted."""

from services.sandbox import tokens, triggers


def test_find() -> None:
    found = triggers.find("Hi [sandbox:429] there [sandbox:slow][sandbox:tokens=50]")
    assert found.status == 429
    assert "slow" in found
    assert "cut" not in found
    assert found.tokens == 50


def test_nothing_to_find() -> None:
    found = triggers.find("sandbox:429 [sandbox:] [SANDBOX:cut]")
    assert found.status is None
    assert not found.words


def test_tokens_are_limited() -> None:
    assert triggers.find("[sandbox:tokens=999999]").tokens == 20_000


def test_without() -> None:
    assert triggers.without("[sandbox:cut] Hello [sandbox:tokens=5]") == "Hello"


def test_tokens_join_to_the_text_again() -> None:
    text = "A “quoted” word,\n\n  twice: internationalisation — 日本語 🎉!"
    assert "".join(tokens.split(text)) == text
