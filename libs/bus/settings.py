"""Settings come from the environment, once, at the start of a process; nothing else reads os.environ."""

import os
import socket
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

Settings = TypeVar("Settings", bound=Struct)


class BusSettings(Struct, frozen=True, kw_only=True):
    """What every service on the bus needs. A field `x` is read from `TOKENROUTER_X`, or from the name in `ALIASES`."""

    home: str = "./var"
    """Folder of all state."""
    nats_url: str = "nats://127.0.0.1:4222"
    """One URL, or several separated by commas for a cluster."""
    nats_user: str = ""
    nats_password: str = ""
    instance: str = ""
    """Unique name of this process; made from host and process id when absent. Lower case, no dots."""
    ops_host: str = "127.0.0.1"
    ops_port: int = 0
    """Health and metrics of this process; 0 takes a free port."""
    log_level: str = "info"


ALIASES = {
    "nats_url": "NATS_URL",
    "nats_user": "NATS_USER",
    "nats_password": "NATS_PASSWORD",
    "clickhouse_url": "CLICKHOUSE_URL",
}


def load(cls: type[Settings], environ: Mapping[str, str] | None = None) -> Settings:
    """Settings of type `cls`.

    Raises SystemExit, naming the variable, when a value does not fit its field.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, str] = {}
    for name in cls.__struct_fields__:
        value = environ.get(ALIASES.get(name, f"TOKENROUTER_{name.upper()}"), "")
        if value != "":
            found[name] = value
    if "instance" in cls.__struct_fields__ and "instance" not in found:
        host = "".join(c if c.isalnum() else "-" for c in socket.gethostname().lower())
        found["instance"] = f"{host}-{os.getpid()}"
    try:
        return msgspec.convert(found, cls, strict=False)
    except msgspec.ValidationError as error:
        raise SystemExit(f"bad setting: {error} (fields of {cls.__name__} are read from TOKENROUTER_<FIELD>)") from None
