"""One running TokenRouter per home: a lock that its processes share, so that it is free only when the last is gone."""

import fcntl
import os
import time
from pathlib import Path

from services.supervisor import pids


class Held(Exception):
    """Something of this home still runs. `pid` is its supervisor's, as far as known."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"process {pid}" if pid else "unknown process")
        self.pid = pid


class Lock:
    """`{home}/run/lock`. Children inherit the descriptor: flock belongs to the open file, not to a process."""

    def __init__(self, home: Path) -> None:
        self.path = home / "run" / "lock"
        self._handle = -1

    @property
    def descriptor(self) -> int:
        return self._handle

    def take(self) -> None:
        """Hold the lock until this process and all that inherit it are gone. Raises Held."""
        for folder in (self.path.parents[1], self.path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _pid(os.read(handle, 32))
            os.close(handle)
            raise Held(holder) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle

    def holder(self) -> int | None:
        """The supervisor's process id, None when nothing runs. 0 when something runs without one."""
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            pid = _pid(os.read(handle, 32))
            return pid if pid and pids.command(pid) else 0
        finally:
            os.close(handle)
        return None

    def wait_until_free(self, timeout: float) -> bool:
        """Whether the last process went in time."""
        deadline = time.monotonic() + timeout
        while self.holder() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def _pid(text: bytes) -> int | None:
    return int(text) if text.strip().isdigit() else None
