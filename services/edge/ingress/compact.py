"""POST /responses/compact: a long conversation becomes its user messages and one sealed item that says the rest.

https://platform.openai.com/docs/api-reference/responses/compact
"""

from typing import Any

import msgspec

from libs.contracts.errors import InvalidRequest
from services.edge.formats.format import Plain

Json = dict[str, Any]
_READ = frozenset({
    "model", "input", "instructions", "previous_response_id", "conversation", "prompt_cache_key", "metadata", "router_mode", "router_model",
    "router_provider", "provider",
})
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def request_of(body: Json) -> Json:
    """The Responses request whose conversation is to be compacted. Raises InvalidRequest."""
    if body.get("model") is None:
        raise InvalidRequest("model is missing: name the model that is to compact the conversation, or auto", param="model")
    return {name: value for name, value in body.items() if name in _READ} | {"store": False}


class CompactFormat(Plain):
    """OpenAI's compaction object, from the response that the worker made of it."""

    def body(self, response: bytes) -> tuple[int, bytes]:
        made = _decode(response)
        if made["status"] == "failed":
            error = made.get("error") or {}
            told = {"type": "provider_error", "code": "upstream_error", "message": error.get("message"), "http_status": 502}
            return 502, _encode({"error": told, "request_id": made.get("request_id")})
        kept = {name: made.get(name) for name in ("id", "created_at", "output", "usage", "model", "metadata", "request_id", "tokenrouter")}
        return 200, _encode({**kept, "object": "response.compaction"})
