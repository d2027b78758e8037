"""Content parts for the chat API: text, images, files, audio."""

from fnmatch import fnmatchcase
from typing import Any

from services.provider_worker.dialects.chat.draft import Draft, malformed

Json = dict[str, Any]

_TEXT = frozenset({"input_text", "output_text", "text", "summary_text"})
_PDF_MAGIC = "JVBERi0"


def content_of(content: Any, where: str, draft: Draft) -> str | list[Json]:
    """A user message's content: a string when it is only text, which every server takes."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list | None):
        raise malformed(f"{where} must be a string or an array of parts", where)
    made = [_part(part, f"{where}[{index}]", draft) for index, part in enumerate(content or ())]
    if all(part["type"] == "text" for part in made):
        return "\n".join(part["text"] for part in made)
    return made


def text_of(content: Any, where: str, draft: Draft) -> str:
    """The text of a content that may hold nothing else."""
    made = content_of(content, where, draft)
    if not isinstance(made, str):
        raise draft.cannot("anything but text in a system or assistant message", where)
    return made


def result_of(output: Any, where: str, draft: Draft) -> tuple[str, list[Json]]:
    """A tool result's text, and its other parts: a tool message holds nothing but text."""
    made = content_of(output, where, draft)
    if isinstance(made, str):
        return made, []
    text = "\n".join(part["text"] for part in made if part["type"] == "text")
    return text, [part for part in made if part["type"] != "text"]


def _part(part: Any, where: str, draft: Draft) -> Json:
    if not isinstance(part, dict):
        raise malformed(f"{where} must be an object", where)
    kind = part.get("type")
    if kind in _TEXT:
        return {"type": "text", "text": part.get("text") or ""}
    if kind == "refusal":
        return {"type": "text", "text": part.get("refusal") or ""}
    if kind == "input_image":
        return _image(part, where, draft)
    if kind == "input_file":
        return _file(part, where, draft)
    if kind == "input_audio":
        return _audio(part, where, draft)
    raise draft.cannot(f"content of type {kind}", f"{where}.type")


def _image(part: Json, where: str, draft: Draft) -> Json:
    if not any(fnmatchcase(draft.call.model, pattern) for pattern in draft.quirks.images):
        raise draft.cannot(f"an image for {draft.call.model}", where)
    url = part.get("image_url")
    if not isinstance(url, str) or not url:
        raise draft.cannot("an image by file id; send it as a data URL or a web address", f"{where}.file_id")
    image: Json = {"url": url}
    if part.get("detail") not in (None, "auto"):
        image["detail"] = part["detail"]
    return {"type": "image_url", "image_url": image}


def _file(part: Json, where: str, draft: Draft) -> Json:
    if draft.quirks.files == "none":
        raise draft.cannot("a file", where)
    address = part.get("file_url")
    if address and "input_file" in draft.quirks.inline:
        raise draft.cannot("a file by web address; send it as file_data", f"{where}.file_url")
    data = address or part.get("file_data")
    if not isinstance(data, str) or not data:
        raise draft.cannot("a file by file id; send it as file_data", f"{where}.file_id")
    if not address and not data.startswith("data:"):
        data = f"data:{'application/pdf' if data.startswith(_PDF_MAGIC) else 'text/plain'};base64,{data}"
    name = part.get("filename")
    if draft.quirks.files == "document_url":
        return {"type": "document_url", "document_url": data} | ({"document_name": name} if name else {})
    # OpenAI refuses file_data without a name.
    return {"type": "file", "file": {"filename": name or "file", "file_data": data}}


def _audio(part: Json, where: str, draft: Draft) -> Json:
    audio = part.get("input_audio")
    if draft.quirks.audio == "none" or not isinstance(audio, dict):
        raise draft.cannot("audio", where)
    return {"type": "input_audio", "input_audio": audio if draft.quirks.audio == "object" else audio.get("data")}
