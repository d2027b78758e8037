"""Writes Chat Completions: whole, and the parts that streams share.

https://platform.openai.com/docs/api-reference/chat/object
"""

import time
from typing import Any

from services.sandbox.asked import Answer, Asked, Call, Usage
from services.sandbox.chat.provider import Provider


def whole(asked: Asked, answer: Answer, usage: Usage, provider: Provider) -> dict[str, Any]:
    """A completion that is done."""
    choice = {"index": 0, "message": _message(answer, provider)} | logprobs(provider) | {"finish_reason": provider.finishes[answer.stop]}
    return base("chat.completion", asked, provider) | {"choices": [choice], "usage": provider.usage(usage)}


def base(kind: str, asked: Asked, provider: Provider) -> dict[str, Any]:
    """What a completion and all chunks of a stream begin with."""
    named = {"id": provider.new_id(), "object": kind, "created": int(time.time()), "model": f"{asked.model}-sandbox"}
    return named | provider.always


def logprobs(provider: Provider) -> dict[str, Any]:
    return {"logprobs": None} if provider.logprobs else {}


def calls(made: list[Call], provider: Provider) -> list[dict[str, Any]]:
    """Tool calls, each whole."""
    kind = {"type": "function"} if provider.typed_calls else {}
    return [
        {"id": provider.new_call_id(number)} | kind | {"function": {"name": call.name, "arguments": call.arguments}}
        for number, call in enumerate(made)
    ]


def numbered(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same calls with their numbers."""
    return [{"index": number} | call for number, call in enumerate(made)]


def _message(answer: Answer, provider: Provider) -> dict[str, Any]:
    refused = bool(answer.refusal) and provider.refuses
    said = "".join(answer.text if refused else answer.text or answer.refusal)
    message: dict[str, Any] = {"role": "assistant", "content": said or provider.silent}
    if provider.refuses:
        message |= {"refusal": "".join(answer.refusal) or None, "annotations": []}
    thought = "".join(answer.thinking)
    if thought and provider.thoughts == "field":
        message["reasoning_content"] = thought
    if thought and provider.thoughts == "parts":
        spoken = [{"type": "text", "text": said}] if said else []
        message["content"] = [{"type": "thinking", "thinking": [{"type": "text", "text": thought}]}, *spoken]
    if answer.calls:
        made = calls(answer.calls, provider)
        message["tool_calls"] = numbered(made) if provider.indexed_calls else made
    return message
