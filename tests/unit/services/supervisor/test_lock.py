"""One running instance for each home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.supervisor.lock import Held, Lock


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    first = Lock(tmp_path)
    assert first.holder() is None
    first.take()
    try:
        with pytest.raises(Held) as caught:
            Lock(tmp_path).take()
        assert caught.value.pid == os.getpid() == Lock(tmp_path).holder()
    finally:
        os.close(first.descriptor)
    assert first.wait_until_free(0.0)


def test_it_stays_held_until_the_last_child_is_gone(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    lock.take()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock.descriptor,))
    assert child.stdin is not None
    os.close(lock.descriptor)
    assert not Lock(tmp_path).wait_until_free(0.1)
    child.stdin.close()
    child.wait()
    assert Lock(tmp_path).wait_until_free(5.0)
