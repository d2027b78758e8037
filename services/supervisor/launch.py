"""Starts a child that outlives a Ctrl-C in the terminal, but not the supervisor."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from services.supervisor.settings import ROOT

_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_LOG_LIMIT = 32 << 20

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def launch(
    argv: Sequence[str], environ: Mapping[str, str], stdout: int, stderr: int, inherited: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start `argv` in the project's folder, in a session of its own."""
    # A preexec_fn is unsafe beside threads; the supervisor has none.
    return subprocess.Popen(
        argv, env=dict(environ), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
        start_new_session=True, pass_fds=inherited, preexec_fn=_die_with_parent,
    )


def open_log(path: Path) -> BinaryIO:
    """A log to append to, readable by its owner alone. One that has grown large is put aside once."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)


def _die_with_parent() -> None:
    # Only Linux can do this; elsewhere the services notice by themselves that their parent has changed.
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
