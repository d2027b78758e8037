"""The sandbox providers as a process of their own, for tests that call them over HTTP."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.nats_server import free_port

SPEED = "40"


@contextmanager
def sandbox() -> Iterator[str]:
    """The URL below which every provider is served."""
    port = free_port()
    environ = os.environ | {"TOKENROUTER_SANDBOX_PORT": str(port), "TOKENROUTER_SANDBOX_SPEED": SPEED}
    process = subprocess.Popen([sys.executable, "-m", "services.sandbox"], env=environ)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, process)
        yield url
    finally:
        process.terminate()
        assert process.wait(10) in (0, -signal.SIGTERM)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, "the sandbox ended"
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the sandbox did not become ready")
