"""The generated pages: file name → the function that makes its text."""

import inspect
from collections.abc import Callable
from typing import Any

import msgspec
import yaml
from litestar import Litestar
from msgspec import Struct
from prometheus_client.metrics import MetricWrapperBase

from docs import pitfalls
from docs.notes import annotate, notes
from libs.bus import asyncapi, metrics
from libs.bus.asyncapi import CHANNELS
from libs.bus.service import Bus
from libs.bus.settings import ALIASES, BusSettings
from libs.contracts import decisions, deltas, errors, health, ledger, message, policies, queries, requests, telemetry
from libs.firewall.detectors import PACKS
from services.bootstrap.settings import BootstrapSettings
from services.edge import openapi
from services.edge.app import application
from services.edge.settings import EdgeSettings
from services.provider_worker.settings import WorkerSettings
from services.recorder.settings import RecorderSettings
from services.router.settings import RouterSettings
from services.sandbox.settings import Settings as SandboxSettings

GENERATED = "<!-- Written by `make docs`; edit the source that is named below instead. -->\n\n"
CONTRACTS = (decisions, deltas, errors, health, ledger, message, policies, queries, requests, telemetry)
SETTINGS: dict[str, type[Struct]] = {
    "Every service on the bus": BusSettings,
    "edge": EdgeSettings,
    "router": RouterSettings,
    "provider-worker": WorkerSettings,
    "recorder": RecorderSettings,
    "bootstrap": BootstrapSettings,
    "sandbox": SandboxSettings,
}


def asyncapi_yaml() -> str:
    """The bus."""
    made = asyncapi.document(openapi.VERSION)
    annotate(made["components"]["schemas"], _contract_types())
    head = "# Written by `make docs` from libs/bus/asyncapi.py and libs/contracts.\n"
    return head + yaml.safe_dump(made, sort_keys=False, width=140, allow_unicode=True)


def openapi_json() -> str:
    """The edge."""
    return msgspec.json.format(msgspec.json.encode(openapi.document(edge())), indent=2).decode() + "\n"


def subjects_md() -> str:
    """Who says what to whom, as a table."""
    rows = [
        [f"`{channel.subject}`", _ends(channel), f"`{channel.queue}`" if channel.queue else "",
         ", ".join(f"`{kind.__name__}`" for kind in channel.messages), channel.carried, channel.note]
        for channel in CHANNELS
    ]
    return (
        "# Subjects\n\n" + GENERATED + "From `libs/bus/asyncapi.py`, which takes the subjects from `libs/contracts/subjects.py`. "
        "The messages' fields are in [asyncapi.yaml](asyncapi.yaml). "
        "Large bodies travel beside these, in the object store `tokenrouter_claims` ([ADR 5](adr/0005-claim-check.md)).\n\n"
        + _table(["subject", "from → to", "queue group", "messages", "carried by", "what it says"], rows)
    )


def metrics_md() -> str:
    """Every metric."""
    rows = []
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            name = metric._name + ("_total" if metric._type == "counter" else "")
            rows.append([f"`{name}`", metric._type, ", ".join(f"`{label}`" for label in metric._labelnames), metric._documentation])
    return (
        "# Metrics\n\n" + GENERATED + "From `libs/bus/metrics.py`. Every process serves them in Prometheus' text format at `/metrics`: "
        "the edge on its own port, every other service on the port of `TOKENROUTER_OPS_PORT`. A process that does not do "
        "what a metric counts shows it as zero or not at all.\n\n" + _table(["name", "type", "labels", "meaning"], rows)
    )


def settings_md() -> str:
    """Every setting of every service."""
    parts = [
        "# Settings\n\n" + GENERATED + "From the settings structs. Each process reads its environment once, at its start; a value that does "
        "not fit stops it with the variable's name. `make up` also reads `.env`, and passes on to each service what that service "
        "needs. What `make up` itself understands stands in the [README](../README.md#settings).\n",
    ]
    for name, kind in SETTINGS.items():
        inherited = BusSettings.__struct_fields__ if kind is not BusSettings and issubclass(kind, BusSettings) else ()
        texts = notes(kind)
        rows = [
            [f"`{variable(field.name)}`", _default(field), texts.get(field.name, "")]
            for field in msgspec.structs.fields(kind) if field.name not in inherited
        ]
        source = str(inspect.getmodule(kind).__name__).replace(".", "/")  # type: ignore[union-attr]
        parts.append(f"\n## {name}\n\nFrom `{source}.py`.\n\n" + _table(["variable", "default", "meaning"], rows))
    return "".join(parts)


def errors_md() -> str:
    """Every error that a client can see."""
    rows = [[str(status), f"`{kind}`", f"`{code}`", meaning] for status, kind, code, meaning in openapi.error_codes()]
    return (
        "# Errors\n\n" + GENERATED + "From `libs/contracts/errors.py` and `services/edge/openapi_codes.py`. Every error has the same body: "
        "`{\"error\": {type, message, code, param, http_status, provider, raw, request_id}, \"request_id\", \"detail\"}`, "
        "and with a rule behind it `error.rule_trace`. A 429 or 503 says in `Retry-After` when to come back.\n\n"
        + _table(["status", "type", "code", "meaning"], rows)
    )


def pitfalls_md() -> str:
    """What translation has to get right, and what holds it."""
    return (
        "# Translation points\n\n" + GENERATED + "From `docs/pitfalls.toml` and the names of the tests. Each of these has broken "
        "a gateway somewhere. A dialect that a point concerns has a test that runs it, or a reason not to; "
        "`tests/conformance/test_pitfalls.py` sees to that.\n\n"
        + _table(["", "what has to be right", "dialects", "held by", "notes"], [pitfalls.row(point) for point in pitfalls.points()])
    )


def detectors_md() -> str:
    """The detectors of each pack."""
    text = "# Detectors\n\n" + GENERATED + "Source: `libs/firewall/detectors`. "
    text += "What the packs are for and how well they do stands in [firewall-detectors.md](firewall-detectors.md).\n"
    for pack, found in PACKS.items():
        rows = [[f"`{each.name}`", each.title, str(each.longest)] for each in found]
        text += f"\n## `{pack}`\n\n" + _table(["detector", "finds", "recognised within, characters"], rows)
    return text


PAGES: dict[str, Callable[[], str]] = {
    "asyncapi.yaml": asyncapi_yaml,
    "openapi.json": openapi_json,
    "subjects.md": subjects_md,
    "metrics.md": metrics_md,
    "settings.md": settings_md,
    "errors.md": errors_md,
    "pitfalls.md": pitfalls_md,
    "detectors.md": detectors_md,
}


def edge() -> Litestar:
    """An edge that is wired and never started."""
    settings = EdgeSettings(instance="docs")
    return application(Bus("edge", settings), settings)


def variable(field: str) -> str:
    """The environment variable that sets a field."""
    return ALIASES.get(field, f"TOKENROUTER_{field.upper()}")


def _contract_types() -> list[type[Struct]]:
    named = [kind for module in CONTRACTS for kind in vars(module).values() if isinstance(kind, type)]
    return [kind for kind in named if issubclass(kind, Struct) and kind is not Struct]


def _ends(channel: asyncapi.Channel) -> str:
    senders = "everyone" if channel.senders == asyncapi.EVERYONE else ", ".join(channel.senders)
    receivers = "everyone" if channel.receivers == asyncapi.EVERYONE else ", ".join(channel.receivers)
    return f"{senders} → {receivers}" if receivers else senders


def _default(field: Any) -> str:
    if field.default is msgspec.NODEFAULT:
        return "required"
    return "" if field.default == "" else f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
