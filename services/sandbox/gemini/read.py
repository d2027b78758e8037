"""Reads Gemini's generateContent requests.

https://ai.google.dev/api/generate-content
"""

import re
from typing import Any

from services.sandbox import models, tokens
from services.sandbox.asked import Asked, Problem
from services.sandbox.dialect import Head
from services.sandbox.framing import ARRAY, CRLF, Framing
from services.sandbox.gemini import config, tools, turns
from services.sandbox.gemini.parse import parse


def read(body: dict[str, Any], head: Head) -> Asked:
    """What is asked for. Raises Problem."""
    model, request = _model(head), parse(body)
    settings = request.get("generationConfig") or {}
    contents = request.get("contents") or []
    turns.check(contents, model)
    choice, offered = tools.read(request)
    config.check(settings, model, request)
    text, results, images = turns.last_turn(contents)
    return Asked(
        model=model, text=text, results=results, images=images, tools=offered, choice=choice,
        stream=head.path["method"] == "streamGenerateContent", schema=config.schema(settings), thinking=config.thinks(settings),
        read=tokens.readable({name: request.get(name) for name in ("systemInstruction", "tools", "contents")}),
        limit=settings.get("maxOutputTokens"), stops=settings.get("stopSequences") or [],
    )  # fmt: skip


def framing(head: Head) -> Framing:
    """Server-sent events when asked for, else one array; what is not streamed is neither."""
    return ARRAY if head.path.get("method") == "streamGenerateContent" and head.query.get("alt") != "sse" else CRLF


def _model(head: Head) -> str:
    model = re.sub(r"^models/", "", head.path["model"])
    if not models.GEMINI.fullmatch(model):
        raise Problem(
            404, f"models/{model} is not found for API version {head.path['version']}, or is not supported for generateContent. "
            "Call ListModels to see the list of available models and their supported methods.",
        )  # fmt: skip
    return model
