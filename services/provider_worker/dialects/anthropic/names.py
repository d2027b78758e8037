"""Tool names and call ids in Anthropic's alphabet."""

import re
from base64 import urlsafe_b64encode
from typing import Any
from zlib import crc32

# https://platform.claude.com/docs/en/api/messages: tool names and ids are [A-Za-z0-9_-]+, names of at most 128 characters.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")
_ID = re.compile(r"(?!tr_)[A-Za-z0-9_-]+\Z")
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")


def safe_name(name: str) -> str:
    """The name itself when Anthropic takes it; otherwise a readable one with a checksum, so that two names stay two."""
    if _NAME.match(name):
        return name
    return f"{_FOREIGN.sub('_', name)[:110]}_{crc32(name.encode()):08x}"


def original_names(tools: list[dict[str, Any]]) -> dict[str, str]:
    """Anthropic's name → the client's, for the tools whose name had to change."""
    return {safe: tool["name"] for tool in tools if "name" in tool and (safe := safe_name(tool["name"])) != tool["name"]}


def safe_id(call_id: str) -> str:
    """The id itself when Anthropic takes it, otherwise `tr_` and its base64: never the same for two ids."""
    if _ID.match(call_id):
        return call_id
    return "tr_" + urlsafe_b64encode(call_id.encode()).decode().rstrip("=")
