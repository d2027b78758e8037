"""The supervisor with its real NATS server and the real bootstrap; a small program stands for the services."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import nats
import pytest

from libs.bus.buckets import values_of
from libs.contracts import subjects
from services.supervisor import leftovers, pids, probe, state
from services.supervisor.environment import Nats
from services.supervisor.lock import Lock
from services.supervisor.process import Process, Program
from services.supervisor.progress import Progress
from services.supervisor.run import SAME_INTERRUPT, StartFailed, Supervisor
from services.supervisor.settings import Settings, load

SERVICE = """
import http.server, os
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""


class Heard(Progress):
    """Keeps the lines instead of printing them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Running:
    """A supervisor in this process, and what it says."""

    def __init__(self, home: Path, program: str = SERVICE, **environ: str) -> None:
        self.settings: Settings = load({"PATH": os.environ["PATH"], "TOKENROUTER_HOME": str(home)} | environ, home / "absent")
        self.heard = Heard()
        self.lock = Lock(home)
        self.supervisor = Supervisor(self.settings, self.lock, self.heard, partial(self._services, program))
        self._ready = asyncio.Event()

    def _services(self, program: str, settings: Settings, _: Nats) -> list[Program]:
        ports = {service: probe.free_port() for service in ("edge", "recorder")}
        return [
            Program(
                service, 1, (sys.executable, "-c", program), settings.environ | {"PORT": str(port)},
                partial(probe.ready, "127.0.0.1", port),
            )
            for service, port in ports.items()
        ]

    def start(self) -> "asyncio.Task[int]":
        self.lock.take()
        return asyncio.create_task(self.supervisor.run(self._ready.set, leave_with_parent=False))

    async def until_ready(self) -> None:
        async with asyncio.timeout(30.0):
            await self._ready.wait()

    @property
    def state(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = json.loads((self.settings.home / "run" / "state.json").read_text())
        return found

    def pid(self, name: str) -> int:
        return int(self.state["processes"][name])


@contextlib.asynccontextmanager
async def running(home: Path, **environ: str) -> AsyncIterator[Running]:
    instance = Running(home, **environ)
    task = instance.start()
    try:
        waiting = asyncio.create_task(instance.until_ready())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        assert not task.done(), instance.heard.text
        yield instance
    finally:
        instance.supervisor.stop()
        assert await task == 0
        os.close(instance.lock.descriptor)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20.0):
        while not holds():
            await asyncio.sleep(0.02)


async def stored_keys(environ: dict[str, str]) -> list[str]:
    connection = await nats.connect(
        environ["NATS_URL"], user="edge", password=environ["NATS_PASSWORD"], inbox_prefix=b"_INBOX_edge", allow_reconnect=False
    )
    try:
        return list(await values_of(connection.jetstream(), subjects.KEYS_BUCKET))
    finally:
        await connection.close()


def files_with(folder: Path, secret: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes())


def edge_environ(instance: Running) -> dict[str, str]:
    passwords = json.loads((instance.settings.home / "nats" / "passwords.json").read_text())
    return instance.state["environ"] | {"NATS_PASSWORD": passwords["edge"]}


async def test_starts_the_bus_first_and_stops_it_last_and_leaves_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as instance:
        started = re.findall(r"^  (\S+)\s+(?:ready|done)", instance.heard.text, re.MULTILINE)
        assert started[:2] == ["nats-server-1", "bootstrap"]
        assert set(started[2:]) == {"edge-1", "recorder-1"}
        pids = [instance.pid(name) for name in ("nats-server-1", "edge-1", "recorder-1")]
    assert re.findall(r"^  (\S+)\s+stopped", instance.heard.text, re.MULTILINE) == ["edge-1", "recorder-1", "nats-server-1"]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not (tmp_path / "run" / "state.json").exists()
    assert Lock(tmp_path).holder() is None


async def test_the_first_key_is_shown_once_and_later_starts_keep_it(tmp_path: Path) -> None:
    async with running(tmp_path) as first:
        shown = re.search(r"API key: (tr_[0-9a-f]{32})", first.heard.text)
        assert shown is not None
        keys = await stored_keys(edge_environ(first))
        assert len(keys) == 1
    async with running(tmp_path) as second:
        assert "tr_" not in second.heard.text
        assert await stored_keys(edge_environ(second)) == keys
    async with running(tmp_path, TOKENROUTER_API_KEY="tr_fake_of_the_operator") as third:
        assert "API key: tr_fake_of_the_operator" in third.heard.text
        assert len(await stored_keys(edge_environ(third))) == 2
    assert not files_with(tmp_path, shown[1])


async def test_a_service_that_dies_is_started_again_under_a_new_name(tmp_path: Path) -> None:
    async with running(tmp_path) as instance:
        before = instance.pid("edge-1")
        os.kill(before, signal.SIGKILL)
        await eventually(lambda: "edge-1 is ready again" in instance.heard.text)
        assert "edge-1 died (killed by SIGKILL), starting it again in 0.25 s" in instance.heard.text
        assert instance.pid("edge-1") != before


async def test_the_nats_server_comes_back_on_its_port_with_its_data(tmp_path: Path) -> None:
    async with running(tmp_path) as instance:
        environ = edge_environ(instance)
        keys = await stored_keys(environ)
        os.kill(instance.pid("nats-server-1"), signal.SIGKILL)
        await eventually(lambda: "nats-server-1 is ready again" in instance.heard.text)
        assert instance.state["environ"]["NATS_URL"] == environ["NATS_URL"]
        assert await stored_keys(environ) == keys


async def test_a_service_that_cannot_start_is_a_failed_start_with_its_last_words(tmp_path: Path) -> None:
    instance = Running(tmp_path, "raise SystemExit('the disk is full')")
    task = instance.start()
    with pytest.raises(StartFailed):
        await task
    os.close(instance.lock.descriptor)
    assert re.search(r"(edge|recorder)-1 did not start: exit code 1.*the disk is full", instance.heard.text, re.DOTALL)
    assert re.search(r"An API key was made, and is shown only now: tr_[0-9a-f]{32}", instance.heard.text)
    assert "  nats-server-1       stopped" in instance.heard.lines
    assert Lock(tmp_path).holder() is None


async def test_what_holds_secrets_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as instance:
        for name in ("run/state.json", "nats/passwords.json", "vault/worker.key", "log/nats-server-1.log", "log/bootstrap-1.log"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0, name
        password = instance.state["environ"]["NATS_PASSWORD"]
        assert [path.name for path in files_with(tmp_path, password)] == ["passwords.json", "state.json"]
        shown = [pids.command(int(pid)) for pid in instance.state["processes"].values()]
        assert any("nats.conf" in line for line in shown)
        assert not any(password in line for line in shown)


async def test_a_second_interrupt_kills_what_drains_too_long(tmp_path: Path) -> None:
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SERVICE}"
    instance = Running(tmp_path, stubborn)
    task = instance.start()
    await instance.until_ready()
    instance.supervisor.stop()
    await eventually(lambda: any(line.startswith("stopping") for line in instance.heard.lines))
    await asyncio.sleep(SAME_INTERRUPT)
    instance.supervisor.interrupt()
    async with asyncio.timeout(10.0):
        assert await task == 0
    os.close(instance.lock.descriptor)
    assert "killing what is left" in instance.heard.lines
    assert "starting it again" not in instance.heard.text


async def test_what_a_killed_supervisor_left_is_ended_before_the_next_start(tmp_path: Path) -> None:
    lock = Lock(tmp_path)
    lock.take()
    stubborn = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", stubborn, "services.edge", pass_fds=(lock.descriptor,), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    await child.stdout.readline()
    state.write(tmp_path, {"processes": {"edge-1": child.pid, "rules-1": os.getpid()}})
    os.close(lock.descriptor)
    assert Lock(tmp_path).holder() == os.getpid()
    assert await asyncio.to_thread(leftovers.end, tmp_path, Lock(tmp_path))
    assert await child.wait() == -signal.SIGKILL
    Lock(tmp_path).take()


def test_a_log_that_has_grown_large_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.supervisor import launch

    monkeypatch.setattr(launch, "_LOG_LIMIT", 10)
    path = tmp_path / "log" / "edge-1.log"
    for text in (b"first of all", b"second"):
        with launch.open_log(path) as log:
            log.write(text)
    assert (path.read_bytes(), path.with_suffix(".log.1").read_bytes()) == (b"second", b"first of all")


async def test_a_process_says_how_it_ended(tmp_path: Path) -> None:
    async def never(_: str) -> bool:
        return False

    program = Program("edge", 1, (sys.executable, "-c", "print('bye'); raise SystemExit(7)"), {}, never)
    process = Process(program, tmp_path / "log" / "x.log")
    asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, process.reap)
    process.spawn()
    assert not await process.until_ready(20.0)
    assert (process.ending(), process.last_words()) == ("exit code 7", "bye")
