"""What the operator asked for: the environment over `.env`, checked before anything starts."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from libs.catalog.providers import BadProviders, Profile, builtin
from libs.catalog.providers import load as load_providers
from services.supervisor import dotenv
from services.supervisor.backoff import LONGEST

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder, where `python -m services.x` works."""

SERVICES = ("firewall", "rules", "router", "provider-worker", "recorder", "edge")
"""The services that may be scaled, in the order in which they start."""


class BadSetting(Exception):
    """A setting cannot be used; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's wishes. `environ` holds everything, for what is passed on to the services."""

    environ: Mapping[str, str]
    home: Path
    host: str
    port: int
    api_key: str
    nats_url: str
    """Empty: run the embedded server."""
    clickhouse_url: str
    scale: Mapping[str, int]
    providers: Mapping[str, Profile] = field(default_factory=builtin)
    restart_delay: float = LONGEST
    """Seconds at most before a service that died is started again."""

    @property
    def sandbox(self) -> bool:
        """No provider is configured, so the built-in ones answer."""
        return not self.configured

    @property
    def configured(self) -> list[str]:
        """Ids of the providers that have a key or a base URL, and of the operator's own that need no key."""
        suffixes = ("", *(f"_{number}" for number in range(2, 10)))
        fields = [f"{field}{suffix}" for field in ("API_KEY", "BASE_URL") for suffix in suffixes]
        return [
            profile.id for profile in self.providers.values()
            if any(self.environ.get(f"{profile.prefix}_{field}") for field in fields)
            or (profile.keyless and profile is not builtin().get(profile.id))
        ]

    @property
    def provider_prefixes(self) -> list[str]:
        """Of the variables that configure providers: `OPENAI` and so on, and those of the operator's own file."""
        return [profile.prefix for profile in self.providers.values()]

    @property
    def local_host(self) -> str:
        """Where this machine reaches the edge."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)

    @property
    def edge_url(self) -> str:
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.port}"


def load(environ: Mapping[str, str] | None = None, dotenv_path: Path = ROOT / ".env") -> Settings:
    """Settings from the environment and `.env`; the environment wins, even where it sets a variable to nothing.

    Raises BadSetting.
    """
    try:
        merged = dotenv.load(dotenv_path) | dict(os.environ if environ is None else environ)
    except dotenv.BadLine as error:
        raise BadSetting(str(error)) from None
    settings = Settings(
        environ=merged,
        home=Path(ROOT, Path(merged.get("TOKENROUTER_HOME") or "var").expanduser()).resolve(),
        host=merged.get("TOKENROUTER_HOST") or "127.0.0.1",
        port=_port(merged, "TOKENROUTER_PORT", 8080),
        api_key=merged.get("TOKENROUTER_API_KEY", ""),
        nats_url=merged.get("NATS_URL", ""),
        clickhouse_url=merged.get("CLICKHOUSE_URL", ""),
        scale=parse_scale(merged.get("SCALE", "")),
        providers=_providers(merged.get("TOKENROUTER_PROVIDERS_FILE", "")),
        restart_delay=_seconds(merged, "TOKENROUTER_RESTART_DELAY", LONGEST),
    )
    if settings.scale["recorder"] > 1 and not settings.clickhouse_url:
        raise BadSetting("SCALE: more than one recorder needs a ClickHouse server; set CLICKHOUSE_URL or leave recorder at 1")
    return settings


def parse_scale(text: str) -> dict[str, int]:
    """`provider-worker=3 edge=2` as a number for every service, 1 where none is given. Raises BadSetting."""
    scale = dict.fromkeys(SERVICES, 1)
    for part in re.split(r"[\s,]+", text.strip()):
        if not part:
            continue
        name, _, count = part.partition("=")
        service = name.replace("_", "-")
        if service not in scale:
            raise BadSetting(f"SCALE: there is no service {name!r}; choose from {', '.join(SERVICES)}")
        if not re.fullmatch(r"[1-9][0-9]?", count):
            raise BadSetting(f"SCALE: {name} needs a number from 1 to 99, as in {name}=2")
        scale[service] = int(count)
    return scale


def _providers(path: str) -> dict[str, Profile]:
    try:
        return load_providers(path)
    except BadProviders as error:
        raise BadSetting(f"TOKENROUTER_PROVIDERS_FILE: {error}") from None


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise BadSetting(f"{name} must be a port number from 1 to 65535")
    return int(value)


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    value = environ.get(name) or str(default)
    if not re.fullmatch(r"\d+(\.\d+)?", value) or not 0 < float(value) <= 3600:
        raise BadSetting(f"{name} must be a number of seconds above 0 and up to 3600")
    return float(value)
