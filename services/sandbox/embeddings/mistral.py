"""Mistral's embeddings.

https://docs.mistral.ai/api/endpoint/embeddings
"""

import secrets
from typing import Any

from services.sandbox import models
from services.sandbox.asked import Asked, Problem, Usage
from services.sandbox.dialect import Head
from services.sandbox.embeddings.lists import count, inputs, written

Json = dict[str, Any]

# No `dimensions`, no `user`.
_FIELDS = frozenset({"model", "input", "metadata", "output_dimension", "output_dtype", "encoding_format"})
_MOST_INPUTS = 512
_MOST_TOKENS_AT_ONCE = 16_384


def read(request: Json, head: Head) -> Asked:
    """What is asked for. Raises Problem."""
    for name, value in request.items():
        if name not in _FIELDS:
            raise Problem(422, "Extra inputs are not permitted", kind="extra_forbidden", param=name, details=value)
    for name in ("model", "input"):
        if request.get(name) is None:
            raise Problem(422, "Field required", kind="missing", param=name, details=request)
    model = str(request["model"])
    if model not in models.MISTRAL_EMBEDDERS:
        raise Problem(400, f"Invalid model: {model}", kind="invalid_model", code="1500")
    wanted = _texts(request["input"])
    if request.get("encoding_format") not in (None, "float", "base64"):
        raise Problem(422, "Input should be 'float' or 'base64'", kind="enum", param="encoding_format", details=request["encoding_format"])
    _check_size(model, request.get("output_dimension"))
    return Asked(model=model, text="\n".join(wanted), stream=False, words=False, read="", cache="off")


def write(request: Json, asked: Asked, usage: Usage) -> Json:
    """The list, with Mistral's additions."""
    size = request.get("output_dimension") or models.MISTRAL_EMBEDDERS[asked.model][0]
    made = written(asked.model, inputs(request["input"]), size, request.get("encoding_format"))
    return {"id": secrets.token_hex(16)} | made | {"usage": made["usage"] | {"completion_tokens": 0}}


def _texts(given: Any) -> list[str]:
    wanted = given if isinstance(given, list) else [given]
    for number, one in enumerate(wanted):
        if not isinstance(one, str):
            raise Problem(422, "Input should be a valid string", kind="string_type", param=f"input.{number}", details=one)
    if not all(wanted) or not wanted:
        raise Problem(400, "Input cannot be empty", kind="invalid_request_invalid_args", code="3051")
    if len(wanted) > _MOST_INPUTS:
        raise Problem(400, "Too many inputs in request, split into more batches.", kind="invalid_request_prompt", code="3210")
    if (together := count(wanted)) > _MOST_TOKENS_AT_ONCE:
        raise Problem(400, f"Too many tokens in batch. Max is {_MOST_TOKENS_AT_ONCE} got {together}", kind="invalid_request_error")
    return wanted


def _check_size(model: str, size: Any) -> None:
    most = models.MISTRAL_EMBEDDERS[model][1]
    if size is not None and most is None:
        raise Problem(400, "This model does not support output_dimension.", kind="invalid_request_invalid_args", code="3051")
    if size is not None and most is not None and not (isinstance(size, int) and 1 <= size <= most):
        what = f"Invalid output_dimension: it must be between 1 and {most}."
        raise Problem(400, what, kind="invalid_request_invalid_args", code="3051")
