"""Content parts of a message or a tool's result, in every accepted form."""

from typing import Any

from libs.contracts.errors import InvalidRequest

Json = dict[str, Any]

_CANONICAL = frozenset({"input_text", "input_image", "input_file", "input_audio", "output_text", "refusal"})
TEXT_TYPES = frozenset({"input_text", "output_text"})
_CHAT = frozenset({"text", "image_url", "image_file", "file"})
PART_TYPES = _CANONICAL | _CHAT


def canonical_parts(parts: list[Any], role: str, where: str, *, indexed: bool = True) -> list[Any]:
    """The parts of a message of `role`; the same list when nothing had to change. `where` is the list's place in the request."""
    made = [_part(part, role, f"{where}[{index}]" if indexed else where) for index, part in enumerate(parts)]
    return made if any(new is not old for new, old in zip(made, parts, strict=True)) else parts


def _part(part: Any, role: str, where: str) -> Json:
    if not isinstance(part, dict):
        raise InvalidRequest(f'{where} must be an object such as {{"type": "input_text", "text": "…"}}.', param=where)
    kind = part.get("type")
    if kind in TEXT_TYPES:
        _text(part, where)
        return part
    if kind not in PART_TYPES:
        raise InvalidRequest(f"{where}.type must be one of {', '.join(sorted(_CANONICAL))}.", param=f"{where}.type")
    if kind == "text":
        _text(part, where)
        return part | {"type": "output_text" if role == "assistant" else "input_text"}
    if kind == "input_image":
        return _image(part, where) if isinstance(part.get("image_url"), dict) else part
    if kind == "image_url":
        return _image(part, where)
    if kind == "image_file":
        return _file_by_id(part, "image_file", "input_image", where)
    return _file(part, where) if kind == "file" else part


def _text(part: Json, where: str) -> None:
    if not isinstance(part.get("text"), str):
        raise InvalidRequest(f"{where}.text must be a string.", param=f"{where}.text")


def _image(part: Json, where: str) -> Json:
    image = part.get("image_url")
    nested: Json = image if isinstance(image, dict) else {"url": image}
    if not isinstance(nested.get("url"), str):
        raise InvalidRequest(f"{where}.image_url must be a URL or an object with a url.", param=f"{where}.image_url")
    detail = part.get("detail") or nested.get("detail") or "auto"
    return part | {"type": "input_image", "image_url": nested["url"], "detail": detail}


def _file_by_id(part: Json, name: str, kind: str, where: str) -> Json:
    nested = part.get(name)
    file_id = nested.get("file_id") if isinstance(nested, dict) else part.get("file_id")
    if not isinstance(file_id, str):
        raise InvalidRequest(f"{where}.{name}.file_id must be a string.", param=f"{where}.{name}.file_id")
    rest = {key: value for key, value in part.items() if key != name}
    return {"detail": "auto"} | rest | {"type": kind, "file_id": file_id}


def _file(part: Json, where: str) -> Json:
    nested = part.get("file")
    if not isinstance(nested, dict):
        raise InvalidRequest(f"{where}.file must be an object with file_data or file_id.", param=f"{where}.file")
    return {"type": "input_file"} | {name: value for name, value in nested.items() if value is not None}
