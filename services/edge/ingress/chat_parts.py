"""The content of a chat message: a string, or parts, which the Responses API names otherwise."""

from collections.abc import Callable
from typing import Any

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.chat_fields import expect

Json = dict[str, Any]

# The Responses API's own names, which some clients mix in.
_CANONICAL = frozenset({"input_image", "input_file"})
# How clients of other APIs keep an answer's thoughts; no provider takes them back in this form.
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning"})


def content_of(content: Any, role: str, where: str) -> str | list[Json]:
    """The content of a message of `role`. Raises InvalidRequest."""
    if isinstance(content, str):
        return content
    given = expect(list, content, "a string or an array of parts", where)
    parts = [_part(part, role, f"{where}[{index}]") for index, part in enumerate(given)]
    return [part for part in parts if part]


def _part(given: Any, role: str, where: str) -> Json:
    part: Json = expect(dict, given, 'an object such as {"type": "text", "text": "…"}', where)
    kind = part.get("type")
    if not isinstance(kind, str) or (kind not in _READ and kind not in _CANONICAL | _THOUGHTS):
        raise InvalidRequest(f"{where}.type must be one of text, image_url, input_audio, file, refusal.", param=f"{where}.type")
    if kind in _CANONICAL:
        return part
    if kind in _THOUGHTS:
        return {}
    made = _READ[kind](part, where)
    if role == "assistant":
        return made | {"type": "output_text"} if made["type"] == "input_text" else made
    # https://platform.openai.com/docs/guides/prompt-caching
    mark = part.get("prompt_cache_breakpoint")
    return made | {"prompt_cache_breakpoint": mark} if isinstance(mark, dict) else made


def _text(part: Json, where: str) -> Json:
    return {"type": "input_text", "text": expect(str, part.get("text"), "a string", f"{where}.text")}


def _refusal(part: Json, where: str) -> Json:
    return {"type": "refusal", "refusal": expect(str, part.get("refusal"), "a string", f"{where}.refusal")}


def _image(part: Json, where: str) -> Json:
    given, place = part.get("image_url"), f"{where}.image_url"
    image = {"url": given} if isinstance(given, str) else expect(dict, given, "an object with a url", place)
    url = expect(str, image.get("url"), "a web address or a data URL", f"{place}.url")
    detail = expect(str, image.get("detail") or "auto", "auto, low or high", f"{place}.detail")
    return {"type": "input_image", "image_url": url, "detail": detail}


def _audio(part: Json, where: str) -> Json:
    place = f"{where}.input_audio"
    audio = expect(dict, part.get("input_audio"), "an object with data and format", place)
    made = {name: expect(str, audio.get(name), "a string", f"{place}.{name}") for name in ("data", "format")}
    return {"type": "input_audio", "input_audio": made}


def _file(part: Json, where: str) -> Json:
    place = f"{where}.file"
    file = expect(dict, part.get("file"), "an object with file_data or file_id", place)
    given = {name: file[name] for name in ("filename", "file_data", "file_id") if file.get(name) is not None}
    made = {name: expect(str, value, "a string", f"{place}.{name}") for name, value in given.items()}
    if "file_data" not in made and "file_id" not in made:
        raise InvalidRequest(f"{place} must hold file_data or file_id.", param=place)
    return {"type": "input_file"} | made


_READ: dict[str, Callable[[Json, str], Json]] = {
    "text": _text, "input_text": _text, "output_text": _text, "image_url": _image, "input_audio": _audio, "file": _file,
    "refusal": _refusal,
}
