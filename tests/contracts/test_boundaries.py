"""Who may import whom: services import no other service, libs import no service, contracts only msgspec and the standard library."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted([*ROOT.glob("libs/**/*.py"), *ROOT.glob("services/**/*.py")])


def imported(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: relative import"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_imports_stay_within_bounds(source: Path) -> None:
    top, package, *_ = source.relative_to(ROOT).parts
    names = imported(source)
    if top == "libs":
        assert not [name for name in names if name.startswith("services")]
    else:
        assert not [name for name in names if name.startswith("services.") and name.split(".")[1] != package]
    assert not [name for name in names if name.startswith("tests")]
    if (top, package) == ("libs", "contracts"):
        foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"msgspec"}
        assert foreign == {"libs"} or not foreign
        assert not [name for name in names if name.startswith("libs.") and not name.startswith("libs.contracts")]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_faststream_stays_behind_the_bus_and_the_handlers(source: Path) -> None:
    if not [name for name in imported(source) if name.split(".")[0] == "faststream"]:
        return
    assert source.is_relative_to(ROOT / "libs/bus") or source.name == "handlers.py"


def test_only_settings_and_entry_points_read_the_environment() -> None:
    others = [source for source in SOURCES if source.name not in ("settings.py", "__main__.py")]
    readers = {str(source.relative_to(ROOT)) for source in others if "os.environ" in source.read_text()}
    allowed = {name for name in readers if name.startswith("services/supervisor/") or name == "services/recorder/sql.py"}
    assert readers == allowed
