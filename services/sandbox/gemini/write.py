"""Writes Gemini's answers: whole, as the chunks of a stream, and the list of models.

https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from services.sandbox import ids, models, tokens
from services.sandbox.asked import Answer, Asked, Call, Event, Problem, Usage
from services.sandbox.dialect import until_failure
from services.sandbox.gemini import config, signature
from services.sandbox.gemini.errors import error
from services.sandbox.gemini.parse import parse

_FINISHES = {"end": "STOP", "max_tokens": "MAX_TOKENS", "stop_sequence": "STOP", "tools": "STOP", "refusal": "SAFETY"}
_AT_ONCE = 4
"""Tokens in a chunk."""
Part = tuple[dict[str, Any], int]
"""A part and its tokens."""


def whole(request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage) -> dict[str, Any]:
    """A response that is done."""
    parts = [_thought(answer.thinking)] if _shown(request, answer) else []
    if answer.text:
        parts.append({"text": "".join(answer.text)} | _signed(asked, answer))
    parts += [part for part, _ in _calls(asked, answer)]
    return _response(parts, _FINISHES[answer.stop], usage, usage.written - usage.thinking) | _named(asked)


def events(request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage, fails_after: int | None) -> Iterator[Event]:
    """The chunks to the one with the finish reason, or to an error after so many tokens."""
    overloaded = Problem(503, "The model is overloaded. Please try again later. [sandbox]")
    return until_failure(_unbroken(request, asked, answer, usage), fails_after, Event("", error(overloaded)))


def listing() -> dict[str, Any]:
    """Some of the models that are known."""
    return {
        "models": [
            {
                "name": f"models/{name}", "version": "001", "displayName": f"{name} (sandbox)", "description": "A sandbox's stand-in.",
                "inputTokenLimit": 1048576, "outputTokenLimit": 65536, "supportedGenerationMethods": ["generateContent", "countTokens"],
                "temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2, "thinking": True,
            }
            for name in models.GEMINI_LISTED
        ],
    }  # fmt: skip


def _unbroken(request: dict[str, Any], asked: Asked, answer: Answer, usage: Usage) -> Iterator[Event]:
    named, said = _named(asked), 0
    for bunch in _bunches(answer.thinking) if _shown(request, answer) else []:
        yield Event("", _response([_thought(bunch)], None, usage, said) | named, len(bunch))
    text: list[Part] = [({"text": "".join(bunch)}, len(bunch)) for bunch in _bunches(answer.text)]
    for part, count in [*text, *_calls(asked, answer)]:
        said += count
        yield Event("", _response([part], None, usage, said) | named, count)
    # The last chunk says little more than why it is the last.
    rest = [] if answer.refusal else [{"text": ""} | _signed(asked, answer)]
    yield Event("", _response(rest, _FINISHES[answer.stop], usage, usage.written - usage.thinking) | named)


def _shown(request: dict[str, Any], answer: Answer) -> bool:
    return bool(answer.thinking) and config.shows_thoughts(parse(request).get("generationConfig") or {})


def _thought(said: list[str]) -> dict[str, Any]:
    return {"text": "".join(said), "thought": True}


def _signed(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Text may carry a signature too; it may come back or not."""
    if answer.calls or not signature.required(asked.model):
        return {}
    return {"thoughtSignature": signature.sign("", {"text": "".join(answer.text)})}


def _calls(asked: Asked, answer: Answer) -> list[Part]:
    """Calls are never split. The first one carries the signature of the step."""
    parts: list[Part] = []
    for number, call in enumerate(answer.calls):
        args = msgspec.json.decode(call.arguments)
        part: dict[str, Any] = {"functionCall": {"name": call.name, "args": args}}
        if number == 0 and signature.required(asked.model):
            part["thoughtSignature"] = signature.sign(call.name, args)
        parts.append((part, _size(call)))
    return parts


def _size(call: Call) -> int:
    return 8 + len(tokens.split(call.arguments))


def _bunches(said: list[str]) -> list[list[str]]:
    return [said[at : at + _AT_ONCE] for at in range(0, len(said), _AT_ONCE)]


def _named(asked: Asked) -> dict[str, Any]:
    return {"modelVersion": f"{asked.model}-sandbox", "responseId": ids.letters("")}


def _response(parts: list[dict[str, Any]], finish: str | None, usage: Usage, said: int) -> dict[str, Any]:
    """A chunk, or the whole; `said` are the candidate's tokens so far."""
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}} if parts else {}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate | {"index": 0}], "usageMetadata": _usage(usage, said)}


def _usage(usage: Usage, said: int) -> dict[str, Any]:
    counted: dict[str, Any] = {"promptTokenCount": usage.read}
    if said:
        counted["candidatesTokenCount"] = said
    counted["totalTokenCount"] = usage.read + said + usage.thinking
    if usage.cached:
        cached = {"modality": "TEXT", "tokenCount": usage.cached}
        counted |= {"cachedContentTokenCount": usage.cached, "cacheTokensDetails": [cached]}
    counted["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.read}]
    return counted | ({"thoughtsTokenCount": usage.thinking} if usage.thinking else {})
