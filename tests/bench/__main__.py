"""`make bench`: starts the router against a mock provider, loads it, and prints what a request and a chunk cost.

The router's processes share one core, the mock provider and the load generator another. A phase that fails or takes too long is
left out of the report, which says so; the exit code is then 1. A bar that is missed is no failure.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from tests.bench import gateway, profile, report
from tests.bench.gateway import Gateway
from tests.bench.limit import limited
from tests.bench.measure import GATEWAY_CORE, LOAD_CORE, Cost, Meter, run_load
from tests.bench.processes import Started, cpu_ms, started

CHUNKS, STREAMS, RATE = 300, 8, 25
STORE_ROUNDS, LITTLE_MS = 3, 0.005
Figures = dict[str, Any]


def main() -> int:
    options = _options()
    begun = time.monotonic()
    figures: Figures = {"direct": {}, "left_out": {}}
    try:
        with started("tests.bench.mock_provider", "--chunks", str(CHUNKS), core=LOAD_CORE) as mock, _router(options, mock) as router:
            measure(Meter(router), mock, options, figures)
    except KeyboardInterrupt:
        figures["left_out"]["the rest"] = "interrupted"
    figures["took_s"] = round(time.monotonic() - begun, 1)
    print(report.table(figures))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\n{figures['took_s']:.0f} s; all figures: {options.out}")
    return 1 if figures["left_out"] else 0


def measure(meter: Meter, mock: Started, options: argparse.Namespace, figures: Figures) -> None:
    """Fill in every figure that was asked for, phase by phase."""
    direct = f"http://127.0.0.1:{mock.port}/v1/responses"
    wanted = {options.only} if options.only else {"plain", "store", "stream", "light"}
    phases: list[tuple[str, float, bool, Callable[[], Figures]]] = [
        ("warming up", 120, True, lambda: _warm(meter, options)),
        ("plain, 32 at a time", 120, "plain" in wanted, lambda: _plain(meter, options)),
        ("the mock alone, plain", 60, "plain" in wanted, lambda: {"direct": figures["direct"] | _direct_plain(direct, mock)}),
        ("the same with and without store", 240, "store" in wanted, lambda: _stored(meter, options)),
        (f"streamed, {STREAMS} at a time", 180, "stream" in wanted, lambda: _streamed(meter, options)),
        ("the mock alone, streamed", 60, "stream" in wanted, lambda: {"direct": figures["direct"] | _direct_streamed(direct, mock)}),
        (f"{RATE} a second", 180, "light" in wanted, lambda: _light(meter, direct, figures["direct"], options)),
        ("a bare relay, for comparison", 180, "plain" in wanted or "light" in wanted, lambda: {"relay": _relay(direct, figures, options)}),
        ("memory and the ledger", 120, True, lambda: _state(meter)),
    ]
    for words, seconds, is_wanted, phase in phases:
        if is_wanted:
            _phase(words, seconds + 4 * (options.seconds or 0.0), phase, figures)


def _phase(words: str, seconds: float, phase: Callable[[], Figures], figures: Figures) -> None:
    """Add a phase's figures; one that fails or takes too long is noted and does not keep the others from running."""
    begun = time.monotonic()
    print(words, end=" ", flush=True)
    try:
        with limited(seconds):
            figures |= phase()
    except Exception as error:
        figures["left_out"][words] = f"{type(error).__name__}: {error}"
        print(f"failed after {time.monotonic() - begun:.0f} s: {type(error).__name__}: {error}", flush=True)
        return
    print(f"{time.monotonic() - begun:.0f} s", flush=True)


def _warm(meter: Meter, options: argparse.Namespace) -> Figures:
    if not options.target:
        meter.gateway.install_rules()
    meter.pin()
    meter.load("closed", "--seconds", "3")
    meter.load("closed", "--stream", "--concurrency", str(STREAMS), "--total", str(STREAMS))
    return {"idle_cpu_percent": round(meter.idle(3.0 if options.only else 10.0) / 10, 2)}


def _state(meter: Meter) -> Figures:
    memory = meter.memory()
    return {
        "rss_mb": memory["rss_mb"], "pss_mb": memory["pss_mb"], "rss_by_service": memory["by_service"],
        "errors": meter.failed, "error_samples": meter.samples[:10], "ledger": _ledger(meter),
    }


