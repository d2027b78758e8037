"""OpenAI's embeddings. https://platform.openai.com/docs/api-reference/embeddings"""

import msgspec

from services.provider_worker.dialect import Call, Outcome, Upstream
from services.provider_worker.dialects import embedding_list

_SENT = ("input", "dimensions", "encoding_format", "user")
_encode = msgspec.json.Encoder().encode


def request(call: Call) -> Upstream:
    """The same request, without what only this router understands."""
    sent = {name: call.request[name] for name in _SENT if name in call.request}
    return Upstream(path="/embeddings", content=_encode({"model": call.model} | sent))


def read(body: bytes, call: Call) -> Outcome:
    """The list, as it is. Raises ProviderFailure for anything else."""
    return embedding_list.read("OpenAI", body, call)
