"""Every example in docs/examples.md, run as it stands against the sandbox, prints what stands below it; the SDK's README runs too."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import API_KEY, ROOT, Stack

PAGE = (ROOT / "docs/examples.md").read_text()
PREPARATION = "Before you begin"
PATTERNS = ("Standard request", "Auto routing", "Modes", "Stream", "Tools")
_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A block that is run, and the one below it."""

    section: str
    client: str
    """curl, tokenrouter_sdk, openai or anthropic."""
    code: str
    shown: str
    """What it prints."""
    as_json: bool

    @property
    def command(self) -> list[str]:
        return ["bash", "-euc", self.code] if self.client == "curl" else [sys.executable, "-c", self.code]


def examples(page: str) -> list[Example]:
    found: list[Example] = []
    for section, text in _SECTION.findall(page):
        blocks = _FENCED.findall(text) if section != PREPARATION else []
        assert len(blocks) % 2 == 0, f"{section}: a block that is run has one below it that shows what it prints"
        for (language, code), (shown_as, shown) in zip(blocks[::2], blocks[1::2], strict=True):
            assert language in ("sh", "python"), f"{section}: {language}"
            assert shown_as in ("text", "json"), f"{section}: {shown_as}"
            found.append(Example(section, client_of(language, code), code, shown, shown_as == "json"))
    return found


def client_of(language: str, code: str) -> str:
    if language == "sh":
        return "curl"
    imported = re.search(r"^(?:from|import) (tokenrouter_sdk|openai|anthropic)\b", code, re.MULTILINE)
    assert imported, code
    return imported[1]


EXAMPLES = examples(PAGE)
SECTIONS = list(dict.fromkeys(example.section for example in EXAMPLES))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(Path(tmp_path_factory.mktemp("examples")) / "home").start()
    yield stack
    stack.stop()


@pytest.fixture
def router(sandbox: Stack) -> Iterator[Stack]:
    """Rules of a section act on that section only."""
    yield sandbox
    with httpx.Client(base_url=f"{sandbox.url}/v1", headers=sandbox.auth) as http:
        for kind in ("routing-rules", "firewall-rules"):
            for rule in http.get(kind).json()["data"]:
                http.delete(f"{kind}/{rule['id']}").raise_for_status()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_is_shown_in_three_ways(pattern: str) -> None:
    assert {"curl", "tokenrouter_sdk", "openai"} <= {example.client for example in EXAMPLES if example.section == pattern}


@pytest.mark.parametrize("section", SECTIONS)
def test_examples_print_what_is_shown(router: Stack, section: str, tmp_path: Path) -> None:
    """In the page's order, since one may build on those before it."""
    wrong = [problem for example in EXAMPLES if example.section == section and (problem := run(example, router, tmp_path))]
    assert not wrong, "\n\n".join(wrong)


def test_the_readme_of_the_sdk_runs(sandbox: Stack, tmp_path: Path) -> None:
    blocks = [code for language, code in _FENCED.findall((ROOT / "libs/sdk/README.md").read_text()) if language == "python"]
    assert blocks
    for code in blocks:
        assert run(Example("README", "tokenrouter_sdk", code, "[sandbox] …", False), sandbox, tmp_path) == ""


def run(example: Example, stack: Stack, folder: Path) -> str:
    """What went wrong; empty when nothing did."""
    done = subprocess.run(example.command, cwd=folder, env=environment(stack), capture_output=True, text=True, timeout=120, check=False)
    told = f"{example.client}:\n{example.code}\nprinted:\n{done.stdout}{done.stderr}"
    if done.returncode != 0:
        return told
    if not example.as_json:
        return "" if fits(done.stdout, example.shown) else told
    try:
        compare(json.loads(done.stdout), json.loads(example.shown))
    except (AssertionError, ValueError) as error:
        return f"{told}\n{error}"
    return ""


def environment(stack: Stack) -> dict[str, str]:
    """What the page's preparation exports, and nothing of the caller's."""
    url = f"{stack.url}/v1"
    return {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "libs/sdk/src"), "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "error,ignore:connect() must be used:DeprecationWarning",
        "TOKENROUTER_API_KEY": API_KEY, "TOKENROUTER_BASE_URL": url, "OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": url,
        "ANTHROPIC_API_KEY": API_KEY, "ANTHROPIC_BASE_URL": url,
    }


def fits(text: str, shown: str) -> bool:
    """Whether a text is the one shown, where `…` is any text."""
    pattern = ".*".join(re.escape(piece) for piece in shown.strip().split("…"))
    return re.fullmatch(pattern, text.strip(), re.DOTALL) is not None


def compare(value: Any, shown: Any, place: str = "$") -> None:
    """Objects have at least the fields shown, lists exactly the items; numbers are of the same kind, other values the same."""
    if shown == "…":
        assert value is not None, place
    elif isinstance(shown, dict):
        assert isinstance(value, dict), place
        assert shown.keys() <= value.keys(), place
        for key, inner in shown.items():
            compare(value[key], inner, f"{place}.{key}")
    elif isinstance(shown, list):
        assert isinstance(value, list), place
        assert len(value) == len(shown), place
        for number, (found, inner) in enumerate(zip(value, shown, strict=True)):
            compare(found, inner, f"{place}[{number}]")
    elif isinstance(shown, str):
        assert isinstance(value, str), place
        assert fits(value, shown), f"{place}: {value}"
    else:
        assert type(value) is type(shown), f"{place}: {value!r}"
        assert value == shown or not isinstance(shown, bool), f"{place}: {value!r}"


@pytest.mark.parametrize(
    ("value", "shown", "agree"),
    [
        ({"a": 1, "b": 2}, {"a": 7}, True), ({"a": 1}, {"b": 1}, False), ({"a": "x y"}, {"a": "x…"}, True), ({"a": "y"}, {"a": "x…"}, False),
        ([1, 2], [3], False), ({"a": True}, {"a": False}, False), ({"a": 1}, {"a": 1.5}, False), ({"a": []}, {"a": "…"}, True), (None, "…", False),
    ],
)
def test_the_comparison_tells(value: Any, shown: Any, agree: bool) -> None:
    if agree:
        compare(value, shown)
        return
    with pytest.raises(AssertionError):
        compare(value, shown)
