"""What other commands may know of the running instance: `{home}/run/state.json`, for its owner's eyes alone."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def path(home: Path) -> Path:
    return home / "run" / "state.json"


def write(home: Path, state: Mapping[str, Any]) -> None:
    """Replace the state as a whole."""
    write_private(path(home), json.dumps(state, indent=1))


def read(home: Path) -> dict[str, Any] | None:
    """The state of the instance that runs, or of one that crashed; None when there is none."""
    try:
        found: dict[str, Any] = json.loads(path(home).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found


def clear(home: Path) -> None:
    path(home).unlink(missing_ok=True)


def write_private(target: Path, text: str) -> None:
    """Write a file of mode 0600 so that a reader sees the old text or the new one."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(target)
