"""The page on routing rules has every condition and action, with examples that are taken."""

import re

import msgspec
import pytest

from libs.rules.conditions import CONDITIONS
from libs.rules.groups import GROUPS
from services.edge.routing_actions import _checks
from services.edge.routing_rule_fields import routing_fields
from tests.unit.docs.pages import ROOT

PAGE = (ROOT / "docs/routing-rules.md").read_text()
EXAMPLES = re.findall(r"\| `(\{.*?\})` \|$", PAGE, re.MULTILINE)


def section(name: str) -> str:
    return PAGE.partition(f"## {name}\n")[2].partition("\n## ")[0]


def examples(name: str) -> list[dict[str, object]]:
    return [msgspec.json.decode(text) for text in EXAMPLES if f"`{text}`" in section(name)]


def test_every_condition_and_every_action_has_a_line() -> None:
    for name, known in (("Conditions", CONDITIONS.keys() | GROUPS), ("Actions", _checks(()).keys())):
        lines = "".join(line.split("|")[1] for line in section(name).splitlines() if line.startswith("| `"))
        assert set(re.findall(r"`(\w+)`", lines)) == known


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_taken(example: str) -> None:
    given = msgspec.json.decode(example)
    is_action = f"`{example}`" in section("Actions")
    match, action = ({}, given) if is_action else (given, {})
    routing_fields({"name": "x", "is_enabled": True, "priority": 0, "match_json": match, "action_json": action}, partial=False)


def test_there_are_as_many_examples_as_lines() -> None:
    assert len(examples("Conditions")) == 22
    assert len(examples("Actions")) == 11
