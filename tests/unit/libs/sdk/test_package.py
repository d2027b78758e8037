"""The package stands on its own: what it imports is what it declares."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PACKAGE = Path(__file__).parents[4] / "libs/sdk"
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())
SOURCES = sorted((PACKAGE / "src/tokenrouter_sdk").rglob("*.py"))


def imported(source: Path) -> set[str]:
    """Top-level names that are imported when the module runs, not those for type checkers only."""
    tree = ast.parse(source.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {module.split(".")[0] for module in modules}


def test_imports_are_declared() -> None:
    names = [re.split(r"[<>=~ \[]", dependency)[0].replace("-", "_") for dependency in PROJECT["project"]["dependencies"]]
    foreign = set().union(*map(imported, SOURCES)) - set(sys.stdlib_module_names) - {"tokenrouter_sdk"}
    assert foreign == set(names)


def test_it_is_imported_without_the_rest_of_the_repository() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import tokenrouter_sdk.types\n"
        "assert not {'libs', 'services', 'msgspec', 'nats'} & sys.modules.keys()"
    )
    # -I: neither the folder it runs in nor PYTHONPATH counts.
    subprocess.run([sys.executable, "-I", "-c", code, str(PACKAGE / "src")], check=True, timeout=60)


def test_types_are_marked() -> None:
    (wheel,) = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert (PACKAGE / wheel / "py.typed").exists()
