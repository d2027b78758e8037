"""What the operator sees: one line for each thing that happens, and how to send the first request."""

import os
import sys
import time

from libs.contracts.models import PROVIDERS
from services.supervisor.settings import Settings

_KEYS = ", ".join(f"{provider.upper()}_API_KEY" for provider in PROVIDERS)


class Progress:
    """Lines on standard output."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def line(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:
            # The terminal or whoever read along has left; that is no reason to stop serving.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def done(self, name: str, what: str) -> None:
        self.line(f"  {name:<19} {what:<8} {time.monotonic() - self._began:5.1f} s")

    def failed(self, name: str, ending: str, log: str, last_words: str) -> None:
        self.line(f"\n{name} did not start: {ending}. The end of {log}:\n\n{last_words}\n")


def summary(settings: Settings, key: str) -> str:
    """How to use what has just been started. `key` is empty when it was shown at an earlier start."""
    lines = ["", f"TokenRouter is ready at {settings.edge_url}"]
    if key:
        lines += [f"API key: {key}" + ("" if settings.api_key else "   (shown this once, stored only as a hash)")]
    else:
        lines += ["API key: shown when it was made, at the first start. Set TOKENROUTER_API_KEY to add another."]
    lines += [_providers(settings)]
    return "\n".join([*lines, "", _curl(settings, key), ""])


def _providers(settings: Settings) -> str:
    configured = settings.configured
    if configured:
        return f"Providers: {', '.join(configured)}"
    return f"Providers: sandbox, no provider is called. Set {_KEYS} or another of docs/providers.md to use real ones."


def _curl(settings: Settings, key: str) -> str:
    return " \\\n".join([
        f"curl {settings.edge_url}/v1/responses",
        f'  -H "Authorization: Bearer {key or "$TOKENROUTER_API_KEY"}" -H "Content-Type: application/json"',
        """  -d '{"model": "auto:balance", "input": "Say hello."}'""",
    ])
