"""A sampling profile of one process under load, with py-spy where it is installed."""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def recorded(pid: int, seconds: float, out: Path) -> Iterator[None]:
    """Sample a process for so long; afterwards print where it spent its time. The raw stacks go to `out`."""
    found = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit("--profile needs py-spy on the PATH")
    command = [found, "record", "--nonblocking", "--rate", "400", "--format", "raw", "--function", "--pid", str(pid)]
    command += ["--duration", str(int(seconds)), "--output", str(out)]
    sampler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield
    finally:
        said = sampler.communicate(timeout=60)[1].decode(errors="replace")
    if sampler.returncode:
        print(f"py-spy failed: {said.strip()[-500:]}")
    else:
        print(f"\nWhere the profiled process spent its time ({out}):\n{summary(out.read_text())}")


def summary(stacks: str, most: int = 30) -> str:
    """Self time and time below, in per cent, of the functions with the most of each."""
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(count)
        for frame in set(frames):
            below[frame] += int(count)
    total = max(1, sum(own.values()))
    lines = ["  self %  function"]
    lines += [f"  {100 * count / total:6.1f}  {frame}" for frame, count in own.most_common(most)]
    lines += ["  with all it calls %"]
    lines += [f"  {100 * count / total:6.1f}  {frame}" for frame, count in below.most_common(2 * most)]
    return "\n".join(lines)
