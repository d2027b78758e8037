"""The figures as a table, each beside its bar."""

from typing import Any

from msgspec import Struct


class Bar(Struct, frozen=True):
    """What a figure has to reach. `most`: at most, else at least."""

    figure: str
    words: str
    bar: float
    aim: float | None = None
    most: bool = True

    def line(self, figures: dict[str, Any]) -> str | None:
        value = figures.get(self.figure)
        if value is None:
            return None
        met = value <= self.bar if self.most else value >= self.bar
        sign = "<=" if self.most else ">="
        aim = f" (aim {self.aim:g})" if self.aim is not None else ""
        return f"  {self.words:<52} {value:>10,.2f}   {sign} {self.bar:g}{aim}   {'met' if met else 'MISSED'}"


BARS = (
    Bar("cpu_ms_per_request", "CPU ms per request, all processes, c=32", 0.80, 0.50),
    Bar("requests_per_second_per_core", "requests per second per core, c=32", 1000, most=False),
    Bar("added_p50_ms", "added p50 ms at 25 requests/s", 4.0),
    Bar("cpu_us_per_chunk", "CPU us per streamed chunk, 8 x 300, 5 ms apart", 150, 80),
    Bar("rss_mb", "RSS MB, all processes", 900),
    Bar("errors", "errors", 0),
)
OTHERS = {
    "added_p99_ms": "added p99 ms at 25 requests/s",
    "added_stream_p50_ms": "added p50 ms until a stream's first byte",
    "light_cpu_ms_per_request": "CPU ms per request at 25 requests/s",
    "latency_p50_ms": "p50 ms, c=32",
    "latency_p99_ms": "p99 ms, c=32",
    "idle_cpu_percent": "CPU per cent of a core, idle",
    "pss_mb": "PSS MB, all processes (shared pages counted once)",
    "others_percent": "per cent of the router's core used by others, c=32",
    "stream_others_percent": "per cent of the router's core used by others, streams",
    "settled_after_s": "seconds until the ledger was written, after c=32",
}


def table(figures: dict[str, Any]) -> str:
    """The whole report."""
    lines = ["", "The router:"]
    lines += [line for line in (bar.line(figures) for bar in BARS) if line]
    lines += [f"  {words:<52} {figures[name]:>10,.2f}" for name, words in OTHERS.items() if figures.get(name) is not None]
    for title, name in (
        ("CPU ms per request by service, c=32", "cpu_ms_by_service"),
        ("CPU us per chunk by service", "chunk_us_by_service"),
        ("What store costs, c=32", "store"),
        ("RSS MB by service", "rss_by_service"),
        ("A bare relay of the same shape in the same run", "relay"),
        ("The mock provider hit directly", "direct"),
        ("The ledger", "ledger"),
        ("LEFT OUT", "left_out"),
    ):
        if figures.get(name):
            lines += ["", f"{title}:", *(f"  {key:<52} {_shown(value):>10}" for key, value in figures[name].items())]
    if figures.get("error_samples"):
        lines += ["", "Errors:", *(f"  {sample}" for sample in figures["error_samples"])]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else str(value)
