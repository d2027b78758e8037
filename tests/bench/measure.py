"""The measurements: each runs a load against a router and reads what it cost."""

import subprocess
import sys
import time
from typing import Any

import msgspec
from msgspec import Struct

from tests.bench import processes
from tests.bench.gateway import Gateway
from tests.bench.load import Result

GATEWAY_CORE, LOAD_CORE = 0, 1
QUIET_MS = 30.0
"""CPU of all processes in a second, beyond their idling, below which the ledger is taken to be written."""
LONGEST_SETTLING = 30


class Cost(Struct, frozen=True, kw_only=True):
    """What a load cost the router until its last row was written; idling after the load is taken off."""

    result: Result
    cpu_ms: float
    by_service: dict[str, float]
    settled_after: float
    """Seconds from the end of the load."""
    others_percent: float
    """Of the router's core, used by other programs and the hypervisor during the load: far from 0, the figures are off."""


class Meter:
    """Measures one router, or anything else whose processes it is given."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.idle_ms_per_second = 0.0
        self.sent = self.failed = 0
        self.samples: list[str] = []
        """Some of the failures, in words."""

    def pin(self) -> None:
        processes.pin(list(self.gateway.processes()), GATEWAY_CORE)

    def idle(self, seconds: float) -> float:
        """CPU ms a second without load; also taken off what comes after a load."""
        before = sum(self._cpu().values())
        time.sleep(seconds)
        self.idle_ms_per_second = (sum(self._cpu().values()) - before) / seconds
        return self.idle_ms_per_second

    def cost(self, *arguments: str) -> Cost:
        """Run a load and wait until the router has come to rest."""
        before, busy = self._cpu(), processes.core_busy_ms(GATEWAY_CORE)
        result = self.load(*arguments)
        ended = time.monotonic()
        others = processes.core_busy_ms(GATEWAY_CORE) - busy - (sum(self._cpu().values()) - sum(before.values()))
        self._settle()
        settled = time.monotonic() - ended
        after = self._cpu()
        names = self.gateway.processes()
        spent: dict[str, float] = {}
        for pid, ms in after.items():
            service = names.get(pid, "gone")
            spent[service] = spent.get(service, 0.0) + ms - before.get(pid, 0.0)
        return Cost(
            result=result,
            cpu_ms=sum(spent.values()) - self.idle_ms_per_second * settled,
            by_service=spent,
            settled_after=settled,
            others_percent=max(0.0, others / result.seconds / 10),
        )

    def load(self, *arguments: str) -> Result:
        """Run the load generator on its own core."""
        result = run_load(self.gateway.endpoint, self.gateway.key, *arguments)
        self.sent += result.sent
        self.failed += result.sent - result.good
        self.samples += result.errors
        return result

    def memory(self) -> dict[str, Any]:
        """RSS and PSS in MB, summed and by service."""
        sizes = [(name, *processes.memory_kb(pid)) for pid, name in self.gateway.processes().items()]
        by_service: dict[str, int] = {}
        for name, rss, _ in sizes:
            by_service[name] = by_service.get(name, 0) + round(rss / 1024)
        return {
            "rss_mb": round(sum(rss for _, rss, _ in sizes) / 1024),
            "pss_mb": round(sum(pss for _, _, pss in sizes) / 1024),
            "by_service": by_service,
        }

    def _cpu(self) -> dict[int, float]:
        return {pid: processes.cpu_ms(pid) for pid in self.gateway.processes()}

    def _settle(self) -> None:
        """Wait for a second with hardly any work in it: what the recorder catches up on belongs to the load."""
        before = sum(self._cpu().values())
        for _ in range(LONGEST_SETTLING):
            time.sleep(1.0)
            now = sum(self._cpu().values())
            if now - before < self.idle_ms_per_second + QUIET_MS:
                return
            before = now


def run_load(url: str, key: str, *arguments: str) -> Result:
    """A load in a process of its own, pinned to the load's core."""
    command = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "tests.bench.load", *arguments]
    done = subprocess.run([*command, "--url", url, "--key", key], check=True, stdout=subprocess.PIPE, timeout=180)
    return msgspec.json.decode(done.stdout, type=Result)
