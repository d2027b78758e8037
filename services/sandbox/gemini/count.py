"""Gemini's countTokens.

https://ai.google.dev/api/tokens
"""

from typing import Any

from msgspec import structs

from services.sandbox.asked import Asked, Problem, Usage
from services.sandbox.dialect import Head
from services.sandbox.gemini.parse import parse
from services.sandbox.gemini.read import read as read_answer

Json = dict[str, Any]

_AT = "* CountTokensRequest.generate_content_request"


def read(body: Json, head: Head) -> Asked:
    """What is to be counted: contents alone, or a whole request that names its model. Raises Problem."""
    request = parse(body, "CountTokensRequest")
    whole = request.get("generateContentRequest")
    if whole is None:
        if not request.get("contents"):
            raise Problem(400, "CountTokens requires generate_content_request or contents to be set.")
        whole = {"contents": request["contents"]}
    elif request.get("contents"):
        raise Problem(400, "CountTokens requires either generate_content_request or contents to be set, not both.")
    else:
        missing = [name for name in ("contents", "model") if not whole.get(name)]
        if missing:
            raise Problem(400, "".join(f"{_AT}.{name}: {name} is not specified\n" for name in missing))
    asked = read_answer(whole, head)
    return structs.replace(asked, stream=False, words=False, cache="off")


def write(body: Json, asked: Asked, usage: Usage) -> Json:
    """The count."""
    return {"totalTokens": usage.read, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.read}]}
