"""What is run, with which environment."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.sandbox import routes
from services.supervisor import plan
from services.supervisor.environment import Nats
from services.supervisor.settings import load

NATS = Nats("nats://127.0.0.1:4222", {})
# What each provider's SDK appends to its base URL.
CALLS = {
    "openai": "/chat/completions", "anthropic": "/v1/messages", "gemini": "/v1beta/models/gemini-2.5-flash:generateContent",
    "deepseek": "/chat/completions", "mistral": "/v1/chat/completions",
}  # fmt: skip


def worker_environ(tmp_path: Path, **environ: str) -> dict[str, str]:
    programs = plan.services(load({"TOKENROUTER_HOME": str(tmp_path), **environ}, Path("absent")), NATS)
    return dict(next(program.environ for program in programs if program.service == "provider-worker"))


@pytest.mark.parametrize("provider", CALLS)
def test_the_sandbox_answers_where_each_providers_sdk_would_call(tmp_path: Path, provider: str) -> None:
    url = worker_environ(tmp_path)[f"{provider.upper()}_BASE_URL"]
    found = routes.answering(urlsplit(url).path + CALLS[provider])
    assert found is not None
    assert found[0].provider == provider


def test_a_configured_provider_is_alone(tmp_path: Path) -> None:
    environ = worker_environ(tmp_path, MISTRAL_API_KEY="fake")
    assert not [name for name in environ if name.endswith("_BASE_URL")]
    assert "TOKENROUTER_SANDBOX" not in environ
