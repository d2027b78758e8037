"""Requests for embeddings. On the bus they stay what they are, OpenAI's own, in what the router knows of them.

https://platform.openai.com/docs/api-reference/embeddings/create
"""

from typing import Any

from libs.contracts.errors import InvalidRequest
from libs.responses.canonical import canonical

Json = dict[str, Any]

MOST_INPUTS = 2048
CHARS_PER_TOKEN = 4
LARGEST = 2**31 - 1
"""Of numbers; no provider keeps them in more than 32 bits."""
# The same as in a Responses request, and checked the same way.
_SHARED = ("model", "user", "metadata", "router_mode", "router_model", "router_provider", "provider")


def request_of(body: Json) -> Json:
    """The body with the known fields only, without nulls: `input` is a string, a list of strings, of token ids, or of lists of token
    ids; beside it `dimensions`, `encoding_format`, `user`, `metadata` and the fields for routing. Raises InvalidRequest with
    `param`."""
    request = canonical({"input": ""} | {name: body[name] for name in _SHARED if name in body})
    if "model" not in request:
        # An answer from any model will do; vectors are of use only beside others of the same model.
        raise InvalidRequest("model is missing: name an embedding model, or auto to leave the choice to the router", param="model")
    request["input"] = _input(body.get("input"))
    dimensions, form = body.get("dimensions"), body.get("encoding_format")
    if dimensions is not None:
        if type(dimensions) is not int or not 1 <= dimensions <= LARGEST:
            raise InvalidRequest(f"dimensions must be an integer from 1 to {LARGEST}", param="dimensions")
        request["dimensions"] = dimensions
    if form is not None:
        if form not in ("float", "base64"):
            raise InvalidRequest("encoding_format must be float or base64", param="encoding_format")
        request["encoding_format"] = form
    return request


def facts_of(request: Json) -> Json:
    """Keyword arguments for RequestFacts, from what `request_of` returned."""
    return {"embeddings": True, "input_chars": _chars(request["input"])}


def _input(given: Any) -> Any:
    if given is None:
        raise InvalidRequest("input is missing: send a string, an array of strings, or token ids", param="input")
    if given in ("", []):
        raise InvalidRequest("input must not be empty", param="input")
    if type(given) is list:
        _check_list(given)
    elif type(given) is not str:
        raise InvalidRequest("input must be a string, an array of strings, or token ids", param="input")
    return given


def _check_list(given: list[Any]) -> None:
    kinds = set(map(type, given))
    if kinds == {int}:
        _check_tokens(given, "input")
        return
    if kinds not in ({str}, {list}):
        raise InvalidRequest("an array in input holds only strings, only token ids, or only arrays of token ids", param="input")
    if len(given) > MOST_INPUTS:
        raise InvalidRequest(f"input has {len(given)} elements; at most {MOST_INPUTS} are taken in one request", param="input")
    for index, one in enumerate(given):
        if not one:
            raise InvalidRequest(f"input[{index}] must not be empty", param=f"input[{index}]")
        if kinds == {list}:
            _check_tokens(one, f"input[{index}]")


def _check_tokens(tokens: list[Any], param: str) -> None:
    if set(map(type, tokens)) != {int} or min(tokens) < 0 or max(tokens) > LARGEST:
        raise InvalidRequest(f"{param} must hold token ids, which are integers from 0 to {LARGEST}", param=param)


def _chars(given: Any) -> int:
    if type(given) is int:
        return CHARS_PER_TOKEN
    return len(given) if type(given) is str else sum(map(_chars, given))
