"""What the written pages name is there: commands, settings, files, links, columns."""

import ast
import importlib.util
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
import yaml

from docs.pages import SETTINGS, variable
from libs.catalog.providers import builtin, load
from services.provider_worker.providers import Providers
from services.supervisor.environment import USERS, password_variable
from tests.unit.docs.pages import IDS, PAGES, ROOT, blocks, code, columns

# Read by the supervisor as a whole, named here because it has no struct of fields.
SUPERVISOR = {
    "TOKENROUTER_HOME", "TOKENROUTER_HOST", "TOKENROUTER_PORT", "TOKENROUTER_API_KEY", "TOKENROUTER_RESTART_DELAY", "NATS_URL",
    "CLICKHOUSE_URL", "SCALE",
}
RESERVED = {"TOKENROUTER_CONSOLE_PORT"}
# Read by clients alone.
CLIENTS = {"TOKENROUTER_BASE_URL"}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_make_targets_exist(page: Path) -> None:
    named = set(re.findall(r"(?:^|[;&(]\s*|\w=\S* )make ([a-z][a-z0-9-]*)", code(page.read_text()), re.MULTILINE))
    assert named <= targets()


def test_the_commands_that_matter_are_seen() -> None:
    readme = code((ROOT / "README.md").read_text())
    assert {"up", "test", "sql", "down"} <= set(re.findall(r"make ([a-z]+)", readme)) & targets()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_modules_exist(page: Path) -> None:
    for module in re.findall(r"python3? -m ([a-z_.]+)", code(page.read_text())):
        assert importlib.util.find_spec(module) is not None, module


def settings() -> set[str]:
    fields = {variable(field.name) for kind in SETTINGS.values() for field in msgspec.structs.fields(kind)}
    prefixes = ["{PROVIDER}", *(profile.prefix for profile in builtin().values())]
    providers = {f"{prefix}_{field}" for prefix in prefixes for field in ("API_KEY", "BASE_URL", "MODELS", "REGION", "WEIGHT", "KEEPS_DATA")}
    return fields | providers | SUPERVISOR | RESERVED | CLIENTS | {password_variable(user) for user in USERS}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_settings_exist(page: Path) -> None:
    names = r"(?:TOKENROUTER|NATS|CLICKHOUSE|\{PROVIDER\}|" + "|".join(profile.prefix for profile in builtin().values()) + r")_[A-Z_]*[A-Z]"
    assert set(re.findall(rf"(?<![\w/$]){names}\b", code(page.read_text()))) <= settings()


def test_the_supervisor_reads_what_is_taken_for_its_own() -> None:
    source = (ROOT / "services/supervisor/settings.py").read_text()
    assert not {name for name in SUPERVISOR if f'"{name}"' not in source}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in {slug(heading) for heading in re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)}, link


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_paths_exist(page: Path) -> None:
    for path in re.findall(r"`((?:libs|services|tests|deploy|requirements)/[\w./-]+)`", page.read_text()):
        # A name in capitals stands for one that the reader chooses.
        assert (ROOT / path).exists() or "NNNN" in path, path


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_examples_parse(page: Path) -> None:
    for block in blocks(page.read_text(), "python"):
        ast.parse(block)


def test_bodies_in_curl_examples_are_json() -> None:
    text = "\n".join(blocks((ROOT / "README.md").read_text(), "sh"))
    bodies = [msgspec.json.decode(body) for body in re.findall(r"-d '([^']*)'", text)]
    assert len(bodies) >= 4


def views() -> dict[str, list[str]]:
    """View → its columns, from the newest migration that makes it."""
    found: dict[str, list[str]] = {}
    for migration in sorted((ROOT / "services/recorder/migrations").glob("*.sql")):
        for name, listed in re.findall(r"VIEW tokenrouter\.(\w+) AS\s+SELECT\s+(.*?)\s+FROM", migration.read_text(), re.DOTALL):
            found[name] = [re.split(r"\s+AS\s+|\.", column.strip())[-1] for column in re.sub(r"\([^()]*\)", "", listed).split(",")]
    return found


def described() -> dict[str, list[str]]:
    """View → the columns that docs/ledger.md explains."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in (ROOT / "docs/ledger.md").read_text().splitlines():
        heading = re.match(r"## `(\w+)`", line)
        if heading:
            name = heading[1]
        elif line.startswith("## "):
            name = ""
        elif name and line.startswith("| `"):
            found.setdefault(name, []).extend(re.findall(r"`(\w+)`", columns(line)[0]))
    return found


def test_every_column_of_every_view_is_explained() -> None:
    explained = {view: sorted(names) for view, names in described().items()}
    assert explained == {view: sorted(names) for view, names in views().items()}


EXAMPLES = [block for page in PAGES for block in blocks(page.read_text(), "toml") if block.startswith("[[provider]]")]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: re.findall(r'id = "(.*?)"', example)[0])
def test_examples_of_providers_can_be_used(example: str, tmp_path: Path) -> None:
    file = tmp_path / "providers.toml"
    file.write_text(example)
    profiles = load(str(file))
    added = profiles.keys() - builtin().keys()
    assert added
    providers = Providers(profiles)
    assert all(providers.dialect(provider, "any-model") for provider in added)


def test_there_are_examples_of_providers() -> None:
    assert len(EXAMPLES) >= 2


def test_compose_hands_every_providers_variables_to_the_workers_alone() -> None:
    variables = {f"{profile.prefix}_{field}" for profile in builtin().values() for field in ("API_KEY", "BASE_URL", "MODELS")}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert variables <= services["provider-worker"]["environment"].keys()
    assert not [name for name, service in services.items() if name != "provider-worker" and variables & (service.get("environment") or {}).keys()]


def test_every_provider_is_in_the_reference() -> None:
    page = code((ROOT / "docs/providers.md").read_text()).splitlines()
    assert set(builtin()) <= set(page)


def test_version_is_the_projects() -> None:
    from services.edge.openapi import VERSION

    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
