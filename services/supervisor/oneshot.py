"""Runs bootstrap to its end, and picks up the secrets it leaves for others."""

import os
import re

from services.supervisor.process import Process
from services.supervisor.settings import Settings

_MINTED = re.compile(r"\btr_[0-9a-f]{32}\b")


async def run(process: Process) -> str:
    """Everything the process wrote to standard output, which goes to no log: it may show a key."""
    reader, writer = os.pipe()
    try:
        process.spawn(stdout=writer)
    finally:
        os.close(writer)
    await process.exited()
    process.stopping = True
    with os.fdopen(reader) as said:
        return said.read()


def minted_key(said: str) -> str:
    """The API key that bootstrap has made, empty when it made none."""
    match = _MINTED.search(said)
    return match[0] if match else ""


def vault_key(settings: Settings) -> dict[str, str]:
    """The private key for provider-workers; none here when the operator keeps it in the environment or elsewhere."""
    path = settings.home / "vault" / "worker.key"
    if settings.environ.get("TOKENROUTER_VAULT_KEY") or not path.exists():
        return {}
    return {"TOKENROUTER_VAULT_KEY": path.read_text().strip()}
