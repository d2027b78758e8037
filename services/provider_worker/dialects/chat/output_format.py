"""Structured output: by `response_format` where the server has it, otherwise in words."""

from typing import Any

import msgspec

from services.provider_worker.dialects.chat.draft import Draft

Json = dict[str, Any]

_JSON_MODE = "Answer with one valid JSON object and nothing else."
_BY_SCHEMA = "Answer with one valid JSON object and nothing else. It must follow this JSON schema:\n"
_SCHEMA_FIELDS = ("name", "description", "schema", "strict")


def output_format(draft: Draft, messages: list[Json]) -> Json:
    """`response_format`, if any; may add to the system message what the server does not enforce."""
    wanted = (draft.request.get("text") or {}).get("format") or {}
    kind = wanted.get("type", "text")
    if kind == "text":
        return {}
    if kind == "json_schema":
        return _by_schema(wanted, draft, messages)
    if kind != "json_object":
        raise draft.cannot(f"the output format {kind}", "text.format.type")
    if "json_object" not in draft.quirks.formats:
        draft.note(f"json_object was asked for in the system prompt: {draft.name} has no JSON mode")
        _add_to_system(messages, _JSON_MODE)
        draft.schemas[""] = {"type": "object"}
        return {}
    if not any(map(_says_json, messages)):
        # Without the word OpenAI and DeepSeek refuse, and others write blanks until their tokens are spent.
        draft.note("the system prompt was told about JSON, which JSON mode needs")
        _add_to_system(messages, _JSON_MODE)
    return {"response_format": {"type": "json_object"}}


def wants_json(request: Json) -> bool:
    """The answer's text is to be JSON."""
    return ((request.get("text") or {}).get("format") or {}).get("type") in ("json_schema", "json_object")


def _by_schema(wanted: Json, draft: Draft, messages: list[Json]) -> Json:
    if "json_schema" in draft.quirks.formats:
        schema = {name: wanted[name] for name in _SCHEMA_FIELDS if wanted.get(name) is not None}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    draft.schemas[""] = wanted["schema"]
    draft.note(f"the JSON schema was put into the system prompt: {draft.name} does not enforce one")
    _add_to_system(messages, _BY_SCHEMA + msgspec.json.encode(wanted["schema"]).decode())
    return {"response_format": {"type": "json_object"}} if "json_object" in draft.quirks.formats else {}


def _add_to_system(messages: list[Json], text: str) -> None:
    if messages[0]["role"] in ("system", "developer"):
        messages[0] = messages[0] | {"content": f"{messages[0]['content']}\n\n{text}"}
    else:
        messages.insert(0, {"role": "system", "content": text})


def _says_json(message: Json) -> bool:
    if message["role"] not in ("system", "developer", "user"):
        return False
    content = message.get("content") or ""
    texts = [content] if isinstance(content, str) else [part.get("text") or "" for part in content]
    return any("json" in text.lower() for text in texts)
