"""What the sandbox is told by its environment."""

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """A field `x` is read from `TOKENROUTER_X`."""

    sandbox_port: int
    """Where all providers and the probes listen."""
    sandbox_speed: float = 1.0
    """1 is lifelike; 20 is twenty times faster."""
    ops_host: str = "127.0.0.1"
    ops_port: int = 0
    """A second port for the probes, where the supervisor expects them; 0: none."""
    instance: str = ""
    log_level: str = "info"
