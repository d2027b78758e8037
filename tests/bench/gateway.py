"""The pipeline under test: started by its own supervisor in a home of its own, with rules installed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from services.supervisor.probe import free_port
from tests.bench import policies, processes

KEY = "tr_" + "beef" * 8
START_SECONDS = 90.0
STOP_SECONDS = 120.0


class Gateway:
    """A router that runs: where it is, which processes it has, what its ledger holds."""

    def __init__(self, url: str, root: int, environ: dict[str, str] | None = None) -> None:
        """`root`: the process whose descendants, and itself, are measured. `environ`: of the supervisor, when it is ours."""
        self.url, self.key = url, KEY
        self._root, self._environ = root, environ

    @property
    def endpoint(self) -> str:
        return f"{self.url}/v1/responses"

    def processes(self) -> dict[int, str]:
        """Pid and service of each process."""
        return processes.family(self._root) if self._root else {}

    def pid(self, service: str) -> int:
        """Raises SystemExit for a service that does not run."""
        for pid, name in self.processes().items():
            if name == service:
                return pid
        raise SystemExit(f"there is no {service} among {sorted(set(self.processes().values()))}")

    def install_rules(self) -> None:
        """Raises HTTPStatusError when a rule is refused."""
        with httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {self.key}"}) as client:
            for path, rules in (("/v1/firewall-rules", policies.firewall()), ("/v1/routing-rules", policies.routing())):
                for rule in rules:
                    client.post(path, json=rule).raise_for_status()

    def sql(self, query: str) -> str | None:
        """The answer as TSV; None where the ledger cannot be asked."""
        if self._environ is None:
            return None
        command = [sys.executable, "-m", "services.supervisor", "env", sys.executable, "-m", "services.recorder.sql", query]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else None


@contextmanager
def started(provider_url: str, *, keep_logs: bool = False) -> Iterator[Gateway]:
    """Run the pipeline against a provider until the block ends. Raises SystemExit, with its log, when it does not start."""
    with TemporaryDirectory(prefix="tokenrouter-bench-") as folder:
        home, port = Path(folder), free_port()
        environ = _environment() | {
            "TOKENROUTER_HOME": str(home / "var"), "TOKENROUTER_PORT": str(port), "TOKENROUTER_API_KEY": KEY,
            "OPENAI_BASE_URL": provider_url, "OPENAI_API_KEY": "sk-fake",
        }  # fmt: skip
        log = home / "supervisor.log"
        with log.open("wb") as out:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "services.supervisor", "up"], env=environ, stdout=out, stderr=subprocess.STDOUT
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, supervisor, log)
            yield Gateway(url, supervisor.pid, environ)
        finally:
            _stop(supervisor)
            if keep_logs:
                _show_logs(home)


def wait_until(done: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def _environment() -> dict[str, str]:
    """Ours, without settings that would lead the bench to another router or to a real provider."""
    foreign = ("TOKENROUTER_", "NATS_", "CLICKHOUSE_", "SCALE")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.endswith(("_API_KEY", "_BASE_URL"))
    }


def _wait_until_ready(url: str, supervisor: subprocess.Popen[bytes], log: Path) -> None:
    def ready() -> bool:
        if supervisor.poll() is not None:
            raise SystemExit(f"the supervisor ended with {supervisor.returncode}:\n{log.read_text()[-4000:]}")
        try:
            return httpx.get(f"{url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    if not wait_until(ready, START_SECONDS):
        _stop(supervisor)
        raise SystemExit(f"the pipeline was not ready within {START_SECONDS:.0f} s:\n{log.read_text()[-4000:]}")


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.send_signal(signal.SIGTERM)
    try:
        supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()


def _show_logs(home: Path) -> None:
    for log in sorted(home.rglob("*.log")):
        print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
