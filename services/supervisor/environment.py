"""What each service gets to see of the environment: what it needs, and no other service's secrets."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.supervisor.settings import Settings

_SYSTEM = frozenset({
    "PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
})
_SYSTEM_PREFIXES = ("LC_", "PYTHON")
_OUTBOUND = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
"""For whoever calls the internet; a proxy's URL may hold a password."""
_OWNERS = {
    "TOKENROUTER_API_KEY": ("bootstrap",),
    "TOKENROUTER_VAULT_KEY": ("bootstrap", "provider-worker"),
    "CLICKHOUSE_URL": ("recorder",),
}
"""Secrets, and the services that may see them."""
USERS = ("bootstrap", "edge", "firewall", "rules", "router", "provider-worker", "recorder", "operator")
"""The users of deploy/nats.conf."""


@dataclass(frozen=True, slots=True)
class Nats:
    """Where the bus is, and each service's password; without passwords, the operator's own credentials are used."""

    url: str
    passwords: Mapping[str, str]

    def credentials(self, service: str, environ: Mapping[str, str]) -> dict[str, str]:
        """NATS_URL, and NATS_USER with NATS_PASSWORD where the URL does not carry them."""
        own = self.passwords.get(service) or environ.get(password_variable(service), "")
        if own:
            return {"NATS_URL": self.url, "NATS_USER": service, "NATS_PASSWORD": own}
        shared = {name: environ[name] for name in ("NATS_USER", "NATS_PASSWORD") if environ.get(name)}
        return {"NATS_URL": self.url} | shared


def password_variable(service: str) -> str:
    """The variable that holds a service's NATS password, in deploy/nats.conf and in the operator's environment."""
    return f"NATS_PASSWORD_{service.replace('-', '_').upper()}"


def for_service(service: str, settings: Settings, nats: Nats) -> dict[str, str]:
    """The environment of one service, without what differs between its instances."""
    environ = {name: value for name, value in settings.environ.items() if _may_see(service, name, settings)}
    if service in USERS:
        environ |= nats.credentials(service, settings.environ)
    environ["TOKENROUTER_HOME"] = str(settings.home)
    return environ


def system(environ: Mapping[str, str]) -> dict[str, str]:
    """What any program needs."""
    return {name: value for name, value in environ.items() if name in _SYSTEM or name.startswith(_SYSTEM_PREFIXES)}


def _may_see(service: str, name: str, settings: Settings) -> bool:
    if name in _OWNERS:
        return service in _OWNERS[name]
    if name.startswith("TOKENROUTER_") or name in _SYSTEM or name.startswith(_SYSTEM_PREFIXES):
        return True
    if service != "provider-worker":
        return False
    return name.upper() in _OUTBOUND or name.startswith(tuple(f"{prefix}_" for prefix in settings.provider_prefixes))
