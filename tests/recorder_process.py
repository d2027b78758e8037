"""A recorder in a process of its own for tests, and the rows to feed it. The embedded database allows one path a process."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from nats.aio.client import Client

from libs.bus.codec import encode
from libs.bus.query import NoRecorder, QueryFailed, ask
from libs.contracts import subjects
from libs.contracts.ledger import AttemptRow, DeliveryRow, FeedbackRow, LedgerBatch, LedgerRow, RequestRow
from libs.contracts.message import Hop
from libs.contracts.queries import SqlQuery
from tests.nats_server import free_port

ROOT = Path(__file__).parent.parent
CREATED = 1_763_200_000.0


class RecorderProcess:
    """`python -m services.recorder` on a NATS server and a home folder."""

    def __init__(self, nats_url: str, home: Path, **environment: str) -> None:
        self._port = free_port()
        settings = {"NATS_URL": nats_url, "TOKENROUTER_HOME": str(home), "TOKENROUTER_OPS_PORT": str(self._port)}
        self.environment = os.environ | settings | environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.recorder"], cwd=ROOT, env=self.environment, stderr=subprocess.DEVNULL
        )

    def stop(self) -> int:
        """Drain and end; returns the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def metric(self, name: str) -> float:
        """The value of a metric, with its labels in the name; 0 while it has none."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
            lines: list[str] = answer.read().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.rpartition(" ")[0] == name), 0.0)

    def sql(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line client as the recorder's user would."""
        command = [sys.executable, "-m", "services.recorder.sql", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment | environment, capture_output=True, text=True, timeout=60, check=False
        )

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(how)
        status = self._process.wait(timeout=30)
        self._process = None
        return status


async def query(connection: Client, sql: str, **fields: Any) -> str:
    """The whole result."""
    return b"".join([piece async for piece in ask(connection, SqlQuery(sql=sql, **fields), timeout=20.0)]).decode()


async def eventually(connection: Client, sql: str, satisfied: Callable[[str], bool], timeout: float = 40.0) -> str:
    """The first result that satisfies, asked again and again until then; the recorder may be down meanwhile."""
    deadline = time.monotonic() + timeout
    result = ""
    while time.monotonic() < deadline:
        try:
            result = await query(connection, sql)
        except NoRecorder:
            result = "no recorder"
        except QueryFailed as error:
            result = str(error)
        if satisfied(result):
            return result
        await asyncio.sleep(0.02)
    raise AssertionError(f"{sql!r} stayed at {result!r} for {timeout} s")


async def publish(connection: Client, *rows: LedgerRow, service: str = "edge") -> None:
    """One ledger message with these rows, durable in JetStream when this returns."""
    await connection.jetstream().publish(subjects.ledger(service), encode(LedgerBatch(rows=list(rows))))


def request(request_id: str, workspace: str = "main", **columns: Any) -> LedgerRow:
    """A request's row with every column set."""
    row: dict[str, Any] = {
        "request_id": request_id, "created_at": CREATED, "workspace": workspace, "api_key_id": "key_1", "endpoint": "responses",
        "model_requested": "auto:cost", "model": "gpt-5-mini", "provider": "openai", "mode": "cost", "status": "completed",
        "http_status": 200, "error_code": "", "input_tokens": 100, "output_tokens": 50, "cached_tokens": 10,
        "cache_write_tokens": 3, "reasoning_tokens": 5, "usage_source": "provider", "cost_usd": "0.0001250001",
        "price_version": "genai-prices 0.2.3", "latency_ms": 812.25, "ttft_ms": 200.5, "stream": True,
        "metadata": {"tenant": "acme"}, "sandbox": False, "ended_by": "worker-1", "rank": 2, "dispatches": 1, "attempts": 1,
        "confidence": 0.83, "warnings": [], "rule_trace": [{"kind": "routing", "name": "long\nprompts"}], "firewall_trace": [],
        "candidates": [{"provider": "openai", "model": "gpt-5-mini"}], "excluded": [],
        "hops": [Hop("edge", "edge-1", CREATED, 0.25), Hop("router", "router-1", CREATED + 0.5, 1.5)],
        "policy_revisions": {"firewall": 3}, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    return LedgerRow("requests", msgspec.json.encode(RequestRow(**(row | columns))))


def attempt(request_id: str, number: int = 1, workspace: str = "main", **columns: Any) -> LedgerRow:
    row: dict[str, Any] = {
        "request_id": request_id, "created_at": CREATED, "workspace": workspace, "dispatch": 1, "attempt": number,
        "started_at": CREATED + 0.25, "provider": "openai", "model": "gpt-5-mini", "status": "completed", "http_status": 200,
        "error_code": "", "billing": "billed", "input_tokens": 100, "output_tokens": 50, "cached_tokens": 10,
        "cache_write_tokens": 3, "reasoning_tokens": 5, "usage_source": "provider", "cost_usd": "0.0001250001",
        "price_version": "genai-prices 0.2.3", "latency_ms": 700.5, "ttft_ms": None, "provider_request_id": "req_1",
        "provider_response_id": "resp_1", "worker": "worker-1", "own_key": False, "sandbox": False,
        "adapted": ["dropped top_p"], "rank": 2,
    }
    return LedgerRow("attempts", msgspec.json.encode(AttemptRow(**(row | columns))))


def delivery(request_id: str, workspace: str = "main", **columns: Any) -> LedgerRow:
    row: dict[str, Any] = {
        "request_id": request_id, "created_at": CREATED, "workspace": workspace, "edge": "edge-1", "http_status": 200,
        "outcome": "delivered", "bytes_sent": 2048, "ttfb_ms": 201.0, "total_ms": 815.0, "dispatches": 1, "rank": 1,
    }
    return LedgerRow("deliveries", msgspec.json.encode(DeliveryRow(**(row | columns))))


def feedback(request_id: str, score: float, workspace: str = "main", **columns: Any) -> LedgerRow:
    row: dict[str, Any] = {
        "feedback_id": "fb_1", "request_id": request_id, "created_at": CREATED, "workspace": workspace, "api_key_id": "key_1",
        "at": CREATED + 60, "score": score,
    }
    return LedgerRow("feedback", msgspec.json.encode(FeedbackRow(**(row | columns))))
