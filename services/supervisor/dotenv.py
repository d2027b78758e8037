"""Reads `.env`: KEY=VALUE lines, quotes, comments. Nothing is expanded."""

import re
from pathlib import Path

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?""")
_ESCAPES = {"n": "\n", "t": "\t"}


class BadLine(ValueError):
    """A line is not KEY=VALUE. The message gives its number, never its text, which may hold a secret."""


def load(path: Path) -> dict[str, str]:
    """The variables of a file; none when it does not exist. Raises BadLine."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    try:
        return parse(text)
    except BadLine as error:
        raise BadLine(f"{path}: {error}") from None


def parse(text: str) -> dict[str, str]:
    """The variables of a text; the last of several wins. Raises BadLine."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadLine(f"line {number} is not KEY=VALUE")
        found[match[1]] = _value(match[2], number)
    return found


def _value(raw: str, number: int) -> str:
    if raw[:1] not in ("'", '"'):
        # An unquoted value ends where a comment begins; a # inside a word belongs to the word.
        return re.split(r"(?:^|\s)#", raw, maxsplit=1)[0].strip()
    match = _QUOTED.fullmatch(raw.rstrip())
    if match is None:
        raise BadLine(f"line {number} has a quote that does not close, or text after it")
    if match[1] is not None:
        return match[1]
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), match[2])
