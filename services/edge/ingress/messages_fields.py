"""The fields of a Messages body, and their types."""

from typing import Any, TypeVar

from libs.contracts.errors import InvalidRequest

Json = dict[str, Any]
T = TypeVar("T")

_STRING, _OBJECT, _ARRAY, _NUMBER = ((str,), "a string"), ((dict,), "an object"), ((list,), "an array"), ((int, float), "a number")
# Field → accepted Python types and the words for them. A null means absent for every one of these.
FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "model": _STRING, "messages": _ARRAY, "max_tokens": ((int,), "an integer"), "system": ((str, list), "a string or an array of text blocks"),
    "stream": ((bool,), "true or false"), "stop_sequences": _ARRAY, "temperature": _NUMBER, "top_p": _NUMBER, "top_k": _NUMBER,
    "tools": _ARRAY, "tool_choice": _OBJECT, "thinking": _OBJECT, "output_config": _OBJECT, "output_format": _OBJECT, "metadata": _OBJECT,
    "service_tier": _STRING, "mcp_servers": _ARRAY, "router_mode": _STRING, "router_model": _STRING, "router_provider": _STRING, "provider": _OBJECT,
    "thread": _OBJECT, "compaction": _OBJECT,
}
# Field → code, where it has one of its own, and remedy. Without these the answer would be one to something else.
_REFUSED: dict[str, tuple[str | None, str]] = {
    # By this code Anthropic's SDK knows that it has to send the whole conversation, as its tool runner then does.
    "thread": ("thread_unsupported_request", "conversations are not kept for the Messages API; send all of the messages"),
    "compaction": (None, "the Messages API cannot compact here; use /v1/responses/compact"),
    "mcp_servers": (None, "MCP servers are called by tools of type mcp on /v1/responses"),
}


def checked(body: Json) -> Json:
    """The known fields without explicit nulls, each of its type. Raises InvalidRequest."""
    given = {name: value for name, value in body.items() if value is not None and name in FIELDS}
    for name, value in given.items():
        kinds, words = FIELDS[name]
        # By exact type: JSON gives no subclasses, and bool is an int only in Python.
        if type(value) not in kinds:
            raise InvalidRequest(f"{name} must be {words}.", param=name)
    for name, (code, remedy) in _REFUSED.items():
        if given.get(name):
            raise InvalidRequest(f"{name}: {remedy}.", code=code, param=name)
    if not given.get("model"):
        raise InvalidRequest("model is missing: name a model, or send auto to have one chosen.", param="model")
    if not given.get("messages"):
        raise InvalidRequest("messages is missing: send an array with at least one message.", param="messages")
    return given


def expect(kind: type[T], value: Any, words: str, where: str) -> T:
    """A value inside a field. Raises InvalidRequest when it is not of its type."""
    if type(value) is not kind:
        raise InvalidRequest(f"{where} must be {words}.", param=where)
    return value


def member(kind: type[T], holder: Json, name: str, words: str, where: str) -> T:
    """A required field of the object at `where`. Raises InvalidRequest."""
    return expect(kind, holder.get(name), words, f"{where}.{name}")


def named(holder: Json, name: str, where: str) -> str:
    """A required field that must not be empty. Raises InvalidRequest."""
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequest(f"{where}.{name} must be a non-empty string.", param=f"{where}.{name}")
    return value


def strings(values: Any, where: str) -> list[str]:
    """A list of strings. Raises InvalidRequest."""
    given: list[Any] = expect(list, values, "an array of strings", where)
    return [expect(str, value, "a string", f"{where}.{index}") for index, value in enumerate(given)]
