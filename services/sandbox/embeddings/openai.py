"""OpenAI's embeddings.

https://platform.openai.com/docs/api-reference/embeddings
"""

from typing import Any

from services.sandbox import models
from services.sandbox.asked import Asked, Problem, Usage
from services.sandbox.dialect import Head
from services.sandbox.embeddings.lists import count, inputs, written

Json = dict[str, Any]

_FIELDS = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_MOST_INPUTS = 2048
_MOST_TOKENS = 8192
_MOST_TOKENS_AT_ONCE = 300_000
_BAD_INPUT = "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."


def read(request: Json, head: Head) -> Asked:
    """What is asked for. Raises Problem."""
    unknown = next((name for name in request if name not in _FIELDS), None)
    if unknown:
        raise Problem(400, f"Unrecognized request argument supplied: {unknown}")
    model = _model(request)
    wanted = _inputs(request.get("input"))
    _check_length(wanted)
    _check_size(model, request.get("dimensions"))
    if request.get("encoding_format") not in (None, "float", "base64"):
        message = f"Invalid value: '{request['encoding_format']}'. Supported values are: 'float' and 'base64'."
        raise Problem(400, message, param="encoding_format", code="invalid_value")
    text = "\n".join(one for one in wanted if isinstance(one, str))
    return Asked(model=model, text=text, stream=False, words=False, read="", cache="off")


def write(request: Json, asked: Asked, usage: Usage) -> Json:
    """The list."""
    size = request.get("dimensions") or models.OPENAI_EMBEDDERS[asked.model]
    return written(asked.model, inputs(request["input"]), size, request.get("encoding_format"))


def _model(request: Json) -> str:
    model = request.get("model")
    if not isinstance(model, str) or not model:
        raise Problem(400, "you must provide a model parameter")
    if models.OPENAI.fullmatch(model):
        raise Problem(403, "You are not allowed to generate embeddings from this model")
    if model not in models.OPENAI_EMBEDDERS:
        raise Problem(404, f"The model `{model}` does not exist or you do not have access to it.", code="model_not_found")
    return model


def _inputs(given: Any) -> list[Any]:
    """The inputs one by one, strings or lists of token ids."""
    if given in (None, "", []) or not isinstance(given, str | list):
        raise Problem(400, _BAD_INPUT)
    wanted = inputs(given)
    if len(wanted) > _MOST_INPUTS or not (all(map(_is_text, wanted)) or all(map(_are_tokens, wanted))):
        raise Problem(400, _BAD_INPUT)
    return wanted


def _is_text(one: Any) -> bool:
    return isinstance(one, str) and one != ""


def _are_tokens(one: Any) -> bool:
    return isinstance(one, list) and bool(one) and all(type(token) is int and token >= 0 for token in one)


def _check_length(wanted: list[Any]) -> None:
    longest, together = max(count([one]) for one in wanted), count(wanted)
    if longest > _MOST_TOKENS:
        raise Problem(
            400, f"This model's maximum context length is {_MOST_TOKENS} tokens, however you requested {longest} tokens ({longest} in your "
            "prompt; 0 for the completion). Please reduce your prompt; or completion length.",
        )  # fmt: skip
    if together > _MOST_TOKENS_AT_ONCE:
        message = f"Requested {together} tokens, max {_MOST_TOKENS_AT_ONCE} tokens per request"
        raise Problem(400, message, kind="max_tokens_per_request", code="max_tokens_per_request")


def _check_size(model: str, size: Any) -> None:
    if size is None:
        return
    if not isinstance(size, int) or size < 1:
        raise Problem(400, f"{size} is less than the minimum of 1 - 'dimensions'")
    if model == "text-embedding-ada-002":
        raise Problem(400, "This model does not support specifying dimensions.")
    most = models.OPENAI_EMBEDDERS[model]
    if size > most:
        raise Problem(400, f"Invalid value for 'dimensions' = {size}. Must be less than or equal to {most}.")
