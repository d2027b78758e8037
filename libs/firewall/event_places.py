"""Where the texts that stream events write stand in the answer's output. Pure."""

from typing import Any

import msgspec
from msgspec import Struct

from libs.responses.text import Path

Json = dict[str, Any]


class Delta(Struct):
    """What a piece of text says of itself; every other field passes unread."""

    delta: str
    item_id: str = ""
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    command_index: int | None = None
    logprobs: msgspec.Raw = msgspec.Raw(b"")


read_delta = msgspec.json.Decoder(Delta).decode

_INDEXES = ("content_index", "summary_index", "command_index")


class Written(Struct, frozen=True):
    """A text that events write: the field of the `.done` event that repeats it, and its place in the item; None stands for the index."""

    field: str
    place: tuple[str | None, ...]


WRITTEN: dict[str, Written] = {
    "response.output_text": Written("text", ("content", None, "text")),
    "response.refusal": Written("refusal", ("content", None, "refusal")),
    "response.reasoning_text": Written("text", ("content", None, "text")),
    "response.reasoning_summary_text": Written("text", ("summary", None, "text")),
    "response.function_call_arguments": Written("arguments", ("arguments",)),
    "response.mcp_call_arguments": Written("arguments", ("arguments",)),
    "response.mcp_call.arguments": Written("arguments", ("arguments",)),
    "response.custom_tool_call_input": Written("input", ("input",)),
    "response.code_interpreter_call_code": Written("code", ("code",)),
    "response.shell_call_command": Written("command", ("action", "commands", None)),
    "response.apply_patch_call_operation_diff": Written("diff", ("operation", "diff")),
}
"""By the type of the events without `.delta` and `.done`."""

_OBJECTS = {"response.shell_call_output_content": "output"}
"""Events whose `delta` is an object of texts, and where those stand in the item, by the index."""

DONE_FIELDS = ("text", "transcript", "refusal", "arguments", "input", "code", "command", "diff", "output", "content")
"""Where a `.done` event that nobody knows may repeat its text."""

SILENT = frozenset(
    f"response.{what}" for what in (
        "code_interpreter_call.in_progress", "code_interpreter_call.interpreting", "code_interpreter_call.completed",
        "file_search_call.in_progress", "file_search_call.searching", "file_search_call.completed",
        "web_search_call.in_progress", "web_search_call.searching", "web_search_call.completed",
        "image_generation_call.in_progress", "image_generation_call.generating", "image_generation_call.partial_image",
        "image_generation_call.completed", "mcp_call.in_progress", "mcp_call.completed", "mcp_call.failed",
        "mcp_list_tools.in_progress", "mcp_list_tools.completed", "mcp_list_tools.failed", "compaction.compacting",
        "audio.delta", "audio.done", "output_audio.delta", "output_audio.done",
    )
)
"""Events without text: a step, or base64."""

FRAMES = frozenset({"response.created", "response.in_progress", "response.queued"})


def index_of(message: Json) -> int:
    """Which of its item's parts, summaries or commands an event is about."""
    return next((message[name] for name in _INDEXES if type(message.get(name)) is int), 0)


def base_of(kind: str) -> str:
    """The kind of text that an event writes or repeats: its type without `.delta` or `.done`."""
    return kind[: -len(suffix)] if (suffix := kind[-6:]) in (".delta", "_delta") or (suffix := kind[-5:]) in (".done", "_done") else kind


def text_path(base: str, item: Path, index: int) -> Path:
    """The path of the text that events of this kind write; `item` is that of its item."""
    known = WRITTEN.get(base)
    if known is None:
        return (*item, _OBJECTS.get(base, base), index)
    return item + tuple(index if step is None else step for step in known.place)


def place_of(message: Json) -> Json:
    """What an event says of its place."""
    return {name: message[name] for name in ("item_id", "output_index", *_INDEXES) if message.get(name) not in (None, "")}
