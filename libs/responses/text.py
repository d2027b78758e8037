"""The text in a canonical request, or in one for embeddings: every string that a firewall may look at, the user's words, and the counts for
routing."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

Json = dict[str, Any]
Path = tuple[str | int, ...]
"""Keys and indexes from the request down to a string."""

_INSPECTED = ("instructions", "input", "tools", "text", "prompt")
# Strings under these keys name things or are opaque to everyone but their provider; changing one breaks the request.
_NAMES = frozenset({
    "id", "call_id", "type", "role", "status", "name", "file_id", "item_id", "encrypted_content", "signature", "detail", "format",
    "previous_response_id", "container_id", "server_label", "namespace", "phase", "strict", "execution",
})
_MEDIA = frozenset({"image_url", "file_data", "file_url", "url"})
_SPECIAL = _NAMES | _MEDIA
_TEXT_MIMES = ("data:text/", "data:application/json", "data:application/xml")


def texts(request: Json) -> Iterator[tuple[Path, str]]:
    """Each inspectable string with its path: instructions, messages, tool definitions, arguments and results, file names and
    text files, reasoning summaries, prompt variables. Metadata is apart, see `metadata_texts`."""
    found: list[tuple[Path, str]] = []
    for name in _INSPECTED:
        value = request.get(name)
        if value is not None:
            _collect(value, (name,), "", found)
    return iter(found)


def metadata_texts(request: Json) -> Iterator[tuple[Path, str]]:
    """The values of the request's metadata."""
    for key, value in (request.get("metadata") or {}).items():
        if isinstance(value, str):
            yield ("metadata", key), value


def replaced(request: Json, changes: Mapping[Path, str]) -> Json:
    """The request with new text at some of the paths that `texts` gave; copies only what lies on the way."""
    result: Any = request
    for path, text in changes.items():
        result = _set(result, path, text)
    return result  # type: ignore[no-any-return]


def rewrite(request: Json, change: Callable[[str], str]) -> Json:
    """The request with `change` applied to every inspectable string; the same object when nothing changed."""
    changes = {path: new for path, old in texts(request) if (new := change(old)) != old}
    return replaced(request, changes) if changes else request


def _collect(value: Any, path: Path, key: str, found: list[tuple[Path, str]]) -> None:
    # Appends to one list: nested generators cost twice as much per string.
    kind = type(value)
    if kind is str:
        text = value if key not in _SPECIAL else _inspectable(value, key)
        if text:
            found.append((path, text))
    elif kind is dict:
        hidden = _OPAQUE_DATA.get(value.get("type", ""), ()) if type(value.get("type")) is str else ()
        for name, inner in value.items():
            if name not in hidden:
                _collect(inner, (*path, name), name, found)
    elif kind is list:
        for index, inner in enumerate(value):
            # Embeddings are asked for of up to millions of token ids.
            if type(inner) is not int:
                _collect(inner, (*path, index), key, found)


# Base64 that is not under a key of its own kind.
_OPAQUE_DATA: dict[str, frozenset[str]] = {
    "input_audio": frozenset({"input_audio", "data"}), "image_generation_call": frozenset({"result"}),
}


def _inspectable(value: str, key: str) -> str:
    if key in _NAMES:
        return ""
    if key == "file_data" or value.startswith("data:"):
        text = _file_text(value)
        # A text file that cannot be decoded is looked at as it is: better a strange match than a blind spot.
        return text if text is not None else value if value.startswith(_TEXT_MIMES) else ""
    return value


def _file_text(value: str) -> str | None:
    """The text in a text file, sent as a data URL or as bare base64; None for anything else."""
    head, _, data = value.rpartition(",")
    if (value.startswith("data:") and not value.startswith(_TEXT_MIMES)) or (not head.endswith(";base64") and head):
        return None
    try:
        return b64decode(data, validate=True).decode()
    except (NotBase64, ValueError):
        return None


def _set(holder: Any, path: Path, text: str) -> Any:
    if not path:
        return text
    step, rest = path[0], path[1:]
    copied: Any = holder.copy()
    old = holder[step]
    if step in _MEDIA and isinstance(old, str) and (step == "file_data" or old.startswith("data:")) and _file_text(old) is not None:
        head, comma, _ = old.rpartition(",")
        copied[step] = head + comma + b64encode(text.encode()).decode()
    else:
        copied[step] = _set(old, rest, text)
    return copied


