"""Ends what a supervisor left behind when it was killed: its children have been told to drain, but without each other."""

import os
import signal
import subprocess
from pathlib import Path

from services.supervisor import state
from services.supervisor.lock import Lock, alive

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
        if alive(pid) and _is(pid, name.rpartition("-")[0]):
            os.kill(pid, number)


def _is(pid: int, service: str) -> bool:
    """Whether the process is still the one that was started: its id may belong to a stranger by now."""
    asked = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return (service if service == "nats-server" else f"services.{service.replace('-', '_')}") in asked.stdout
