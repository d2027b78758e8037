"""The commands behind `make up`, `make down`, `make sql` and `make logs`."""

import asyncio
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from functools import partial

from services.supervisor import detach, leftovers, probe, state
from services.supervisor.lock import Held, Lock
from services.supervisor.progress import Progress
from services.supervisor.run import StartFailed, Supervisor
from services.supervisor.settings import BadSetting, Settings, load

USAGE = """usage: python -m services.supervisor COMMAND

  up [--detach]       start everything; --detach returns once it is ready and leaves it running
  down                stop what runs for TOKENROUTER_HOME, and wait until it is gone
  status              say what runs
  env [COMMAND ...]   run COMMAND with the connection settings of what runs; without one, print them
  logs                follow the logs of all services"""


def main(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code."""
    command, *rest = arguments or ["help"]
    commands: dict[str, Callable[[Settings, Sequence[str]], int]] = {
        "up": up, "down": down, "status": status, "env": env, "logs": logs,
    }
    if command not in commands:
        print(USAGE)
        return 0 if command in ("help", "-h", "--help") else 2
    try:
        return commands[command](load(), rest)
    except BadSetting as error:
        print(f"tokenrouter: {error}", file=sys.stderr)
        return 2


def up(settings: Settings, arguments: Sequence[str]) -> int:
    """Run in the foreground; `--detach` in the background, which is `--detached` for the process that stays."""
    if "--detach" in arguments:
        return detach.up(("up", "--detached"))
    detached = "--detached" in arguments
    lock = Lock(settings.home)
    _take(lock, settings)
    reason = probe.taken(settings.host, settings.port)
    if reason is not None:
        raise BadSetting(f"cannot listen on {settings.host}:{settings.port}: {reason}; choose another with TOKENROUTER_PORT")
    progress = Progress()
    progress.line(f"Starting TokenRouter in {settings.home}")
    supervisor = Supervisor(settings, lock, progress)
    on_ready = partial(detach.leave_terminal, settings.home) if detached else _nothing
    try:
        return asyncio.run(supervisor.run(on_ready, leave_with_parent=not detached))
    except StartFailed:
        return 1


def down(settings: Settings, _: Sequence[str]) -> int:
    return detach.down(settings)


def status(settings: Settings, _: Sequence[str]) -> int:
    """Exit code 0 when it runs, 3 when it does not, as for a service manager."""
    if Lock(settings.home).holder() is None:
        print(f"nothing runs for {settings.home}")
        return 3
    found = state.read(settings.home) or {}
    print(f"{found.get('edge', 'starting')}   home {settings.home}   supervisor {found.get('pid', '')}")
    for name, pid in found.get("processes", {}).items():
        print(f"  {name:<19} {pid}")
    return 0


def env(settings: Settings, command: Sequence[str]) -> int:
    """The secrets among the settings travel in the environment, where no other user can read them."""
    found = state.read(settings.home)
    if found is None or Lock(settings.home).holder() is None:
        raise BadSetting(f"nothing runs for {settings.home}; start it with `make up`")
    if command:
        os.execvpe(command[0], list(command), dict(settings.environ) | found["environ"])
    for name, value in found["environ"].items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def logs(settings: Settings, _: Sequence[str]) -> int:
    files = sorted(str(path) for path in (settings.home / "log").glob("*.log"))
    if not files:
        raise BadSetting(f"there are no logs in {settings.home}/log yet")
    os.execvp("tail", ["tail", "-n", "20", "-F", *files])


def _take(lock: Lock, settings: Settings) -> None:
    try:
        lock.take()
        return
    except Held as held:
        if lock.holder():
            raise BadSetting(
                f"TokenRouter already runs for {settings.home} (process {held.pid}); `make down` stops it, "
                "and TOKENROUTER_HOME with TOKENROUTER_PORT runs a second one"
            ) from None
    print("stopping what a former run has left", flush=True)
    if not leftovers.end(settings.home, lock):
        raise BadSetting(f"processes of a former run do not stop; see {settings.home}/log")
    lock.take()


def _nothing() -> None:
    pass
