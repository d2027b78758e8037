"""What the operator is told at the end of a start."""

import shlex
from pathlib import Path

from services.supervisor.progress import summary
from services.supervisor.settings import load


def curl(text: str) -> list[str]:
    return shlex.split(text[text.index("curl "):].replace("\\\n", " "))


def test_the_curl_can_be_pasted() -> None:
    text = summary(load({"TOKENROUTER_PORT": "9003"}, Path("absent")), "tr_fake")
    arguments = curl(text)
    assert arguments[:2] == ["curl", "http://127.0.0.1:9003/v1/responses"]
    assert "Authorization: Bearer tr_fake" in arguments
    assert arguments[-1] == '{"model": "auto:balance", "input": "Say hello."}'
    assert "sandbox" in text
    assert all(f"{provider}_API_KEY" in text for provider in ("OPENAI", "ANTHROPIC", "GEMINI", "MISTRAL", "DEEPSEEK"))


def test_an_old_key_is_not_shown_but_explained() -> None:
    text = summary(load({"OPENAI_API_KEY": "sk-fake"}, Path("absent")), "")
    assert "TOKENROUTER_API_KEY" in text
    assert "Authorization: Bearer $TOKENROUTER_API_KEY" in curl(text)
    assert "sandbox" not in text
    assert "sk-fake" not in text


def test_the_providers_in_use_are_named_without_their_keys() -> None:
    text = summary(load({"GROQ_API_KEY_2": "gsk-fake", "OLLAMA_BASE_URL": "http://127.0.0.1:11434/v1", "XAI_API_KEY": ""}, Path("absent")), "")
    assert "Providers: groq, ollama\n" in text
    assert "gsk-fake" not in text
