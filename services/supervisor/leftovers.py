"""Ends what a supervisor left behind when it was killed: its children have been told to drain, but without each other."""

import os
import signal
from pathlib import Path

from services.supervisor import pids, state
from services.supervisor.lock import Lock

PATIENCE = 5.0
"""Seconds in which they may go by themselves; the services that a request in flight needs are gone already."""


def end(home: Path, lock: Lock) -> bool:
    """Whether nothing of a former run is left. Call it only when its supervisor is gone."""
    if lock.holder() is None:
        return True
    _signal(home, signal.SIGTERM)
    if lock.wait_until_free(PATIENCE):
        return True
    _signal(home, signal.SIGKILL)
    return lock.wait_until_free(PATIENCE)


def _signal(home: Path, number: int) -> None:
    processes = (state.read(home) or {}).get("processes", {})
    for name, pid in processes.items():
        if _program(name.rpartition("-")[0]) in pids.command(pid):
            os.kill(pid, number)


def _program(service: str) -> str:
    return service if service == "nats-server" else f"services.{service.replace('-', '_')}"
