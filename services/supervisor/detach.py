"""`up` in the background, and `down`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from services.supervisor import leftovers, state
from services.supervisor.launch import open_log
from services.supervisor.lock import Lock
from services.supervisor.settings import ROOT, Settings

DOWN_TIMEOUT = 240.0
"""Above the sum of what services may take to drain."""


def up(arguments: tuple[str, ...]) -> int:
    """Start a supervisor in a session of its own, show what it says until it is ready, and leave it running.

    It closes its standard output when it is ready; until then its death is a failed start.
    """
    child = subprocess.Popen(
        (sys.executable, "-m", "services.supervisor", *arguments), cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )
    assert child.stdout is not None
    try:
        for line in child.stdout:
            sys.stdout.write(line.decode("utf-8", "replace"))
            sys.stdout.flush()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGTERM)
        return child.wait() or 130
    return child.poll() or 0


def leave_terminal(home: Path) -> None:
    """From now on write to a log instead of whoever waits for us to be ready."""
    sys.stdout.flush()
    with open_log(home / "log" / "supervisor.log") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())


def down(settings: Settings) -> int:
    """Stop what runs for this home and wait until all of it is gone."""
    lock = Lock(settings.home)
    holder = lock.holder()
    if holder is None:
        print(f"nothing runs for {settings.home}")
        return 0
    began = time.monotonic()
    if holder:
        os.kill(holder, signal.SIGTERM)
        lock.wait_until_free(DOWN_TIMEOUT)
    if not leftovers.end(settings.home, lock):
        print(f"something still runs for {settings.home}; see {settings.home}/log", file=sys.stderr)
        return 1
    state.clear(settings.home)
    print(f"stopped in {time.monotonic() - began:.1f} s")
    return 0
