"""Content parts as Anthropic's blocks: text, images, documents."""

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any

from services.provider_worker.dialects.anthropic.refusal import cannot, malformed

Json = dict[str, Any]

# https://platform.claude.com/docs/en/build-with-claude/vision
_IMAGES = {f"image/{kind}": f"image/{kind}" for kind in ("jpeg", "png", "gif", "webp")} | {"image/jpg": "image/jpeg"}
_TEXT_FILES = frozenset({"application/json", "application/xml", "application/x-yaml", "application/yaml"})
_PDF_MAGIC = "JVBERi0"
_NO_DETAIL = "detail was left out: Anthropic scales images itself"


def blocks(content: Any, where: str, adapted: list[str]) -> list[Json]:
    """The blocks of a message's content, blank texts left out: Anthropic refuses them."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content.strip() else []
    made = [_block(part, f"{where}[{index}]") for index, part in enumerate(content or ())]
    if any(part.get("detail", "auto") not in ("auto", None) for part in content or ()) and _NO_DETAIL not in adapted:
        adapted.append(_NO_DETAIL)
    return [block for block in made if block is not None]


def texts(content: Any, where: str) -> list[Json]:
    """The blocks of a content that may hold nothing but text."""
    found = blocks(content, where, [])
    if any(block["type"] != "text" for block in found):
        raise cannot("anything but text in a system or assistant message", where)
    return found


def _block(part: Json, where: str) -> Json | None:
    kind = part.get("type")
    if kind in ("input_text", "output_text", "text", "summary_text"):
        text = part.get("text") or ""
        return {"type": "text", "text": text} if text.strip() else None
    if kind == "refusal":
        return {"type": "text", "text": part["refusal"]} if (part.get("refusal") or "").strip() else None
    if kind == "input_image":
        return _image(part, where)
    if kind == "input_file":
        return _file(part, where)
    raise cannot(f"content of type {kind}", f"{where}.type")


def _image(part: Json, where: str) -> Json:
    url = part.get("image_url")
    if not url:
        raise cannot("an image by file id; send it as a data URL or a web address", f"{where}.file_id")
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    mime, data = _data_url(url, f"{where}.image_url")
    if mime not in _IMAGES:
        raise cannot(f"an image of type {mime}; send JPEG, PNG, GIF or WebP", f"{where}.image_url")
    return {"type": "image", "source": {"type": "base64", "media_type": _IMAGES[mime], "data": data}}


def _file(part: Json, where: str) -> Json:
    named = {"title": part["filename"]} if part.get("filename") else {}
    if part.get("file_url"):
        return {"type": "document", "source": {"type": "url", "url": part["file_url"]}} | named
    data = part.get("file_data")
    if not data:
        raise cannot("a file by file id; send it as file_data or file_url", f"{where}.file_id")
    if data.startswith("data:"):
        mime, data = _data_url(data, f"{where}.file_data")
    else:
        mime = "application/pdf" if data.startswith(_PDF_MAGIC) else "text/plain"
    if mime == "application/pdf":
        return {"type": "document", "source": {"type": "base64", "media_type": mime, "data": data}} | named
    if not mime.startswith("text/") and mime not in _TEXT_FILES:
        raise cannot(f"a file of type {mime}; send PDF or text", f"{where}.file_data")
    return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": _decoded(data, where)}} | named


def _data_url(url: str, where: str) -> tuple[str, str]:
    head, comma, data = url[5:].partition(",")
    mime, *options = head.split(";")
    if not comma or "base64" not in options:
        raise malformed(f"{where} is not a base64 data URL", where)
    return mime.strip().lower(), data


def _decoded(data: str, where: str) -> str:
    try:
        return b64decode(data, validate=True).decode()
    except (NotBase64, ValueError):
        raise malformed(f"{where}.file_data is not base64 of UTF-8 text", f"{where}.file_data") from None
