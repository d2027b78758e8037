"""Turns every accepted form of a Responses request into the canonical one; used by the edge, before anything else reads it.

Canonical: input is a string or a list of typed items, tools and tool_choice are flat, the output format is in `text.format`.
"""

from collections.abc import Callable
from typing import Any

from libs.contracts.errors import InvalidRequest
from libs.responses.input_items import canonical_items
from libs.responses.output_format import canonical_text
from libs.responses.tool_forms import canonical_choice, canonical_tools

Json = dict[str, Any]

_NUMBER, _INTEGER = (int, float), (int,)
# Field → accepted Python types and the words for them. A null means absent for every one of these.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "model": ((str,), "a string"), "input": ((str, list), "a string or an array"), "instructions": ((str, list), "a string"),
    "stream": ((bool,), "true or false"), "store": ((bool,), "true or false"), "background": ((bool,), "true or false"),
    "parallel_tool_calls": ((bool,), "true or false"), "temperature": (_NUMBER, "a number"), "top_p": (_NUMBER, "a number"),
    "max_output_tokens": (_INTEGER, "an integer"), "max_tool_calls": (_INTEGER, "an integer"),
    "top_logprobs": (_INTEGER, "an integer"),
    "tools": ((list,), "an array"), "tool_choice": ((str, dict), "a string or an object"), "metadata": ((dict,), "an object"),
    "text": ((dict,), "an object"), "response_format": ((dict,), "an object"), "reasoning": ((dict,), "an object"),
    "stream_options": ((dict,), "an object"), "include": ((list,), "an array"), "previous_response_id": ((str,), "a string"),
    "conversation": ((str, dict), "a string or an object"), "user": ((str,), "a string"), "truncation": ((str,), "a string"),
    "service_tier": ((str,), "a string"), "prompt_cache_key": ((str,), "a string"), "safety_identifier": ((str,), "a string"),
    "prompt": ((dict,), "an object"), "router_mode": ((str,), "a string"), "router_model": ((str,), "a string"),
    "router_provider": ((str,), "a string"), "provider": ((dict,), "an object"),
    "stop": ((str, list), "a string or an array of strings"), "seed": (_INTEGER, "an integer"),
    "presence_penalty": (_NUMBER, "a number"), "frequency_penalty": (_NUMBER, "a number"), "logit_bias": ((dict,), "an object"),
}
_STANDS_FOR_INPUT = frozenset({"previous_response_id", "conversation", "prompt"})
METADATA_PAIRS, METADATA_KEY, METADATA_VALUE = 16, 64, 512


def canonical(request: Json) -> Json:
    """The canonical request; the same object when nothing had to change. Raises InvalidRequest, naming the parameter."""
    result = _checked(request)
    if "input" not in result and _STANDS_FOR_INPUT.isdisjoint(result):
        raise InvalidRequest("input is missing: send a string or an array of messages.", param="input")
    for name, change in _CHANGES.items():
        if name in result:
            value = result[name]
            changed = _named(name, change, value)
            if changed is not value:
                result = result | {name: changed}
    if "response_format" in result or "text" in result:
        result = _named("text", canonical_text, result)
    return result


def _named(name: str, change: Callable[[Any], Any], value: Any) -> Any:
    try:
        return change(value)
    except TypeError:
        # A list or an object in the place of a name cannot even be looked up among the names that are known.
        raise InvalidRequest(f"{name} holds a list or an object where a name is expected.", param=name) from None


def _checked(request: Json) -> Json:
    """The request without explicit nulls, every known field of its type."""
    nulls = False
    for name, value in request.items():
        kind = _KINDS.get(name)
        if kind is None:
            continue
        if value is None:
            nulls = True
        # By exact type: JSON gives no subclasses, and bool is an int only in Python.
        elif type(value) not in kind[0]:
            raise InvalidRequest(f"{name} must be {kind[1]}.", param=name)
    if not nulls:
        return request
    return {name: value for name, value in request.items() if value is not None or name not in _KINDS}


def _input(value: Any) -> Any:
    return value if isinstance(value, str) else canonical_items(value)


def _metadata(pairs: Json) -> Json:
    if len(pairs) > METADATA_PAIRS:
        raise InvalidRequest(f"metadata has {len(pairs)} pairs; at most {METADATA_PAIRS} are allowed.", param="metadata")
    for key, value in pairs.items():
        if not isinstance(value, str):
            raise InvalidRequest("metadata values must be strings; send numbers and objects as text.", param=f"metadata.{key}")
        if len(key) > METADATA_KEY or len(value) > METADATA_VALUE:
            limits = f"at most {METADATA_KEY} characters and values {METADATA_VALUE}"
            raise InvalidRequest(f"metadata keys hold {limits}.", param=f"metadata.{key[:METADATA_KEY]}")
    return pairs


def _stop(value: Any) -> Any:
    words = [value] if isinstance(value, str) else value
    if not all(isinstance(word, str) for word in words):
        raise InvalidRequest("stop must be a string or an array of strings.", param="stop")
    return words


_CHANGES: dict[str, Callable[[Any], Any]] = {
    "stop": _stop,
    "input": _input, "tools": canonical_tools, "tool_choice": canonical_choice, "metadata": _metadata,
}
