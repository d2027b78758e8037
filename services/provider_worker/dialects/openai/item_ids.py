"""OpenAI's item ids, changed for ours in everything that the client sees: what it names later, we have to find."""

import re
from typing import Any

from msgspec import Struct

from libs.responses.frame import Frame

Json = dict[str, Any]

# Types whose ids OpenAI does not tie to opaque state of the item, and how their ids begin. A program's fingerprint, for one, holds its
# id; what is tied to `encrypted_content` goes back without any.
PREFIXES = {
    "message": "msg", "reasoning": "rs", "function_call": "fc", "custom_tool_call": "ctc", "compaction": "cmp", "web_search_call": "ws",
    "file_search_call": "fs", "code_interpreter_call": "ci", "image_generation_call": "ig", "computer_call": "cu", "mcp_call": "mcp",
    "mcp_list_tools": "mcpl", "mcp_approval_request": "mcpr", "local_shell_call": "lsh", "shell_call": "sh", "apply_patch_call": "apc",
}
_OWN_PREFIX = re.compile(r"([a-z]{1,8})_")
# Safe on bytes: inside a JSON string the quotes would be escaped.
_PLACE = re.compile(rb'"item_id"\s*:\s*"(?:[^"\\]|\\.)*"')


class _Swap(Struct, frozen=True):
    ours: str
    old: bytes
    new: bytes


class ItemIds:
    """For one answer. Items are numbered in the order in which they are first seen, which is that of the output."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._known: dict[str, _Swap] = {}

    def give(self, item: Json, index: int) -> None:
        """Puts our id into the item that stands at `index` of the output."""
        prefix = PREFIXES.get(item.get("type") or "")
        if prefix is not None:
            theirs = item.get("id")
            item["id"] = self._ours(theirs if isinstance(theirs, str) and theirs else f"#{index}", prefix)

    def of(self, theirs: str) -> str:
        """Our id for one of OpenAI's; an id that was never announced stays as it is."""
        swap = self._known.get(theirs)
        return theirs if swap is None else swap.ours

    def changed(self, data: bytes, theirs: str) -> bytes:
        """A flat event with our `item_id`, every other byte as it came."""
        swap = self._known.get(theirs)
        if swap is None:
            return data
        at = data.find(swap.old)
        return _PLACE.sub(swap.new, data, count=1) if at < 0 else data[:at] + swap.new + data[at + len(swap.old) :]

    def _ours(self, theirs: str, prefix: str) -> str:
        swap = self._known.get(theirs)
        if swap is None:
            own = _OWN_PREFIX.match(theirs)
            made = self._frame.item_id(own[1] if own else prefix, len(self._known))
            swap = _Swap(made, b'"item_id":"%b"' % theirs.encode("utf-8", "surrogatepass"), b'"item_id":"%b"' % made.encode())
            self._known[theirs] = swap
        return swap.ours
