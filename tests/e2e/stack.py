"""The whole stack under its own supervisor, as `make up` runs it, with handles for tests that break things."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
import nats
import nats.errors

from libs.bus.query import NoRecorder, QueryFailed, ask
from libs.contracts.queries import SqlQuery
from services.supervisor import state
from tests.nats_server import free_port

ROOT = Path(__file__).parent.parent.parent
API_KEY = "tr_" + "0" * 31 + "e"
Found = TypeVar("Found")


def until(look: Callable[[], Found], seconds: float = 40.0, what: str = "it") -> Found:
    """Poll until `look` returns something true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


class Stack:
    """`extra` adds to a clean environment: nothing of the caller's settings leaks in."""

    def __init__(self, home: Path, **extra: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environ = {
            **keep, "TOKENROUTER_HOME": str(home), "TOKENROUTER_PORT": str(self.port), "TOKENROUTER_API_KEY": API_KEY,
            # Tests kill one service again and again; what is tested is that it comes back, not how patiently.
            "TOKENROUTER_RESTART_DELAY": "0.5",
            # One request in a hundred would be sent elsewhere than a test expects.
            "TOKENROUTER_EXPLORATION": "0",
            # What one test has a provider do is soon forgotten, or it would be less liked in the next.
            "TOKENROUTER_SIGNALS_HALF_LIFE": "2", **extra,
        }
        self.log = home.parent / f"{home.name}.log"

    def start(self) -> "Stack":
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.supervisor", "up"], cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        until(self._ready, 120.0, "start-up")
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(90)

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return "TokenRouter is ready" in self.log.read_text()

    def pid(self, service: str, number: int = 1) -> int:
        """The process id of a service's instance, as the system sees it now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        module = f"services.{service.replace('-', '_')}" if service != "nats-server" else "nats-server"
        found = [int(child) for child in children if module in _command(child)]
        return found[number - 1] if len(found) >= number else 0

    def kill(self, service: str) -> int:
        """SIGKILL; returns the process id that was."""
        # A service that died a moment ago is waited for, as long as the supervisor backs off.
        pid = until(lambda: self.pid(service), 40.0, f"{service} running")
        os.kill(pid, signal.SIGKILL)
        return pid

    def ready_again(self) -> None:
        """Wait until the edge finds every service alive."""
        until(lambda: self._get("/readyz") == 200, 60.0, "recovery")

    def _get(self, path: str) -> int:
        try:
            return httpx.get(self.url + path, timeout=2.0).status_code
        except httpx.HTTPError:
            return 0

    def post(self, body: Any, path: str = "/v1/responses", timeout: float = 40.0, **headers: str) -> httpx.Response:
        """POST as a client with a valid key; bytes go out as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(self.url + path, content=content, headers={**self.auth, **headers}, timeout=timeout)

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}

    def sql(self, query: str) -> list[list[str]]:
        """Rows of a query, each a list of columns as TSV has them. A recorder that is just starting is waited for."""
        # A thread of its own, because the caller may be in an event loop.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, self._asked(query)).result()

    def sql_by_command(self, query: str) -> list[list[str]]:
        """The same as `make sql` asks: two more processes, so for the test of that command alone."""
        done = subprocess.run(
            [sys.executable, "-m", "services.supervisor", "env", sys.executable, "-m", "services.recorder.sql", query],
            cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=60, check=False,
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    async def _asked(self, query: str) -> list[list[str]]:
        deadline = time.monotonic() + 30.0
        while True:
            try:
                return [line.split("\t") for line in (await self._answer(query)).splitlines()]
            except (NoRecorder, nats.errors.Error, OSError, TimeoutError):
                assert time.monotonic() < deadline, "nobody answers for the ledger"
                await asyncio.sleep(0.1)
            except QueryFailed as error:
                raise AssertionError(f"{query}: {error}") from None

    async def _answer(self, query: str) -> str:
        running = state.read(self.home)
        assert running is not None, "the stack does not run"
        environ = running["environ"]
        login = {"user": environ["NATS_USER"], "password": environ["NATS_PASSWORD"]} if "NATS_USER" in environ else {}
        connection = await nats.connect(
            environ["NATS_URL"], inbox_prefix=b"_INBOX_sql", connect_timeout=2, allow_reconnect=False, max_reconnect_attempts=1,
            reconnect_time_wait=0, error_cb=_ignore, **login,
        )
        try:
            return b"".join([piece async for piece in ask(connection, SqlQuery(sql=query), timeout=20.0)]).decode()
        finally:
            await connection.close()

    def row(self, request_id: str, columns: str, view: str = "requests") -> list[str]:
        """One row of a view, once it has arrived."""
        query = f"SELECT {columns} FROM {view} WHERE request_id = '{request_id}'"
        rows: list[list[str]] = until(lambda: self.sql(query), 40.0, f"the {view} row")
        assert len(rows) == 1, rows
        return rows[0]


async def _ignore(_: Exception) -> None:
    """Failures reach the caller as exceptions."""


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """The events of a stream's text, with their SSE name checked against their type."""
    found = []
    for block in response.text.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if not lines:
            continue
        name, data = lines[0].removeprefix("event: "), lines[1].removeprefix("data: ")
        event = json.loads(data)
        assert event["type"] == name
        found.append(event)
    return found
