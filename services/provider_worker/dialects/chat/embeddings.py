"""Embeddings of the servers that are compatible with OpenAI. https://platform.openai.com/docs/api-reference/embeddings"""

import msgspec

from services.provider_worker.dialect import Call, ProviderFailure, Upstream
from services.provider_worker.dialects.chat.quirks import Quirks
from services.provider_worker.dialects.vectors import has_tokens

_ALWAYS = ("dimensions", "encoding_format")
_encode = msgspec.json.Encoder().encode


def request(call: Call, quirks: Quirks, name: str) -> Upstream:
    """The request in the server's words. Raises ProviderFailure when it makes no embeddings, or none of token ids."""
    if quirks.embeds == "nothing":
        raise _cannot(name, "a request for embeddings", "model")
    if quirks.embeds == "text" and has_tokens(call):
        raise _cannot(name, "token ids; send texts", "input")
    made = {"model": call.model, "input": call.request["input"]}
    made |= {quirks.renamed.get(field, field): call.request[field] for field in _ALWAYS if field in call.request}
    adapted: list[str] = []
    if "user" in call.request:
        if "user" in quirks.parameters:
            made["user"] = call.request["user"]
        else:
            adapted.append(f"dropped, not taken by {name}: user")
    return Upstream(path=f"{quirks.path.partition('/chat')[0]}/embeddings", content=_encode(made), adapted=adapted)


def _cannot(name: str, what: str, param: str) -> ProviderFailure:
    return ProviderFailure(f"{name} cannot express {what}", code="invalid_request", param=param)
