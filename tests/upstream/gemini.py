"""Gemini's generateContent; its streams have no events but chunks, so that an item ends where the next begins."""

import json
import re

from tests.upstream.behaviour import Behaviour, Call
from tests.upstream.script import ARGUMENTS, Item, Json, Script, calls, data, pieces


def script(call: Call, behaviour: Behaviour) -> Script:
    found = re.search(r"/models/([^/:]+):", call.path)
    model = found[1] if found else ""
    declared = [tool for given in call.body.get("tools") or [] for tool in given.get("functionDeclarations") or []]
    function = {"functionCall": {"name": declared[0]["name"] if declared else "lookup", "args": json.loads(ARGUMENTS)}}
    text: list[Json] = [{"text": piece} for piece in pieces(behaviour.text, behaviour.chunks)]
    spoken = [[function] if called else text for called in calls(behaviour)]
    parts = [function if called else {"text": behaviour.text} for called in calls(behaviour)]
    items = [Item(b"", [_sse(_response(model, [part])) for part in said], b"") for said in spoken]
    return Script(_response(model, parts, "STOP"), b"", items, _sse(_response(model, [{"text": ""}], "STOP")))


def _response(model: str, parts: list[Json], finish: str | None = None) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}} | ({"finishReason": finish} if finish else {}) | {"index": 0}
    usage = {
        "promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18, "cachedContentTokenCount": 3,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}],
    }  # fmt: skip
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "resp_up"}


def _sse(response: Json) -> bytes:
    return data(response, "\r\n\r\n")
