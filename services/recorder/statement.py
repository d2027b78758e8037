"""What users may ask: one statement, reading the database and nothing else of the machine it runs on."""

import re

_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'")
_FORMAT = re.compile(r"\bFORMAT \w+$")

# `readonly` refuses writes, other settings and the table functions that reach out, but not these. In the embedded engine
# file() reads and INTO OUTFILE writes any path of the process, and Python() reads its objects.
_OUTSIDE = re.compile(r"\bINTO OUTFILE\b|\b(?:file|python|hasColumnInTable)\b", re.IGNORECASE)


def objection(canonical: str) -> str:
    """Why the statement may not run, or nothing. `canonical` is ClickHouse's own rendering, which hides no word in a comment."""
    found = _OUTSIDE.search(_LITERAL.sub("''", canonical))
    return f"{found.group()} is not allowed here: it reaches outside the database" if found else ""


def has_format(canonical: str) -> bool:
    """Whether the statement says itself how to print its result."""
    return _FORMAT.search(_LITERAL.sub("''", canonical)) is not None


def streams(canonical: str) -> bool:
    """Whether the embedded engine can hand out the result block by block: it does so for SELECT only."""
    return canonical.startswith(("SELECT ", "WITH "))
