"""The output format: `text.format`, whichever of the three published forms the client used."""

from typing import Any

from libs.contracts.errors import InvalidRequest

Json = dict[str, Any]

_TYPES = frozenset({"text", "json_object", "json_schema", "grammar", "python"})


def canonical_text(request: Json) -> Json:
    """Takes `text.format`, `text.type` with `text.json_schema`, or `response_format`; leaves `text.format`."""
    text: Json = request.get("text") or {}
    given = request.get("response_format")
    if given is not None and (text.get("format") or text.get("type")):
        raise InvalidRequest("response_format and text both set the output format; send one of them.", param="response_format")
    if given is not None:
        wanted, where = given, "response_format"
    elif text.get("format") is not None:
        wanted, where = text["format"], "text.format"
    elif "type" in text:
        wanted, where = {name: text[name] for name in ("type", "json_schema") if name in text}, "text"
    elif "format" in text:
        return request | {"text": {name: value for name, value in text.items() if name != "format"}}
    else:
        return request
    made = _flat(wanted, where)
    if given is None and made is text.get("format"):
        return request
    rest = {name: value for name, value in text.items() if name not in ("type", "json_schema", "format")}
    changed = {name: value for name, value in request.items() if name != "response_format"}
    return changed | {"text": rest | {"format": made}}


def _flat(wanted: Any, where: str) -> Json:
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind not in _TYPES:
        raise InvalidRequest(f"{where}.type must be text, json_object or json_schema.", param=f"{where}.type")
    if kind != "json_schema":
        return wanted  # type: ignore[no-any-return]
    nested = wanted.get("json_schema")
    flat = {"type": "json_schema"} | nested if isinstance(nested, dict) else wanted
    if not isinstance(flat.get("schema"), dict):
        place = f"{where}.json_schema.schema" if nested is not None else f"{where}.schema"
        raise InvalidRequest(f"{place} must be a JSON schema object.", param=place)
    if not isinstance(flat.get("name"), str):
        flat = flat | {"name": "response"}
    return flat
