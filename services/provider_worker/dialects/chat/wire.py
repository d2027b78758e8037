"""Chat completions and their chunks, as far as they are read. Unknown fields pass by unread.

What the servers do not agree on is left untyped, and looked at when it is there: one odd field must not break a stream.
"""

from typing import Any

import msgspec
from msgspec import Struct


class UsageSaid(Struct):
    """Tokens; a server that sends them on every chunk counts on from the start."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    total_tokens: Any = None
    prompt_tokens_details: Any = None
    completion_tokens_details: Any = None
    prompt_cache_hit_tokens: Any = None
    """DeepSeek's."""
    num_cached_tokens: Any = None
    """Mistral's."""


class Part(Struct):
    """A piece of content where content is a list: Mistral's reasoning models."""

    type: str = ""
    text: str | None = None
    thinking: "list[Part] | str | None" = None
    signature: str | None = None


class FunctionSaid(Struct):
    """A function call, or a piece of one."""

    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"")
    """A string, or the object itself: as written, since its numbers may be larger than any float."""


class CallSaid(Struct):
    """One of `tool_calls`."""

    index: int | None = None
    id: str | None = None
    function: FunctionSaid | None = None


class Delta(Struct):
    """A message, or a piece of one."""

    content: str | list[Part] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_details: Any = None
    tool_calls: list[CallSaid] | None = None
    refusal: Any = None
    annotations: Any = None
    function_call: FunctionSaid | None = None


class Choice(Struct):
    """One answer; only the first is ever asked for."""

    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: Any = None
    error: Any = None


class GroqSaid(Struct):
    """Groq's own part of a chunk."""

    usage: UsageSaid | None = None
    error: Any = None


class Chunk(Struct):
    """A completion, or a chunk of one."""

    id: Any = None
    object: Any = None
    model: Any = None
    choices: list[Choice] | None = None
    usage: UsageSaid | None = None
    error: Any = None
    x_groq: GroqSaid | None = None


decode = msgspec.json.Decoder(Chunk).decode
_decode_text = msgspec.json.Decoder(str).decode


def arguments_text(raw: msgspec.Raw) -> str:
    """Arguments as JSON text, whether they came as a string or as an object."""
    written = bytes(raw)
    if written.startswith(b'"'):
        return _decode_text(written)
    return "" if written == b"null" else written.decode()
