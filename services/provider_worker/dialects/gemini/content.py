"""Content parts as Gemini's: text, inline data, references to files that Google can read."""

import re
from mimetypes import guess_type
from typing import Any

from services.provider_worker.dialects.gemini.refusal import cannot, malformed

Json = dict[str, Any]

# https://ai.google.dev/gemini-api/docs/image-understanding, …/audio and …/document-processing: supported types
_IMAGES = {f"image/{kind}": f"image/{kind}" for kind in ("png", "jpeg", "webp", "heic", "heif")} | {"image/jpg": "image/jpeg"}
_AUDIO = {kind: f"audio/{kind}" for kind in ("wav", "mp3", "aiff", "aac", "ogg", "flac")}
_MEDIA = ("audio/", "video/")
# Gemini reads these as the text they are, but not under their own names.
_TEXT_FILES = frozenset({"application/json", "application/xml", "application/x-yaml", "application/yaml"})
_NO_DETAIL = "detail was dropped from the images: Gemini has no such setting"
_PDF_MAGIC = "JVBERi0"
_FILES_API = "https://generativelanguage.googleapis.com/"
_AT_GOOGLE = re.compile(
    rf"gs://|{re.escape(_FILES_API)}v1(?:beta|alpha)?/files/|https?://(?:(?:www|m)\.)?(?:youtube\.com/|youtu\.be/)"
)


def google_reads(url: str) -> bool:
    """Whether Gemini takes the address itself: of a file at Google, or of a video at YouTube."""
    return _AT_GOOGLE.match(url) is not None


def parts(content: Any, where: str, adapted: list[str]) -> list[Json]:
    """The parts of a message's content, blank texts left out."""
    if isinstance(content, str):
        return [{"text": content}] if content.strip() else []
    if not isinstance(content, list | None) or not all(isinstance(part, dict) for part in content or ()):
        raise malformed(f"{where} must be a string or an array of parts", where)
    made = [_part(part, f"{where}[{index}]") for index, part in enumerate(content or ())]
    if _NO_DETAIL not in adapted and any(part.get("detail") in ("low", "high", "original") for part in content or ()):
        adapted.append(_NO_DETAIL)
    return [part for part in made if part is not None]


def texts(content: Any, where: str) -> list[Json]:
    """The parts of a content that may hold nothing but text."""
    found = parts(content, where, [])
    if any("text" not in part for part in found):
        raise cannot("anything but text in a system or assistant message", where)
    return found


def _part(part: Json, where: str) -> Json | None:
    kind = part.get("type")
    if kind in ("input_text", "output_text", "text", "summary_text", "refusal"):
        text = part.get("refusal" if kind == "refusal" else "text") or ""
        return {"text": text} if text.strip() else None
    if kind == "input_image":
        return _image(part, where)
    if kind == "input_file":
        return _file(part, where)
    if kind == "input_audio":
        return _audio(part, where)
    raise cannot(f"content of type {kind}", f"{where}.type")


def _image(part: Json, where: str) -> Json:
    url = part.get("image_url")
    if not url:
        return _by_id(part, "an image by the file id of another provider", where)
    if not url.startswith("data:"):
        return _by_address(url, None, f"{where}.image_url")
    mime, data = _data_url(url, f"{where}.image_url")
    if mime not in _IMAGES:
        raise cannot(f"an image of type {mime}; send PNG, JPEG, WebP or HEIC", f"{where}.image_url")
    return _inline(_IMAGES[mime], data)


def _file(part: Json, where: str) -> Json:
    if part.get("file_url"):
        return _by_address(part["file_url"], part.get("filename"), f"{where}.file_url")
    data = part.get("file_data")
    if not data:
        return _by_id(part, "a file by the file id of another provider", where)
    if data.startswith("data:"):
        mime, data = _data_url(data, f"{where}.file_data")
    else:
        mime = "application/pdf" if data.startswith(_PDF_MAGIC) else "text/plain"
    if mime in _TEXT_FILES:
        mime = "text/plain"
    if mime != "application/pdf" and not mime.startswith(("text/", *_MEDIA)) and mime not in _IMAGES:
        raise cannot(f"a file of type {mime}; send PDF, text, an image, audio or video", f"{where}.file_data")
    return _inline(_IMAGES.get(mime, mime), data)


def _audio(part: Json, where: str) -> Json:
    audio = part.get("input_audio")
    audio = audio if isinstance(audio, dict) else part
    kind, data = audio.get("format"), audio.get("data")
    if kind not in _AUDIO or not isinstance(data, str):
        raise cannot(f"audio of format {kind}; send one of {', '.join(_AUDIO)}", f"{where}.input_audio")
    return _inline(_AUDIO[kind], data)


def _inline(mime: str, data: str) -> Json:
    return {"inlineData": {"mimeType": mime, "data": data}}


def _by_id(part: Json, what: str, where: str) -> Json:
    file_id = part.get("file_id")
    if isinstance(file_id, str) and file_id.startswith("files/"):
        return _by_address(f"{_FILES_API}v1beta/{file_id}", part.get("filename"), f"{where}.file_id")
    raise cannot(f"{what}; send the data itself", f"{where}.file_id")


def _by_address(url: str, filename: str | None, param: str) -> Json:
    """https://ai.google.dev/gemini-api/docs/video-understanding#youtube and https://ai.google.dev/gemini-api/docs/files"""
    if not google_reads(url):
        raise cannot("a web address; send the data itself", param)
    mime = guess_type(filename or url)[0]
    return {"fileData": {"fileUri": url} | ({"mimeType": mime} if mime else {})}


def _data_url(url: str, where: str) -> tuple[str, str]:
    head, comma, data = url[5:].partition(",")
    mime, *options = head.split(";")
    if not comma or "base64" not in options:
        raise malformed(f"{where} is not a base64 data URL", where)
    return mime.strip().lower(), data
