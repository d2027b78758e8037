"""The simulation as an SVG: regret by mode, and over time."""

from xml.sax.saxutils import escape

from tests.bench.simulation.play import Served
from tests.bench.simulation.report import over_time, summed_up
from tests.bench.simulation.world import CHANGES, FAULTS, MODES

WIDTH, HEIGHT = 960, 620
LEFT, RIGHT = 60, 20
COLOURS = ("#bbbbbb", "#1f77b4", "#9467bd", "#8c564b", "#2ca02c", "#ff7f0e", "#d62728", "#7f7f7f")
IN_A_ROW = 4
PARTS = 100
BARS_TOP, BARS_BOTTOM = 70, 280
LINES_TOP, LINES_BOTTOM = 350, 570


def picture(played: dict[str, list[Served]]) -> str:
    others = {name: served for name, served in played.items() if name != "oracle"}
    regrets = {name: found["regret"] for name, found in summed_up(played).items() if name != "oracle"}
    colours = dict(zip(others, COLOURS, strict=False))
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_legend(colours),
        *_bars(regrets, colours),
        *_lines({name: over_time(served, played["oracle"], PARTS) for name, served in others.items()}, colours),
        "</svg>",
    ]
    return "\n".join(pieces) + "\n"


def _legend(colours: dict[str, str]) -> list[str]:
    found, step = [], (WIDTH - LEFT - RIGHT) / IN_A_ROW
    for number, (name, colour) in enumerate(colours.items()):
        x, y = LEFT + number % IN_A_ROW * step, 10 + number // IN_A_ROW * 16
        found += [f'<rect x="{x:.0f}" y="{y}" width="10" height="10" fill="{colour}"/>', _text(x + 14, y + 9, name, size=11)]
    return found


def _bars(regrets: dict[str, dict[str, float]], colours: dict[str, str]) -> list[str]:
    most = max(value for modes in regrets.values() for value in modes.values())
    found = [_text(LEFT, BARS_TOP - 15, "Regret by mode: utility lost against an oracle, on average")]
    found += _axis(BARS_TOP, BARS_BOTTOM, most)
    group = (WIDTH - LEFT - RIGHT) / len(MODES)
    width = group * 0.85 / len(regrets)
    for place, mode in enumerate(MODES):
        begin = LEFT + place * group + group * 0.05
        found.append(_text(begin + group * 0.4, BARS_BOTTOM + 16, mode, anchor="middle"))
        for number, (name, modes) in enumerate(regrets.items()):
            height = modes[mode] / most * (BARS_BOTTOM - BARS_TOP)
            x, y = begin + number * width, BARS_BOTTOM - height
            found.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{height:.1f}" fill="{colours[name]}"/>')
            found.append(_text(x + width / 2, y - 3, f"{modes[mode]:.2f}", size=9, anchor="middle"))
    return found


def _lines(regrets: dict[str, list[float]], colours: dict[str, str]) -> list[str]:
    most = max(max(values) for values in regrets.values())
    found = [_text(LEFT, LINES_TOP - 25, "Regret over time, all modes. Shaded: something is wrong with a provider; dashed: a price changes")]
    found += _axis(LINES_TOP, LINES_BOTTOM, most)
    for fault in FAULTS:
        x, width = _across(fault.begins), _across(fault.ends) - _across(fault.begins)
        found.append(f'<rect x="{x:.1f}" y="{LINES_TOP}" width="{width:.1f}" height="{LINES_BOTTOM - LINES_TOP}" fill="#000" opacity="0.07"/>')
        found.append(_text(x, LINES_BOTTOM + 14, f"{fault.provider} {fault.kind}", size=9))
    for change in CHANGES:
        x = _across(change.at)
        found.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{LINES_TOP}" y2="{LINES_BOTTOM}" stroke="#555" stroke-dasharray="4 3"/>')
        found.append(_text(x, LINES_BOTTOM + 28, f"{change.model} x {change.factor:g}", size=9))
    for name, values in regrets.items():
        points = " ".join(
            f"{_across((number + 0.5) / len(values)):.1f},{LINES_BOTTOM - value / most * (LINES_BOTTOM - LINES_TOP):.1f}"
            for number, value in enumerate(values)
        )
        found.append(f'<polyline points="{points}" fill="none" stroke="{colours[name]}" stroke-width="1.5"/>')
    return found


def _axis(top: int, bottom: int, most: float) -> list[str]:
    found = []
    for part in range(5):
        y = bottom - part / 4 * (bottom - top)
        found.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        found.append(_text(LEFT - 6, y + 4, f"{most * part / 4:.2f}", size=10, anchor="end"))
    return found


def _across(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _text(x: float, y: float, words: str, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(words)}</text>'
