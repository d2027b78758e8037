"""The written documentation, as the tests read it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    """The code blocks in a language."""
    return [code for named, code in _FENCED.findall(text) if named == language]


def code(text: str) -> str:
    """Everything that is set as code, a piece a line."""
    inline = re.findall(r"`([^`\n]+)`", _FENCED.sub("", text))
    return "\n".join([*(block for _, block in _FENCED.findall(text)), *inline])


def columns(line: str) -> list[str]:
    """The cells of a table's line."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
