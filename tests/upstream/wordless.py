"""Embeddings and counts of tokens, of every dialect. A vector tells the place of its input: its angle in radians."""

import math
import struct
from base64 import b64encode

from tests.upstream.behaviour import Behaviour, Call
from tests.upstream.script import Json, Script

TOKENS = 11


def script(call: Call, behaviour: Behaviour) -> Script:
    path = call.path.partition("?")[0]
    if path.endswith("/embeddings"):
        return Script(_list(call.body), b"", [], b"")
    if path.endswith(":batchEmbedContents"):
        vectors = [{"values": vector(place)} for place in range(len(call.body["requests"]))]
        return Script({"embeddings": vectors, "usageMetadata": {"promptTokenCount": TOKENS}}, b"", [], b"")
    if path.endswith(":countTokens"):
        return Script({"totalTokens": TOKENS, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": TOKENS}]}, b"", [], b"")
    return Script({"object": "response.input_tokens", "input_tokens": TOKENS}, b"", [], b"")


def vector(place: int) -> list[float]:
    return [math.cos(place), math.sin(place)]


def _list(body: Json) -> Json:
    given = body["input"]
    count = len(given) if isinstance(given, list) and not isinstance(given[0], int) else 1
    vectors = [vector(place) for place in range(count)]
    written = [b64encode(struct.pack("<2f", *one)).decode() for one in vectors] if body.get("encoding_format") == "base64" else vectors
    data = [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(written)]
    return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": TOKENS, "total_tokens": TOKENS}}
