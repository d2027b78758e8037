"""The blocks that a user or a tool's result may hold, as content parts: text, images, documents, search results."""

from typing import Any

from libs.contracts.errors import InvalidRequest
from services.edge.ingress.messages_fields import expect, member, named

Json = dict[str, Any]


def text_part(text: str, role: str = "user") -> Json:
    """A text as it stands in a message of `role`."""
    return {"type": "output_text" if role == "assistant" else "input_text", "text": text}


def parts_of(block: Json, where: str) -> list[Json]:
    """The block's parts. Raises InvalidRequest."""
    kind = named(block, "type", where)
    match kind:
        case "text":
            text = member(str, block, "text", "a string", where)
            return [text_part(text)] if text else []
        case "image":
            return [_image(*_source(block, where))]
        case "document":
            return _document(block, where)
        case "search_result":
            return [_search_result(block, where)]
        case "tool_reference":
            return [text_part(f"The tool {named(block, 'tool_name', where)} is available.")]
    raise InvalidRequest(f"{where}: {kind} is not known here; send text, image, document or tool_result.", param=f"{where}.type")


def _source(block: Json, where: str) -> tuple[Json, str]:
    return member(dict, block, "source", "an object", where), f"{where}.source"


def _image(source: Json, where: str) -> Json:
    match source.get("type"):
        case "base64":
            return {"type": "input_image", "image_url": _data_url(source, where), "detail": "auto"}
        case "url":
            return {"type": "input_image", "image_url": named(source, "url", where), "detail": "auto"}
        case "file":
            return {"type": "input_image", "file_id": named(source, "file_id", where), "detail": "auto"}
    raise InvalidRequest(f"{where}.type must be base64, url or file.", param=f"{where}.type")


def _data_url(source: Json, where: str) -> str:
    return f"data:{named(source, 'media_type', where)};base64,{named(source, 'data', where)}"


def _document(block: Json, where: str) -> list[Json]:
    """Texts are sent as text, which every provider reads; files as files."""
    source, place = _source(block, where)
    title, context = (_optional(block, name, where) for name in ("title", "context"))
    match source.get("type"):
        case "text":
            return [text_part(_titled(title, context, member(str, source, "data", "a string", place)))]
        case "content":
            return _contents(source, place, _titled(title, context))
        case "base64":
            file = {"filename": _filename(title), "file_data": _data_url(source, place)}
        case "url":
            file = {"file_url": named(source, "url", place)}
        case "file":
            file = {"file_id": named(source, "file_id", place)}
        case _:
            raise InvalidRequest(f"{place}.type must be text, content, base64, url or file.", param=f"{place}.type")
    return [*([text_part(context)] if context else []), {"type": "input_file"} | file]


def _contents(source: Json, where: str, head: str) -> list[Json]:
    """A document that the client has cut into texts and images."""
    content, parts = source.get("content"), [text_part(head)] if head else []
    if isinstance(content, str):
        return [*parts, text_part(content)]
    given: list[Any] = expect(list, content, "a string or an array of blocks", f"{where}.content")
    for index, block in enumerate(given):
        place = f"{where}.content.{index}"
        inner: Json = expect(dict, block, "a text or image block", place)
        if inner.get("type") not in ("text", "image"):
            raise InvalidRequest(f"{place}.type must be text or image.", param=f"{place}.type")
        parts += parts_of(inner, place)
    return parts


def _search_result(block: Json, where: str) -> Json:
    found: list[Any] = member(list, block, "content", "an array of text blocks", where)
    texts = [
        member(str, expect(dict, one, "a text block", f"{where}.content.{index}"), "text", "a string", f"{where}.content.{index}")
        for index, one in enumerate(found)
    ]
    return text_part(_titled(named(block, "title", where), named(block, "source", where), "\n".join(texts)))


def _titled(*pieces: str) -> str:
    return "\n\n".join(filter(None, pieces))


def _optional(block: Json, name: str, where: str) -> str:
    value = block.get(name)
    return "" if value is None else expect(str, value, "a string", f"{where}.{name}")


def _filename(title: str) -> str:
    """OpenAI tells files apart by the end of their names; Anthropic takes no documents but PDF in base64."""
    return title if title.lower().endswith(".pdf") else f"{title or 'document'}.pdf"
