"""What to run: every service, with its environment, its probe and its patience."""

import sys
from collections.abc import Mapping
from functools import partial

from services.supervisor import environment, oneshot, probe
from services.supervisor.environment import Nats
from services.supervisor.process import Program
from services.supervisor.settings import SERVICES, Settings

STOP_ORDER = ("edge", "firewall", "rules", "router", "provider-worker", "recorder", "sandbox", "nats-server")
"""Edges first, so that requests in flight still find every other service; the bus last."""

# Uvicorn gives requests in flight 60 seconds, provider-workers finish theirs with the edges' patience behind them.
GRACE = {"edge": 70.0, "provider-worker": 70.0}
OPS_HOST = "127.0.0.1"
# Base URLs end as each provider's own SDK takes them.
SANDBOX_PATHS = {
    "OPENAI_BASE_URL": "/openai/v1", "ANTHROPIC_BASE_URL": "/anthropic", "GEMINI_BASE_URL": "/gemini", "DEEPSEEK_BASE_URL": "/deepseek",
    "MISTRAL_BASE_URL": "/mistral",
}  # fmt: skip


def bootstrap(settings: Settings, nats: Nats) -> Program:
    """The one-shot that prepares the bus."""
    return Program("bootstrap", 1, _module("bootstrap"), environment.for_service("bootstrap", settings, nats), _never)


def services(settings: Settings, nats: Nats) -> list[Program]:
    """All services in the order in which they start, the sandbox before them where no provider is configured."""
    worker = oneshot.vault_key(settings)
    programs = []
    if settings.sandbox:
        port = probe.free_port()
        programs.append(_service("sandbox", 1, settings, nats, {"TOKENROUTER_SANDBOX_PORT": str(port)}))
        worker |= {"TOKENROUTER_SANDBOX": "1"} | {name: f"http://127.0.0.1:{port}{path}" for name, path in SANDBOX_PATHS.items()}
    for service in SERVICES:
        extra = worker if service == "provider-worker" else {}
        programs += [_service(service, number + 1, settings, nats, extra) for number in range(settings.scale[service])]
    return programs


def _service(service: str, number: int, settings: Settings, nats: Nats, extra: Mapping[str, str]) -> Program:
    port = probe.free_port(OPS_HOST)
    environ = environment.for_service(service, settings, nats) | dict(extra)
    environ |= {"TOKENROUTER_OPS_HOST": OPS_HOST, "TOKENROUTER_OPS_PORT": str(port)}
    if service == "edge":
        environ |= {"TOKENROUTER_HOST": settings.host, "TOKENROUTER_PORT": str(settings.port)}
        ready = partial(probe.ready, settings.local_host, settings.port)
    else:
        ready = partial(probe.ready, OPS_HOST, port)
    return Program(service, number, _module(service), environ, ready, GRACE.get(service, 20.0))


def _module(service: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"services.{service.replace('-', '_')}")


async def _never(_: str) -> bool:
    return False
