"""What a process id stands for: it may be gone, or belong to a stranger by now."""

import subprocess
from pathlib import Path


def command(pid: int) -> str:
    """The command line of a process, empty when it is gone or only waits to be collected by its parent."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    # Slim Linux images have no ps, other systems have no /proc.
    asked = subprocess.run(["ps", "-ww", "-p", str(pid), "-o", "stat=,command="], capture_output=True, text=True, check=False)
    stat, _, line = asked.stdout.strip().partition(" ")
    return "" if stat.startswith("Z") else line
