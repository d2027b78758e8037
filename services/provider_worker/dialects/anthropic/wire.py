"""Anthropic's messages and stream events, as far as they are read. Unknown fields and types pass by unread."""

from typing import Any

import msgspec
from msgspec import Struct

Json = dict[str, Any]


class OutputDetails(Struct):
    """What the output tokens were spent on; older models do not say."""

    thinking_tokens: int | None = None


class UsageSaid(Struct):
    """Cumulative in a stream; a field that is not told keeps its last value."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class Block(Struct):
    """A content block, whole or just begun."""

    type: str
    text: str = ""
    citations: list[Json] | None = None
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"")
    """As written: its numbers may be larger than any float."""


class ErrorSaid(Struct):
    """`error` of an error body or event."""

    type: str = ""
    message: str = ""


class StopDetails(Struct):
    """Why the model refused."""

    explanation: str | None = None


class Message(Struct):
    """A message, whole or just begun."""

    type: str = ""
    id: str = ""
    model: str = ""
    content: list[Block] = []
    stop_reason: str | None = None
    stop_sequence: Any = None
    stop_details: StopDetails | None = None
    usage: UsageSaid | None = None
    error: ErrorSaid | None = None


class Delta(Struct):
    """What a content_block_delta or message_delta adds."""

    type: str = ""
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    citation: Json | None = None
    stop_reason: str | None = None
    stop_sequence: Any = None
    stop_details: StopDetails | None = None


class StreamEvent(Struct):
    """Any event of the stream."""

    type: str = ""
    index: int = 0
    delta: Delta | None = None
    content_block: Block | None = None
    message: Message | None = None
    usage: UsageSaid | None = None
    error: ErrorSaid | None = None


decode_message = msgspec.json.Decoder(Message).decode
decode_event = msgspec.json.Decoder(StreamEvent).decode