def _plain(meter: Meter, options: argparse.Namespace) -> Figures:
    seconds = options.seconds or 8.0
    pid = meter.gateway.pid(options.profile) if options.profile else 0
    with profile.recorded(pid, seconds, options.out.with_suffix(".stacks")) if pid else nullcontext():
        cost = meter.cost("closed", "--seconds", str(seconds))
    good = max(1, cost.result.good)
    return {
        "cpu_ms_per_request": cost.cpu_ms / good,
        "cpu_ms_by_service": _shares(cost.by_service, 1 / good),
        "requests_per_second_per_core": cost.result.good / cost.result.seconds,
        "latency_p50_ms": cost.result.latency_ms.get("p50"),
        "latency_p99_ms": cost.result.latency_ms.get("p99"),
        "settled_after_s": cost.settled_after,
        "others_percent": cost.others_percent,
    }


def _stored(meter: Meter, options: argparse.Namespace) -> Figures:
    """The same load with answers that are kept and with such that are not, in turn, so that a slow minute strikes both."""
    seconds = str(options.seconds or 4.0)
    loads: dict[str, tuple[str, ...]] = {"stored": (), "not stored": ("--unstored",)}
    costs: dict[str, list[Cost]] = {name: [] for name in loads}
    for _ in range(STORE_ROUNDS):
        for name, extra in loads.items():
            costs[name].append(meter.cost("closed", "--seconds", seconds, *extra))
    good = {name: max(1, sum(cost.result.good for cost in many)) for name, many in costs.items()}
    each = {name: sum(cost.cpu_ms for cost in many) / good[name] for name, many in costs.items()}
    services = {
        service: sum(cost.by_service.get(service, 0.0) for cost in costs["stored"]) / good["stored"]
        - sum(cost.by_service.get(service, 0.0) for cost in costs["not stored"]) / good["not stored"]
        for service in costs["stored"][0].by_service
    }
    figures = {f"CPU ms per request, {name}": ms for name, ms in each.items()} | {"store costs": each["stored"] - each["not stored"]}
    return {"store": figures | {f"  of that {service}": ms for service, ms in _shares(services, 1.0).items() if ms > LITTLE_MS}}


def _streamed(meter: Meter, options: argparse.Namespace) -> Figures:
    total = STREAMS * max(1, round((options.seconds or 7.0) / 1.6))
    pid = meter.gateway.pid(options.profile) if options.profile and options.only == "stream" else 0
    with profile.recorded(pid, total / STREAMS * 1.6, options.out.with_suffix(".stacks")) if pid else nullcontext():
        cost = meter.cost("closed", "--stream", "--concurrency", str(STREAMS), "--total", str(total), "--seconds", "60")
    chunks = max(1, cost.result.chunks)
    return {
        "cpu_us_per_chunk": 1000 * cost.cpu_ms / chunks,
        "chunk_us_by_service": _shares(cost.by_service, 1000 / chunks),
        "stream_others_percent": cost.others_percent,
        "stream_seconds": cost.result.latency_ms.get("p50", 0.0) / 1000,
    }


def _light(meter: Meter, direct: str, into: Figures, options: argparse.Namespace) -> Figures:
    seconds = str(options.seconds or 12.0)
    bare = run_load(direct, "", "open", "--rate", str(RATE), "--seconds", seconds)
    cost = meter.cost("open", "--rate", str(RATE), "--seconds", seconds)
    bare_stream = run_load(direct, "", "open", "--stream", "--rate", "5", "--seconds", "4")
    through_stream = meter.load("open", "--stream", "--rate", "5", "--seconds", "4")
    into |= {f"{name} ms at {RATE} requests/s": value for name, value in bare.latency_ms.items()}
    return {
        "added_p50_ms": _added(cost.result.latency_ms, bare.latency_ms, "p50"),
        "added_p99_ms": _added(cost.result.latency_ms, bare.latency_ms, "p99"),
        "added_stream_p50_ms": _added(through_stream.first_byte_ms, bare_stream.first_byte_ms, "p50"),
        "light_cpu_ms_per_request": cost.cpu_ms / max(1, cost.result.good),
    }


