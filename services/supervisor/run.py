"""The life of an instance: start everything in order, keep it running, drain it in order."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

from services.supervisor import nats, oneshot, plan, state
from services.supervisor.backoff import Backoff
from services.supervisor.environment import Nats
from services.supervisor.lock import Lock
from services.supervisor.process import Process, Program
from services.supervisor.progress import Progress, summary
from services.supervisor.settings import Settings

Services = Callable[[Settings, Nats], list[Program]]
"""Makes the programs to run on a bus that bootstrap has prepared."""

START_TIMEOUT = 60.0
"""Seconds a service may take to become ready."""
SAME_INTERRUPT = 0.3
"""Seconds within which two interrupts are one."""


class StartFailed(Exception):
    """Something did not start; the operator has been told why."""


class Supervisor:
    """Owns every process of one home."""

    def __init__(self, settings: Settings, lock: Lock, progress: Progress, services: Services = plan.services) -> None:
        self._settings = settings
        self._lock = lock
        self._say = progress
        self._services = services
        self._processes: list[Process] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._stopped_at = 0.0
        self._nats = Nats(settings.nats_url, {})
        self._key = ""
        """The API key, while it may be shown."""

    async def run(self, on_ready: Callable[[], None], leave_with_parent: bool) -> int:
        """Run until told to stop; returns the exit code."""
        self._listen()
        stopped = asyncio.create_task(self._stop.wait())
        others = [asyncio.create_task(self._follow_parent())] if leave_with_parent else []
        starting = asyncio.create_task(self._start())
        await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        failure = starting.exception() if starting.done() else None
        if starting.done() and failure is None:
            on_ready()
            await stopped
        else:
            self._show_key()
        for task in (starting, stopped, *others):
            task.cancel()
        await self._drain()
        if failure is not None:
            raise failure
        return 0

    def stop(self) -> None:
        """Begin to drain."""
        if not self._stop.is_set():
            self._stopped_at = time.monotonic()
            self._stop.set()

    def interrupt(self) -> None:
        """Ctrl-C: the first one drains, the next one kills."""
        # Terminal and make may both pass on one and the same Ctrl-C.
        if self._stop.is_set() and time.monotonic() - self._stopped_at > SAME_INTERRUPT:
            self._say.line("killing what is left")
            for process in self._processes:
                process.stopping = True
                process.signal(signal.SIGKILL)
        self.stop()

    def _show_key(self) -> None:
        """A key that was made in a start that came to nothing is not made again."""
        if self._key and not self._settings.api_key:
            self._say.line(f"An API key was made, and is shown only now: {self._key}\n")

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        # The terminal that closes is no reason to drop requests; killing make with its group sends SIGTERM twice.
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.stop)
        loop.add_signal_handler(signal.SIGINT, self.interrupt)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def _reap(self) -> None:
        for process in self._processes:
            process.reap()

    async def _start(self) -> None:
        if not self._settings.nats_url:
            program, self._nats = nats.embedded(self._settings)
            await self._await_ready(self._spawn(program))
        self._write_state()
        await self._bootstrap()
        await self._start_together(self._services(self._settings, self._nats))
        self._keepers = [asyncio.create_task(self._keep(process)) for process in self._processes]
        self._say.line(summary(self._settings, self._key))

    async def _start_together(self, programs: list[Program]) -> None:
        waiting = [asyncio.create_task(self._await_ready(self._spawn(program))) for program in programs]
        self._write_state()
        try:
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()

    async def _bootstrap(self) -> None:
        process = self._process(plan.bootstrap(self._settings, self._nats))
        said = await oneshot.run(process)
        if process.returncode:
            self._fail(process)
        self._say.done("bootstrap", "done")
        self._key = self._settings.api_key or oneshot.minted_key(said)

    def _process(self, program: Program) -> Process:
        process = Process(program, self._settings.home / "log" / f"{program.name}.log", (self._lock.descriptor,))
        self._processes.append(process)
        return process

    def _spawn(self, program: Program) -> Process:
        process = self._process(program)
        process.spawn()
        return process

    async def _await_ready(self, process: Process) -> None:
        if not await process.until_ready(START_TIMEOUT):
            self._fail(process)
        self._say.done(process.program.name, "ready")

    def _fail(self, process: Process) -> None:
        ending = f"not ready within {START_TIMEOUT:.0f} s" if process.pid else process.ending()
        self._say.failed(process.program.name, ending, str(process.log), process.last_words())
        raise StartFailed

    async def _keep(self, process: Process) -> None:
        """Start a process again whenever it dies, until it is told to stop."""
        backoff = Backoff(self._settings.restart_delay)
        while True:
            await process.exited()
            if process.stopping:
                return
            delay = backoff.after(process.healthy_for)
            self._say.line(f"{process.program.name} died ({process.ending()}), starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            process.spawn()
            self._write_state()
            if await process.until_ready(START_TIMEOUT):
                self._say.line(f"{process.program.name} is ready again")

    async def _drain(self) -> None:
        if self._processes:
            self._say.line("stopping: requests in flight are finished first; Ctrl-C again stops at once")
        for service in plan.STOP_ORDER:
            group = [process for process in self._processes if process.program.service == service and not process.gone]
            for process, clean in zip(group, await asyncio.gather(*[process.stop() for process in group]), strict=True):
                self._say.line(f"  {process.program.name:<19} {'stopped' if clean else 'killed: it did not stop in time'}")
        for keeper in self._keepers:
            keeper.cancel()
        state.clear(self._settings.home)

    async def _follow_parent(self) -> None:
        """Drain when the terminal or whatever started us is gone."""
        parent = os.getppid()
        while os.getppid() == parent:
            await asyncio.sleep(1.0)
        self.stop()

    def _write_state(self) -> None:
        settings = self._settings
        state.write(settings.home, {
            "pid": os.getpid(),
            "edge": settings.edge_url,
            "sandbox": settings.sandbox,
            "environ": self._nats.credentials("operator", settings.environ) | {"TOKENROUTER_HOME": str(settings.home)},
            "processes": {process.program.name: process.pid for process in self._processes if process.pid},
        })
