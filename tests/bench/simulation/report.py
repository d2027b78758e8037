"""The figures of a simulation, as a table."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from tests.bench.simulation.play import Served
from tests.bench.simulation.world import MODES

Figures = dict[str, Any]


def summed_up(played: dict[str, list[Served]]) -> Figures:
    """By strategy: utility and regret by mode, and what it took. Regret is what the oracle's choices were worth more, on average."""
    return {name: _of(served, played["oracle"]) for name, served in played.items()}


def _of(served: Sequence[Served], oracle: Sequence[Served]) -> Figures:
    pairs = list(zip(served, oracle, strict=True))
    good = [one for one in served if one.ok]
    return {
        "utility": {mode: fmean(one.utility for one in served if one.mode == mode) for mode in MODES},
        "regret": {mode: fmean(best.utility - one.utility for one, best in pairs if one.mode == mode) for mode in MODES},
        "regret_of_all": fmean(best.utility - one.utility for one, best in pairs),
        "failed_percent": 100 * (1 - len(good) / len(served)),
        "calls_per_request": fmean(one.calls for one in served),
        "explored_percent": 100 * fmean(one.explored for one in served),
        "quality": fmean(one.quality for one in good),
        "usd_per_1000": 1000 * fmean(one.usd for one in good),
        "seconds": fmean(one.seconds for one in good),
    }


def table(figures: Figures, requests: int, seed: int) -> str:
    lines = [
        f"{requests:,} requests in virtual time, seed {seed}. Utility by the mode's weights, and in brackets the regret: what the oracle's "
        "choice was worth more.", "",
        f"  {'':<24}" + "".join(f"{mode:>17}" for mode in MODES)
        + f"{'failed %':>10}{'calls':>7}{'explored %':>12}{'quality':>9}{'$/1000':>8}{'s':>7}",
    ]
    for name, found in figures.items():
        modes = "".join(f"{found['utility'][mode]:>9.3f} ({found['regret'][mode]:.3f})" for mode in MODES)
        lines.append(
            f"  {name:<24}{modes}{found['failed_percent']:>10.2f}{found['calls_per_request']:>7.2f}{found['explored_percent']:>12.2f}"
            f"{found['quality']:>9.3f}{found['usd_per_1000']:>8.2f}{found['seconds']:>7.1f}"
        )
    return "\n".join(lines)


def over_time(served: Sequence[Served], oracle: Sequence[Served], parts: int) -> list[float]:
    """Mean regret in so many equal parts of the requests."""
    size = len(served) / parts
    found = []
    for part in range(parts):
        inside = slice(round(part * size), round((part + 1) * size))
        found.append(fmean(best.utility - one.utility for one, best in zip(served[inside], oracle[inside], strict=True)))
    return found
