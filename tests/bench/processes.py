"""CPU and memory of processes, read from /proc; which core they may use."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

MS_PER_TICK = 1000.0 / os.sysconf("SC_CLK_TCK")
_MODULE = re.compile(r"(?:services|tests\.bench)\.([a-z_]+)")


class Started(Struct, frozen=True):
    """A server of ours that listens."""

    pid: int
    port: int


@contextmanager
def started(module: str, *arguments: str, core: int) -> Iterator[Started]:
    """Run a module that prints `listening on PORT`, on one core, until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[-1])
        pin([process.pid], core)
        yield Started(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_ms(pid: int) -> float:
    """User and system time of a process, with its threads, those that ended included; 0 when it is gone.

    The kernel scales the sum to the scheduler's exact count, so it is true to one tick (10 ms) whatever the run's length.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * MS_PER_TICK


def core_busy_ms(core: int) -> float:
    """Time in which a core was not idle since the start of the machine; what a hypervisor took for others counts as busy."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            return (user + nice + system + irq + softirq + steal) * MS_PER_TICK
    return 0.0


def memory_kb(pid: int) -> tuple[int, int]:
    """Resident and proportional set size; the latter shares pages out and is 0 where the kernel does not tell it."""
    return _field(pid, "status", "VmRSS"), _field(pid, "smaps_rollup", "Pss")


def family(root: int) -> dict[int, str]:
    """A process and all its descendants, each with a short name."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parent = _field(int(entry.name), "status", "PPid")
            parents.setdefault(parent, []).append(int(entry.name))
    found, todo = {}, [root]
    while todo:
        pid = todo.pop()
        found[pid] = name(pid)
        todo.extend(parents.get(pid, []))
    return found


def name(pid: int) -> str:
    """`edge` for `python -m services.edge`, otherwise the program's own name."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    for word in words:
        module = _MODULE.search(word)
        if module:
            return module[1].replace("_", "-")
    return Path(words[0]).name


def pin(pids: list[int], core: int) -> None:
    """Hold processes, with every thread they have now, to one core; threads born later inherit it."""
    for pid in pids:
        for thread in _threads(pid):
            try:
                os.sched_setaffinity(thread, {core})
            except ProcessLookupError:
                continue


def _threads(pid: int) -> list[int]:
    try:
        return [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []


def _field(pid: int, file: str, key: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(key + ":")), 0)
