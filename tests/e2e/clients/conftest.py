"""The stack on the sandbox's providers, and clients that want packages of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import API_KEY, ROOT, Stack

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="package")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(Path(tmp_path_factory.mktemp("clients")) / "home").start()
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def packages() -> Callable[[str], Path]:
    """The folder with what a file in `requirements/clients` names, installed once for each version of the file."""

    def installed(name: str) -> Path:
        locked = ROOT / f"requirements/clients/{name}.txt"
        folder = Path(sys.prefix) / "clients" / name
        stamp = folder / "installed.txt"
        if not stamp.exists() or stamp.read_bytes() != locked.read_bytes():
            command = [sys.executable, "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", "--upgrade"]
            done = subprocess.run(
                [*command, "--require-hashes", "--target", str(folder), "-r", str(locked)], capture_output=True, text=True, timeout=280, check=False
            )
            assert done.returncode == 0, done.stderr
            stamp.write_bytes(locked.read_bytes())
        return folder

    return installed


@pytest.fixture
def run(sandbox: Stack, packages: Callable[[str], Path]) -> Callable[[str, str, str], None]:
    """Run a function of a script with a client's packages, and the base URL ending in a path; it fails as the script does."""

    def ran(name: str, function: str, path: str) -> None:
        environment = {
            "PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(packages(name)), str(SCRIPTS)]),
            "OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": sandbox.url + path, "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "TOKENROUTER_API_KEY": API_KEY, "TOKENROUTER_BASE_URL": sandbox.url + path,
        }
        script = function.partition(".")[0]
        code = f"import {script}; {function}()"
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return ran
