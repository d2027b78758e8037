"""What of an answer's output items is text for rules, and items with other text in its place. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from libs.responses.text import Path, replaced, texts

Json = dict[str, Any]

LOGPROBS_LEFT_OUT = "log probabilities were left out because firewall rules can change this answer"

# Provider's handles, which the client sends back as they are.
_HANDLES = frozenset({"fingerprint", "created_by"})
# Audio, images and files in base64; anything else under these names is text like any other.
_BYTES = frozenset({"data", "b64_json", "partial_image_b64"})
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{256,}={0,2}")
_STREAMED_PARTS = {
    ("text", "output_text"): "response.output_text", ("refusal", "refusal"): "response.refusal",
    ("text", "reasoning_text"): "response.reasoning_text", ("text", "summary_text"): "response.reasoning_summary_text",
}
_STREAMED_FIELDS = {
    ("arguments", "function_call"): "response.function_call_arguments", ("arguments", "mcp_call"): "response.mcp_call_arguments",
    ("input", "custom_tool_call"): "response.custom_tool_call_input", ("code", "code_interpreter_call"): "response.code_interpreter_call_code",
    ("commands", "shell_call"): "response.shell_call_command", ("diff", "apply_patch_call"): "response.apply_patch_call_operation_diff",
}


class Say(Protocol):
    """What is to stand in the place of a text."""

    def said(self, path: Path, text: str, *, json: bool, base: str) -> str:
        """`path` begins at the output. `base`: how the events that write this text are called, without `.delta`; empty where none do."""
        ...

    def moved(self, path: Path, index: int) -> int:
        """Where a character of the text at `path` stands now."""
        ...


def item_texts(item: Json) -> Iterator[tuple[Path, str]]:
    """Each string of an item that rules look at, with its path in the item."""
    for path, text in texts({"input": item}):
        if not _opaque(path, text):
            yield path[1:], text


def screened(item: Json, prefix: Path, say: Say, *, structured: bool = False) -> Json:
    """The item with what `say` puts in the place of its texts; the same object when nothing changed. `prefix` is the item's path.
    `structured`: its text parts are JSON and have to stay JSON."""
    changes: dict[Path, str] = {}
    for path, text in item_texts(item):
        base = _base(item, path)
        new = say.said(prefix + path, text, json=streamed_json(base, structured=structured) or _is_json(path, text), base=base)
        if new != text:
            changes[path] = new
    if not changes:
        return item
    shifts = [path for path in changes if len(path) == 3 and path[2] == "text" and path[0] == "content"]
    item = replaced({"input": item}, {("input", *path): text for path, text in changes.items()})["input"]
    for path in shifts:
        _shift(item["content"][path[1]], lambda index, at=prefix + path: say.moved(at, index))  # type: ignore[misc]
    return item


def shifted(annotation: Json, moved: Callable[[int], int]) -> Json:
    """The annotation with its place in the text as `moved` has it."""
    places = {name: annotation[name] for name in ("start_index", "end_index") if type(annotation.get(name)) is int}
    return annotation | {name: moved(index) for name, index in places.items()}


def without_logprobs(item: Json) -> Json:
    """The item without log probabilities, which would tell masked text; the same object when it has none."""
    content = item.get("content")
    if type(content) is not list:
        return item
    bare = [part | {"logprobs": []} if type(part) is dict and part.get("logprobs") else part for part in content]
    return item | {"content": bare} if any(new is not old for new, old in zip(bare, content, strict=True)) else item


def streamed_json(base: str, *, structured: bool) -> bool:
    """Whether the text that these events write has to stay JSON: a call's arguments, and all of the answer's text where it is structured."""
    return base.endswith(("_call_arguments", "_call.arguments")) or (structured and base == "response.output_text")


def _shift(part: Json, moved: Callable[[int], int]) -> None:
    """In place: the part is our own copy, its annotations may not be."""
    notes = part.get("annotations")
    if type(notes) is list and notes:
        part["annotations"] = [shifted(note, moved) if type(note) is dict else note for note in notes]


def _opaque(path: Path, text: str) -> bool:
    name = next((step for step in reversed(path) if type(step) is str), "")
    if name in _BYTES:
        return _BASE64.fullmatch(text) is not None
    return name in _HANDLES or name.endswith("_id")


def _is_json(path: Path, text: str) -> bool:
    """A call's arguments, and a tool's output that looks like JSON."""
    return path[-1] == "arguments" or (path[-1] == "output" and text.lstrip()[:1] in ("{", "["))


def _base(item: Json, path: Path) -> str:
    """How the events are called that write the text at `path`; empty where none do."""
    if len(path) == 3 and path[0] in ("content", "summary") and type(path[2]) is str:
        return _STREAMED_PARTS.get((path[2], str(item[path[0]][path[1]].get("type"))), "")
    named = next((step for step in reversed(path) if type(step) is str), "")
    return _STREAMED_FIELDS.get((named, str(item.get("type"))), "")
