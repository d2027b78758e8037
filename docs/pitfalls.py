"""The translation points of docs/pitfalls.toml, and the tests that are named after them."""

import re
import tomllib
from functools import cache
from itertools import takewhile
from pathlib import Path

import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[1]
_TEST = re.compile(r"^(?:async )?def (test_(?:p\d+_)+\w+)", re.MULTILINE)
_NUMBER = re.compile(r"p\d+")


class Point(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the things that have to be right."""

    number: int
    title: str
    dialects: list[str] = []
    """Those it concerns; empty when it is held before or behind them."""
    held: list[str] = []
    """Tests under other names: path and function."""
    reason: str = ""
    """Why there is no test, or what is left."""
    reasons: dict[str, str] = {}
    """The same for single dialects."""


class NamedTest(Struct, frozen=True, order=True):
    """A test named after one or more points."""

    path: str
    """From the project's root."""
    name: str

    @property
    def numbers(self) -> list[int]:
        """The points in its name: 72 and 77 in `test_p72_p77_status_decides`."""
        return [int(word[1:]) for word in takewhile(_NUMBER.fullmatch, self.name.split("_")[1:])]


@cache
def points() -> list[Point]:
    """All points, as they are listed."""
    return msgspec.convert(tomllib.loads((ROOT / "docs/pitfalls.toml").read_text())["point"], list[Point])


@cache
def named_tests() -> list[NamedTest]:
    """Every test with a point in its name."""
    paths = ROOT.glob("tests/**/test_*.py")
    return sorted(NamedTest(str(path.relative_to(ROOT)), name) for path in paths for name in _TEST.findall(path.read_text()))


def holding(point: Point) -> list[NamedTest]:
    """The tests that hold a point."""
    elsewhere = [NamedTest(*one.split("::")) for one in point.held]
    return [test for test in named_tests() if point.number in test.numbers] + elsewhere


def row(point: Point) -> list[str]:
    """The point's line in the table."""
    held: dict[str, list[str]] = {}
    for test in holding(point):
        held.setdefault(test.path.removeprefix("tests/"), []).append(f"`{test.name}`")
    by_file = "<br>".join(f"{path}: {', '.join(names)}" for path, names in held.items())
    why = "<br>".join([*filter(None, [point.reason]), *(f"{name}: {text}" for name, text in point.reasons.items())])
    return [str(point.number), point.title, ", ".join(point.dialects), by_file, why]
