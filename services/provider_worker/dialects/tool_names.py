"""Tool names in the alphabet that most providers share, and the way back."""

import re
from typing import Any
from zlib import crc32

_SAFE = re.compile(r"[A-Za-z0-9_-]+\Z")
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_CHECKSUM = 9
"""Characters of `_` and the checksum."""


def safe_name(name: str, longest: int = 128) -> str:
    """The name itself when it is made of letters, digits, `_` and `-`; otherwise a readable one with a checksum, so that two
    names stay two."""
    if len(name) <= longest and _SAFE.match(name):
        return name
    return f"{_FOREIGN.sub('_', name)[: longest - _CHECKSUM]}_{crc32(name.encode()):08x}"


def original_names(tools: list[dict[str, Any]], longest: int = 128) -> dict[str, str]:
    """The provider's name → the client's, for the tools whose name had to change."""
    names = [tool.get("name") for tool in tools]
    return {safe: name for name in names if isinstance(name, str) and (safe := safe_name(name, longest)) != name}