def user_text(request: Json) -> str:
    """What the user said: the string input, or the text of all messages with the role user, a line break between them; of a request
    for embeddings, its texts."""
    given = request.get("input")
    if isinstance(given, str):
        return given
    said: list[str] = []
    for item in given or ():
        if type(item) is str:
            said.append(item)
        elif type(item) is dict and item.get("role") == "user":
            content = item.get("content")
            said.extend([content] if isinstance(content, str) else [part["text"] for part in content or () if "text" in part])
    return "\n".join(said)


def facts(request: Json) -> Json:
    """Keyword arguments for RequestFacts: counts of text, media and tools in a canonical request, and what else decides who can
    serve it."""
    tools = request.get("tools") or ()
    counts = {"input_chars": 0, "images": 0, "files": 0, "documents": 0, "audio": 0, "file_ids": 0, "google_files": 0}
    _count(request.get("instructions") or "", counts)
    _count(request.get("input") or "", counts)
    if tools:
        counts["input_chars"] += len(msgspec.json.encode(tools))
    wanted = ((request.get("text") or {}).get("format") or {}).get("type", "text")
    effort = (request.get("reasoning") or {}).get("effort")
    return counts | {
        "max_output_tokens": request.get("max_output_tokens"),
        "tools": len(tools),
        "builtin_tools": [tool["type"] for tool in tools if tool["type"] != "function"],
        "structured": wanted in ("json_schema", "json_object"),
        "json_schema": wanted == "json_schema",
        "effort": effort if isinstance(effort, str) else "",
        "prompt_template": request.get("prompt") is not None,
    }


_COUNTED = {"input_image": "images", "computer_screenshot": "images", "input_file": "files", "input_audio": "audio"}


def _count(value: Any, counts: dict[str, int]) -> None:
    """Adds up text and media in a string, a list of items, a list of parts, or a screenshot."""
    if isinstance(value, str):
        counts["input_chars"] += len(value)
    elif isinstance(value, list):
        for inner in value:
            if type(inner) is dict:
                _count_object(inner, counts)
    elif isinstance(value, dict) and value.get("type") == "computer_screenshot":
        _count_object(value, counts)


def _count_object(item: Json, counts: dict[str, int]) -> None:
    kind = item.get("type")
    if kind in ("input_text", "output_text"):
        # What most parts are; in the loop below, the parts of 40 messages take 25 µs instead of 20.
        text = item.get("text")
        counts["input_chars"] += len(text) if type(text) is str else 0
        return
    if type(kind) is str and kind in _COUNTED:
        counts[_COUNTED[kind]] += 1
        _count_source(item, counts)
        return
    for name, value in item.items():
        if name in _COUNTED_TEXT and type(value) is str:
            counts["input_chars"] += len(value)
        elif name in _COUNTED_LISTS:
            _count(value, counts)


_COUNTED_TEXT = frozenset({"text", "arguments", "input", "refusal"})
_COUNTED_LISTS = frozenset({"content", "output", "summary"})


def _count_source(part: Json, counts: dict[str, int]) -> None:
    """Where an image or a file comes from, and what kind of file it is."""
    place = part.get("file_id") or part.get("file_url") or part.get("image_url")
    if type(place) is str and place.startswith(_AT_GOOGLE):
        counts["google_files"] += 1
    elif part.get("file_id"):
        counts["file_ids"] += 1
    data, name = part.get("file_data"), part.get("filename") or part.get("file_url")
    head = data[:100] if type(data) is str else ""
    if head.startswith(_TEXT_MIMES):
        counts["input_chars"] += len(part["file_data"]) * 3 // 4
    elif head.startswith(_DOCUMENT_MIMES) or (type(name) is str and name.partition("?")[0].lower().endswith(_DOCUMENT_NAMES)):
        counts["documents"] += 1


# https://ai.google.dev/gemini-api/docs/files and …/video-understanding#youtube
_AT_GOOGLE = ("files/", "gs://", "https://generativelanguage.googleapis.com/", "https://www.youtube.com/", "https://youtu.be/")
# Word processors, spreadsheets and slides: most providers read PDF and text only.
_DOCUMENT_MIMES = ("data:application/vnd.", "data:application/msword", "data:application/rtf")
_DOCUMENT_NAMES = (".doc", ".docx", ".odt", ".rtf", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".odp")