def _relay(provider: str, figures: Figures, options: argparse.Namespace) -> Figures:
    """What a relay of the same shape costs now, and the router as a multiple of it: that holds on a slow day too."""
    with started("tests.bench.relay", "run", provider, core=GATEWAY_CORE) as relay:
        meter = Meter(Gateway(f"http://127.0.0.1:{relay.port}", relay.pid))
        meter.pin()
        meter.load("closed", "--seconds", "2")
        meter.idle(2.0)
        cost = meter.cost("closed", "--seconds", str(options.seconds or 5.0))
        each = cost.cpu_ms / max(1, cost.result.good)
        found: Figures = {"CPU ms per request, c=32": each}
        if figures.get("cpu_ms_per_request"):
            found["the router as a multiple of it"] = figures["cpu_ms_per_request"] / each
        light = meter.load("open", "--rate", str(RATE), "--seconds", "6").latency_ms
        bare = figures["direct"].get(f"p50 ms at {RATE} requests/s")
        if bare is not None and light:
            found[f"added p50 ms at {RATE} requests/s"] = light["p50"] - bare
    return found


def _added(through: dict[str, float], bare: dict[str, float], quantile: str) -> float | None:
    """None where nothing came through."""
    return through[quantile] - bare[quantile] if through and bare else None


def _direct_plain(url: str, mock: Started) -> Figures:
    before = cpu_ms(mock.pid)
    result = run_load(url, "", "closed", "--seconds", "3")
    spent = cpu_ms(mock.pid) - before
    return {
        "CPU ms per request (the mock's own)": spent / max(1, result.good),
        "requests per second, mock and load on one core": result.good / result.seconds,
    }


def _direct_streamed(url: str, mock: Started) -> Figures:
    before = cpu_ms(mock.pid)
    result = run_load(url, "", "closed", "--stream", "--concurrency", str(STREAMS), "--total", str(2 * STREAMS))
    spent = cpu_ms(mock.pid) - before
    return {
        "CPU us per chunk (the mock's own)": 1000 * spent / max(1, result.chunks),
        "p50 seconds of a stream": result.latency_ms.get("p50", 0.0) / 1000,
    }


def _ledger(meter: Meter) -> Figures:
    """Whether the ledger has every request that was sent, once."""
    counted = [0]

    def complete() -> bool:
        answer = meter.gateway.sql("SELECT count() FROM requests")
        counted[0] = int(answer) if answer else -1
        return counted[0] < 0 or counted[0] == meter.sent

    gateway.wait_until(complete, 20.0, pause=1.0)
    if counted[0] < 0:
        return {"requests sent": meter.sent, "rows": "cannot be asked"}
    attempts = meter.gateway.sql("SELECT count() FROM attempts") or "unknown"
    verdict = "exact" if counted[0] == meter.sent else "MISMATCH"
    return {"requests sent": meter.sent, "requests recorded": counted[0], "attempts recorded": attempts, "verdict": verdict}


def _shares(spent: dict[str, float], factor: float) -> Figures:
    return {name: round(ms * factor, 4) for name, ms in sorted(spent.items(), key=lambda item: -item[1])}


@contextmanager
def _router(options: argparse.Namespace, mock: Started) -> Iterator[Gateway]:
    if options.target:
        yield Gateway(options.target, options.pid)
        return
    print("starting the router", flush=True)
    with gateway.started(f"http://127.0.0.1:{mock.port}/v1", keep_logs=options.logs) as router:
        yield router


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--only", choices=["plain", "store", "stream", "light"], help="one measurement instead of all")
    parser.add_argument("--seconds", type=float, help="of each measurement")
    parser.add_argument("--profile", metavar="SERVICE", help="sample one process with py-spy; the figures are then off")
    parser.add_argument("--target", metavar="URL", help="measure a router that runs there, without its /v1/responses")
    parser.add_argument("--pid", type=int, default=0, help="with --target: the process whose family is measured")
    parser.add_argument("--out", type=Path, default=Path("var/bench.json"), help="where all figures go (default: %(default)s)")
    parser.add_argument("--logs", action="store_true", help="show the ends of all logs at the end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
