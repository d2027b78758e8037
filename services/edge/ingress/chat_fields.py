"""The fields of a Chat Completions body, and their types."""

from typing import Any, TypeVar

from libs.contracts.errors import InvalidRequest

Json = dict[str, Any]
T = TypeVar("T")

_STRING, _OBJECT, _ARRAY, _NUMBER = ((str,), "a string"), ((dict,), "an object"), ((list,), "an array"), ((int, float), "a number")
_INTEGER, _FLAG = ((int,), "an integer"), ((bool,), "true or false")
_NAME_OR_OBJECT = ((str, dict), "a string or an object")
# Field → accepted Python types and the words for them. A null means absent for every one of these.
FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "model": _STRING, "messages": _ARRAY, "stream": _FLAG, "stream_options": _OBJECT, "n": _INTEGER, "store": _FLAG,
    "metadata": _OBJECT, "user": _STRING, "safety_identifier": _STRING, "service_tier": _STRING, "moderation": _OBJECT,
    "prompt_cache_key": _STRING, "prompt_cache_options": _OBJECT, "prompt_cache_retention": _STRING,
    "max_tokens": _INTEGER, "max_completion_tokens": _INTEGER, "temperature": _NUMBER, "top_p": _NUMBER, "seed": _INTEGER,
    "stop": ((str, list), "a string or an array of strings"), "presence_penalty": _NUMBER, "frequency_penalty": _NUMBER,
    "logit_bias": _OBJECT, "logprobs": _FLAG, "top_logprobs": _INTEGER,
    "tools": _ARRAY, "tool_choice": _NAME_OR_OBJECT, "parallel_tool_calls": _FLAG, "functions": _ARRAY,
    "function_call": _NAME_OR_OBJECT, "web_search_options": _OBJECT,
    "response_format": _OBJECT, "verbosity": _STRING, "reasoning_effort": _STRING, "reasoning": _OBJECT,
    "modalities": _ARRAY, "audio": _OBJECT, "prediction": _OBJECT,
    "router_mode": _STRING, "router_model": _STRING, "router_provider": _STRING, "provider": _OBJECT,
}


def checked(body: Json) -> Json:
    """The known fields without explicit nulls, each of its type. Raises InvalidRequest."""
    given = {name: value for name, value in body.items() if value is not None and name in FIELDS}
    for name, value in given.items():
        kinds, words = FIELDS[name]
        # By exact type: JSON gives no subclasses, and bool is an int only in Python.
        if type(value) not in kinds:
            raise InvalidRequest(f"{name} must be {words}.", param=name)
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
