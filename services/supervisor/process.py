"""One child process: its environment, its log, its start, its end."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.supervisor.launch import launch, open_log


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to tell that it is ready."""

    service: str
    number: int
    argv: tuple[str, ...]
    environ: Mapping[str, str]
    probe: Callable[[str], Awaitable[bool]]
    """Given the name of the instance: is it ready?"""
    grace: float = 20.0
    """Seconds it may take to drain."""

    @property
    def name(self) -> str:
        return f"{self.service}-{self.number}"


@dataclass(slots=True)
class Process:
    """A program and, between crashes, the process that runs it."""

    program: Program
    log: Path
    inherited: tuple[int, ...] = ()
    """File descriptors the child keeps open: the lock of the home."""
    stopping: bool = False
    ready_since: float | None = None
    instance: str = ""
    _child: subprocess.Popen[bytes] | None = None
    _log_start: int = 0
    _exited: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    @property
    def gone(self) -> bool:
        """Whether it neither runs nor will be started again."""
        return self.pid is None and (self._child is None or self.stopping)

    @property
    def returncode(self) -> int | None:
        return self._child.returncode if self._child is not None else None

    @property
    def healthy_for(self) -> float:
        """Seconds since it became ready."""
        return 0.0 if self.ready_since is None else time.monotonic() - self.ready_since

    def spawn(self, stdout: int | None = None) -> None:
        """Start it, under a name that no earlier run of it had. `stdout`: a descriptor instead of the log."""
        self.instance = f"{self.program.name}-{os.urandom(2).hex()}"
        self.ready_since = None
        self._exited.clear()
        with open_log(self.log) as log:
            self._log_start = log.tell()
            self._child = launch(
                self.program.argv, dict(self.program.environ) | {"TOKENROUTER_INSTANCE": self.instance},
                stdout=log.fileno() if stdout is None else stdout, stderr=log.fileno(), inherited=self.inherited,
            )

    def reap(self) -> None:
        """Notice an exit; called when some child has ended."""
        if self._child is not None and self._child.poll() is not None:
            self._exited.set()

    async def exited(self) -> None:
        await self._exited.wait()

    async def until_ready(self, timeout: float) -> bool:
        """Whether it became ready in time; False as soon as it has died."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.pid is not None:
            if await self.program.probe(self.instance):
                self.ready_since = time.monotonic()
                return True
            await asyncio.sleep(0.05)
        return False

    async def stop(self) -> bool:
        """Ask it to drain and wait; kill it when it takes longer than it may. Whether it went by itself."""
        self.stopping = True
        self.signal(signal.SIGTERM)
        if self.pid is None:
            return True
        try:
            async with asyncio.timeout(self.program.grace):
                await self.exited()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.exited()
            return False
        return True

    def signal(self, number: int) -> None:
        """Signal it; SIGKILL goes to everything it has started, too."""
        if self.pid is not None:
            (os.killpg if number == signal.SIGKILL else os.kill)(self.pid, number)

    def last_words(self, lines: int = 20) -> str:
        """The end of what this run of it has logged."""
        with self.log.open("rb") as log:
            log.seek(max(self._log_start, self.log.stat().st_size - 16_384))
            return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-lines:])

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.returncode or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
