"""Every accepted form of `input` as a list of typed items."""

from typing import Any

import msgspec

from libs.contracts.errors import InvalidRequest
from libs.responses.content_parts import PART_TYPES, TEXT_TYPES, canonical_parts

Json = dict[str, Any]

ROLES = frozenset({"user", "assistant", "system", "developer"})
# Names that older clients use for a tool's result.
_RESULTS = frozenset({"function_call_output", "function_result", "tool_result"})
# Parts without a message around them; `refusal` and `output_text` only make sense inside one.
_LOOSE_PARTS = PART_TYPES - {"refusal", "output_text"}


def as_items(given: object) -> list[Json]:
    """A canonical request's `input` as items; a string is what the user says."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return list(given) if isinstance(given, list) else []


def canonical_items(items: list[Any]) -> list[Any]:
    """The same list when each item is canonical already."""
    if all(map(_is_plain_message, items)):
        return items
    result: list[Any] = []
    loose: Json | None = None
    changed = False
    for index, item in enumerate(items):
        where = f"input[{index}]"
        if not isinstance(item, dict):
            remedy = 'such as {"role": "user", "content": "…"}, or send the text as a plain string input'
            raise InvalidRequest(f"{where} must be an object {remedy}.", param=where)
        if "role" not in item and item.get("type") in _LOOSE_PARTS:
            # One run of parts is one user message.
            if loose is None:
                loose = {"type": "message", "role": "user", "content": []}
                result.append(loose)
            loose["content"].extend(canonical_parts([item], "user", where, indexed=False))
            changed = True
            continue
        loose = None
        _check_ids(item, where)
        made = _item(item, where)
        result.extend(made)
        changed = changed or len(made) != 1 or made[0] is not item
    return result if changed else items


def _check_ids(item: Json, where: str) -> None:
    for name in ("id", "call_id"):
        if not isinstance(item.get(name, ""), str | None):
            raise InvalidRequest(f"{where}.{name} must be a string.", param=f"{where}.{name}")


def _is_plain_message(item: Any) -> bool:
    """The ordinary message, checked without building its place for an error message."""
    if type(item) is not dict or item.get("type") != "message" or item.get("role") not in ROLES or "tool_calls" in item or "id" in item:
        return False
    content = item.get("content")
    if type(content) is str:
        return True
    return type(content) is list and all(
        type(part) is dict and part.get("type") in TEXT_TYPES and type(part.get("text")) is str for part in content
    )


def _item(item: Json, where: str) -> list[Json]:
    kind = item.get("type")
    if kind is None and "role" not in item:
        if "call_id" in item or "tool_call_id" in item:
            return [_result(item, where)]
        raise InvalidRequest(f"{where} has neither a role nor a type; add one.", param=f"{where}.type")
    if kind is not None and not isinstance(kind, str):
        raise InvalidRequest(f"{where}.type must be a string.", param=f"{where}.type")
    if item.get("role") == "tool" or kind in _RESULTS:
        return [_result(item, where)]
    if kind is None or kind == "message":
        return _message(item, where)
    return [_call(item, where)] if kind == "function_call" else [item]


def _message(item: Json, where: str) -> list[Json]:
    role, content = item.get("role"), item.get("content")
    if role not in ROLES:
        raise InvalidRequest(f"{where}.role must be one of user, assistant, system, developer.", param=f"{where}.role")
    calls = item.get("tool_calls")
    if calls:
        return _chat_message(item, calls, where)
    if isinstance(content, list):
        parts = canonical_parts(content, role, f"{where}.content")
        if parts is not content:
            item = item | {"content": parts}
    elif not isinstance(content, str):
        raise InvalidRequest(f"{where}.content must be a string or an array of parts.", param=f"{where}.content")
    return [item if "type" in item else {"type": "message"} | item]


def _chat_message(item: Json, calls: Any, where: str) -> list[Json]:
    """An assistant message of the chat API carries its calls inside; here they are items of their own."""
    message = {name: value for name, value in item.items() if name != "tool_calls"}
    made = _message(message, where) if message.get("content") else []
    for index, call in enumerate(calls if isinstance(calls, list) else [calls]):
        at = f"{where}.tool_calls[{index}]"
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise InvalidRequest(f"{at}.function must be an object with name and arguments.", param=f"{at}.function")
        flat = {"type": "function_call", "call_id": call.get("id"), "name": function.get("name")}
        made.append(_call(flat | {"arguments": function.get("arguments")}, at))
    return made


def _call(item: Json, where: str) -> Json:
    for name in ("call_id", "name"):
        if not isinstance(item.get(name), str):
            raise InvalidRequest(f"{where}.{name} must be a string.", param=f"{where}.{name}")
    arguments = item.get("arguments")
    return item if isinstance(arguments, str) else item | {"arguments": _as_text(arguments) or "{}"}


def _result(item: Json, where: str) -> Json:
    call_id = item.get("call_id") or item.get("tool_call_id") or item.get("tool_use_id")
    if not isinstance(call_id, str) or not call_id:
        raise InvalidRequest(f"{where}.call_id must name the function call that this is the result of.", param=f"{where}.call_id")
    output = item["output"] if "output" in item else item.get("content")
    if isinstance(output, list) and _are_parts(output):
        made: Any = canonical_parts(output, "user", f"{where}.output")
    else:
        made = output if isinstance(output, str) else _as_text(output)
    if item.get("type") == "function_call_output" and item.get("call_id") == call_id and made is item.get("output"):
        return item
    rest = {name: value for name, value in item.items() if name not in _RESULT_FIELDS}
    return {"type": "function_call_output", "call_id": call_id, "output": made} | rest


_RESULT_FIELDS = frozenset({"type", "role", "call_id", "tool_call_id", "tool_use_id", "output", "content", "name"})


def _are_parts(output: list[Any]) -> bool:
    return bool(output) and all(isinstance(part, dict) and part.get("type") in PART_TYPES for part in output)


def _as_text(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()
